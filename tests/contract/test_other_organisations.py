"""What another organisation is told: of a record what /fhir shows, and of strangers not even that they are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fhir_mh.settings import load
from tests.contract.rest_caller import NUMBER, Caller, calling, plan, refused
from tests.databases import sqlite_database
from tests.unit.gateway.pair import person_with_a_plan

CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
OWN, WARD, STRANGER = ({"authorization": f"Bearer {name}-{'x' * 40}"} for name in ("own", "ward", "stranger"))
UNLIKE = [{"url": "https://x.example/not", "valueBoolean": True}]


@pytest.fixture
def held() -> Iterator[Caller]:
    """A gateway that holds somebody who is placed at ZOA1, asked by that organisation and by one that has no part."""
    clients = [
        {"token": told["authorization"].removeprefix("Bearer "), "organisation": ods, "role": "clinician"}
        for told, ods in ((OWN, "ZCT1"), (WARD, "ZOA1"), (STRANGER, "ZXX9"))
    ]
    with sqlite_database() as address, calling(load(store=address, ods="ZCT1", name="Trust", clients=clients)) as call:
        made = call("POST", "/records", person_with_a_plan(), **OWN)
        assert made.status_code == 201, made.text
        yield call


def patient_of(held: Caller) -> str:
    found = held("GET", "/fhir/Patient", **OWN).json()["entry"][0]["resource"]["id"]
    return str(found)


def record_of(held: Caller) -> str:
    return str(held("POST", "/records/find", {"nhs_number": NUMBER}, **OWN).json()["id"])


def kept(held: Caller, body: dict[str, Any]) -> str:
    """The id under which this organisation keeps a resource."""
    made = held("POST", f"/fhir/{body['resourceType']}", body, **OWN)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def sharing_rule(patient: str) -> dict[str, Any]:
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN"}]},
    }


# --- records are made of what /fhir shows


def test_records_name_what_is_withheld_as_little_as_fhir_does(held: Caller) -> None:
    patient, record = patient_of(held), record_of(held)
    withheld = f"Consent/{kept(held, sharing_rule(patient))}"
    kept(held, plan(patient, title="Beside", supportingInfo=[{"reference": withheld, "display": "What was decided"}]))
    for method, url, body in (("GET", f"/records/{record}", None), ("POST", "/records/find", {"nhs_number": NUMBER})):
        own, answer = held(method, url, body, **OWN), held(method, url, body, **WARD)
        assert answer.status_code == 200, answer.text
        assert "What was decided" in own.text
        assert withheld in own.text
        assert "Beside" in answer.text
        assert "What was decided" not in answer.text
        assert withheld not in answer.text


def test_what_fhir_shows_nobody_else_is_in_no_record_and_in_no_currency(held: Caller) -> None:
    patient, record = patient_of(held), record_of(held)
    subject = {"subject": {"reference": f"Patient/{patient}"}, "modifierExtension": UNLIKE}
    goal = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "Not so"}, **subject}
    unlike = [f"Goal/{kept(held, goal)}", f"CarePlan/{kept(held, plan(patient, title='Unlike', **subject))}"]
    for address in unlike:
        refused(held("GET", f"/fhir/{address}", **WARD), 403, "consent-not-shared")
    for url in (f"/records/{record}", f"/records/{record}/currency", f"/fhir/Patient/{patient}/$currency"):
        own, answer = held("GET", url, **OWN), held("GET", url, **WARD)
        assert answer.status_code == 200, answer.text
        assert unlike[1].partition("/")[2] in own.text
        for address in unlike:
            assert address.partition("/")[2] not in answer.text
        assert "Unlike" not in answer.text
        assert "Not so" not in answer.text
    seen, whole = (held("GET", f"/records/{record}", **who).json() for who in (WARD, OWN))
    assert len(seen["plans"]) == len(whole["plans"]) - 1
    assert [one["same"] for one in seen["plans"]] == [True, True]


def test_the_record_of_somebody_whose_patient_is_not_shown_is_not_shown(held: Caller) -> None:
    patient, record = patient_of(held), record_of(held)
    body = held("GET", f"/fhir/Patient/{patient}", **OWN).json()
    assert held("PUT", f"/fhir/Patient/{patient}", {**body, "modifierExtension": UNLIKE}, **OWN).status_code == 200
    refused(held("GET", f"/records/{record}", **WARD), 403, "consent-not-shared")
    refused(held("GET", f"/records/{record}/currency", **WARD), 403, "consent-not-shared")
