"""A person whose NHS number was superseded is found, and told apart from others, by the former number too."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.fhir.urls import FORMER_NHS_NUMBER
from tests.contract.rest_caller import NHS, NUMBER, OTHER_NUMBER, Caller, refused

FORMER = "9990000034"


def known(call: Caller, **person: Any) -> str:
    body = {"person": {"nhs_number": NUMBER, "former_nhs_numbers": [FORMER], "birth_date": "1984-02-03", **person}}
    answer = call("POST", "/records", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_record_is_found_by_it(caller_on_each: Caller) -> None:
    call = caller_on_each
    name = known(call)
    for number in (NUMBER, FORMER):
        assert call("POST", "/records/find", {"nhs_number": number}).json()["id"] == name
    refused(call("POST", "/records/find", {"nhs_number": OTHER_NUMBER}), 404, "rest-unknown-person")


def test_a_search_finds_the_patient_by_it(caller_on_each: Caller) -> None:
    call = caller_on_each
    known(call)
    found = [call.form("/fhir/Patient/_search", identifier=f"{NHS}|{number}").json() for number in (NUMBER, FORMER)]
    assert [one["total"] for one in found] == [1, 1]
    assert call.form("/fhir/Patient/_search", identifier=f"urn:other|{FORMER}").json()["total"] == 0


def test_a_sender_that_still_uses_it_changes_the_same_record_and_not_the_number(caller: Caller) -> None:
    name = known(caller)
    told = caller("POST", "/records", {"person": {"nhs_number": FORMER, "gender": "female"}})
    assert told.status_code == 200, told.text
    assert told.json()["id"] == name
    assert [(one["code"], one["path"]) for one in told.json()["warnings"] if one["code"].startswith("rest-")] == [
        ("rest-former-nhs-number", "person.nhs_number")
    ]
    assert told.json()["changed"] == ["person.gender"]
    person = caller("GET", f"/records/{name}").json()["record"]["person"]
    assert (person["nhs_number"], person["former_nhs_numbers"], person["gender"]) == (NUMBER, [FORMER], "female")


def test_a_number_is_superseded_by_saying_so(caller: Caller) -> None:
    name = caller("POST", "/records", {"person": {"nhs_number": FORMER}}).json()["id"]
    refused(caller("PUT", f"/records/{name}", {"person": {"nhs_number": NUMBER}}, if_match="1"), 400, "rest-bad-etag")
    change = {"person": {"nhs_number": NUMBER}}
    refused(caller("PUT", f"/records/{name}", change, if_match='W/"1"'), 422, "sync-identity", "person.identifier")
    change["person"]["former_nhs_numbers"] = [FORMER]  # type: ignore[assignment]
    assert caller("POST", "/records", change).json()["id"] == name
    for number in (NUMBER, FORMER):
        assert caller("POST", "/records/find", {"nhs_number": number}).json()["id"] == name


def test_a_patient_that_comes_with_it_is_the_same_person(caller: Caller) -> None:
    name = known(caller)
    for identifiers in (
        [{"system": NHS, "value": FORMER}],
        [{"system": FORMER_NHS_NUMBER, "use": "old", "value": FORMER}],
        [{"system": NHS, "use": "old", "value": FORMER}],
    ):
        made = caller("POST", "/fhir/Patient", {"resourceType": "Patient", "identifier": identifiers})
        assert made.status_code == 201, made.text
        everything = caller("GET", f"/fhir/Patient/{made.json()['id']}/$everything").json()
        ids = [
            entry["resource"]["id"] for entry in everything["entry"] if entry["resource"]["resourceType"] == "Patient"
        ]
        assert len(ids) > 1
    assert caller("POST", "/records/find", {"nhs_number": FORMER}).json()["id"] == name


@pytest.mark.parametrize(
    ("identifiers", "place"),
    [
        ([{"system": NHS, "value": FORMER}], "Patient.birthDate"),
        (
            [{"system": NHS, "value": OTHER_NUMBER}, {"system": FORMER_NHS_NUMBER, "use": "old", "value": FORMER}],
            "Patient.identifier",  # two numbers in use cannot both have taken the place of one
        ),
    ],
)
def test_what_contradicts_is_refused_all_the_same(caller: Caller, identifiers: Any, place: str) -> None:
    known(caller)
    body = {"resourceType": "Patient", "birthDate": "1950-01-01", "identifier": identifiers}
    refused(caller("POST", "/fhir/Patient", body), 409, "sync-identity", place)
    assert caller("GET", "/fhir/Patient").json()["total"] == 1


def test_nobody_takes_a_number_that_was_another_persons(caller: Caller) -> None:
    known(caller)
    caller("POST", "/records", {"person": {"nhs_number": OTHER_NUMBER}})
    body = {"person": {"nhs_number": OTHER_NUMBER, "former_nhs_numbers": [FORMER]}}
    refused(caller("POST", "/records", body), 409, "sync-identity", "Patient.identifier")
    body = {"person": {"nhs_number": OTHER_NUMBER, "former_nhs_numbers": [NUMBER]}}
    refused(caller("POST", "/records", body), 409, "sync-identity", "Patient.identifier")


def test_a_record_does_not_become_another_persons_in_two_steps(caller: Caller) -> None:
    name = caller("POST", "/records", {"person": {"nhs_number": NUMBER}}).json()["id"]
    tag = caller("GET", f"/records/{name}").headers["etag"]
    emptied = caller("PUT", f"/records/{name}", {"person": {"nhs_number": None}}, if_match=tag)
    assert emptied.status_code == 200, emptied.text
    change, tag = {"person": {"nhs_number": OTHER_NUMBER}}, emptied.headers["etag"]
    refused(caller("PUT", f"/records/{name}", change, if_match=tag), 422, "sync-identity", "person.identifier")
    refused(caller("POST", "/records/find", {"nhs_number": OTHER_NUMBER}), 404, "rest-unknown-person")
