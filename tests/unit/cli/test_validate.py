"""`fhir-mh validate`: what it writes where, and its exit codes."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fhir_mh.cli import exits, main

GOOD = '{"resourceType": "Patient", "gender": "female"}'
BAD = '{"resourceType": "Patient",\n "gender": "somebody"}'
UNREADABLE = '{"resourceType": "Patient",\n "gender": }'


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    named = {"good": GOOD, "bad": BAD, "unreadable": UNREADABLE, "twice": '{"a": 1, "a": 2}', "list": "[]"}
    for name, text in named.items():
        (tmp_path / f"{name}.json").write_text(text)
    (tmp_path / "latin.json").write_bytes(b'{"resourceType": "Patient", "id": "\xe9"}')
    return {name: str(tmp_path / f"{name}.json") for name in (*named, "latin")}


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["good"], exits.DONE),
        (["bad"], exits.NOT_HELD),
        (["unreadable"], exits.BAD_INPUT),
        (["good", "bad", "good"], exits.NOT_HELD),
        (["unreadable", "bad"], exits.BAD_INPUT),
    ],
)
def test_the_worst_file_decides(files: dict[str, str], names: list[str], code: int) -> None:
    assert main(["validate", *(files[name] for name in names)]) == code


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("bad", "2:12: error validate-binding at Patient.gender"),
        ("unreadable", "2:12: fatal json-unreadable at"),
        ("twice", "1:10: fatal json-duplicate-key at $.a"),
        ("list", "1:1: fatal json-not-an-object at $"),
        ("latin", "1:36: fatal json-encoding at"),
    ],
)
def test_a_finding_stands_on_standard_output_with_its_place_and_how_to_mend_it(
    files: dict[str, str], name: str, head: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["validate", files[name]])
    said = capsys.readouterr()
    found = [block for block in said.out.split(f"{files[name]}:") if block.startswith(head)]
    assert found, said.out
    assert "\n    Fix: " in found[0]
    assert said.err.splitlines()[-1].startswith(f"{files[name]}: 1 error")


def test_json_is_a_line_for_each_file(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", files["good"], files["bad"], "--format", "json"])
    good, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert (good["file"], good["ok"]) == (files["good"], True)
    assert bad["ok"] is False
    (found,) = [one for one in bad["issues"] if one["severity"] == "error"]
    assert (found["code"], found["path"], found["line"], found["column"]) == (
        "validate-binding", "Patient.gender", 2, 12,
    )  # fmt: skip


def test_an_outcome_is_an_operation_outcome_for_each_file(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["validate", files["unreadable"], files["bad"], "--format", "outcome"])
    outcomes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["resourceType"] for one in outcomes] == ["OperationOutcome"] * 2
    assert outcomes[0]["issue"][0]["details"]["coding"][0]["code"] == "json-unreadable"


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(BAD.encode())))
    assert main(["validate", "-"]) == exits.NOT_HELD
    assert "standard input:2:12: error validate-binding" in capsys.readouterr().out


def test_what_could_not_be_checked_is_said_and_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "claims.json"
    file.write_text('{"resourceType": "Patient", "meta": {"profile": ["https://example.org/unknown"]}}')
    assert main(["validate", str(file)]) == exits.DONE
    said = capsys.readouterr()
    assert "not checked" in said.err


def test_a_profile_that_is_not_at_hand_ends_the_command(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["validate", files["good"], "--profile", "https://example.org/unknown"]
    assert main(asked) == exits.BAD_INPUT
    assert "https://example.org/unknown" in capsys.readouterr().err
    assert main(["validate", files["good"], "--package", "no-such-package@1"]) == exits.BAD_INPUT
