"""When somebody's sharing rules turn, as the store keeps it: one moment for each person, and due until it is taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fhir_mh.clock import ManualClock
from fhir_mh.store import Store

START = datetime(2026, 11, 24, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def keep(store: Store, person: str, at: datetime | None) -> None:
    store.write_now(lambda tx: tx.turnings.keep(person, at))


def due(store: Store, limit: int = 10) -> list[str]:
    return store.read_now(lambda tx: tx.turnings.due(limit))


def test_the_moment_that_was_said_last_counts(store: Store, clock: ManualClock) -> None:
    keep(store, "p", START + HOUR)
    keep(store, "p", START + 3 * HOUR)
    keep(store, "q", START + 2 * HOUR)
    keep(store, "r", START + HOUR)
    keep(store, "r", None)
    clock.advance(2 * HOUR)
    assert due(store) == ["q"]
    clock.advance(HOUR)
    assert due(store) == ["q", "p"]
    assert due(store, 1) == ["q"]


def test_one_that_is_due_stays_so_until_it_is_taken(store: Store, clock: ManualClock) -> None:
    keep(store, "p", START + HOUR)
    keep(store, "q", START + HOUR)
    clock.advance(HOUR)
    keep(store, "p", START + 5 * HOUR)
    keep(store, "q", None)
    assert due(store) == ["p", "q"]
    store.write_now(lambda tx: tx.turnings.take("p"))
    keep(store, "p", START + 5 * HOUR)
    assert due(store) == ["q"]


def test_one_is_brought_forward_and_never_put_back_by_that(store: Store, clock: ManualClock) -> None:
    keep(store, "q", START + HOUR)
    clock.advance(HOUR)
    keep(store, "p", START + 5 * HOUR)
    store.write_now(lambda tx: tx.turnings.hasten(["p", "q", "r"]))
    assert due(store) == ["p", "q", "r"]
