"""The demo as a person runs it: it ends with 0 only where every step was seen to hold."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fhir_mh.cli import demo
from fhir_mh.cli.demo.providers import NotHeld
from fhir_mh.cli.demo.steps import STEPS
from fhir_mh.cli.demo.story import Story
from fhir_mh.cli.exits import DONE, NOT_HELD


def test_once_plays_every_step_and_ends() -> None:
    command = [sys.executable, "-m", "fhir_mh.cli", "demo", "--once"]
    played = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert played.returncode == DONE, played.stdout + played.stderr
    told = " ".join(played.stdout.split())
    for number, (title, _) in enumerate(STEPS, 1):
        assert f"{number}/{len(STEPS)} {title}" in told
    assert told.count("seen to hold (") == len(STEPS)
    assert played.stderr == ""


def test_a_step_that_does_not_hold_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(story: Story) -> None:
        raise NotHeld("the plan did not arrive")

    monkeypatch.setattr(demo, "STEPS", (*STEPS[:1], ("A step that breaks", breaks), *STEPS[1:]))
    assert demo.run(once=True) == NOT_HELD
    told = " ".join(capsys.readouterr().out.split())
    assert "step 2 did not hold (A step that breaks): the plan did not arrive" in told
    assert STEPS[1][0] not in told
