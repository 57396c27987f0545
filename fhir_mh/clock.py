"""The only reader of time. Everything else is handed a Clock, so that tests can hold it still."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol


def elapsed() -> float:
    """Seconds since some fixed moment: for how long something took, never for what time it is."""
    return time.monotonic()


class Clock(Protocol):
    """Tells the time, in UTC and with a zone."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when told to: for tests and the simulation."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move on; time never goes back."""
        if by < timedelta(0):
            raise ValueError("a clock does not run backwards")
        self._now += by


def moment_of(text: Any) -> datetime | None:
    """The time that a FHIR instant tells, in UTC; None for anything else, and for what no calendar can count."""
    if not isinstance(text, str) or "T" not in text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def instant(moment: datetime) -> str:
    """A FHIR instant in UTC with milliseconds, e.g. 2026-11-24T09:30:00.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
