"""Instants as others wrote them, read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fhir_mh.clock import moment_of


@pytest.mark.parametrize(
    ("instant", "moment"),
    [
        ("2026-11-24T09:30:00Z", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24T10:30:00.000+01:00", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", None),
        ("9999-12-31T23:59:59-05:00", None),
        ("2026-11-24T09:30:00", None),
        ("2026-11-24", None),
        ("", None),
        ("yesterday", None),
    ],
)
def test_an_instant_is_read_in_utc_or_not_at_all(instant: str, moment: datetime | None) -> None:
    assert moment_of(instant) == moment
