"""When a decision may come out otherwise by time alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext, AccessRequest, Directive, decide, directives_of, turns_next

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
STEP = timedelta(milliseconds=1)


def rule(**period: str | None) -> dict[str, Any]:
    return {"decision": "deny", "period": {name: value for name, value in period.items() if value is not None}}


def directives(*rules: dict[str, Any], **more: Any) -> list[Directive]:
    return directives_of([{"id": "d", **more, "terms": {"exceptions": list(rules)}}], {})


def shared(held: list[Directive], moment: datetime) -> frozenset[str]:
    return decide(AccessRequest(AccessContext("ZOA1"), True, False, instant(moment)), held).permitted


@pytest.mark.parametrize(
    ("start", "end", "turns"),
    [
        ("2026-11-25", None, "2026-11-25T00:00:00+00:00"),
        ("2026-12", None, "2026-12-01T00:00:00+00:00"),
        ("2027", None, "2027-01-01T00:00:00+00:00"),
        ("2026-11-24T10:00:00Z", None, "2026-11-24T10:00:00+00:00"),
        ("2026-11-25T00:30:00+01:00", None, "2026-11-24T23:30:00+00:00"),
        (None, "2026-11-24", "2026-11-25T00:00:00+00:00"),
        (None, "2026-11", "2026-12-01T00:00:00+00:00"),
        (None, "2028", "2029-01-01T00:00:00+00:00"),
        (None, "2026-11-24T09:00:00Z", "2026-11-24T09:00:00.001000+00:00"),
        ("2026-11-20", "2026-11-30", "2026-12-01T00:00:00+00:00"),
        ("2026-11-26", "2026-11-30", "2026-11-26T00:00:00+00:00"),
        ("2026-11-24", None, None),
        (None, "2026-11-23", None),
        (None, "9999", None),
        (None, None, None),
    ],
)
def test_a_bound_is_passed_when_deciding_says_so(start: str | None, end: str | None, turns: str | None) -> None:
    held = directives(rule(start=start, end=end))
    found = turns_next(held, NOW)
    assert (None if found is None else found.isoformat()) == turns
    if found is not None:
        assert shared(held, found - STEP) == shared(held, NOW)
        assert shared(held, found) != shared(held, NOW)


def test_the_earliest_of_all_bounds_counts_and_of_what_is_not_in_force_none() -> None:
    later, sooner = rule(start="2026-12-24"), rule(end="2026-11-30")
    inside = {**rule(end="2027"), "exceptions": [{**rule(end="2026-11-28"), "decision": "permit"}]}
    found = turns_next([*directives(later), *directives(sooner, inside)], NOW)
    assert found == datetime(2026, 11, 29, tzinfo=UTC)
    assert turns_next(directives(sooner, status="inactive"), NOW) is None


@pytest.mark.parametrize(
    ("around", "inside", "turns"),
    [
        ("2026-11", "2026-11-25", datetime(2026, 11, 26, tzinfo=UTC)),
        ("2026-11-24", "2026-11-24T12:00:00Z", NOW.replace(hour=12) + STEP),
    ],
)
def test_of_an_end_inside_another_each_is_passed(around: str, inside: str, turns: datetime) -> None:
    held = directives({"period": {"end": around}, "exceptions": [rule(end=inside)]})
    assert turns_next(held, NOW) == turns
    assert shared(held, turns - STEP) == shared(held, NOW) != shared(held, turns)


BOUNDS = st.one_of(
    st.none(),
    st.sampled_from(["2026", "2026-11", "2026-12", "2027", "no date", "2026-11-24T12:00"]),
    st.integers(-5, 5).map(lambda days: (NOW + timedelta(days=days)).date().isoformat()),
    st.integers(-200, 200).map(lambda hours: instant(NOW + timedelta(hours=hours))),
)
RULES = st.builds(lambda decision, start, end: {**rule(start=start, end=end), "decision": decision},
                  st.sampled_from(["permit", "deny"]), BOUNDS, BOUNDS)  # fmt: skip


@given(st.lists(RULES, max_size=5), st.integers(0, 400))
def test_until_then_every_decision_is_as_it_is_now(rules: list[dict[str, Any]], hours: int) -> None:
    held = directives(*rules)
    found = turns_next(held, NOW)
    later = NOW + timedelta(hours=hours)
    if found is None or later < found:
        assert shared(held, later) == shared(held, NOW)
    if found is not None:
        assert found > NOW
        assert shared(held, found - STEP) == shared(held, NOW)
