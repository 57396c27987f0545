"""How commands end: exit codes, and what is said on standard error."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_mh.cli import exits
from fhir_mh.errors import FhirMhError, InvalidResource, MappingError, UpstreamUnavailable
from fhir_mh.issues import issue

PRIVATE = "Rosalind Okafor 999 000 0018"


def raising(error: BaseException) -> int:
    def run() -> None:
        raise error

    return exits.guarded(run)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidResource(issues=[issue("json-duplicate-key", "$.status", key="status")]), exits.BAD_INPUT),
        (MappingError("two rows write one field"), exits.BAD_INPUT),
        (UpstreamUnavailable("the gateway does not answer"), exits.NOT_HELD),
        (FhirMhError("a step did not hold"), exits.NOT_HELD),
        (KeyboardInterrupt(), exits.INTERRUPTED),
        (SystemExit(1), exits.NOT_HELD),
        (SystemExit(None), exits.DONE),
        (ValueError(PRIVATE), exits.FAULT),
    ],
)
def test_each_end_has_its_code(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(error) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err


def test_nothing_raised_is_done() -> None:
    assert exits.guarded(lambda: None) == exits.DONE


def test_a_refusal_writes_its_issues(capsys: pytest.CaptureFixture[str]) -> None:
    raising(InvalidResource(issues=[issue("json-duplicate-key", "$.status", key="status", line=3, column=7)]))
    said = capsys.readouterr().err
    assert said.startswith("3:7: fatal json-duplicate-key at $.status\n")
    assert "Fix: " in said


def test_what_is_read_from_a_file_is_reported_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> None:
        with exits.reading(Path("plan.json")):
            raise InvalidResource(issues=[issue("json-not-an-object", "$", line=1, column=1)])

    assert exits.guarded(run) == exits.BAD_INPUT
    assert capsys.readouterr().err.startswith("plan.json:1:1: ")


def test_a_refusal_without_issues_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    raising(MappingError("two rows write one field"))
    assert capsys.readouterr().err == "error: two rows write one field\n"


def test_an_unexpected_fault_shows_a_reference_and_nothing_of_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    from fhir_mh.fhir.json import dumps

    code = exits.guarded(lambda: dumps({PRIVATE: object()}))
    said = capsys.readouterr().err
    assert code == exits.FAULT
    assert PRIVATE not in said
    assert "Traceback" not in said
    assert "fhir.json" in said


def test_the_same_fault_has_the_same_reference(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for value in ("one", "two"):
        raising(ValueError(value))
        said.append(capsys.readouterr().err)
    assert said[0] == said[1]
