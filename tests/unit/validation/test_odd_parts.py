"""Any JSON in place of any part of a resource, or of a definition, that has rules of its own: never a fault of ours."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh import Validator
from fhir_mh.errors import PackageError
from tests.unit.validation import test_answers as answers
from tests.unit.validation import test_definitions as definitions
from tests.unit.validation.test_laws import places, replaced
from tests.unit.validation.test_profile_faults import URL, profile, sliced

Json = dict[str, Any]
ODD: list[Any] = [None, {}, [], "x", 1, True, -1.5, {"a": 1}, {"x": {}}, [[]], [{}], ["x"]]
BEFORE = {"enableWhen": [{"question": "q", "operator": "=", "answerString": "x"}], "enableBehavior": "all"}
ASKED = answers.asks(
    answers.question(required=True),
    answers.question("choice", "c", answerOption=answers.CODED, **BEFORE),
    answers.question("group", "g", item=[answers.question("quantity", "h", **answers.MOST)]),
    answers.question(link="r", maxLength=3, **answers.extension("regex", valueString="[a-z]+")),
)
ANSWERED = answers.response(
    answers.given("x"),
    answers.coded("urn:s", "a", "b"),
    {"linkId": "g", "item": [answers.given(answers.KG, link="h", form="valueQuantity")]},
    answers.given("abc", link="r"),
)
PROFILE = profile(
    *sliced(),
    {
        "path": "Patient.gender",
        "fixedCode": "male",
        "binding": {"strength": "required", "valueSet": "https://example.org"},
    },
    {"path": "Patient.birthDate", "minValueQuantity": answers.KG, "maxLength": 3},
    {"path": "Patient.link.other", "type": [{"code": "Reference", "targetProfile": ["https://example.org/other"]}]},
)
OTHER = profile({"path": "Patient.gender", "min": 1}, url="https://example.org/other")
OPERATION: Json = {
    "resourceType": "OperationDefinition", "name": "Send", "status": "active", "kind": "operation", "code": "send",
    "system": True, "type": False, "instance": False, "inputProfile": URL,
    "parameter": [{"name": "plan", "use": "in", "min": 1, "max": "1", "type": "CarePlan", "targetProfile": ["x"]}],
}  # fmt: skip
CAPABLE: Json = {
    "resourceType": "CapabilityStatement", "status": "active", "date": "2026", "kind": "requirements",
    "description": "x", "fhirVersion": "4.0.1", "format": ["json"],
    "rest": [{"mode": "server", "resource": [{"type": "Patient", "searchParam": [
        {"name": "b", "type": "date", "definition": "http://hl7.org/fhir/SearchParameter/individual-birthdate"}]}]}],
}  # fmt: skip
VITAL: Json = {
    "resourceType": "Observation", "status": "final",
    "category": [{"coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "276885007", "display": "x"}]},
}  # fmt: skip
PERSON: Json = {
    "resourceType": "Patient", "id": "1", "link": [{"other": {"reference": "Patient/1"}, "type": "seealso"}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}],
    "managingOrganization": {"reference": "#o"},
    "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "1"}],
}  # fmt: skip
DOCUMENT: Json = {
    "resourceType": "Bundle", "type": "document", "timestamp": "2026-01-01T00:00:00Z",
    "identifier": {"system": "urn:s", "value": "x"}, "link": [{"relation": "next", "url": "urn:u"}],
    "signature": {"type": [{"code": "a"}], "when": "2026-01-01T00:00:00Z", "who": {"display": "x"}, "data": "YQ=="},
    "entry": [
        {"fullUrl": "https://ehr.example/Composition/1", "resource": {
            "resourceType": "Composition", "id": "1", "status": "final", "type": {"text": "x"}, "date": "2026",
            "author": [{"display": "x"}], "title": "x", "subject": {"reference": "Patient/1"}}},
        {"fullUrl": "https://ehr.example/Patient/1", "resource": PERSON},
    ],
}  # fmt: skip


def changed(value: Json) -> list[Json]:
    paths = [path for path in places(value) if path and path != ("resourceType",)]
    return [replaced(value, path, by) for path in paths for by in ODD]


@pytest.mark.parametrize(
    ("resource", "held", "profiles"),
    [
        (ANSWERED, [ASKED], []),
        (OPERATION, [definitions.PARAMETERS], []),
        (CAPABLE, [], []),
        (VITAL, [], []),
        (PROFILE, [], []),
        (DOCUMENT, [], []),
        (PERSON, [PROFILE, OTHER], [URL]),
    ],
    ids=lambda part: part.get("resourceType") if isinstance(part, dict) else "",
)
def test_a_resource_of_which_a_part_is_odd_is_answered(resource: Json, held: list[Json], profiles: list[str]) -> None:
    validator = Validator(resources=held)
    for odd in changed(resource):
        validator.validate(odd, profiles)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("definition", "resource"),
    [(ASKED, ANSWERED), (definitions.PARAMETERS, OPERATION), (PROFILE, PERSON)],
    ids=["questionnaire", "parameters", "profile"],
)
def test_a_definition_of_which_a_part_is_odd_serves_or_is_refused(definition: Json, resource: Json) -> None:
    for odd in changed(definition):
        validator = Validator(resources=[odd, OTHER])
        try:
            validator.validate(resource, [URL] if definition is PROFILE else [])
        except PackageError:
            continue


@pytest.mark.parametrize(
    "name", ["Patient.", "Patient..", "Patient.contact", "Patient.contact.", ".", "", "Patient/", "*"]
)
def test_what_only_begins_with_the_name_of_a_type_is_none(name: str, validator: Validator) -> None:
    for resource in ({"resourceType": name}, {"resourceType": "Patient", "contained": [{"resourceType": name}]}):
        assert "validate-type-unknown" in {found.code for found in validator.validate(resource).issues}
    inside = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": name}}]}
    assert "validate-type-unknown" in {found.code for found in validator.validate(inside).issues}
