"""What several of these tests begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.gateway.pair import HOME, Pair, person_with_a_plan
from tests.unit.gateway.server import Ward


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """A home team whose plan was written to the ward's own FHIR server."""
    made = Ward(tmp_path)
    made.save(HOME, person_with_a_plan())
    made.write_there()
    yield made
    made.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A home team and a ward that hold nothing yet."""
    made = Pair(tmp_path)
    yield made
    made.close()


@pytest.fixture
def planned(pair: Pair) -> Pair:
    """The home team has saved a plan, and the ward was sent nothing yet."""
    pair.save(HOME, person_with_a_plan())
    return pair


@pytest.fixture
def placed(planned: Pair) -> Pair:
    """The same with the plan at the ward."""
    planned.deliver()
    return planned
