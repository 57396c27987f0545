"""Conflicts that wait for somebody, as the store keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fhir_mh.clock import ManualClock
from fhir_mh.errors import Conflict
from fhir_mh.fhir.json import loads
from fhir_mh.store import Store, StoredConflict

START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def add(store: Store, name: str, *, person: str = "p", theirs_by: str = "WARD") -> StoredConflict:
    return store.write_now(
        lambda tx: tx.conflicts.add(
            name,
            person=person,
            path="goals[g].status",
            reason="both-changed",
            theirs_by=theirs_by,
            base=None,
            ours={"text": "ours", "n": loads("1.50")},
            theirs="theirs",
        )
    )


def test_every_text_comes_back_as_it_was(store: Store) -> None:
    added = add(store, "c")
    held = store.read_now(lambda tx: tx.conflicts.get("c"))
    assert held == added
    assert held is not None
    assert (held.base, str(held.ours["n"]), held.theirs, held.raised) == (None, "1.50", "theirs", START)
    assert store.read_now(lambda tx: tx.conflicts.get("another")) is None
    with pytest.raises(Conflict):
        add(store, "c")


def test_what_waits_is_listed_oldest_first_until_it_is_decided(store: Store, clock: ManualClock) -> None:
    for name, person in (("z", "p"), ("a", "p"), ("b", "q")):
        add(store, name, person=person)
        clock.advance(timedelta(seconds=1))

    def waiting(persons: list[str] | None = None) -> list[str]:
        return [one.id for one in store.read_now(lambda tx: tx.conflicts.waiting(persons=persons))]

    assert (waiting(), waiting(["p"]), waiting(["p", "q"])) == (["z", "a", "b"], ["z", "a"], ["z", "a", "b"])
    store.write_now(lambda tx: tx.conflicts.decide("a", "kept", {"decision": "keep"}, edition=4))
    assert waiting() == ["z", "b"]
    held = store.read_now(lambda tx: tx.conflicts.get("a"))
    assert held is not None
    assert (held.outcome, held.decision, held.edition, held.decided) == ("kept", {"decision": "keep"}, 4, clock.now())


def test_a_conflict_is_decided_once(store: Store) -> None:
    add(store, "c")
    store.write_now(lambda tx: tx.conflicts.decide("c", "kept", {}, edition=1))
    with pytest.raises(Conflict) as caught:
        store.write_now(lambda tx: tx.conflicts.decide("c", "accepted", {}, edition=2))
    assert caught.value.issues[0].code == "conflict-decided"
    held = store.read_now(lambda tx: tx.conflicts.get("c"))
    assert held is not None
    assert held.outcome == "kept"


def test_each_proposal_that_it_answers_is_noted_once(store: Store) -> None:
    add(store, "c")
    for proposal in ("one", "two", "one"):
        store.write_now(lambda tx, proposal=proposal: tx.conflicts.answers("c", proposal))
    held = store.read_now(lambda tx: tx.conflicts.get("c"))
    assert held is not None
    assert held.proposals == ("one", "two")


def test_outcomes_are_found_by_whose_text_it_was_and_since_which_edition(store: Store) -> None:
    for number, (name, theirs_by) in enumerate([("a", "WARD"), ("b", "WARD"), ("c", "UNIT"), ("d", "WARD")]):
        add(store, name, theirs_by=theirs_by)
        if name != "d":
            store.write_now(lambda tx, c=name, n=number: tx.conflicts.decide(c, "kept", {}, edition=n + 1))

    def decided(after: int) -> list[str]:
        return [one.id for one in store.read_now(lambda tx: tx.conflicts.decided("p", "WARD", after=after))]

    assert (decided(0), decided(1), decided(2)) == (["a", "b"], ["b"], [])
