"""The demo as a person runs it: it ends with 0 only where every step was seen to hold."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fhir_mh.cli import demo
from fhir_mh.cli.demo.ending import as_by_ctrl_c, undisturbed
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


class Playing:
    """The demo in a process of its own, with all that it writes under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.told = folder, folder / "told.txt"
        command = [sys.executable, "-m", "fhir_mh.cli", "demo"]
        with self.told.open("wb") as told:
            said = {**os.environ, "TMPDIR": str(folder)}
            ignored = signal.signal(
                signal.SIGHUP, signal.SIG_DFL
            )  # where these tests are run by nohup, the demo is not
            self.process = subprocess.Popen(command, stdout=told, stderr=told, env=said)
            signal.signal(signal.SIGHUP, ignored)

    def gateways(self) -> list[int]:
        """The processes of its gateways that run."""
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True
        ).stdout
        return [int(line.split()[0]) for line in listed.splitlines() if f"{self.folder}/fhir-mh-demo-" in line]

    def until(self, look: Callable[[], object]) -> None:
        deadline = time.monotonic() + 120
        while not look():
            assert time.monotonic() < deadline, self.told.read_text()
            assert self.process.poll() is None, self.told.read_text()
            time.sleep(0.02)

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(120)


@pytest.fixture
def playing(tmp_path: Path) -> Iterator[Playing]:
    found = Playing(tmp_path)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()
        for pid in found.gateways():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_told_to_stop_it_ends_its_gateways_and_leaves_nothing(playing: Playing) -> None:
    playing.until(lambda: "Ctrl-C stops all three." in playing.told.read_text())
    assert len(playing.gateways()) == 3
    assert playing.end(signal.SIGTERM) == DONE, playing.told.read_text()
    assert playing.gateways() == []
    assert list(playing.folder.iterdir()) == [playing.told]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_told_to_stop_while_it_is_starting_it_leaves_nothing_either(playing: Playing, how: signal.Signals) -> None:
    playing.until(playing.gateways)
    assert playing.end(how) not in (DONE, -how)
    assert playing.gateways() == []
    assert list(playing.folder.iterdir()) == [playing.told]
    assert "Traceback" not in playing.told.read_text()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_counts_after_what_must_not_be_disturbed(how: signal.Signals) -> None:
    done = []

    def work() -> None:
        with as_by_ctrl_c():
            with undisturbed():
                signal.raise_signal(how)
                signal.raise_signal(how)
                done.append("whole")
            done.append("more")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == ["whole"]
