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


def test_the_cases_agree_to_their_floor() -> None:
    spec = importlib.util.spec_from_file_location("score", SUITE / "score.py")
    assert spec and spec.loader
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    cases = [c for c in json.loads((SUITE / "index.json").read_text("utf-8"))["cases"] if c["module"] in MODULES]
    measured = score.measure(cases, predictions(cases), terminology=False)
    print(json.dumps(measured))
    for name, floor in FLOOR.items():
        assert measured[name] >= floor, (name, measured)
    assert measured["false_rejects"] == 0, measured
