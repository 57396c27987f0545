"""What `fhir-mh validate` writes for people: errors one by one, and what stands everywhere once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fhir_mh.cli import validate


def bundle(tmp_path: Path, status: str = "active") -> Path:
    """Three plans without a narrative."""
    plan = {"resourceType": "CarePlan", "status": status, "intent": "plan", "subject": {"reference": "Patient/a"}}
    entries = [{"fullUrl": f"https://a.example/CarePlan/{n}", "resource": {**plan, "id": str(n)}} for n in range(3)]
    file = tmp_path / "plans.json"
    file.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}), "utf-8")
    return file


def test_a_warning_at_many_places_is_written_once_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate.run([bundle(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out.count("dom-6") == 1
    assert "2 more places" in said.out
    assert "3 others" in said.err


def test_all_writes_each_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validate.run([bundle(tmp_path)], everything=True)
    assert capsys.readouterr().out.count("dom-6") == 3


def test_errors_are_written_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert validate.run([bundle(tmp_path, status="live")]) == 1
    said = capsys.readouterr().out
    for number in range(3):
        assert f"error validate-binding at Bundle.entry[{number}].resource.status" in said


def test_for_programs_nothing_is_folded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validate.run([bundle(tmp_path)], output="ndjson")
    (line,) = capsys.readouterr().out.splitlines()
    assert len([one for one in json.loads(line)["issues"] if "dom-6" in one["message"]]) == 3
