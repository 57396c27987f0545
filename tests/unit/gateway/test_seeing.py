"""What another organisation sees in a record is what is held, and nothing that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_mh.consent import AccessContext
from tests.unit.gateway.pair import HOME, WARD, Pair, person_with_a_plan


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    found = Pair(tmp_path)
    yield found
    found.close()


def test_a_change_of_ours_that_waits_is_for_our_own_systems(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    saved = pair.save(WARD, {"care_plans": [{"id": "care", "title": "Ours"}]})
    assert saved.proposed
    own, other = (asyncio.run(pair.gateways[WARD].record(AccessContext(ods), saved.id)) for ods in (WARD, HOME))
    assert ([one["title"] for one in own.tree["care_plans"]], len(own.pending)) == (["Ours"], 1)
    assert ([one["title"] for one in other.tree["care_plans"]], other.pending) == (["Care plan"], [])
