"""Whom what is written over FHIR is about, however its sender says so: the right person, or it is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fhir_mh.settings import load
from tests.contract.rest_caller import CONSENT_SCOPE, NHS, NUMBER, OTHER_NUMBER, Caller, Json, calling, plan, refused
from tests.contract.test_rest_access import OTHER, OWN, bearer
from tests.databases import sqlite_database
from tests.unit.gateway.pair import person_with_a_plan

HERE = "http://127.0.0.1:8080/fhir"
LOCAL = {"system": "https://ehr.example/id", "value": "p-1"}
Say = Callable[[str], Json]
FORMS: dict[str, Say] = {
    "literal": lambda name: {"reference": f"Patient/{name}"},
    "absolute": lambda name: {"reference": f"{HERE}/Patient/{name}"},
    "absolute, behind a proxy": lambda name: {"reference": f"https://127.0.0.1:8080/fhir/Patient/{name}"},
    "a version": lambda name: {"reference": f"Patient/{name}/_history/1"},
    "an absolute version": lambda name: {"reference": f"{HERE}/Patient/{name}/_history/1"},
    "number": lambda _: {"identifier": {"system": NHS, "value": NUMBER}},
    "local identifier": lambda _: {"type": "Patient", "identifier": LOCAL},
}
ASTRAY: dict[str, Json] = {
    "elsewhere": {"reference": "https://elsewhere.example/fhir/Patient/1"},
    "another path of ours": {"reference": "http://127.0.0.1:8080/other/Patient/1"},
    "no id": {"reference": f"{HERE}/Patient"},
    "unknown number": {"identifier": {"system": NHS, "value": OTHER_NUMBER}},
    "number alone": {"identifier": {"value": NUMBER}},
    "name alone": {"display": "somebody"},
}


def goal(subject: Json, **more: Any) -> Json:
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "x"},
        "subject": subject,
        **more,
    }


def deny(**more: Any) -> Json:
    """A decision of a person that nothing is shared."""
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTOUT"}]},
        "provision": {"type": "deny"},
        **more,
    }


def by_itself(call: Caller, body: Json) -> tuple[int, Json]:
    answer = call("POST", f"/fhir/{body['resourceType']}", body)
    return answer.status_code, answer.json()


def in_a(kind: str) -> Callable[[Caller, Json], tuple[int, Json]]:
    def sent(call: Caller, body: Json) -> tuple[int, Json]:
        entry = {"resource": body, "request": {"method": "POST", "url": body["resourceType"]}}
        bundle = {"resourceType": "Bundle", "type": kind, "entry": [entry]}
        answer = call("POST", "/fhir", bundle, prefer="return=representation")
        if answer.status_code != 200:
            return answer.status_code, answer.json()
        (done,) = answer.json()["entry"]
        status = int(done["response"]["status"][:3])
        return status, done["resource"] if status == 201 else done["response"]["outcome"]

    return sent


WAYS = {"by itself": by_itself, "transaction": in_a("transaction"), "batch": in_a("batch")}


def codes(outcome: Json) -> list[tuple[str, str]]:
    return [(one["details"]["coding"][0]["code"], one["expression"][0]) for one in outcome["issue"]]


@pytest.fixture
def shared() -> Iterator[tuple[Caller, str, str]]:
    """A gateway with a person whose plan another organisation may read; the ids of Patient and record."""
    clients = [
        {"token": OWN, "organisation": "ZCT1", "role": "clinician"},
        {"token": OTHER, "organisation": "ZOA1", "role": "clinician"},
    ]
    with sqlite_database() as address, calling(load(store=address, ods="ZCT1", name="Trust", clients=clients)) as call:
        record = call("POST", "/records", person_with_a_plan(), **bearer(OWN)).json()["id"]
        patient = call("GET", "/fhir/Patient", **bearer(OWN)).json()["entry"][0]["resource"]["id"]
        yield call, patient, record


@pytest.mark.parametrize("form", [form for form in FORMS if form != "local identifier"])
def test_a_denial_of_sharing_binds_however_it_names_the_person(shared: tuple[Caller, str, str], form: str) -> None:
    call, patient, record = shared
    assert call("GET", f"/records/{record}", **bearer(OTHER)).status_code == 200
    made = call("POST", "/fhir/Consent", deny(patient=FORMS[form](patient)), **bearer(OWN))
    assert made.status_code == 201, made.text
    refused(call("GET", f"/records/{record}", **bearer(OTHER)), 403, "consent-denied")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_about_whom_it_names(caller: Caller, way: str, form: str) -> None:
    patient = caller.patient(None, identifier=[{"system": NHS, "value": NUMBER}, LOCAL])
    status, made = WAYS[way](caller, goal(FORMS[form](patient)))
    assert status == 201, made
    assert made["subject"] == {**FORMS[form](patient), "reference": f"Patient/{patient}"}
    found = caller("GET", f"/fhir/Patient/{patient}/$everything").json()
    assert made["id"] in [entry["resource"]["id"] for entry in found["entry"]]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", ASTRAY)
def test_a_subject_that_cannot_be_told_is_refused(caller: Caller, way: str, form: str) -> None:
    caller.patient()
    status, outcome = WAYS[way](caller, goal(ASTRAY[form]))
    place = "Goal" if way == "by itself" else "Bundle.entry[0].resource"
    assert (status, codes(outcome)) == (422, [("rest-no-patient", f"{place}.subject")])
    assert caller("GET", "/fhir/Goal?_count=0").json()["total"] == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_reference_that_is_a_search_is_refused_however_it_is_sent(caller: Caller, way: str) -> None:
    patient = caller.patient()
    for start in ("", f"{HERE}/"):
        search = {"reference": f"{start}Patient?identifier={NHS}|{NUMBER}"}
        place = "Goal" if way == "by itself" else "Bundle.entry[0].resource"
        for body, name in (
            (goal(search), "subject"),
            (goal({"reference": f"Patient/{patient}"}, expressedBy=search), "expressedBy"),
        ):
            status, outcome = WAYS[way](caller, body)
            assert (status, codes(outcome)) == (422, [("rest-conditional-reference", f"{place}.{name}.reference")])


def test_a_put_with_a_search_as_reference_is_refused(caller: Caller) -> None:
    made = caller("POST", "/fhir/CarePlan", plan(caller.patient())).json()
    sent = {**made, "author": {"reference": f"Practitioner?identifier={NHS}|1"}}
    answer = caller("PUT", f"/fhir/CarePlan/{made['id']}", sent)
    refused(answer, 422, "rest-conditional-reference", "CarePlan.author.reference")


@pytest.mark.parametrize("form", [form for form in FORMS if form != "local identifier"])
def test_nothing_becomes_another_persons_however_they_are_named(caller: Caller, form: str) -> None:
    theirs, first = caller.patient(), caller.patient(OTHER_NUMBER)
    made = caller("POST", "/fhir/CarePlan", plan(first)).json()
    moved = {**made, "subject": FORMS[form](theirs), "title": "another's"}
    url = f"/fhir/CarePlan/{made['id']}"
    refused(caller("PUT", url, moved), 409, "rest-other-person", "CarePlan.subject")
    entry = {"resource": moved, "request": {"method": "PUT", "url": f"CarePlan/{made['id']}"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    refused(caller("POST", "/fhir", bundle), 409, "rest-other-person", "Bundle.entry[0].resource.subject")
    assert caller("GET", url).json() == made


def test_a_subject_that_names_two_people_is_refused(caller: Caller) -> None:
    patient = caller.patient()
    for number in (OTHER_NUMBER, "9990000034"):
        subject = {"reference": f"Patient/{patient}", "identifier": {"system": NHS, "value": number}}
        refused(caller("POST", "/fhir/Goal", goal(subject)), 409, "rest-other-person", "Goal.subject.identifier")
        if number == OTHER_NUMBER:
            caller.patient(OTHER_NUMBER)
            refused(caller("POST", "/fhir/Goal", goal(subject)), 409, "rest-other-person", "Goal.subject.identifier")
    agreeing = {"reference": f"Patient/{patient}", "identifier": {"system": NHS, "value": NUMBER}}
    assert caller("POST", "/fhir/Goal", goal(agreeing)).status_code == 201


def test_what_stands_in_a_record_names_somebody_and_other_things_need_not(caller: Caller) -> None:
    patient = caller.patient()
    refused(caller("POST", "/fhir/Consent", deny()), 422, "rest-no-patient", "Consent")
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {"title": "x"}}],
    }
    refused(caller("POST", "/fhir/DocumentReference", document), 422, "rest-no-patient", "DocumentReference")
    made = caller("POST", "/fhir/Consent", deny(patient={"reference": f"Patient/{patient}"})).json()
    without = {name: value for name, value in made.items() if name != "patient"}
    refused(caller("PUT", f"/fhir/Consent/{made['id']}", without), 422, "rest-no-patient", "Consent")
    work = {"resourceType": "Task", "status": "requested", "intent": "order"}
    assert caller("POST", "/fhir/Task", work).status_code == 201


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Group/1"},
        {"reference": "#here"},
        {"type": "Group", "identifier": {"system": "https://ehr.example/groups", "value": "1"}},
        {"type": "http://hl7.org/fhir/StructureDefinition/Group", "display": "Those of the ward"},
    ],
)
def test_a_group_is_nobody_in_particular(caller: Caller, subject: Json) -> None:
    group = {"resourceType": "Group", "id": "here", "type": "person", "actual": True}
    more = {"contained": [group]} if subject.get("reference") == "#here" else {}
    made = caller("POST", "/fhir/Goal", goal(subject, **more))
    assert made.status_code == 201, made.text
    assert made.json()["subject"] == subject


@pytest.mark.parametrize("kind", ["Patient", "http://hl7.org/fhir/StructureDefinition/Patient"])
def test_a_patient_by_name_alone_is_nobody_however_the_type_is_said(caller: Caller, kind: str) -> None:
    subject = {"type": kind, "display": "somebody"}
    refused(caller("POST", "/fhir/Goal", goal(subject)), 422, "rest-no-patient", "Goal.subject")


def test_a_patient_inside_the_resource_is_nobody_here(caller: Caller) -> None:
    caller.patient()
    inside = {"resourceType": "Patient", "id": "p", "identifier": [{"system": NHS, "value": NUMBER}]}
    sent = goal({"reference": "#p"}, contained=[inside])
    refused(caller("POST", "/fhir/Goal", sent), 422, "rest-no-patient", "Goal.subject")


# --- other references


def test_every_reference_to_what_is_here_is_stored_by_type_and_id(caller: Caller) -> None:
    patient = caller.patient()
    told = [f"{HERE}/Goal/g", f"{HERE}/Goal/g/_history/2", "https://elsewhere.example/fhir/Goal/g", "Goal/g"]
    sent = plan(patient, goal=[{"reference": one, "display": "x"} for one in told])
    made = caller("POST", "/fhir/CarePlan", sent).json()
    kept = ["Goal/g", "Goal/g/_history/2", told[2], "Goal/g"]
    assert made["goal"] == [{"reference": one, "display": "x"} for one in kept]


def test_a_full_url_of_ours_in_a_transaction_names_what_is_sent_with_it(caller: Caller) -> None:
    url = f"{HERE}/Patient/not-yet"
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": url, "resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
            {"resource": goal({"reference": url}), "request": {"method": "POST", "url": "Goal"}},
        ],
    }
    answer = caller("POST", "/fhir", bundle, prefer="return=representation")
    assert answer.status_code == 200, answer.text
    patient, made = (entry["resource"] for entry in answer.json()["entry"])
    assert made["subject"] == {"reference": f"Patient/{patient['id']}"}


@pytest.mark.parametrize("form", ["{}", "{}/_history/1", HERE + "/{}", HERE + "/{}/_history/1"])
def test_what_is_withheld_is_not_named_in_any_form(shared: tuple[Caller, str, str], form: str) -> None:
    call, patient, _ = shared
    decision = {key: value for key, value in deny().items() if key != "provision"}
    decision["policyRule"] = {"coding": [{**decision["policyRule"]["coding"][0], "code": "OPTIN"}]}
    decision["patient"] = {"reference": f"Patient/{patient}"}
    withheld = f"Consent/{call('POST', '/fhir/Consent', decision, **bearer(OWN)).json()['id']}"
    told = {"reference": form.format(withheld), "display": "What was decided"}
    made = call("POST", "/fhir/CarePlan", plan(patient, supportingInfo=[told]), **bearer(OWN)).json()
    seen = call("GET", f"/fhir/CarePlan/{made['id']}", **bearer(OTHER))
    assert seen.status_code == 200, seen.text
    assert withheld not in seen.text
    assert "What was decided" not in seen.text


# --- who a Patient is


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"identifier": [{"system": NHS, "value": OTHER_NUMBER}]}, "Patient.identifier"),
        ({"birthDate": "1955-12-12"}, "Patient.birthDate"),
    ],
)
def test_a_patient_does_not_become_another_person(caller: Caller, change: Json, place: str) -> None:
    name = caller.patient(birthDate="1980-01-01", name=[{"family": "Able"}])
    held = caller("GET", f"/fhir/Patient/{name}").json()
    refused(caller("PUT", f"/fhir/Patient/{name}", {**held, **change}), 409, "sync-identity", place)
    assert caller("GET", f"/fhir/Patient/{name}").json() == held
    refused(caller("POST", "/records/find", {"nhs_number": OTHER_NUMBER}), 404, "rest-unknown-person")


def test_a_patient_does_not_become_another_person_in_two_steps(caller: Caller) -> None:
    name = caller.patient()
    body: Json = {"resourceType": "Patient", "id": name}
    assert caller("PUT", f"/fhir/Patient/{name}", body).status_code == 200
    body["identifier"] = [{"system": NHS, "value": OTHER_NUMBER}]
    refused(caller("PUT", f"/fhir/Patient/{name}", body), 409, "sync-identity", "Patient.identifier")


def test_who_a_patient_is_may_be_said_better(caller: Caller) -> None:
    name = caller.patient(birthDate="1980", name=[{"family": "Able"}])
    numbers = [{"system": NHS, "value": OTHER_NUMBER}, {"system": NHS, "use": "old", "value": NUMBER}]
    body: Json = {"resourceType": "Patient", "id": name, "identifier": numbers, "birthDate": "1980-01-01",
                  "name": [{"family": "Married"}]}  # fmt: skip
    answer = caller("PUT", f"/fhir/Patient/{name}", body)
    assert answer.status_code == 200, answer.text
    found = [caller("POST", "/records/find", {"nhs_number": one}).json()["id"] for one in (NUMBER, OTHER_NUMBER)]
    assert found[0] == found[1]
