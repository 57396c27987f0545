"""What the named parts of a Tx have in common: the session and the time of its transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from fhir_mh.store.session import Session
from fhir_mh.store.values import to_ms

T = TypeVar("T")


class Part:
    """One part of a store, within one transaction."""

    def __init__(self, session: Session, now: datetime, new_id: Callable[[], str]) -> None:
        self.session = session
        self.now = now
        self.new_id = new_id
        self._now_ms = to_ms(now)
        self.queued: Callable[[], None] = nobody  # to be called when a lane may have become due
        self.noted: Callable[[], None] = nobody  # to be called when there may be something to do for a subscription


def nobody() -> None:
    """Nobody waits for messages to be queued."""


def among(**wanted: object) -> tuple[str, tuple[object, ...]]:
    """AND column = ? for each that is not None, and the values."""
    given = {column: value for column, value in wanted.items() if value is not None}
    return "".join(f" AND {column} = ?" for column in given), tuple(given.values())


_AT_ONCE = 50  # rows that one statement inserts or names


def some_at_once(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """The rows in parts, each of as many as one statement may have."""
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]


def pairs(first: str, second: str, wanted: Sequence[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Conditions that together find the rows whose two columns are one of these pairs, and the values of each.

    OR, because SQLite goes through all there is for a list of pairs.
    """
    for some in some_at_once(wanted):
        yield " OR ".join([f"({first} = ? AND {second} = ?)"] * len(some)), [part for one in some for part in one]
