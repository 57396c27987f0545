"""More seeds than the tests run: a run that breaks a law is told, and those behind it still run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.sim.__main__ import run
from tests.sim.laws import LawBroken, Laws


def test_a_broken_law_is_told_with_its_seed(tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Laws) -> None:
        raise LawBroken("as an example")

    shutil.copy(empty, tmp_path)
    monkeypatch.setattr(Laws, "when_quiet", broken)
    told = run(3, tmp_path)
    assert told is not None
    assert "LawBroken: as an example" in told
    assert "--from 3 --seeds 1" in told


def test_a_seed_run_again_is_the_same_run(tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(empty, tmp_path)
    told: list[str] = []
    monkeypatch.setattr(Laws, "when_quiet", lambda laws: told.append("\n".join(laws.world.trace)))
    assert [run(3, tmp_path), run(3, tmp_path)] == [None, None]
    assert told[: len(told) // 2] == told[len(told) // 2 :]
