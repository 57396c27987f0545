"""Resources: versions, deletion, expectations, identifiers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhir_mh.clock import ManualClock
from fhir_mh.errors import Conflict, Gone, InvalidResource, NotFound, VersionConflict
from fhir_mh.fhir.json import load_object
from fhir_mh.store import Store, open_store
from fhir_mh.store.resources import identifiers_in, stamped

START = datetime(2026, 1, 5, 9, 30, 0, 123456, tzinfo=UTC)


def plan(id: str = "plan", **more: Any) -> dict[str, Any]:
    return {"resourceType": "CarePlan", "id": id, "status": "active", **more}


def put(store: Store, resource: dict[str, Any], **how: Any) -> Any:
    how = {"person": None, "custodian": "COMMUNITY", **how}
    return store.write_now(lambda tx: tx.put(resource, **how))


def test_what_is_put_is_what_is_got(store: Store) -> None:
    made = put(store, plan(description="sleep first"))
    assert (made.version, made.deleted, made.custodian, made.person) == (1, False, "COMMUNITY", None)
    assert store.read_now(lambda tx: tx.get("CarePlan", "plan")) == made
    assert made.body()["description"] == "sleep first"


def test_the_store_sets_version_and_time_and_nothing_else(store_url: str) -> None:
    text = (
        '{"resourceType":"CarePlan","id":"plan","meta":{"source":"urn:ehr","versionId":"77","tag":[{"code":"x"}]},'
        '"extension":[{"url":"urn:n","valueDecimal":1.50},{"url":"urn:e","valueDecimal":1E3},{"url":"urn:z","v":-0}],'
        '"description":"\\u0000 café"}'
    )
    with open_store(store_url, clock=ManualClock(START)) as store:
        made = put(store, load_object(text))
        held = store.read_now(lambda tx: tx.fetch("CarePlan", "plan"))
    assert held == made
    assert held.text.decode() == text.replace('"versionId":"77"', '"versionId":"1"').replace(
        '"tag":[{"code":"x"}]', '"tag":[{"code":"x"}],"lastUpdated":"2026-01-05T09:30:00.123Z"'
    )
    assert held.updated == START.replace(microsecond=123000)


def test_meta_is_added_after_the_id_and_the_callers_dict_is_left_alone() -> None:
    resource = plan()
    before = dict(resource)
    assert list(stamped(resource, 3, START)) == ["resourceType", "id", "meta", "status"]
    assert resource == before


def test_each_put_is_a_version_and_all_are_kept(store: Store) -> None:
    for words in ("one", "two", "three"):
        put(store, plan(description=words))
    page = store.read_now(lambda tx: tx.history("CarePlan", "plan", limit=2))
    assert [entry.body()["description"] for entry in page.entries] == ["three", "two"]
    assert page.next is not None
    rest = store.read_now(lambda tx: tx.history("CarePlan", "plan", before=int(page.next or 0), limit=2))
    assert ([entry.version for entry in rest.entries], rest.next) == ([1], None)
    second = store.read_now(lambda tx: tx.get_version("CarePlan", "plan", 2))
    assert second is not None
    assert second.body()["description"] == "two"
    assert store.read_now(lambda tx: tx.get_version("CarePlan", "plan", 4)) is None


def test_a_stale_expectation_is_refused(store: Store) -> None:
    put(store, plan(), expected_version=0)
    put(store, plan(), expected_version=1)
    for stale in (0, 1, 3):
        with pytest.raises(VersionConflict) as refused:
            put(store, plan(), expected_version=stale)
        assert refused.value.issues[0].code == "store-version-conflict"
    with pytest.raises(VersionConflict):
        put(store, plan("another"), expected_version=1)
    assert store.read_now(lambda tx: tx.fetch("CarePlan", "plan")).version == 2


def test_a_deletion_is_a_version_and_can_be_undone(store: Store) -> None:
    put(store, plan(identifier=[{"value": "7"}]))
    with pytest.raises(VersionConflict):
        store.write_now(lambda tx: tx.delete("CarePlan", "plan", expected_version=9))
    gone = store.write_now(lambda tx: tx.delete("CarePlan", "plan", expected_version=1))
    assert (gone.version, gone.deleted, gone.text) == (2, True, b"")
    assert store.write_now(lambda tx: tx.delete("CarePlan", "plan")) == gone
    with pytest.raises(Gone) as refused:
        store.read_now(lambda tx: tx.fetch("CarePlan", "plan"))
    assert [(one.code, one.path) for one in refused.value.issues] == [("store-gone", "CarePlan")]
    assert store.read_now(lambda tx: tx.search("CarePlan", count=True)).total == 0
    assert store.read_now(lambda tx: tx.search(identifiers=[(None, "7")])).entries == ()
    assert put(store, plan(identifier=[{"value": "7"}]), expected_version=0).version == 3
    assert len(store.read_now(lambda tx: tx.search(identifiers=[(None, "7")])).entries) == 1


def test_what_never_was_is_not_found(store: Store) -> None:
    assert store.read_now(lambda tx: tx.get("CarePlan", "plan")) is None
    assert store.read_now(lambda tx: tx.history("CarePlan", "plan")).entries == ()
    with pytest.raises(NotFound):
        store.read_now(lambda tx: tx.fetch("CarePlan", "plan"))
    with pytest.raises(NotFound):
        store.write_now(lambda tx: tx.delete("CarePlan", "plan"))


@pytest.mark.parametrize("broken", [{"id": "x"}, {"resourceType": "CarePlan"}, {"resourceType": "CarePlan", "id": 3}])
def test_a_resource_without_type_or_id_is_refused(store: Store, broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidResource) as refused:
        put(store, broken)
    assert refused.value.issues[0].code == "store-id-missing"


def test_a_resource_does_not_change_hands(store: Store) -> None:
    one, other = store.write_now(lambda tx: (tx.add_person(), tx.add_person()))
    put(store, plan(), person=one)
    with pytest.raises(Conflict) as refused:
        put(store, plan(), person=other)
    assert refused.value.issues[0].code == "store-person-changed"
    assert store.read_now(lambda tx: tx.record_head(other)) == 0
    with pytest.raises(Conflict):
        put(store, plan(), person=None)


def test_nothing_is_stored_about_an_unknown_person(store: Store) -> None:
    with pytest.raises(NotFound) as refused:
        put(store, plan(), person="nobody")
    assert refused.value.issues[0].code == "store-unknown-person"


def test_a_write_that_fails_leaves_nothing(store: Store) -> None:
    def halfway(tx: Any) -> None:
        tx.put(plan(), person=None, custodian="COMMUNITY")
        raise RuntimeError("no further")

    with pytest.raises(RuntimeError, match="no further"):
        store.write_now(halfway)
    assert store.read_now(lambda tx: tx.get("CarePlan", "plan")) is None


def test_reading_cannot_write(store: Store) -> None:
    with pytest.raises(Exception) as refused:  # noqa: PT011
        store.read_now(lambda tx: tx.put(plan(), person=None, custodian="COMMUNITY"))
    assert type(refused.value).__module__ == "fhir_mh.errors"
    assert store.read_now(lambda tx: tx.get("CarePlan", "plan")) is None


def test_identifiers_as_a_list_or_as_one() -> None:
    both = [{"system": "urn:a", "value": "1"}, {"value": "2"}, {"system": "urn:a"}, {"value": 3}]
    assert identifiers_in({"identifier": both}) == {("1", "urn:a"), ("2", "")}
    assert identifiers_in({"identifier": {"system": "urn:a", "value": "1"}}) == {("1", "urn:a")}
    assert identifiers_in({}) == set()


def test_the_index_follows_the_newest_version(store: Store) -> None:
    put(store, plan(identifier=[{"system": "urn:a", "value": "1"}, {"system": "urn:a", "value": "2"}]))
    put(store, plan(identifier=[{"system": "urn:a", "value": "2"}, {"system": "urn:b", "value": "3"}]))

    def found(system: str | None, value: str) -> int:
        return len(store.read_now(lambda tx: tx.search("CarePlan", identifiers=[(system, value)])).entries)

    assert [found("urn:a", "1"), found("urn:a", "2"), found("urn:b", "3"), found("urn:a", "3")] == [0, 1, 1, 0]


def test_many_at_once_are_stored_as_each_by_itself(store: Store) -> None:
    for turn in ("first", "second"):
        many = [plan(f"p{n}", identifier={"system": turn, "value": str(n)}) for n in range(60)]
        for one in [*many[:30], {**many[0], "id": "by itself"}]:
            put(store, one)
        store.write_now(lambda tx, many=many: tx.put_all([(one, None) for one in many], custodian="COMMUNITY"))
    keys = [("CarePlan", f"p{n}") for n in range(60)]
    held = store.read_now(lambda tx: tx.get_all([*keys, ("CarePlan", "unknown")]))
    assert [held[key].version for key in keys] == [4] * 30 + [2] * 30
    assert list(held.keys() - keys) == []
    assert [store.read_now(lambda tx, key=key: tx.get(*key)) for key in keys] == [held[key] for key in keys]

    def found(system: str, n: int) -> list[str]:
        page = store.read_now(lambda tx: tx.search("CarePlan", identifiers=[(system, str(n))]))
        return [one.id for one in page.entries]

    assert [found("first", n) for n in (0, 59)] == [[], []]
    assert [found("second", n) for n in (0, 59)] == [["p0", "by itself"], ["p59"]]


def test_times_come_from_the_clock_of_the_store(store_url: str) -> None:
    clock = ManualClock(START)
    with open_store(store_url, clock=clock) as store:
        first = put(store, plan())
        clock.advance(timedelta(seconds=1))
        assert put(store, plan()).updated - first.updated == timedelta(seconds=1)
