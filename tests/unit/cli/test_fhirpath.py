"""`fhir-mh fhirpath`: values as lines of JSON; what cannot be read ends it with 2 and no traceback."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from fhir_mh.cli import exits, main

PATIENT = (
    '{"resourceType": "Patient", "birthDate": "1970-01-01",'
    ' "name": [{"given": ["A", null], "_given": [null, {"id": "1"}]}],'
    ' "extension": [{"url": "urn:e", "valueDecimal": 1.50}]}'
)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "patient.json"
    path.write_text(PATIENT, "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("expression", "lines"),
    [
        ("name.given", ['"A"', "null"]),
        ("extension", ['{"url":"urn:e","valueDecimal":1.50}']),
        ("extension.value", ["1.50"]),
        ("birthDate + 1 month", ['"1970-02-01"']),
        ("2 days", ['"2 days"']),
        ("active.empty()", ["true"]),
        ("active", []),
    ],
)
def test_each_value_is_a_line(expression: str, lines: list[str], file: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["fhirpath", expression, file]) == exits.DONE
    assert capfd.readouterr().out.splitlines() == lines


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PATIENT.encode())))
    assert main(["fhirpath", "name.given[0]", "-"]) == exits.DONE
    assert capfd.readouterr().out == '"A"\n'


@pytest.mark.parametrize(
    ("expression", "content", "source"),
    [
        ("1 +", PATIENT, "the expression"),
        ("(" * 1000, PATIENT, "the expression"),
        ("name.given + 1", PATIENT, "patient.json"),
        ("name", "{", "patient.json"),
        ("name", "[]", "patient.json"),
        ("name", '{"resourceType": "Nothing"}', "patient.json"),
    ],
)
def test_what_cannot_be_read_is_said(
    expression: str, content: str, source: str, file: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(content, "utf-8")
    assert main(["fhirpath", expression, file]) == exits.BAD_INPUT
    said = capfd.readouterr()
    assert said.out == ""
    assert source in said.err
    assert "Traceback" not in said.err
