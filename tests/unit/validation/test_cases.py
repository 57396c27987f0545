"""tests/cases/validation.yaml, read as the specification of the validator."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from fhir_mh.issues import Issue
from fhir_mh.validation import Validator

CASES = Path(__file__).parents[2] / "cases"
HELD = yaml.safe_load((CASES / "validation.yaml").read_text("utf-8"))
DEFINITIONS = yaml.safe_load((CASES / "definitions.yaml").read_text("utf-8"))["definitions"]


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(resources=DEFINITIONS)


def resource_of(case: dict[str, Any]) -> dict[str, Any]:
    held = copy.deepcopy(case.get("resource") or HELD["base"][case["like"]])
    for path, value in case.get("set", {}).items():
        *outer, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        target = held
        for step in outer:
            target = target[step]
        if value is None:
            del target[last]
        else:
            target[last] = value
    return held


def places(found: tuple[Issue, ...], *severities: str) -> list[str]:
    return sorted(f"{entry.code} @ {entry.path}" for entry in found if not severities or entry.severity in severities)


@pytest.mark.parametrize("case", HELD["cases"], ids=lambda case: case["name"])
def test_case(case: dict[str, Any], validator: Validator) -> None:
    report = validator.validate(json.dumps(resource_of(case)), case.get("profiles", ()))
    errors = places(report.issues, "error", "fatal")
    if "errors" in case:
        assert errors == sorted(case["errors"])
    for code in case.get("errors_include", ()):
        assert any(entry.startswith(code) for entry in errors)
    for severity, key in (("warning", "warnings"), ("information", "information")):
        if key in case:
            assert places(report.issues, severity) == sorted(case[key])
    if "not_checked" in case:
        assert places(report.not_checked) == sorted(case["not_checked"])
    said = " ".join(f"{entry.message} {entry.fix}" for entry in report.issues)
    assert case.get("says", "") in said
    if "silent" in case:
        assert case["silent"] not in json.dumps([entry.as_dict() for entry in (*report.issues, *report.not_checked)])
    assert report.valid is not bool(errors)
    assert all(entry.line and entry.column and entry.fix and entry.spec for entry in report.issues)
