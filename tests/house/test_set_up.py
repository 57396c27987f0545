"""`make setup`: does its work once, says what is missing, and leaves no stamp behind that is not true."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.house.source import ROOT


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("set_up", ROOT / "scripts/set_up.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "python").symlink_to(sys.executable)
    monkeypatch.setattr(module, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(module, "PYTHON", tmp_path / "python")
    return module


def test_it_installs_once(set_up: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[tuple[str, ...]] = []
    monkeypatch.setattr(set_up, "works", lambda: True)
    monkeypatch.setattr(set_up, "install", lambda *what: installed.append(what))
    assert set_up.main() == 0
    assert len(installed) == 2
    assert set_up.main() == 0
    assert len(installed) == 2
    set_up.STAMP.write_text("made from something else")
    assert set_up.main() == 0
    assert len(installed) == 4


def test_an_installation_that_stopped_is_not_taken_for_done(
    set_up: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*what: str) -> None:
        raise subprocess.CalledProcessError(3, what)

    monkeypatch.setattr(set_up, "works", lambda: True)
    monkeypatch.setattr(set_up, "install", stopped)
    assert set_up.main() == 3
    assert not set_up.STAMP.exists()
    assert "Traceback" not in capsys.readouterr().err


def test_an_old_python_is_refused(
    set_up: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 2))
    assert set_up.main() == 1
    assert "3.11" in capsys.readouterr().err


def test_a_folder_without_a_working_python_does_not_work(set_up: ModuleType, tmp_path: Path) -> None:
    assert set_up.works()
    set_up.PYTHON.unlink()
    assert not set_up.works()


def test_every_make_target_says_what_it_does() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "demo", "test", "verify", "lint", "bench"):
        assert f"make {target} " in shown
