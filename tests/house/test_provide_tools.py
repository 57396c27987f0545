"""What `make verify` and `make profiles` install for themselves: once, whole, with a line for what is not to be had."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from scripts import provide_tools
from tests.house.source import ROOT


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty .tools, and a path on which nothing is but what a test puts into tmp_path/bin."""
    monkeypatch.setattr(provide_tools, "SUSHI", tmp_path / "tools" / "sushi-9" / "node_modules" / ".bin" / "sushi")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path


def command(folder: Path, name: str, script: str) -> None:
    file = folder / "bin" / name
    file.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


INSTALLS = 'mkdir -p "$3/node_modules/.bin" && touch "$3/node_modules/.bin/sushi" && echo "$@" >> "$0.calls"'


def test_sushi_is_installed_once_at_the_pinned_version(tools: Path) -> None:
    command(tools, "npm", INSTALLS)
    assert provide_tools.main(["sushi"]) == 0
    assert provide_tools.main(["sushi"]) == 0
    assert provide_tools.SUSHI.exists()
    calls = (tools / "bin" / "npm.calls").read_text().splitlines()
    assert len(calls) == 1
    assert f"fsh-sushi@{provide_tools.SUSHI_VERSION}" in calls[0]


def test_a_broken_off_installation_leaves_no_command_behind(tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(tools, "npm", INSTALLS + '; echo "npm error: network" >&2; exit 1')
    assert provide_tools.main(["sushi"]) == 1
    assert not provide_tools.SUSHI.exists()
    assert capsys.readouterr().err == "sushi: npm failed: npm error: network\n"
    command(tools, "npm", INSTALLS)
    assert provide_tools.main(["sushi"]) == 0


def test_each_thing_that_is_missing_is_told_in_a_line_of_its_own(
    tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert provide_tools.main(["sushi", "browser"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["sushi", "browser"]


def test_a_browser_on_the_path_is_left_alone(tools: Path) -> None:
    command(tools, "chromium", "exit 1")
    command(tools, "apt-get", 'echo "$@" >> "$0.calls"')
    assert provide_tools.main(["browser"]) == 0
    assert not (tools / "bin" / "apt-get.calls").exists()


def test_without_root_no_package_of_the_system_is_installed(
    tools: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    command(tools, "apt-get", 'echo "$@" >> "$0.calls"')
    assert provide_tools.main(["browser"]) == 1
    assert not (tools / "bin" / "apt-get.calls").exists()
    assert "apt-get install chromium" in capsys.readouterr().err


def test_what_pip_installs_is_there_once_it_is_whole(
    tools: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(provide_tools, "ATHERIS", tools / "tools" / "atheris-9")
    monkeypatch.setattr(provide_tools, "PIP", ("pip",))
    command(tools, "pip", 'echo "no wheel for this Python" >&2; exit 1')
    assert provide_tools.main(["atheris"]) == 1
    assert not provide_tools.ATHERIS.exists()
    assert capsys.readouterr().err == "atheris: pip failed: no wheel for this Python\n"
    command(tools, "pip", 'echo "$@" >> "$0.calls"')
    assert provide_tools.main(["atheris"]) == 0
    assert provide_tools.main(["atheris"]) == 0
    assert provide_tools.ATHERIS.is_dir()
    (call,) = (tools / "bin" / "pip.calls").read_text().splitlines()
    assert call.endswith(f"atheris=={provide_tools.ATHERIS_VERSION}")


def test_what_is_installed_is_never_committed() -> None:
    assert ".tools/" in (ROOT / ".gitignore").read_text().splitlines()
