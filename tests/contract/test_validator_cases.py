"""HL7's validator test cases (corpora/fhir-test-cases), scored as their score.py does: the figures must not fall."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.errors import FhirMhError
from fhir_mh.fhir.json import loads
from fhir_mh.validation import Report, Validator

SUITE = Path(__file__).parents[2].parent / "shared" / "corpora" / "fhir-test-cases"
MODULES = ("general", "profile", "references", "bundle", "extensions", "sd", "xhtml", "fmt", "api")
FLOOR = {"agreement": 0.95, "error_path_recall": 0.85}
BEYOND = {"questionnaire": 0.9, "json5": 1.0, "xver": 1.0, "dsig": 0.0, "measure": 0.0, "tx": 0.0}  # the floor of each

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not SUITE.is_dir(), reason="the third-party corpora (../shared/corpora/fhir-test-cases) are absent"
    ),
]


def supporting(case: dict[str, Any]) -> list[dict[str, Any]]:
    run = case.get("profile_run") or {}
    names = [*(case.get("supporting") or ()), *(case.get("profiles") or ()), *(run.get("supporting") or ())]
    source = (case.get("profile_run") or {}).get("source")
    found = []
    for name in [*names, *([source] if source else [])]:
        path = SUITE / "validator" / Path(name).with_suffix(".json")
        if path.is_file():
            held = loads(path.read_bytes())
            entries = [e.get("resource") for e in held.get("entry", [])] if held["resourceType"] == "Bundle" else [held]
            found.extend(entry for entry in entries if entry)
    return found


def answer(report: Report) -> dict[str, Any]:
    return {
        "errors": sum(found.severity in ("error", "fatal") for found in report.issues),
        "issues": [
            {"severity": i.severity, "expression": [i.path], "code": i.code, "text": i.message} for i in report.issues
        ],
    }


def predictions(cases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for case in cases:
        if not case["file"].endswith(".json"):
            continue
        text = (SUITE / "validator" / case["file"]).read_bytes()
        validator = Validator(resources=supporting(case))
        found[case["name"]] = answer(validator.validate(text))
        source = (case.get("profile_run") or {}).get("source")
        if source:
            profile = loads((SUITE / "validator" / Path(source).with_suffix(".json")).read_bytes())["url"]
            try:
                found[case["name"] + "#profile"] = answer(validator.validate(text, [profile]))
            except FhirMhError:
                continue
    return found


def scored(*modules: str) -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("score", SUITE / "score.py")
    assert spec and spec.loader
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    cases = [c for c in json.loads((SUITE / "index.json").read_text("utf-8"))["cases"] if c["module"] in modules]
    measured: dict[str, Any] = score.measure(cases, predictions(cases), terminology=False)
    print(modules, json.dumps(measured))
    return measured


def test_the_cases_agree_to_their_floor() -> None:
    measured = scored(*MODULES)
    for name, floor in FLOOR.items():
        assert measured[name] >= floor, (name, measured)
    assert measured["false_rejects"] == 0, measured


@pytest.mark.parametrize("module", BEYOND)
def test_what_lies_beyond_care_plans_is_never_refused_wrongly(module: str) -> None:
    measured = scored(module)
    assert measured["agreement"] >= BEYOND[module], measured
    assert measured["false_rejects"] == 0, measured
