"""A change to what another organisation keeps is sent there, and changes nothing here."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.fhir.json import load_object
from fhir_mh.profiles.bundle import write_entries
from fhir_mh.records.trees import record_of, tree_of
from fhir_mh.store import Tx
from tests.contract.rest_caller import NUMBER, Caller, Json, refused

THEIRS = "5f1f1e0a-2b1c-4c5e-9a41-7d0e3c9b5a02"
HELD = {
    "person": {"id": "their-person", "nhs_number": NUMBER, "birth_date": "1984-02-03"},
    "crisis_plans": [
        {
            "id": THEIRS,
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
    assert name["custodians"]["crisis_plans"] == {THEIRS: "ZOA1"}


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
    change = {"person": {"nhs_number": NUMBER}, "crisis_plans": [{"id": THEIRS, "title": "Ours"}]}
    answer = caller("POST", "/records", change)
    assert (answer.status_code, answer.json()["changed"]) == (200, [f"crisis_plans[{THEIRS}].title"])
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
    first = caller("PUT", url, {"crisis_plans": [{"id": THEIRS, "title": "First"}]}, if_match=seen)
    assert (first.status_code, first.headers["etag"] != seen) == (200, True)
    second = caller("PUT", url, {"crisis_plans": [{"id": THEIRS, "title": "Second"}]}, if_match=seen)
    refused(second, 412, "store-version-conflict")
    now = caller("GET", url)
    assert (now.json()["record"]["crisis_plans"][0]["title"], len(waiting(caller))) == ("First", 1)
    assert now.headers["etag"] == first.headers["etag"]
    again = caller("PUT", url, {"crisis_plans": [{"id": THEIRS, "title": "Second"}]}, if_match=now.headers["etag"])
    assert (again.status_code, len(waiting(caller))) == (200, 2)


def url_of(resource: Json) -> str:
    return f"/fhir/{resource['resourceType']}/{resource['id']}"


def shown(caller: Caller) -> Json:
    found: Json = caller("POST", "/records/find", {"nhs_number": NUMBER}).json()["record"]
    return found


def test_a_third_text_takes_the_place_of_a_change_that_waits(caller: Caller, copy: Json) -> None:
    for title in ("First", "Second"):
        refused(caller("PUT", url_of(copy), {**copy, "title": title}), 202, "rest-proposed")
    first, second = (load_object(one.payload) for one in waiting(caller))
    assert second["before"] == first["after"]
    assert [one["title"] for one in second["after"]] == ["Second"]
    assert shown(caller)["crisis_plans"][0]["title"] == "Second"
    refused(caller("PUT", url_of(copy), {**copy, "title": "Second"}), 200, "rest-unchanged")
    assert len(waiting(caller)) == 2


def test_what_was_there_before_takes_no_change_back_and_says_so(caller: Caller, copy: Json) -> None:
    refused(caller("PUT", url_of(copy), {**copy, "title": "First"}), 202, "rest-proposed")
    refused(caller("PUT", url_of(copy), copy), 409, "rest-change-waits")
    assert len(waiting(caller)) == 1
    answer = caller("PUT", url_of(copy), {**copy, "status": "on-hold"})
    assert {"rest-proposed", "rest-partly-proposed"} <= set(codes(answer))
    assert (shown(caller)["crisis_plans"][0]["title"], shown(caller)["crisis_plans"][0]["status"]) == (
        "First",
        "on-hold",
    )


def test_what_is_no_row_of_the_record_is_refused_and_not_called_unchanged(caller: Caller, copy: Json) -> None:
    subject = copy["subject"]
    weight = {"resourceType": "Observation", "id": "weight", "status": "final", "code": {"text": "weight"}}

    def store(tx: Tx) -> None:
        person = tx.persons()[0]
        tx.put({**weight, "subject": subject, "valueString": "80"}, person=person, custodian="ZOA1")

    caller.gateway.store.write_now(store)
    held = caller("GET", "/fhir/Observation/weight").json()
    refused(caller("PUT", url_of(held), held), 200, "rest-unchanged")
    refused(caller("PUT", url_of(held), {**held, "valueString": "120"}), 422, "rest-not-proposed")
    assert waiting(caller) == []


def test_what_is_left_out_empties_nothing_and_is_told(caller: Caller, copy: Json) -> None:
    less = {name: value for name, value in copy.items() if name != "title"}
    refused(caller("PUT", url_of(copy), less), 422, "rest-not-proposed")
    assert waiting(caller) == []
    assert "rest-partly-proposed" in codes(caller("PUT", url_of(copy), {**less, "status": "on-hold"}))
    assert shown(caller)["crisis_plans"][0]["title"] == "Crisis plan"


def test_what_is_sent_again_while_it_waits_is_answered_as_it_was_and_not_refused(caller: Caller, copy: Json) -> None:
    less = {name: value for name, value in copy.items() if name != "title"}
    changed = {**less, "description": "More"}
    assert {"rest-proposed", "rest-partly-proposed"} <= set(codes(caller("PUT", url_of(copy), changed)))
    answer = caller("PUT", url_of(copy), changed)
    assert (answer.status_code, fate(answer)) == (200, ["rest-unchanged", "rest-partly-proposed"])
    refused(caller("PUT", url_of(copy), less), 422, "rest-not-proposed")
    assert len(waiting(caller)) == 1
    refused(caller("PUT", url_of(copy), {**changed, "description": "Other"}), 202, "rest-proposed")


def test_of_two_changes_that_wait_one_may_be_sent_again_without_the_other(caller: Caller, copy: Json) -> None:
    for change in ({"title": "First"}, {"description": "More"}):
        refused(caller("PUT", url_of(copy), {**copy, **change}), 202, "rest-proposed")
    answer = caller("PUT", url_of(copy), {**copy, "title": "First"})
    assert (answer.status_code, fate(answer)) == (200, ["rest-unchanged", "rest-partly-proposed"])
    assert len(waiting(caller)) == 2
    assert shown(caller)["crisis_plans"][0]["description"]["text"] == "More"
    both = caller("PUT", url_of(copy), {**copy, "title": "First", "description": "More"})
    assert (both.status_code, fate(both)) == (200, ["rest-unchanged"])


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_what_is_shown_already_is_so_in_a_bundle_too(caller: Caller, copy: Json, kind: str) -> None:
    entry = {"resource": copy, "request": {"method": "PUT", "url": f"CarePlan/{copy['id']}"}}
    (done,) = caller("POST", "/fhir", {"resourceType": "Bundle", "type": kind, "entry": [entry]}).json()["entry"]
    assert done["response"]["status"] == "200 OK"
    assert done["response"]["outcome"]["issue"][0]["details"]["coding"][0]["code"] == "rest-unchanged"


def codes(answer: Any) -> list[str]:
    """Of every issue of an answer."""
    return [one["details"]["coding"][0]["code"] for one in answer.json()["issue"]]


def fate(answer: Any) -> list[str]:
    """Of the issues those that say what became of a resource, and not how it is made."""
    return [code for code in codes(answer) if code.startswith("rest-")]
