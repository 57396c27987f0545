"""$validate: judged as a write would be, and nothing stored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.rest_caller import FHIR, Caller, Json, plan, refused

OURS = "https://w3id.org/fhir-mh/StructureDefinition/mh-crisis-plan"
PATIENT: Json = {"resourceType": "Patient", "gender": "female"}
WRONG: Json = {"resourceType": "Patient", "gender": "somebody"}


def errors(answer: Any) -> list[tuple[str, str]]:
    """(code, place) of what an outcome calls an error."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    found = [one for one in body["issue"] if one["severity"] in ("error", "fatal")]
    return [(one["details"]["coding"][0]["code"], one["expression"][0]) for one in found]


def parameters(resource: Json | None = None, **values: str) -> Json:
    held: list[Json] = [{"name": "resource", "resource": resource}] if resource is not None else []
    kinds = {"mode": "valueCode", "profile": "valueUri"}
    return {"resourceType": "Parameters",
            "parameter": held + [{"name": name, kinds.get(name, "valueString"): value}
                                 for name, value in values.items()]}  # fmt: skip


def test_a_verdict_is_the_answer_whatever_it_is(caller: Caller) -> None:
    assert errors(caller("POST", "/fhir/Patient/$validate", PATIENT)) == []
    assert errors(caller("POST", "/fhir/Patient/$validate", WRONG)) == [("validate-binding", "Patient.gender")]
    assert errors(caller("POST", "/fhir/Patient/$validate", parameters(WRONG))) == [
        ("validate-binding", "Patient.gender")
    ]
    assert caller("GET", "/fhir/Patient").json()["total"] == 0


def test_text_has_its_lines(caller: Caller) -> None:
    text = b'{"resourceType": "Patient",\n "gender": "somebody"}'
    (found,) = [one for one in caller("POST", "/fhir/Patient/$validate", text).json()["issue"]
                if one["severity"] == "error"]  # fmt: skip
    assert [entry["valueInteger"] for entry in found["extension"]] == [2, 12]
    (found,) = caller("POST", "/fhir/Patient/$validate", b'{"resourceType": ').json()["issue"]
    assert found["details"]["coding"][0]["code"] == "json-unreadable"
    assert "expression" not in found  # what is no JSON has no paths


def test_lines_are_those_of_what_was_sent_though_it_came_among_parameters(caller: Caller) -> None:
    text = b"""{"resourceType": "Parameters", "parameter": [
 {"name": "mode", "valueCode": "create"},
 {"name": "resource", "resource": {"resourceType": "Patient",
   "gender": "somebody"}}]}"""
    (found,) = [one for one in caller("POST", "/fhir/Patient/$validate", text).json()["issue"]
                if one["severity"] == "error"]  # fmt: skip
    assert found["expression"] == ["Patient.gender"]
    assert [entry["valueInteger"] for entry in found["extension"]] == [4, 14]


def test_a_key_that_stands_twice_has_its_place_in_fhirpath_or_none(caller: Caller) -> None:
    twice = b'{"resourceType": "Patient", "gender": "male", "gender": "female"}'
    assert errors(caller("POST", "/fhir/Patient/$validate", twice)) == [("json-duplicate-key", "Patient.gender")]
    (found,) = caller("POST", "/fhir/Patient/$validate", b'{"gender": 1, "gender": 2}').json()["issue"]
    assert found["details"]["coding"][0]["code"] == "json-duplicate-key"
    assert "expression" not in found, "a path in JSON is no FHIRPath"


def test_a_bundle_is_judged_though_none_is_kept(caller: Caller) -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": WRONG}]}
    assert ("validate-binding", "Bundle.entry[0].resource.gender") in errors(
        caller("POST", "/fhir/Bundle/$validate", bundle)
    )


@pytest.mark.parametrize("way", ["address", "body"])
def test_a_profile_may_be_asked_for(caller: Caller, way: str) -> None:
    body = plan("x")
    assert errors(caller("POST", "/fhir/CarePlan/$validate", body)) == []
    if way == "address":
        answer = caller("POST", f"/fhir/CarePlan/$validate?profile={OURS}", body)
    else:
        answer = caller("POST", "/fhir/CarePlan/$validate", parameters(body, profile=OURS))
    assert {code for code, _ in errors(answer)} == {"validate-required"}


def test_what_is_stored_and_what_would_be(caller: Caller) -> None:
    name = caller.patient(gender="female")
    address = f"/fhir/Patient/{name}/$validate"
    assert errors(caller("GET", address)) == []
    assert errors(caller("POST", address)) == []
    assert errors(caller("POST", address, {**PATIENT, "id": name})) == []
    assert errors(caller("POST", address, {**WRONG, "id": name})) == [("validate-binding", "Patient.gender")]
    assert errors(caller("POST", address, {**PATIENT, "id": "other"})) == [("rest-id-differs", "Patient.id")]
    assert errors(caller("POST", address, parameters({**PATIENT, "id": "other"}, mode="profile"))) == []
    refused(caller("GET", "/fhir/Patient/nobody/$validate"), 404, "store-not-found")


def test_another_type_than_the_address_names_is_an_error(caller: Caller) -> None:
    assert ("rest-type-differs", "resourceType") in errors(caller("POST", "/fhir/Goal/$validate", PATIENT))


@pytest.mark.parametrize(
    ("url", "body", "code", "place"),
    [
        ("/fhir/Patient/$validate?mode=delete", PATIENT, "rest-bad-parameter", "http.mode"),
        ("/fhir/Patient/$validate?profile=https://vendor.example/none", PATIENT, "rest-bad-parameter", "http.profile"),
        ("/fhir/Patient/$validate?usage=x", PATIENT, "rest-unknown-parameter", "http.usage"),
        ("/fhir/Patient/$validate", parameters(mode="create"), "rest-bad-parameter", "http.resource"),
        ("/fhir/Patient/$validate", parameters(PATIENT, usage="x"), "rest-bad-parameter",
         "Parameters.parameter[1].name"),
        ("/fhir/Patient/$validate", {"resourceType": "Parameters", "parameter": [{"name": "mode", "valueInteger": 1}]},
         "rest-bad-parameter", "http.mode"),
        ("/fhir/Patient/$validate", b"", "json-not-an-object", "http.body"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_refused(caller: Caller, url: str, body: Any, code: str, place: str) -> None:
    refused(caller("POST", url, body), 400, code, place)


def test_another_type_of_resource_than_r4_has_is_not_found(caller: Caller) -> None:
    refused(caller("POST", "/fhir/Pateint/$validate", PATIENT, content_type=FHIR), 404, "rest-unknown-type")
