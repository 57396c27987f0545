"""How findings are told: what is wrong and the fix fit what is at fault, and read as sentences."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fhir_mh import Validator
from fhir_mh.fhir.json import loads
from fhir_mh.issues import Issue
from fhir_mh.packages.base import base_facts
from fhir_mh.validation.primitives import TESTS
from tests.unit.validation.test_profile_faults import URL, profile

Json = dict[str, Any]
ODD: list[Any] = [7, "ab cd", "", True, {}, [], None, loads("-0"), loads("1" * 30), 1.5, " ", "\x01", "urn:uuid:x"]
UUID = "0c3151bd-1cbf-4d64-b04d-cd9187a4c6e"  # but for its last digit
FAULTY: list[Json] = [
    {"resourceType": "some thing"},
    {"resourceType": []},
    {},
    {"resourceType": "Patient", "gender": "some body", "colour of hair": "red", "birthDate": 7},
    {"resourceType": "Patient", "link": [{"other": {"reference": "some where", "type": "some thing"}}]},
    {"resourceType": "Patient", "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "x"}]},
    {"resourceType": "Patient", "maritalStatus": {"coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "some thing"}]}},
    {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "#q",
     "contained": [{"resourceType": "Questionnaire", "id": "q", "status": "active"}],
     "item": [{"linkId": "some words of a person"}]},
]  # fmt: skip


def told(validator: Validator, resource: Any, *profiles: str) -> list[Issue]:
    report = validator.validate(resource, profiles)
    return [*report.issues, *report.not_checked]


@pytest.mark.parametrize("resource", FAULTY, ids=str)
def test_what_is_not_shown_stands_at_no_beginning_and_nothing_twice(validator: Validator, resource: Json) -> None:
    found = told(validator, resource)
    assert found
    for one in found:
        assert not re.match("a |an |none |true or false", one.message), one
        assert not re.search(r"\b(\w+) \1\b", one.message), one


@pytest.mark.parametrize("type_name", TESTS)
def test_what_a_primitive_is_not_is_told_as_what_it_must_be(type_name: str) -> None:
    for value in ODD:
        fault = TESTS[type_name](value)
        assert fault is None or fault.startswith(("must ", "should ")), (type_name, value)


@pytest.mark.parametrize("type_name", ["integer", "positiveInt", "unsignedInt"])
def test_a_whole_number_is_not_told_to_be_one(type_name: str) -> None:
    other = TESTS[type_name](1.5)
    for value in (loads("-0"), loads("1" * 30), loads("-" + "1" * 30)):
        assert TESTS[type_name](value) not in (None, other)


def test_an_unknown_form_of_a_choice_is_mended_by_the_forms_that_there_are(validator: Validator) -> None:
    (form,) = [one for one in told(validator, {"resourceType": "Patient", "deceasedString": "x"}) if one.is_error]
    (other,) = [one for one in told(validator, {"resourceType": "Patient", "colour": "x"}) if one.is_error]
    assert form.code == other.code == "validate-element-unknown"
    assert "deceasedBoolean" in form.fix
    assert "deceasedDateTime" in form.fix
    assert "extension" not in form.fix
    assert "extension" in other.fix


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        ({"fixedCodeableConcept": {"coding": [{"system": "urn:s", "code": "a"}], "text": "A plan"}},
         {"coding": [{"system": "urn:s", "code": "a"}], "text": "Somebody Known"}),
        ({"fixedCodeableConcept": {"coding": [{"system": "urn:s", "code": "a"}]}},
         {"coding": [{"system": "urn:s", "code": "a", "display": "Somebody"}]}),
        ({"patternCodeableConcept": {"coding": [{"system": "urn:s", "code": "a"}]}}, {"coding": [{"system": "urn:s"}]}),
        ({"patternCodeableConcept": {"coding": [{"system": "urn:s", "code": "a", "display": "A"}]}},
         {"coding": [{"system": "urn:s", "code": "a", "display": "Somebody"}]}),
    ],
)  # fmt: skip
def test_what_a_profile_fixes_is_told_where_it_differs(asked: Json, value: Json) -> None:
    made = profile({"path": "Patient.maritalStatus", **asked})
    report = Validator(resources=[made]).validate({"resourceType": "Patient", "maritalStatus": value}, [URL])
    (found,) = [one for one in report.issues if one.code in ("validate-fixed", "validate-pattern")]
    said = re.fullmatch(r".* must (?:be exactly|hold) (.*); it is (.*)\.", found.message)
    assert said is not None, found.message
    assert said[1] != said[2]
    assert "Somebody" not in found.message


def test_what_a_profile_asks_is_told_in_its_own_words() -> None:
    made = profile({"path": "Patient.maritalStatus", "patternCodeableConcept": {"text": "A plan of care"}})
    report = Validator(resources=[made]).validate({"resourceType": "Patient", "maritalStatus": {"text": "x"}}, [URL])
    assert "A plan of care" in next(one.message for one in report.issues if one.code == "validate-pattern")


def test_one_where_two_are_needed_is_not_called_missing() -> None:
    validator = Validator(resources=[profile({"path": "Patient.name", "min": 2})])
    none, one = (
        next(found.message for found in told(validator, {"resourceType": "Patient", **more}, URL)
             if found.code == "validate-required")
        for more in ({}, {"name": [{"family": "x"}]})
    )  # fmt: skip
    assert none.split(" is ")[0] != one.split(" is ")[0] == "Another name"


def test_a_reference_of_another_type_than_it_says_is_mended_by_its_type(validator: Validator) -> None:
    held = {"reference": "Patient/1", "type": "Group"}
    (found,) = [one for one in told(validator, {"resourceType": "Patient", "link": [{"other": held, "type": "refer"}]})
                if one.code == "validate-reference-form"]  # fmt: skip
    assert "type" in found.fix
    assert "urn:uuid" not in found.fix


@pytest.mark.parametrize("reference", ["Patient/1", f"urn:uuid:{UUID}9"])
def test_what_a_composition_refers_to_can_only_be_put_into_the_document(validator: Validator, reference: str) -> None:
    composition = {"resourceType": "Composition", "status": "final", "type": {"text": "x"}, "date": "2026",
                   "title": "x", "author": [{"display": "x"}], "subject": {"reference": reference}}  # fmt: skip
    document = {"resourceType": "Bundle", "type": "document", "timestamp": "2026-01-01T00:00:00Z",
                "identifier": {"system": "urn:s", "value": "x"},
                "entry": [{"fullUrl": f"urn:uuid:{UUID}0", "resource": composition}]}  # fmt: skip
    (found,) = [one for one in told(validator, document) if one.code == "validate-reference-unresolved"]
    assert "URL" not in found.fix


@pytest.mark.parametrize(
    "made",
    [
        profile({"path": "Patient.colour", "min": 1}),
        profile({"path": "Patient.name", "type": [{"code": "Name"}]}),
        {**profile({"path": "Patient.name", "min": 1}), "baseDefinition": URL},
    ],
    ids=["of no element", "of no type", "in a circle"],
)
def test_a_profile_that_is_at_hand_and_cannot_be_used_is_told_so(made: Json) -> None:
    report = Validator(resources=[made]).validate({"resourceType": "Patient", "meta": {"profile": [URL]}})
    assert [one.code for one in report.not_checked] == ["validate-unusable-profile"]


def test_rules_of_vital_signs_and_of_definitions_are_told_in_words(validator: Validator) -> None:
    rules = [rule for part in ("types", "profiles") for facts in base_facts(part).values()
             for element in facts.get("differential", ()) for rule in element.get("constraint", ())]  # fmt: skip
    asked = {rule["key"]: rule["expression"] for rule in rules if "expression" in rule}
    wrong = {"resourceType": "StructureDefinition", "url": "urn:x", "name": "x", "status": "draft", "kind": "resource",
             "abstract": False, "type": "Patient", "derivation": "constraint", "baseDefinition": "urn:y",
             "snapshot": {"element": [{"id": "Group", "path": "Group"}]}}  # fmt: skip
    found = [one.message for one in told(validator, wrong) if one.code == "validate-invariant"]
    assert any(message.startswith("Rule sdf-8") for message in found)
    assert not [message for message in found if any(expression in message for expression in asked.values())]
