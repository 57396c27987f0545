"""Partners in the store: versions of one series, removal, and what is known of copies. On both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from fhir_mh.errors import NotFound, VersionConflict
from fhir_mh.store import Store, Tx


def test_every_change_of_any_partner_is_the_next_of_one_series(store: Store) -> None:
    def changes(tx: Tx) -> list[int]:
        assert tx.partners.newest() == 0
        made = [tx.partners.add("ZOA1", "{}"), tx.partners.add("ZIU1", "{}")]
        made.append(tx.partners.change("ZOA1", '{"name": "x"}', expected=made[0].version))
        made.append(tx.partners.remove("ZIU1", expected=None))
        made.append(tx.partners.add("ZIU1", "{}"))
        assert tx.partners.newest() == made[-1].version
        return [one.version for one in made]

    assert store.write_now(changes) == [1, 2, 3, 4, 5]


def test_of_many_at_once_each_gets_a_number_of_its_own(store: Store) -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda n: store.write_now(lambda tx: tx.partners.add(f"ZOA{n}", "{}")), range(8)))
    assert sorted(one.version for one in made) == list(range(1, 9))


def test_a_partner_that_was_removed_is_kept_and_counts_no_more(store: Store) -> None:
    store.write_now(lambda tx: tx.partners.add("ZOA1", '{"name": "Away"}'))
    store.write_now(lambda tx: tx.partners.remove("ZOA1", expected=1))
    found = store.read_now(lambda tx: tx.partners.get("ZOA1"))
    assert found is not None
    assert (found.removed is not None, found.reached, found.text) == (True, None, '{"name": "Away"}')
    assert store.read_now(lambda tx: tx.partners.codes()) == []
    for again in (
        lambda tx: tx.partners.remove("ZOA1", expected=None),
        lambda tx: tx.partners.change("ZOA1", "{}", expected=2),
        lambda tx: tx.partners.change("ZIU1", "{}", expected=1),
    ):
        with pytest.raises(NotFound) as refused:
            store.write_now(again)
        assert refused.value.issues[0].code == "sync-unknown-partner"
    added = store.write_now(lambda tx: tx.partners.add("ZOA1", "{}"))
    assert (added.removed, added.reached) == (None, "")


def test_only_the_version_that_was_read_is_changed(store: Store) -> None:
    store.write_now(lambda tx: tx.partners.add("ZOA1", "{}"))
    for stale in (
        lambda tx: tx.partners.change("ZOA1", "{}", expected=7),
        lambda tx: tx.partners.remove("ZOA1", expected=7),
    ):
        with pytest.raises(VersionConflict):
            store.write_now(stale)
    assert store.read_now(lambda tx: tx.partners.newest()) == 1


def test_how_far_a_new_partner_s_people_were_looked_at_is_kept(store: Store) -> None:
    store.write_now(lambda tx: tx.partners.add("ZOA1", "{}"))
    store.write_now(lambda tx: tx.partners.reach("ZOA1", "person-7"))
    found = store.read_now(lambda tx: tx.partners.all())
    assert [(one.reached, one.version) for one in found] == [("person-7", 1)], "it is no change of the partner"
    store.write_now(lambda tx: tx.partners.reach("ZOA1", None))
    store.write_now(lambda tx: tx.partners.reach("ZOA1", "person-3"))  # a slower process comes too late
    assert [one.reached for one in store.read_now(lambda tx: tx.partners.all())] == [None]


def test_it_is_known_who_holds_something_of_whom(store: Store) -> None:
    def fill(tx: Tx) -> None:
        for name in ("p-1", "p-2"):
            tx.add_person(name)
            tx.currency.mark("ZOA1", name, "ZCT1", "sent", 1)
            tx.set_edition(name, "ZOA1", 3)
        tx.currency.mark("ZCT1", "p-1", "ZOA1", "stored", 3)  # ours of theirs
        tx.currency.end("ZIU1", "p-1", "ZCT1", "never sent anything")

    store.write_now(fill)
    assert store.read_now(lambda tx: tx.partners.holding("ZCT1")) == {"ZOA1": 2}
    assert store.read_now(lambda tx: tx.partners.keeps("ZOA1")) == ["p-1", "p-2"]
    assert store.read_now(lambda tx: tx.partners.keeps("ZIU1")) == []


def test_what_waits_for_a_partner_is_counted_by_kind(store: Store) -> None:
    def fill(tx: Tx) -> None:
        tx.add_person("p-1")
        tx.outbox.add("ZOA1", "p-1", "notice", payload="{}")
        tx.outbox.add("ZOA1", "p-1", "proposal", payload="{}")
        tx.outbox.add("ZOA1", "p-1", "proposal", payload="{}")
        tx.outbox.add("ZIU1", "p-1", "notice", payload="{}")

    store.write_now(fill)

    def count(tx: Tx) -> list[int]:
        return [
            tx.outbox.count(partner="ZOA1", state="pending", kind="notice"),
            tx.outbox.count(partner="ZOA1", state="pending", kind="proposal"),
        ]

    assert store.read_now(count) == [1, 2]
