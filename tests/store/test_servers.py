"""What is known of partners' FHIR servers, as the store keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fhir_mh.clock import ManualClock
from fhir_mh.errors import Conflict
from fhir_mh.store import Checkpoint, ServerCopy, Store

START = datetime(2026, 1, 5, tzinfo=UTC)
PLAN = ServerCopy("WARD", "CarePlan", "plan-1", "r-17", "6d7f0c9e-not-a-number", "a" * 64, "b" * 64)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def keep(store: Store, *copies: ServerCopy) -> None:
    for copy in copies:
        store.write_now(lambda tx, copy=copy: tx.server_copies.keep(copy))  # type: ignore[misc]


def test_where_a_resource_lies_is_found_by_either_name(store: Store, clock: ManualClock) -> None:
    keep(store, PLAN, replace(PLAN, partner="ELSEWHERE", remote_id="9"), replace(PLAN, type="CareTeam"))
    seen = replace(PLAN, seen=START)
    assert store.read_now(lambda tx: tx.server_copies.get("WARD", "CarePlan", "plan-1")) == seen
    assert store.read_now(lambda tx: tx.server_copies.at("WARD", "CarePlan", "r-17")) == seen
    assert store.read_now(lambda tx: tx.server_copies.at("WARD", "CarePlan", "9")) is None
    clock.advance(timedelta(hours=1))
    taken_in = replace(PLAN, remote_id="r-18", remote_version="2", held="c" * 64, sent=None)
    keep(store, taken_in)
    later = replace(taken_in, seen=START + timedelta(hours=1))
    assert store.read_now(lambda tx: tx.server_copies.get("WARD", "CarePlan", "plan-1")) == later
    assert store.read_now(lambda tx: tx.server_copies.at("WARD", "CarePlan", "r-17")) is None


def test_those_asked_for_are_found_at_once(store: Store) -> None:
    team = replace(PLAN, type="CareTeam")
    keep(store, PLAN, team, replace(PLAN, name="plan-2", remote_id="r-2"))
    asked = [("CarePlan", "plan-1"), ("CareTeam", "plan-1"), ("Goal", "plan-1")]
    found = store.read_now(lambda tx: tx.server_copies.some("WARD", asked))
    assert {key: replace(copy, seen=None) for key, copy in found.items()} == {asked[0]: PLAN, asked[1]: team}


def test_of_two_resources_only_one_lies_in_a_place(store: Store) -> None:
    keep(store, PLAN)
    with pytest.raises(Conflict):
        keep(store, replace(PLAN, name="plan-2"))


def test_what_lies_there_no_more_is_forgotten(store: Store) -> None:
    keep(store, PLAN, replace(PLAN, type="CareTeam"))
    store.write_now(lambda tx: tx.server_copies.forget("WARD", "CarePlan", "plan-1"))
    assert store.read_now(lambda tx: tx.server_copies.get("WARD", "CarePlan", "plan-1")) is None
    assert store.read_now(lambda tx: tx.server_copies.get("WARD", "CareTeam", "plan-1")) is not None


def test_how_far_a_source_was_read_is_told_until_it_is_read_further(store: Store, clock: ManualClock) -> None:
    def checkpoint(partner: str = "WARD", source: str = "CarePlan") -> Checkpoint | None:
        return store.read_now(lambda tx: tx.checkpoints.get(partner, source))

    assert checkpoint() is None
    store.write_now(lambda tx: tx.checkpoints.set("WARD", "CarePlan", "2026-01-05T00:00:00.123456Z"))
    assert checkpoint() == Checkpoint("WARD", "CarePlan", "2026-01-05T00:00:00.123456Z", START)
    clock.advance(timedelta(minutes=1))
    store.write_now(lambda tx: tx.checkpoints.set("WARD", "CarePlan", "x"))
    assert checkpoint() == Checkpoint("WARD", "CarePlan", "x", START + timedelta(minutes=1))
    assert (checkpoint("OTHER"), checkpoint(source="Goal")) == (None, None)


def test_what_was_noted_of_sources_is_found_by_how_they_begin_and_forgotten_one_by_one(store: Store) -> None:
    for partner, source in (("WARD", "hook/Goal"), ("WARD", "hook/CarePlan"), ("WARD", "Goal"), ("OTHER", "hook/Goal")):
        store.write_now(lambda tx, p=partner, s=source: tx.checkpoints.set(p, s, "x"))

    def found(partner: str | None = None) -> list[tuple[str, str]]:
        listed = store.read_now(lambda tx: tx.checkpoints.below("hook/", partner))
        return [(one.partner, one.source) for one in listed]

    assert found() == [("OTHER", "hook/Goal"), ("WARD", "hook/CarePlan"), ("WARD", "hook/Goal")]
    store.write_now(lambda tx: tx.checkpoints.forget("WARD", "hook/Goal"))
    assert found("WARD") == [("WARD", "hook/CarePlan")]


KEYS = [("CarePlan", "plan-1"), ("Goal", "goal-1")]


def unanswered(store: Store) -> list[set[int]]:
    return store.read_now(lambda tx: [tx.server_copies.unanswered("WARD", *key) for key in KEYS])


def test_what_left_is_unanswered_until_it_is_known_to_lie_there(store: Store) -> None:
    for edition in (3, 4, 5):
        store.write_now(lambda tx, e=edition: tx.server_copies.leaves("WARD", KEYS, e))  # type: ignore[misc]
    keep(store, PLAN)
    assert unanswered(store) == [{3, 4, 5}] * 2, "where it lies says nothing of what it says"
    keep(store, replace(PLAN, edition=4))
    assert unanswered(store) == [{5}, {3, 4, 5}]
    store.write_now(lambda tx: tx.server_copies.forget("WARD", "CarePlan", "plan-1"))
    assert unanswered(store) == [{5}, {3, 4, 5}], "it may have been written anew"


def test_what_was_refused_may_have_been_taken_before(store: Store) -> None:
    assert store.write_now(lambda tx: tx.server_copies.leaves("WARD", KEYS[:1], 3)) == set(KEYS[:1])
    new = store.write_now(lambda tx: tx.server_copies.leaves("WARD", KEYS, 3))
    assert new == set(KEYS[1:])
    store.write_now(lambda tx: tx.server_copies.stays_away("WARD", new, 3))
    assert unanswered(store) == [{3}, set()]
