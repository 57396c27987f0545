"""A change to what another organisation keeps is sent there, and changes nothing here."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.profiles.bundle import write_entries
from fhir_mh.records.trees import record_of, tree_of
from fhir_mh.store import Tx
from tests.contract.rest_caller import NUMBER, Caller, Json, refused

HELD = {
    "person": {"id": "their-person", "nhs_number": NUMBER, "birth_date": "1984-02-03"},
    "crisis_plans": [
        {
            "id": "their-plan",
            "title": "Crisis plan",
            "status": "active",
            "custodian": "ZOA1",
            "version": 1,
            "warning_signs": [{"id": "sign", "sign": "no sleep", "coping": "a walk"}],
        }
    ],
}


@pytest.fixture
def copy(caller: Caller) -> Json:
    """A crisis plan of which a partner keeps the versions, as this gateway holds its copy."""

    def store(tx: Tx) -> None:
        person = tx.add_person()
        tx.identify(person, "https://fhir.nhs.uk/Id/nhs-number", NUMBER)
        for written in write_entries(tree_of(record_of(HELD)), relative=True):
            tx.put(written.resource, person=person, custodian="ZOA1")

    caller.gateway.store.write_now(store)
    (entry,) = caller("GET", "/fhir/CarePlan").json()["entry"]
    found: Json = entry["resource"]
    return found


def waiting(call: Caller) -> list[Any]:
    return call.gateway.store.read_now(lambda tx: tx.proposals.find(tx.persons()[0], direction="sent"))


def test_an_update_of_a_copy_becomes_a_proposal(caller: Caller, copy: Json) -> None:
    url = f"/fhir/CarePlan/{copy['id']}"
    answer = caller("PUT", url, {**copy, "title": "Our title"}, if_match='W/"1"')
    found = refused(answer, 202, "rest-proposed")
    assert found["severity"] == "information"
    (proposal,) = waiting(caller)
    assert proposal.id in found["details"]["text"]
    assert "ZOA1" in found["details"]["text"]
    assert caller("GET", url).json() == copy
    name = caller("POST", "/records/find", {"nhs_number": NUMBER}).json()
    assert name["record"]["crisis_plans"][0]["title"] == "Our title"
    assert [one["id"] for one in name["pending"]] == [proposal.id]
    assert name["custodians"]["crisis_plans"] == {"their-plan": "ZOA1"}


def test_a_stale_if_match_proposes_nothing(caller: Caller, copy: Json) -> None:
    answer = caller("PUT", f"/fhir/CarePlan/{copy['id']}", {**copy, "title": "x"}, if_match='W/"9"')
    refused(answer, 412, "store-version-conflict")
    assert waiting(caller) == []


def test_what_is_held_already_is_not_proposed(caller: Caller, copy: Json) -> None:
    refused(caller("PUT", f"/fhir/CarePlan/{copy['id']}", copy), 200, "rest-unchanged")
    assert waiting(caller) == []


def test_an_entry_of_a_transaction_may_be_a_proposal(caller: Caller, copy: Json) -> None:
    entry = {"resource": {**copy, "title": "x"}, "request": {"method": "PUT", "url": f"CarePlan/{copy['id']}"}}
    answer = caller("POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    (done,) = answer.json()["entry"]
    assert done["response"]["status"] == "202 Accepted"
    assert done["response"]["outcome"]["issue"][0]["details"]["coding"][0]["code"] == "rest-proposed"
    assert len(waiting(caller)) == 1


def test_a_record_written_here_says_what_was_proposed(caller: Caller, copy: Json) -> None:
    change = {"person": {"nhs_number": NUMBER}, "crisis_plans": [{"id": "their-plan", "title": "Ours"}]}
    answer = caller("POST", "/records", change)
    assert (answer.status_code, answer.json()["changed"]) == (200, ["crisis_plans[their-plan].title"])
    (proposal,) = waiting(caller)
    assert answer.json()["proposed"] == [proposal.id]
    assert caller("GET", f"/fhir/CarePlan/{copy['id']}").json() == copy


def test_a_custodian_who_is_no_partner_cannot_be_proposed_to(caller: Caller) -> None:
    def store(tx: Tx) -> None:
        person = tx.add_person()
        body = {"resourceType": "Goal", "id": "g", "lifecycleStatus": "active", "description": {"text": "x"}}
        patient = {"resourceType": "Patient", "id": "p"}
        tx.put(patient, person=person, custodian="ZCT1")
        tx.put({**body, "subject": {"reference": "Patient/p"}}, person=person, custodian="ZXX1")

    caller.gateway.store.write_now(store)
    goal = caller("GET", "/fhir/Goal/g").json()
    answer = caller("PUT", "/fhir/Goal/g", {**goal, "description": {"text": "y"}})
    refused(answer, 409, "sync-unknown-custodian")


def test_of_two_who_change_what_another_keeps_the_second_is_told_that_the_record_has_changed(
    caller: Caller, copy: Json
) -> None:
    read = caller("POST", "/records/find", {"nhs_number": NUMBER})
    url, seen = f"/records/{read.json()['id']}", read.headers["etag"]
    first = caller("PUT", url, {"crisis_plans": [{"id": "their-plan", "title": "First"}]}, if_match=seen)
    assert (first.status_code, first.headers["etag"] != seen) == (200, True)
    second = caller("PUT", url, {"crisis_plans": [{"id": "their-plan", "title": "Second"}]}, if_match=seen)
    refused(second, 412, "store-version-conflict")
    now = caller("GET", url)
    assert (now.json()["record"]["crisis_plans"][0]["title"], len(waiting(caller))) == ("First", 1)
    assert now.headers["etag"] == first.headers["etag"]
    again = caller(
        "PUT", url, {"crisis_plans": [{"id": "their-plan", "title": "Second"}]}, if_match=now.headers["etag"]
    )
    assert (again.status_code, len(waiting(caller))) == (200, 2)
