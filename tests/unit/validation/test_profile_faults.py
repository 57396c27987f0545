"""What a profile can ask and the specification's own seldom do: limits, fixed values, slices, bindings, rules."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh import Validator
from fhir_mh.issues import Issue

URL = "https://example.org/StructureDefinition/asked"
OTHER, THIRD = URL + "-other", URL + "-third"
ABSENT = "https://example.org/ValueSet/nobody-has"
Json = dict[str, Any]


def profile(*elements: Json, kind: str = "Patient", url: str = URL) -> Json:
    """A profile that says so much of a type's elements."""
    return {
        "resourceType": "StructureDefinition", "url": url, "name": "Asked", "status": "active", "kind": "resource",
        "abstract": False, "type": kind, "derivation": "constraint",
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{kind}",
        "differential": {"element": [{"id": kind, "path": kind}, *({"id": one["path"], **one} for one in elements)]},
    }  # fmt: skip


def sliced(rules: str = "open", *, ordered: bool = False, path: str = "system", how: str = "value") -> list[Json]:
    """Patient.telecom in two slices, a telephone and an email address."""
    told = {"discriminator": [{"type": how, "path": path}], "rules": rules, "ordered": ordered}
    found: list[Json] = [{"path": "Patient.telecom", "slicing": told}]
    for name in ("phone", "email"):
        found.append({"id": f"Patient.telecom:{name}", "path": "Patient.telecom", "sliceName": name})
        found.append(
            {"id": f"Patient.telecom:{name}.system", "path": "Patient.telecom.system", "min": 1, "fixedCode": name}
        )
    return found


ONE_OF_EACH = sliced()
ONE_OF_EACH[1] |= {"min": 1, "max": "1"}


def patient(**said: Any) -> Json:
    return {"resourceType": "Patient", **said}


PHONE, EMAIL, FAX = ({"system": system, "value": "x"} for system in ("phone", "email", "fax"))
LONG: Json = {"path": "Patient.name.text", "maxLength": 4}
SHORT: Json = {"path": "Patient.gender", "maxLength": 4}
MALE: Json = {"path": "Patient.gender", "fixedCode": "male"}
BORN: Json = {"path": "Patient.birthDate", "minValueDate": "1900-01-01", "maxValueDate": "2026-01-01"}
RANK: Json = {"path": "Patient.telecom.rank", "maxValuePositiveInt": 3}
FIXED: Json = {"path": "Patient.maritalStatus", "fixedCodeableConcept": {"text": "single"}}
USES = "http://hl7.org/fhir/ValueSet/name-use"
CODED: Json = {"path": "Patient.maritalStatus", "binding": {"strength": "required", "valueSet": USES}}
RULED: Json = {"path": "Patient", "constraint": [
    {"key": "own-1", "severity": "error", "human": "Is born", "expression": "birthDate.exists()"}]}  # fmt: skip
ANSWERED: Json = {"id": "Patient.deceased[x]", "path": "Patient.deceased[x]", "type": [{"code": "boolean"}]}
FROM_A_PERSON: Json = {"path": "Patient.generalPractitioner", "type": [
    {"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Practitioner"]}]}  # fmt: skip
BOUND: Json = {"path": "Patient.maritalStatus", "binding": {"strength": "required", "valueSet": ABSENT}}


def faults(resource: Json, *elements: Json) -> set[tuple[str, str]]:
    """(code, place) of all that is wrong, on the profile made of these elements; each is said to be its demand."""
    report = Validator(resources=[profile(*elements)]).validate(resource, [URL])
    errors = [one for one in report.issues if one.severity == "error"]
    assert {one.profile for one in errors} <= {URL}
    return {(one.code, one.path) for one in errors}


@pytest.mark.parametrize(
    ("elements", "right", "wrong", "code", "place"),
    [
        ([LONG], {"name": [{"text": "Kit."}]}, {"name": [{"text": "Kit B"}]}, "validate-too-long",
         "Patient.name[0].text"),
        ([SHORT], {"gender": "male"}, {"gender": "female"}, "validate-too-long", "Patient.gender"),
        ([MALE], {"gender": "male"}, {"gender": "female"}, "validate-fixed", "Patient.gender"),
        ([BORN], {"birthDate": "1900-01-01"}, {"birthDate": "1899-12-31"}, "validate-out-of-range",
         "Patient.birthDate"),
        ([BORN], {"birthDate": "2026-01-01"}, {"birthDate": "2026-01-02"}, "validate-out-of-range",
         "Patient.birthDate"),
        ([RANK], {"telecom": [{**PHONE, "rank": 3}]}, {"telecom": [{**PHONE, "rank": 4}]}, "validate-out-of-range",
         "Patient.telecom[0].rank"),
        ([{"path": "Patient.telecom", "min": 1}], {"telecom": [PHONE]}, {}, "validate-required", "Patient"),
        ([{"path": "Patient.telecom", "min": 2}], {"telecom": [PHONE, FAX]}, {"telecom": [PHONE]},
         "validate-required", "Patient"),
        ([{"path": "Patient.telecom", "max": "1"}], {"telecom": [PHONE]}, {"telecom": [PHONE, FAX]},
         "validate-too-many", "Patient"),
        ([{"path": "Patient.gender", "max": "0"}], {}, {"gender": "male"}, "validate-too-many", "Patient"),
        ([RULED], {"birthDate": "1984"}, {}, "validate-invariant", "Patient"),
        ([ANSWERED], {"deceasedBoolean": True}, {"deceasedDateTime": "2026"}, "validate-type-not-allowed",
         "Patient.deceased.ofType(dateTime)"),
        ([FROM_A_PERSON], {"generalPractitioner": [{"reference": "Practitioner/a"}]},
         {"generalPractitioner": [{"reference": "Organization/a"}]}, "validate-reference-type",
         "Patient.generalPractitioner[0]"),
        ([{"path": "Patient.name", "patternHumanName": {"use": "official"}}], {"name": [{"use": "official"}]},
         {"name": [{"use": "old"}]}, "validate-pattern", "Patient.name[0]"),
        (ONE_OF_EACH, {"telecom": [PHONE, FAX]}, {"telecom": [FAX]}, "validate-required", "Patient"),
        (ONE_OF_EACH, {"telecom": [PHONE, FAX]}, {"telecom": [PHONE, PHONE]}, "validate-too-many", "Patient"),
        ([CODED], {"maritalStatus": {"coding": [{"system": "http://hl7.org/fhir/name-use", "code": "old"}]}},
         {"maritalStatus": {"coding": [{"system": "http://hl7.org/fhir/address-use", "code": "home"}]}},
         "validate-binding", "Patient.maritalStatus"),
        ([FIXED], {"maritalStatus": {"text": "single"}},
         {"maritalStatus": {"text": "single", "coding": [{"display": "x"}]}}, "validate-fixed",
         "Patient.maritalStatus"),
        ([BOUND], {"maritalStatus": {"extension": [{"url": "https://example.org/e", "valueString": "x"}]}},
         {"maritalStatus": {"text": "single"}}, "validate-code-missing", "Patient.maritalStatus"),
        (sliced("closed"), {"telecom": [PHONE, EMAIL]}, {"telecom": [PHONE, FAX]}, "validate-slice-none",
         "Patient.telecom[1]"),
        (sliced(ordered=True), {"telecom": [PHONE, FAX, EMAIL]}, {"telecom": [EMAIL, FAX, PHONE]},
         "validate-slice-order", "Patient.telecom[2]"),
    ],
)  # fmt: skip
def test_what_a_profile_asks_is_held_to(elements: list[Json], right: Json, wrong: Json, code: str, place: str) -> None:
    assert faults(patient(**right), *elements) == set()
    assert faults(patient(**wrong), *elements) == {(code, place)}


def passed_over(resource: Json, *elements: Json) -> list[Issue]:
    report = Validator(resources=[profile(*elements)]).validate(resource, [URL])
    assert not [one for one in report.issues if one.severity == "error"]
    return list(report.not_checked)


@pytest.mark.parametrize(
    ("element", "said", "code", "place"),
    [
        ([BOUND], {"maritalStatus": {"coding": [{"system": "https://example.org/s", "code": "M"}]}},
         "validate-unchecked-binding", "Patient.maritalStatus"),
        ([{"path": "Patient.gender", "constraint": [
            {"key": "own-1", "severity": "error", "human": "Asks a server", "expression": "memberOf2('x')"}]}],
         {"gender": "female"}, "validate-unchecked-invariant", "Patient.gender"),
        (sliced(path="resolve().nowhere()", how="profile"), {"telecom": [PHONE]}, "validate-unchecked-slice",
         "Patient.telecom"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_said_not_to_be_checked(element: list[Json], said: Json, code: str, place: str) -> None:
    (found,) = passed_over(patient(**said), *element)
    assert (found.code, found.path, found.severity) == (code, place, "information")
    assert passed_over(patient(), *element) == []


@pytest.mark.parametrize(("born", "wrong"), [("1984", False), (None, True)])
def test_a_resource_that_must_meet_one_of_two_profiles(born: str | None, wrong: bool) -> None:
    one_of = {"path": "Bundle.entry.resource", "type": [{"code": "Patient", "profile": [OTHER, THIRD]}]}
    held = [
        profile(one_of, kind="Bundle"),
        profile({"path": "Patient.birthDate", "min": 1}, url=OTHER),
        profile({"path": "Patient.gender", "min": 1}, url=THIRD),
    ]
    bundle = {"resourceType": "Bundle", "type": "collection",
              "entry": [{"fullUrl": "https://ehr.example/Patient/a",
                         "resource": patient(id="a", **({"birthDate": born} if born else {}))}]}  # fmt: skip
    report = Validator(resources=held).validate(bundle, [URL])
    found = {(one.code, one.path) for one in report.issues if one.severity == "error"}
    assert found == ({("validate-profile-none", "Bundle.entry[0].resource")} if wrong else set())


def test_a_document_holds_a_version_once(validator: Validator) -> None:
    composition = {"resourceType": "Composition", "status": "final", "type": {"text": "x"}, "date": "2026-01-01",
                   "author": [{"display": "x"}], "title": "x"}  # fmt: skip
    entries = [
        {"fullUrl": "https://ehr.example/Composition/1", "resource": {**composition, "id": "1"}},
        {"fullUrl": "https://ehr.example/Patient/1", "resource": patient(id="1")},
        {"fullUrl": "https://ehr.example/Patient/1", "resource": patient(id="1")},
    ]
    bundle = {"resourceType": "Bundle", "type": "document", "timestamp": "2026-01-01T00:00:00Z",
              "identifier": {"system": "urn:x", "value": "a"}, "entry": entries}  # fmt: skip
    found = {(one.code, one.path) for one in validator.validate(bundle).issues}
    assert ("validate-bundle-twice", "Bundle.entry[2]") in found
    del entries[2]
    assert "validate-bundle-twice" not in {one.code for one in validator.validate(bundle).issues}


def test_a_value_set_cannot_list_what_is_no_code() -> None:
    concepts = [{"system": "https://example.org/s", "concept": [{"code": "en  GB"}]}]
    listed = {"resourceType": "ValueSet", "url": ABSENT, "status": "active", "compose": {"include": concepts}}
    told = profile({"path": "Patient.language", "binding": {"strength": "required", "valueSet": ABSENT}})
    report = Validator(resources=[told, listed]).validate(patient(language="en  GB"), [URL])
    assert ("validate-primitive", "Patient.language") in {(one.code, one.path) for one in report.issues}


def test_what_one_profile_demands_and_another_rules_out_cannot_be_met() -> None:
    with_one = profile({"path": "Patient.identifier", "min": 1})
    without = profile({"path": "Patient.identifier", "max": "0"}, url=OTHER)
    validator = Validator(resources=[with_one, without])
    for resource, code in (
        (patient(), "validate-required"),
        (patient(identifier=[{"value": "x"}]), "validate-too-many"),
    ):
        report = validator.validate(resource, [URL, OTHER])
        assert [one.code for one in report.issues if one.severity == "error"] == [code]
