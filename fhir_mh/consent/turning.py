"""When a decision may come out otherwise for no other reason than that time has passed. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from fhir_mh.clock import instant
from fhir_mh.consent.directives import Directive, has_begun, is_over

_STEP = timedelta(milliseconds=1)  # as exact as an instant is told
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)


def turns_next(directives: Iterable[Directive], now: datetime) -> datetime | None:
    """The first moment after now at which one of the rules begins or ends to hold, as `decide` reads their bounds.

    None where none ever does. now: in whole milliseconds. Each bound is passed once, so that what holds is as now until
    then and never again.
    """
    rules = [rule for one in directives if one.active for rule in one.rules if rule.starts or rule.ends]
    if not rules:
        return None

    def held(moment: datetime) -> list[tuple[bool, bool]]:
        at = instant(moment)
        return [(has_begun(rule, at), is_over(rule, at)) for rule in rules]

    before, ahead = held(now), range(1, (_LAST - now) // _STEP + 1)
    found = bisect_left(ahead, True, key=lambda steps: held(now + steps * _STEP) != before)
    return now + ahead[found] * _STEP if found < len(ahead) else None
