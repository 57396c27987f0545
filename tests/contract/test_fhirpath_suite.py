"""HL7's FHIRPath tests for R4 (corpora/fhirpath-r4): the share that passes must not fall."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.fhir.json import loads
from fhir_mh.fhirpath import FhirPathError, Node, compile_expression
from fhir_mh.fhirpath.function_values import to_string
from fhir_mh.fhirpath.values import system
from fhir_mh.packages.model import R4

SUITE = Path(__file__).parents[2].parent / "shared" / "corpora" / "fhirpath-r4"
FLOOR = 309  # of 311

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SUITE.is_dir(), reason="the third-party corpora (../shared/corpora/fhirpath-r4) are absent"),
]


def shown(item: Any) -> Any:
    value = system(item)
    if type(value) is Node:
        return json.dumps(value.value, sort_keys=True, default=str)
    return to_string(value)


def agrees(outputs: list[dict[str, Any]], found: list[Any]) -> bool:
    if len(outputs) != len(found):
        return False
    for wanted, item in zip(outputs, found, strict=True):
        text, value = shown(item), wanted["value"]
        if value is not None and text != value and text != str(value).lstrip("@").removeprefix("T"):
            try:
                if Decimal(text) != Decimal(value):
                    return False
            except ArithmeticError:
                return False
    return True


def passes(case: dict[str, Any]) -> bool:
    node = None
    if case["input"]:
        resource = loads((SUITE / "input" / case["input"]).read_bytes())
        node = Node(resource, resource["resourceType"])
    try:
        found = compile_expression(case["expression"]).evaluate(
            node, R4, strict=case["mode"] == "strict" or case["invalid"] == "semantic"
        )
    except FhirPathError:
        return case["invalid"] is not None
    if case["predicate"]:
        found = [bool(found) and found != [False]]
    return case["invalid"] is None and agrees(case["outputs"], found)


def test_the_suite_passes_to_its_floor() -> None:
    cases = json.loads((SUITE / "index.json").read_text("utf-8"))["tests"]
    failed = [f"{case['name']}: {case['expression']}" for case in cases if not passes(case)]
    print(f"FHIRPath: {len(cases) - len(failed)} of {len(cases)} tests pass")
    assert len(cases) - len(failed) >= FLOOR, "\n".join(failed)
