"""Faults that the cases in tests/cases do not hold: each with its code and its place."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh import Validator

PATIENT = {"resourceType": "Patient"}


@pytest.mark.parametrize(
    ("resource", "code", "place"),
    [
        ({**PATIENT, "generalPractitioner": [{"reference": "over there"}]}, "validate-reference-form",
         "Patient.generalPractitioner[0].reference"),
        ({**PATIENT, "generalPractitioner": [{"reference": "Doctor/1"}]}, "validate-reference-form",
         "Patient.generalPractitioner[0].reference"),
        ({**PATIENT, "managingOrganization": {"type": "Hospital"}}, "validate-reference-form",
         "Patient.managingOrganization.type"),
    ],
)  # fmt: skip
def test_each_is_found_at_its_place(validator: Validator, resource: dict[str, Any], code: str, place: str) -> None:
    found = {(one.code, one.path) for one in validator.validate(resource).issues}
    assert (code, place) in found
