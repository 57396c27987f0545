"""What the named parts of a Tx have in common: the session and the time of its transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fhir_mh.store.session import Session
from fhir_mh.store.values import to_ms


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
