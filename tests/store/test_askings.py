"""Askings, as the store keeps them: what is in force, how many came, and when each lapses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhir_mh.clock import ManualClock
from fhir_mh.errors import Conflict
from fhir_mh.store import Store

START = datetime(2026, 11, 24, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def received(store: Store, name: str, until: datetime | None = START + HOUR, **more: Any) -> None:
    said = {"status": "coming", "person": "p", **more}
    store.write_now(lambda tx: tx.askings.add("received", "WARD", name, "ETREAT", until=until, **said))


def in_force(store: Store) -> list[str]:
    return [one.id for one in store.read_now(lambda tx: tx.askings.in_force("p"))]


def test_an_asking_comes_back_as_it_was_kept(store: Store) -> None:
    received(store, "a")
    kept = store.read_now(lambda tx: tx.askings.get("received", "WARD", "a"))
    assert kept is not None
    assert (kept.person, kept.purpose, kept.status, kept.asked) == ("p", "ETREAT", "coming", START)
    assert (kept.until, kept.ended) == (START + HOUR, None)
    assert store.read_now(lambda tx: tx.askings.get("made", "WARD", "a")) is None
    with pytest.raises(Conflict):
        received(store, "a")


def test_it_is_in_force_until_it_lapses_or_is_ended(store: Store, clock: ManualClock) -> None:
    received(store, "a")
    received(store, "b", START + 2 * HOUR)
    received(store, "none", None, status="nothing")
    assert in_force(store) == ["a", "b"]
    clock.advance(HOUR)
    assert in_force(store) == ["b"]
    (over,) = store.read_now(lambda tx: tx.askings.lapsed(10))
    assert over.id == "a"
    store.write_now(lambda tx: tx.askings.end_one(over))
    assert store.read_now(lambda tx: tx.askings.lapsed(10)) == []
    assert store.write_now(lambda tx: tx.askings.end("p", "WARD")) == 1
    assert in_force(store) == []
    assert store.write_now(lambda tx: tx.askings.end("p", "WARD")) == 0


def test_one_that_is_refused_keeps_nothing_alive(store: Store) -> None:
    received(store, "a")
    store.write_now(lambda tx: tx.askings.refuse("WARD", "a"))
    assert in_force(store) == []
    kept = store.read_now(lambda tx: tx.askings.get("received", "WARD", "a"))
    assert kept is not None
    assert (kept.status, kept.until) == ("nothing", None)


def test_those_of_one_partner_in_a_time_are_counted(store: Store, clock: ManualClock) -> None:
    for name in ("a", "b"):
        received(store, name)
    clock.advance(HOUR)
    received(store, "c")
    assert store.read_now(lambda tx: tx.askings.received_since("WARD", START)) == 1
    assert store.read_now(lambda tx: tx.askings.received_since("WARD", START - HOUR)) == 3
    assert store.read_now(lambda tx: tx.askings.received_since("UNIT", START - HOUR)) == 0


def test_one_made_says_nothing_of_anybody_until_a_plan_has_come(store: Store) -> None:
    store.write_now(lambda tx: tx.askings.add("made", "HOME", "a", "TREAT"))
    store.write_now(lambda tx: tx.askings.answered("HOME", "a", "coming"))
    kept = store.read_now(lambda tx: tx.askings.get("made", "HOME", "a"))
    assert kept is not None
    assert (kept.person, kept.status, kept.until) == (None, "coming", None)
    store.write_now(lambda tx: tx.askings.pulled("HOME", ["a", "not one of ours"], "p"))
    assert [one.id for one in store.read_now(lambda tx: tx.askings.of("p", "made", partner="HOME"))] == ["a"]
    assert store.read_now(lambda tx: tx.askings.of("p", "received")) == []
