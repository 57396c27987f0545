"""Definitions that are at odds with what they build on: profiles, operations, search parameters."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh import Validator
from tests.unit.validation.test_profile_faults import URL, profile

Json = dict[str, Any]
BASE = "https://example.org/StructureDefinition/base"
DISCRIMINATOR = "StructureDefinition.differential.element[1].slicing.discriminator[0]"
AT = "StructureDefinition.differential.element[1]"


def sliced_by(path: str, kind: str = "value", of: str = "Patient.telecom") -> Json:
    return {"path": of, "slicing": {"discriminator": [{"type": kind, "path": path}], "rules": "open"}}


def faults(definition: Json, *others: Json) -> set[tuple[str, str]]:
    report = Validator(resources=others).validate(definition)
    return {(one.code, one.path) for one in report.issues if one.code.startswith("validate-definition-")}


@pytest.mark.parametrize(
    ("element", "code", "place"),
    [
        ({"path": "Patient.mood"}, "validate-definition-path", AT),
        ({"path": "Patient.contact.mood"}, "validate-definition-path", AT),
        ({"path": "Patient.link.other", "min": 0}, "validate-definition-widens", AT),
        ({"path": "Patient.gender", "max": "*"}, "validate-definition-widens", AT),
        ({"path": "Patient.gender", "max": "2"}, "validate-definition-widens", AT),
        ({"path": "Patient.gender", "type": [{"code": "CodeableConcept"}]}, "validate-definition-widens", AT),
        ({"path": "Patient.birthDate", "binding": {"strength": "required", "valueSet": "https://example.org/vs"}},
         "validate-definition-binding", AT),
        (sliced_by("colour"), "validate-definition-discriminator", DISCRIMINATOR),
        (sliced_by("system.value.colour"), "validate-definition-discriminator", DISCRIMINATOR),
        (sliced_by("system)"), "validate-definition-discriminator", DISCRIMINATOR),
    ],
)  # fmt: skip
def test_a_profile_narrows_its_base(element: Json, code: str, place: str) -> None:
    assert faults(profile(element)) == {(code, place)}


@pytest.mark.parametrize(
    "element",
    [
        {"path": "Patient.name.family"},
        {"path": "Patient.deceasedBoolean"},
        {"path": "Patient.contact.relationship.coding.code", "fixedCode": "N"},
        {"path": "Patient.gender", "min": 1, "max": "1"},
        {"path": "Patient.deceased[x]", "type": [{"code": "boolean"}]},
        {"path": "Patient.maritalStatus", "binding": {"strength": "required", "valueSet": "https://example.org/vs"}},
        sliced_by("$this"),
        sliced_by("url", of="Patient.extension"),
        sliced_by("value", of="Patient.extension"),
        sliced_by("value.ofType(Quantity).code", of="Patient.extension"),
        sliced_by("resolve()", "type", of="Patient.generalPractitioner"),
        sliced_by("extension('https://example.org/e').value"),
        sliced_by("relationship.coding", of="Patient.contact"),
        sliced_by("id", of="Patient.contained"),
    ],
    ids=lambda element: str(element["path"]),
)
def test_what_a_profile_may_say(element: Json) -> None:
    assert faults(profile(element)) == set()


def test_a_value_that_the_base_fixes_stays() -> None:
    base = profile({"path": "Patient.gender", "fixedCode": "male"}, url=BASE)
    for code, found in (("male", set()), ("female", {("validate-definition-widens", AT)})):
        derived = profile({"path": "Patient.gender", "fixedCode": code}) | {"baseDefinition": BASE}
        assert faults(derived, base) == found


def test_what_the_same_profile_said_before_counts_too() -> None:
    elements = [{"path": "Patient.name", "max": "1"}, {"path": "Patient.name", "max": "2"}]
    assert faults(profile(*elements)) == {("validate-definition-widens", "StructureDefinition.differential.element[2]")}


def test_a_base_that_is_not_at_hand_is_said_not_to_be_checked() -> None:
    report = Validator().validate(profile({"path": "Patient.mood"}) | {"baseDefinition": BASE})
    assert ("validate-unchecked-profile", "StructureDefinition.baseDefinition") in {
        (one.code, one.path) for one in report.not_checked
    }


@pytest.mark.parametrize(
    "spoilt",
    [
        {"differential": {"element": ["Patient.mood"]}},
        {"differential": {"element": [{"path": 7}]}},
        {"differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "max": "many"}]}},
        {"differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "type": ["x"]}]}},
        {"differential": ["x"]},
        {"baseDefinition": 7},
        {"url": None},
    ],
)
def test_one_that_is_malformed_is_judged_by_its_shape_alone(spoilt: Json) -> None:
    assert faults(profile() | spoilt) == set()


PARAMETERS = profile(
    sliced_by("name", of="Parameters.parameter"),
    {"id": "Parameters.parameter:plan", "path": "Parameters.parameter", "sliceName": "plan", "min": 1, "max": "1"},
    {"id": "Parameters.parameter:plan.name", "path": "Parameters.parameter.name", "fixedString": "plan"},
    {"id": "Parameters.parameter:plan.value[x]", "path": "Parameters.parameter.value[x]", "max": "0"},
    {"id": "Parameters.parameter:plan.resource", "path": "Parameters.parameter.resource",
     "type": [{"code": "CarePlan"}]},
    kind="Parameters",
)  # fmt: skip


@pytest.mark.parametrize(
    ("parameter", "agrees"),
    [
        ({}, True),
        ({"min": 0}, False),
        ({"max": "*"}, False),
        ({"type": "Goal"}, False),
        ({"targetProfile": ["https://example.org/plan"]}, False),
        ({"name": "goal", "min": 0}, True),
        ({"use": "out", "min": 0}, True),
    ],
)
def test_an_operation_agrees_with_its_profile(parameter: Json, agrees: bool) -> None:
    told = {"name": "plan", "use": "in", "min": 1, "max": "1", "type": "CarePlan", **parameter}
    operation = {"resourceType": "OperationDefinition", "name": "Send", "status": "active", "kind": "operation",
                 "code": "send", "system": True, "type": False, "instance": False, "inputProfile": URL,
                 "parameter": [told]}  # fmt: skip
    expected = set() if agrees else {("validate-definition-operation", "OperationDefinition.inputProfile")}
    assert faults(operation, PARAMETERS) == expected


@pytest.mark.parametrize(
    ("components", "kind", "wrong"), [(2, "composite", False), (1, "composite", True), (0, "token", False)]
)
def test_a_composite_search_has_its_components(components: int, kind: str, wrong: bool) -> None:
    component = {"definition": "http://hl7.org/fhir/SearchParameter/Observation-code", "expression": "code"}
    search: Json = {"resourceType": "SearchParameter", "url": URL, "name": "Both", "status": "active", "code": "both",
                    "description": "x", "base": ["Observation"], "type": kind, "expression": "Observation"}  # fmt: skip
    if components:
        search["component"] = [component] * components
    assert faults(search) == ({("validate-definition-composite", "SearchParameter")} if wrong else set())


@pytest.mark.parametrize(("kind", "wrong"), [("token", False), ("date", True)])
@pytest.mark.parametrize("version", ["", "|4.0.1"])
def test_a_search_has_the_type_of_its_definition(kind: str, wrong: bool, version: str) -> None:
    url = f"http://hl7.org/fhir/SearchParameter/AllergyIntolerance-clinical-status{version}"
    search = {"name": "clinical-status", "type": kind, "definition": url}
    own = {"name": "own", "type": "date", "definition": "https://example.org/own"}
    offered = [{"type": "AllergyIntolerance", "searchParam": [own, search]}]
    told = {"resourceType": "CapabilityStatement", "status": "active", "date": "2026-01-01", "kind": "requirements",
            "description": "x", "fhirVersion": "4.0.1", "format": ["json"],
            "rest": [{"mode": "server", "resource": offered}]}  # fmt: skip
    at = "CapabilityStatement.rest[0].resource[0].searchParam[1]"
    assert faults(told) == ({("validate-definition-search", at)} if wrong else set())
