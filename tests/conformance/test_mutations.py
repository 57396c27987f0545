"""The mutations themselves: the same each time, each a change, and none of the document it was made from."""

from __future__ import annotations

import copy
import random
from collections import Counter
from typing import Any

import pytest

from fhir_mh.fhir.json import dumps, loads
from tests.conformance.mutations import MUTATIONS, mutants, mutated

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">text</div>'
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "whole",
    "meta": {"lastUpdated": "2026-01-02T03:04:05Z"},
    "text": {"status": "generated", "div": DIV},
    "extension": [{"url": "https://vendor.example/e", "valueString": "text"}],
    "identifier": [{"use": "official", "system": "https://vendor.example/id", "value": "1"}],
    "active": True,
    "name": [{"family": "Example", "given": ["A", "B"], "period": {"start": "2026-01-02", "end": "2026-01-03"}}],
    "deceasedBoolean": False,
    "multipleBirthInteger": 2,
    "maritalStatus": {"coding": [{"system": "https://vendor.example/own", "code": "a"}]},
    "photo": [{"contentType": "image/png", "data": "aGVsbG8="}],
    "generalPractitioner": [{"reference": "Organization/1"}],
    "telecom": [{"rank": 1}],
}
QUANTITY: dict[str, Any] = {"resourceType": "Observation", "valueQuantity": {"value": 1, "unit": "kg"}}
BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"fullUrl": "urn:uuid:1", "resource": PATIENT, "request": {"method": "POST", "url": "Patient"}},
        {"fullUrl": "urn:uuid:2", "resource": PATIENT, "response": {"status": "201"}},
    ],
}


@pytest.mark.parametrize("kind", MUTATIONS)
def test_each_changes_a_copy_and_the_same_way_each_time(kind: str) -> None:
    made = []
    for document in (PATIENT, QUANTITY, BUNDLE):
        before = copy.deepcopy(document)
        first, second = (mutated(document, kind, random.Random(1)) for _ in range(2))
        assert document == before
        assert first == second
        made += [first] if first is not None else []
        assert first is None or dumps(first) != dumps(document)
        assert first is None or loads(dumps(first)) == first
    assert made


def test_a_document_has_mutants_of_the_kinds_made_least() -> None:
    made = Counter(dict.fromkeys(MUTATIONS, 1))
    made["a year alone"] = 0
    (mutant,) = mutants("whole", PATIENT, 1, made)
    assert mutant.kinds[0] == "a year alone"
    assert mutant.name.startswith("whole: a year alone")
    assert made["a year alone"] == 1


def test_the_mutants_of_a_document_differ_in_kind_and_are_the_same_each_time() -> None:
    first, second = (list(mutants("whole", PATIENT, 40, Counter())) for _ in range(2))
    assert first == second
    assert len({mutant.kinds[0] for mutant in first}) == len(first) == 40
    assert any(len(mutant.kinds) == 2 for mutant in first)
