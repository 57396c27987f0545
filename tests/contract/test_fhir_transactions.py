"""Bundles sent to be processed: whole or not at all, or each entry by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.rest_caller import NHS, NUMBER, Caller, plan, refused

URN = "urn:uuid:6c1f7a52-2f0e-4f5b-9b52-0d6f4a3f2a11"
PATIENT = {"resourceType": "Patient", "identifier": [{"system": NHS, "value": NUMBER}]}


def entry(method: str, url: str, resource: Any = None, **more: Any) -> dict[str, Any]:
    request = {"method": method, "url": url, **more.pop("request", {})}
    return {"request": request, **({"resource": resource} if resource is not None else {}), **more}


def bundle(*entries: Any, kind: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def about(reference: str, **more: Any) -> dict[str, Any]:
    return {**plan("x", **more), "subject": {"reference": reference}}


def counts(call: Caller) -> tuple[int, int]:
    return tuple(call("GET", f"/fhir/{kind}?_count=0").json()["total"] for kind in ("Patient", "CarePlan"))  # type: ignore[return-value]


def test_entries_refer_to_one_another_whatever_their_order(caller_on_each: Caller) -> None:
    call = caller_on_each
    sent = bundle(entry("POST", "CarePlan", about(URN)), entry("POST", "Patient", PATIENT, fullUrl=URN))
    answer = call("POST", "/fhir", sent, prefer="return=representation")
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "transaction-response"
    stored, patient = (one["resource"] for one in answer.json()["entry"])
    assert stored["subject"]["reference"] == f"Patient/{patient['id']}"
    assert [one["response"]["status"] for one in answer.json()["entry"]] == ["201 Created", "201 Created"]
    location = answer.json()["entry"][0]["response"]["location"]
    assert call("GET", location).json() == stored


def test_nothing_of_a_transaction_is_stored_where_one_entry_fails(caller_on_each: Caller) -> None:
    call = caller_on_each
    bad = plan("x") | {"status": None}
    for sent, status, code, place in (
        (
            bundle(entry("POST", "Patient", PATIENT), entry("POST", "CarePlan", about(URN))),
            422,
            "validate-reference-unresolved",
            "Bundle.entry[1].resource.subject.reference",
        ),
        (
            bundle(
                entry("POST", "Patient", PATIENT, fullUrl=URN),
                entry("POST", "CarePlan", {**bad, "subject": {"reference": URN}}),
            ),
            422,
            "validate-null",
            "Bundle.entry[1].resource.status",
        ),
        (
            bundle(entry("POST", "Patient", PATIENT), entry("PUT", "CarePlan/none", plan("x", id="none"))),
            404,
            "store-not-found",
            None,
        ),
        (
            bundle(entry("POST", "Patient", PATIENT), entry("POST", "CarePlan", about("Patient?identifier=1"))),
            422,
            "rest-conditional-reference",
            "Bundle.entry[1].resource.subject.reference",
        ),
        (
            bundle(entry("POST", "Patient", PATIENT), entry("POST", "CarePlan", about("Patient/none"))),
            422,
            "rest-unknown-patient",
            None,
        ),
    ):
        refused(call("POST", "/fhir", sent), status, code, place)
        assert counts(call) == (0, 0)


def test_a_stale_entry_undoes_the_others(caller: Caller) -> None:
    made = caller("POST", "/fhir/CarePlan", plan(caller.patient())).json()
    stale = entry("PUT", f"CarePlan/{made['id']}", made, request={"ifMatch": 'W/"7"'})
    fresh = entry("POST", "CarePlan", {**made, "title": "another"})
    refused(caller("POST", "/fhir", bundle(fresh, stale)), 412, "store-version-conflict")
    assert counts(caller) == (1, 1)


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        (entry("DELETE", "CarePlan/x"), "request"),
        (entry("GET", "CarePlan/x"), "request"),
        (entry("PUT", "CarePlan", plan("x")), "request"),
        (entry("POST", "CarePlan/x", plan("x")), "request"),
        (entry("POST", "Bundle", {"resourceType": "Bundle"}), "request.url"),
        (entry("POST", "Patient?identifier=1", PATIENT), "request.url"),
        (entry("POST", "Patient", PATIENT, request={"ifNoneExist": "identifier=1"}), "request.ifNoneExist"),
        (entry("PUT", "CarePlan/x", plan("x", id="x"), request={"ifMatch": 7}), "request.ifMatch"),
        (entry("POST", "CarePlan"), "resource"),
        (entry("POST", "CarePlan", PATIENT), "resource.resourceType"),
        (entry("PUT", "CarePlan/x", plan("x", id="y")), "resource.id"),
        ({"resource": PATIENT}, "request"),
        ("text", "request"),
    ],
)
def test_an_entry_that_cannot_be_processed_is_named(caller: Caller, sent: Any, place: str) -> None:
    answer = caller("POST", "/fhir", bundle(entry("POST", "Patient", PATIENT), sent))
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == [f"Bundle.entry[1].{place}"]
    assert counts(caller) == (0, 0)


def test_the_same_resource_twice_is_refused(caller: Caller) -> None:
    made = caller("POST", "/fhir/CarePlan", plan(caller.patient())).json()
    twice = entry("PUT", f"CarePlan/{made['id']}", made)
    refused(caller("POST", "/fhir", bundle(twice, twice)), 422, "rest-bundle-entry", "Bundle.entry[1]")


@pytest.mark.parametrize("body", [PATIENT, bundle(kind="collection"), bundle(kind="document")])
def test_other_bundles_are_not_processed(caller: Caller, body: Any) -> None:
    refused(caller("POST", "/fhir", body), 400, "rest-bundle-type", "Bundle.type")


def test_a_batch_does_what_it_can(caller: Caller) -> None:
    patient = caller.patient()
    answer = caller(
        "POST",
        "/fhir",
        bundle(
            entry("POST", "CarePlan", about(f"Patient/{patient}")),
            entry("POST", "CarePlan", about(URN)),
            entry("GET", f"Patient/{patient}"),
            entry("GET", "Patient/none"),
            entry("DELETE", "Patient/none"),
            kind="batch",
        ),
    )
    assert answer.status_code == 200
    assert answer.json()["type"] == "batch-response"
    entries = answer.json()["entry"]
    assert [one["response"]["status"][:3] for one in entries] == ["201", "422", "200", "404", "422"]
    assert entries[2]["resource"]["id"] == patient
    assert (
        entries[1]["response"]["outcome"]["issue"][0]["details"]["coding"][0]["code"] == "validate-reference-unresolved"
    )
    assert counts(caller) == (1, 1)


def test_an_empty_transaction_is_one_that_does_nothing(caller: Caller) -> None:
    answer = caller("POST", "/fhir/", {"resourceType": "Bundle", "type": "transaction"})
    assert answer.json() == {"resourceType": "Bundle", "type": "transaction-response"}


def test_a_bundle_whose_entries_are_no_list_is_refused(caller: Caller) -> None:
    sent = {"resourceType": "Bundle", "type": "transaction", "entry": {}}
    refused(caller("POST", "/fhir", sent), 422, "rest-bundle-entry", "Bundle.entry")
