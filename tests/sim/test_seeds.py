"""Runs drawn from a seed: whatever happens in whatever order, the laws of the protocol hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sim.servers import drawn
from tests.sim.world import World

FEW, MANY, STEPS = 5, 120, 30


@pytest.mark.parametrize(
    "seed", [*range(FEW), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(FEW, MANY))]
)
def test_the_laws_hold(seed: int, tmp_path: Path, empty: Path) -> None:
    with World(seed, tmp_path, empty, servers=drawn(seed)) as world:
        world.run(STEPS)
