"""When to try again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mh.store import Breaker
from fhir_mh.sync.retry import Retry, answered, probing, reopened

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLOSED = Breaker("ZOA1", "closed", 0, NOW, None)
LATER = NOW + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("failures", "limit"), [(1, 1), (2, 2), (3, 4), (8, 128), (9, 256), (10, 300), (11, 300), (5000, 300)]
)
def test_the_wait_doubles_up_to_the_longest(failures: int, limit: int) -> None:
    assert Retry().wait(failures, 0.5) == timedelta(seconds=limit / 2)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_full_jitter_is_between_nothing_and_the_limit(failures: int, draw: float) -> None:
    assert timedelta(0) <= Retry().wait(failures, draw) <= timedelta(minutes=5)


def test_the_breaker_opens_at_the_fifth_failure_in_a_row() -> None:
    breaker = CLOSED
    for _ in range(4):
        breaker = Retry().failed(breaker, NOW, 0.5)
        assert (breaker.state, breaker.retry_at) == ("closed", None)
    opened = Retry().failed(breaker, LATER, 0.5)
    assert (opened.state, opened.failures, opened.since) == ("open", 5, LATER)
    assert opened.retry_at == LATER + timedelta(seconds=8)


def test_a_probe_that_fails_keeps_it_open_since_when_it_was() -> None:
    probe = probing(Breaker("ZOA1", "open", 5, NOW, LATER), LATER + timedelta(seconds=90))
    assert (probe.state, probe.retry_at) == ("half-open", LATER + timedelta(seconds=90))
    failed = Retry().failed(probe, LATER, 0.5)
    assert (failed.state, failed.failures, failed.since, failed.retry_at) == (
        "open", 6, NOW, LATER + timedelta(seconds=16),
    )  # fmt: skip


def test_a_probe_that_showed_nothing_lets_the_next_go_at_once() -> None:
    probe = probing(Breaker("ZOA1", "open", 5, NOW, LATER), LATER)
    assert reopened(probe, NOW) == Breaker("ZOA1", "open", 5, NOW, NOW)
    assert reopened(CLOSED, NOW) is CLOSED


def test_one_answer_closes_it_and_forgets_the_failures() -> None:
    assert answered(CLOSED, NOW) is CLOSED
    assert answered(Breaker("ZOA1", "open", 9, NOW, LATER), LATER) == Breaker("ZOA1", "closed", 0, LATER, None)
    assert answered(Breaker("ZOA1", "closed", 2, NOW, None), LATER).failures == 0
