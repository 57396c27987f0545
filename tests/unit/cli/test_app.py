"""The command line as a whole: what it offers, how it starts, what it hands on."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fhir_mh import __version__
from fhir_mh.cli import app, exits, main

HEAVY = ("pydantic", "fastapi", "starlette", "sqlalchemy", "aiohttp", "httpx", "orjson")


class Handed:
    """Stands in for a command's body and keeps what it was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.given: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        body = ModuleType("handed")
        body.run = self.run  # type: ignore[attr-defined]
        monkeypatch.setitem(app.BODIES, name, "handed")
        monkeypatch.setitem(sys.modules, "handed", body)

    def run(self, *arguments: Any, **options: Any) -> int:
        self.given = arguments, options
        return exits.NOT_HELD


@pytest.mark.parametrize("arguments", [["--version"], ["--version", "--version"]])
def test_it_says_its_version(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == exits.DONE
    assert capsys.readouterr().out == f"fhir-mh {__version__}\n"


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_it_starts_without_what_it_does_not_need(arguments: list[str]) -> None:
    program = (
        "import sys; from fhir_mh.cli import main; main(sys.argv[1:]); "
        f"sys.exit(','.join(name for name in {HEAVY!r} if name in sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert ran.stderr.strip() == ""


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == exits.DONE
    shown = capsys.readouterr().out
    assert "Exit codes" in shown
    for name in app.BODIES:
        assert name in shown


@pytest.mark.parametrize("name", sorted(app.BODIES))
def test_each_command_explains_its_options(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Handed(monkeypatch, name)
    assert main([name, "--help"]) == exits.DONE
    shown = capsys.readouterr().out
    assert "Usage: fhir-mh" in shown
    assert "Exit codes" in shown
    assert "<bool>" not in shown, "what takes no value shows none"


@pytest.mark.parametrize("name", sorted(app.BODIES))
def test_every_command_offered_has_a_body(name: str) -> None:
    assert inspect.isfunction(import_module(app.BODIES[name]).run)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing-of-the-kind"],
        ["validate"],
        ["validate", "no-such-file.json"],
        ["map", "."],
        ["deliveries", "replay", "twelve"],
        ["deliveries", "replay", "0"],
        ["deliveries", "resume"],
        ["conflicts", "list", "--owner", "x", "--queue"],
        ["conflicts", "decide", "x"],
        ["conflicts", "decide", "x", "one", "-"],
    ],
)
def test_wrong_usage_is_bad_input(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Handed(monkeypatch, "validate")
    assert main(arguments) == exits.BAD_INPUT
    assert "Traceback" not in capsys.readouterr().err


def test_validate_hands_on_what_it_was_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    handed, file = Handed(monkeypatch, "validate"), tmp_path / "plan.json"
    file.write_text("{}")
    asked = ["--package", "a", "--package", "b", "--profile", "u", "--rules", "base", "--format", "outcome"]
    assert main(["validate", str(file), *asked]) == exits.NOT_HELD
    options = {"packages": ["a", "b"], "profiles": ["u"], "rules": "base", "output": "outcome", "everything": False}
    options |= {"resources_only": False, "jobs": 1}
    assert handed.given == (([file],), options)


def test_map_wants_a_file_and_both_formats(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    handed, file = Handed(monkeypatch, "map"), tmp_path / "extract.csv"
    file.write_text("")
    assert main(["map", str(file), "--from", "ward_csv"]) == exits.BAD_INPUT
    assert handed.given is None
    assert main(["map", "--from", "ward_csv", "--to", "fhir", str(file)]) == exits.NOT_HELD
    assert handed.given is not None
    assert handed.given[0] == (file,)
    assert main(["map", "--list"]) == exits.NOT_HELD


def test_serve_reads_its_settings_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handed, config = Handed(monkeypatch, "serve"), tmp_path / "gateway.toml"
    config.write_text('name = "Northern Fells"\nport = 1')
    assert main(["serve", "--config", str(config), "--port", "0", "--ods", "RXT"]) == exits.NOT_HELD
    assert handed.given is not None
    (settings,), _ = handed.given
    assert (settings.name, settings.port, settings.ods) == ("Northern Fells", 0, "RXT")

    handed.given = None
    config.write_text("prot = 1")
    assert main(["serve", "--config", str(config)]) == exits.BAD_INPUT
    assert handed.given is None
    said = capsys.readouterr().err
    assert said.startswith(f"{config}: error config-unknown-key at prot")


@pytest.mark.parametrize(
    ("arguments", "verb", "asked"),
    [
        (["list", "--partner", "RXT", "--all"], "list", {"partner": "RXT", "everything": True}),
        (["summary"], "summary", {}),
        (["show", "12"], "show", {"seq": 12}),
        (["replay", "12"], "replay", {"seq": 12, "partner": None, "code": None}),
        (
            ["replay", "--partner", "RXT", "--code", "sync-refused"],
            "replay",
            {"seq": None, "partner": "RXT", "code": "sync-refused"},
        ),
        (["resume", "RXT", "--person", "p"], "resume", {"partner": "RXT", "person": "p"}),
    ],
)
def test_deliveries_hands_on_what_is_asked_and_of_whom(
    arguments: list[str], verb: str, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = Handed(monkeypatch, "deliveries")
    named = ["--config", "c", "--gateway", "https://g", "--token-file", "t", "--json"]
    assert main(["deliveries", *arguments, *named]) == exits.NOT_HELD
    where = {"config": Path("c"), "gateway": "https://g", "token_file": Path("t"), "as_json": True}
    assert handed.given == ((verb,), {**where, **asked})


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["conflicts", "list", "--record", "999-000-0018"], "--record"),
        (["currency", "9990000018"], "RECORD"),
        (["deliveries", "resume", "RXT", "--person", "999 000 0018"], "--person"),
        (["merges", "preview", "kept", "9990000018"], "SUPERSEDED"),
        (["partners", "add", "9990000018", "--name", "Away", "--url", "https://away.example"], "ODS"),
        (["placements", "list", "9990000018"], "RECORD"),
        (["quarantine", "show", "9990000018"], "ID"),
    ],
)
def test_what_asks_a_gateway_takes_no_nhs_number(
    arguments: list[str], place: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = Handed(monkeypatch, arguments[0])
    assert main(arguments) == exits.BAD_INPUT
    said = capsys.readouterr()
    assert f"error cli-nhs-number at {place}" in said.err
    assert "0018" not in said.err + said.out
    assert handed.given is None


def test_the_demo_plays_on_unless_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    handed = Handed(monkeypatch, "demo")
    assert main(["demo", "--once"]) == exits.NOT_HELD
    assert handed.given == ((), {"once": True})


def test_it_runs_as_a_module(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "fhir_mh.cli", "--version"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ran.stdout == f"fhir-mh {__version__}\n"
