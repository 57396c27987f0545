"""Whatever a test of sync opens is closed after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.sync.wiring import OPEN


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """The stores of every node that the test made are closed once it is over."""
    yield
    OPEN.close()
