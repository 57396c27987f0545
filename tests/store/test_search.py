"""Search over what is current, and pages that neither repeat nor skip."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhir_mh.clock import ManualClock
from fhir_mh.errors import InvalidResource
from fhir_mh.store import Store, Tx, open_store

START = datetime(2026, 1, 5, tzinfo=UTC)


def add(tx: Tx, type: str, id: str, person: str | None = None, custodian: str = "A", **more: Any) -> None:
    tx.put({"resourceType": type, "id": id, **more}, person=person, custodian=custodian)


def ids(store: Store, *args: Any, **criteria: Any) -> list[str]:
    return [entry.id for entry in store.read_now(lambda tx: tx.search(*args, **criteria)).entries]


def test_criteria_are_joined_by_and_their_values_by_or(store: Store) -> None:
    def fill(tx: Tx) -> tuple[str, str]:
        one, other = tx.add_person(), tx.add_person()
        add(tx, "CarePlan", "p1", one, identifier=[{"system": "urn:a", "value": "1"}])
        add(tx, "CarePlan", "p2", other, identifier=[{"value": "1"}])
        add(tx, "Goal", "g1", one, "B", identifier=[{"system": "urn:b", "value": "1"}])
        return one, other

    one, other = store.write_now(fill)
    assert ids(store) == ["p1", "p2", "g1"]
    assert ids(store, "CarePlan") == ["p1", "p2"]
    assert ids(store, persons=[one]) == ["p1", "g1"]
    assert ids(store, "CarePlan", persons=[one, other], ids=["p2", "g1"]) == ["p2"]
    assert ids(store, persons=[]) == []
    assert ids(store, identifiers=[]) == []
    assert ids(store, identifiers=[(None, "1")]) == ["p1", "p2", "g1"]
    assert ids(store, identifiers=[("", "1")]) == ["p2"]
    assert ids(store, identifiers=[("urn:a", "1"), ("urn:b", "1")]) == ["p1", "g1"]
    assert ids(store, custodians=["B"]) == ["g1"]
    assert [found.id for found in store.read_now(lambda tx: tx.person_resources(one))] == ["p1", "g1"]
    assert [found.id for found in store.read_now(lambda tx: tx.person_resources(one, "B"))] == ["g1"]


def test_text_is_never_taken_for_a_pattern_or_for_sql(store: Store) -> None:
    odd = "100%_'?:x %s"
    store.write_now(lambda tx: add(tx, "CarePlan", "p1", identifier=[{"system": odd, "value": odd}]))
    assert ids(store, identifiers=[(odd, odd)]) == ["p1"]
    assert ids(store, identifiers=[(None, "100%")]) == []


def test_ranges_of_the_last_change(store_url: str) -> None:
    clock = ManualClock(START)
    with open_store(store_url, clock=clock) as store:
        for number in range(3):
            store.write_now(lambda tx, number=number: add(tx, "Goal", f"g{number}"))
            clock.advance(timedelta(hours=1))
        middle = START + timedelta(hours=1)
        after = middle + timedelta(microseconds=1)
        before = middle - timedelta(microseconds=1)
        assert ids(store, updated=[("ge", middle)]) == ["g1", "g2"]
        assert ids(store, updated=[("gt", middle)]) == ["g2"]
        assert ids(store, updated=[("le", middle)]) == ["g0", "g1"]
        assert ids(store, updated=[("lt", middle)]) == ["g0"]
        assert ids(store, updated=[("ge", middle), ("lt", after)]) == ["g1"]
        assert ids(store, updated=[("ge", after)]) == ["g2"]
        assert ids(store, updated=[("gt", before)]) == ["g1", "g2"]
        assert ids(store, updated=[("lt", after)]) == ["g0", "g1"]


def test_pages_stay_true_while_others_write(store: Store) -> None:
    store.write_now(lambda tx: [add(tx, "Goal", f"g{number:02}") for number in range(25)] and None)
    seen: list[str] = []
    cursor: str | None = None
    for turn in range(99):
        page = store.read_now(lambda tx, at=cursor: tx.search("Goal", cursor=at, limit=7, count=True))
        seen += [entry.id for entry in page.entries]
        cursor = page.next
        if cursor is None:
            break
        store.write_now(lambda tx, turn=turn: add(tx, "Goal", f"a{turn}"))  # sorts before all others
        store.write_now(lambda tx, turn=turn: add(tx, "Goal", f"g{turn:02}", status="changed"))
        store.write_now(lambda tx: tx.delete("Goal", "g24"))
    assert seen[:24] == [f"g{number:02}" for number in range(24)]
    assert len(seen) == len(set(seen))
    assert page.total == 24 + turn


def test_the_last_page_says_so(store: Store) -> None:
    store.write_now(lambda tx: [add(tx, "Goal", f"g{number}") for number in range(4)] and None)
    page = store.read_now(lambda tx: tx.search("Goal", limit=2))
    last = store.read_now(lambda tx: tx.search("Goal", limit=2, cursor=page.next))
    assert (page.next is None, last.next) == (False, None)


@pytest.mark.parametrize("cursor", ["", "k", "17", "k-1", "k1 OR 1=1", "k99999999999999999999", "k٣"])
def test_a_cursor_from_elsewhere_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        store.read_now(lambda tx: tx.search(cursor=cursor))
    assert refused.value.issues[0].code == "store-bad-cursor"
