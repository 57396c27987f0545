"""assert_conforms in another project's tests: a session of its own, in a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.validation.test_profile_faults import URL, profile

PATIENT = '{"resourceType": "Patient",\n "gender": "%s"}'
TESTS = """
import pytest

def test_right(assert_conforms):
    report = assert_conforms({right!r})
    assert [found.severity for found in report.issues] == ["warning"]

def test_wrong(assert_conforms):
    assert_conforms({wrong!r})

def test_a_warning(assert_conforms):
    assert_conforms({right!r}, warnings=False)

def test_a_profile_of_a_package(assert_conforms):
    assert_conforms({right!r}, {url!r})
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says of these tests."""
    folder: Path = tmp_path_factory.mktemp("project")
    text = TESTS.format(right=PATIENT % "female", wrong=PATIENT % "somebody", url=URL)
    (folder / "test_made.py").write_text(text)
    (folder / "definition.json").write_text(json.dumps(profile({"path": "Patient.birthDate", "min": 1})))
    (folder / "pytest.ini").write_text("[pytest]\nfhir_packages =\n    definition.json\n")
    command = [sys.executable, "-m", "pytest", "-p", "fhir_mh.pytest_plugin", "-p", "no:cacheprovider", "-rA", "-q"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("right", "PASSED"), ("wrong", "FAILED"), ("a_warning", "FAILED"), ("a_profile_of_a_package", "FAILED")],
)
def test_what_conforms_passes_and_nothing_else(ran: str, name: str, outcome: str) -> None:
    assert f"{outcome} test_made.py::test_{name}" in ran, ran


def test_a_failure_says_what_is_wrong_where_and_how_to_mend_it(ran: str) -> None:
    assert "2:12: error validate-binding at Patient.gender" in ran
    assert "error validate-required at Patient" in ran
    assert "    Fix: " in ran
    assert "Traceback" not in ran
