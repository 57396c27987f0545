"""When to try again: pure decisions. The caller brings the time and the draw, and keeps what comes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fhir_mh.store import Breaker


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential with full jitter: a wait between nothing and a limit that doubles from first to longest, without end.

    patience: how many failures in a row open a partner's breaker.
    """

    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=5)
    patience: int = 5

    def wait(self, failures: int, draw: float) -> timedelta:
        """How long to wait after that many failures in a row (from 1); draw is random, from 0 to below 1."""
        limit = self.first
        for _ in range(failures - 1):
            if limit >= self.longest:
                break
            limit *= 2
        return min(limit, self.longest) * draw

    def failed(self, breaker: Breaker, now: datetime, draw: float) -> Breaker:
        """The breaker after a partner did not answer: open once patience is at its end, or when a probe failed."""
        failures = breaker.failures + 1
        if breaker.state == "closed" and failures < self.patience:
            return replace(breaker, failures=failures)
        since = now if breaker.state == "closed" else breaker.since
        return Breaker(breaker.partner, "open", failures, since, now + self.wait(failures, draw))


def probing(breaker: Breaker, until: datetime) -> Breaker:
    """The breaker while one lane is let through; nobody lets another through before then."""
    return replace(breaker, state="half-open", retry_at=until)


def reopened(breaker: Breaker, now: datetime) -> Breaker:
    """The breaker when a probe came to nothing without showing how the partner is: the next may go at once."""
    return breaker if breaker.state == "closed" else replace(breaker, state="open", retry_at=now)


def answered(breaker: Breaker, now: datetime) -> Breaker:
    """The breaker after a partner has answered."""
    if breaker.state == "closed" and not breaker.failures:
        return breaker
    return Breaker(breaker.partner, "closed", 0, now, None)
