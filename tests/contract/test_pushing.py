"""What a partner's FHIR system sends here itself: taken in as if it had been found on its server, and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from fhir_mh.connectors.fhir_server.naming import minted
from fhir_mh.settings import load
from tests.contract.rest_caller import NHS, NUMBER, OTHER_NUMBER, Caller, calling, refused
from tests.contract.test_fhir_transactions import bundle, entry
from tests.contract.test_reading_servers import GOAL, PATIENT
from tests.databases import sqlite_database

OWN, WARD, READER, QUARANTINE = ("own-" + "x" * 40, "ward-" + "y" * 40, "read-" + "z" * 40, "see-" + "q" * 40)
BASE = "https://ward.example/r4"
URN = "urn:uuid:6c1f7a52-2f0e-4f5b-9b52-0d6f4a3f2a11"
GOAL_URN = "urn:uuid:0b0f3a0e-54f5-4d1c-8a4e-6f6d5b1c2a22"
Json = dict[str, Any]

CLIENTS = [
    {"token": OWN, "organisation": "ZCT1", "role": "clinician"},
    {"token": QUARANTINE, "organisation": "ZCT1", "role": "quarantine"},
    {"token": WARD, "organisation": "ZOA1", "role": "fhir-server"},
    {"token": READER, "organisation": "ZOA1", "role": "clinician"},
]


def settings(address: str, **connection: Any) -> Any:
    reached = {"kind": "fhir-server", "base_url": BASE, "token": "t" * 40, **connection}
    partners = [{"ods": "ZOA1", "name": "Ward far away", "connections": [reached]}]
    return load(store=address, ods="ZCT1", name="Community trust", partners=partners, clients=CLIENTS)


class Ward:
    """The home team's gateway, where one person is known, and the ward's system that sends to it."""

    def __init__(self, call: Caller) -> None:
        self.call = call
        self.know(NUMBER, "1984-02-03")

    def know(self, number: str, born: str) -> None:
        person = {"nhs_number": number, "birth_date": born}
        answer = self.call("POST", "/records", {"person": person}, authorization=f"Bearer {OWN}")
        assert answer.status_code == 201, answer.text

    def send(self, *entries: Any, kind: str = "transaction", token: str = WARD) -> Any:
        return self.call("POST", "/fhir", bundle(*entries, kind=kind), authorization=f"Bearer {token}")

    def told(self, *entries: Any, kind: str = "transaction") -> list[Json]:
        """What became of each entry."""
        answer = self.send(*entries, kind=kind)
        assert answer.status_code == 200, answer.text
        assert answer.json()["type"] == f"{kind}-response"
        return [one["response"] for one in answer.json()["entry"]]

    def record(self, number: str = NUMBER) -> Json:
        answer = self.call("POST", "/records/find", {"nhs_number": number}, authorization=f"Bearer {OWN}")
        assert answer.status_code in (200, 404), answer.text
        found: Json = answer.json().get("record", {})
        return found

    def goals(self, number: str = NUMBER) -> list[str]:
        return sorted(one["description"]["text"] for one in self.record(number).get("goals", ()))

    def read(self, kind: str, there: str) -> Any:
        name = minted("ZOA1", kind, there)
        return self.call("GET", f"/fhir/{kind}/{name}", authorization=f"Bearer {OWN}")

    def aside(self) -> list[Json]:
        found: list[Json] = self.call("GET", "/quarantine?state=held", authorization=f"Bearer {QUARANTINE}").json()[
            "messages"
        ]
        return found

    def replay(self) -> Any:
        return self.call("POST", "/quarantine/replay", {}, authorization=f"Bearer {QUARANTINE}")


@pytest.fixture
def ward() -> Iterator[Ward]:
    with sqlite_database() as address, calling(settings(address)) as call:
        yield Ward(call)


@pytest.fixture
def ward_on_each(store_url: str) -> Iterator[Ward]:
    with calling(settings(store_url)) as call:
        yield Ward(call)


def put(body: Json, **more: Any) -> Json:
    return entry("PUT", f"{body['resourceType']}/{body['id']}", body, **more)


def post(body: Json, **more: Any) -> Json:
    return entry("POST", body["resourceType"], body, **more)


def unnamed(body: Json) -> Json:
    return {name: value for name, value in body.items() if name != "id"}


def codes(told: Json) -> list[str]:
    return [one["details"]["coding"][0]["code"] for one in told.get("outcome", {}).get("issue", ())]


def places(told: Json) -> list[str]:
    return [one["expression"][0] for one in told.get("outcome", {}).get("issue", ())]


# --- what is taken in


def test_its_own_entries_are_its_own_here(ward_on_each: Ward) -> None:
    ward = ward_on_each
    strange = {**GOAL, "extension": [{"url": "https://ward.example/odd", "valueDecimal": 1.5}]}
    patient, goal = ward.told(put(PATIENT), put(strange))
    assert [patient["status"], goal["status"]] == ["201 Created", "201 Created"]
    held = ward.call("GET", goal["location"], authorization=f"Bearer {OWN}").json()
    assert goal["etag"] == 'W/"1"'
    assert held["id"] == minted("ZOA1", "Goal", "g1")
    assert held["subject"] == {"reference": patient["location"].partition("/fhir/")[2].partition("/_history")[0]}
    assert held["extension"] == strange["extension"]
    assert ward.goals() == ["Sleep"]


def test_the_same_again_is_answered_the_same_and_does_nothing(ward_on_each: Ward) -> None:
    ward = ward_on_each
    sent = (put(PATIENT), put(GOAL), put({**GOAL, "id": "g2", "lifecycleStatus": None}))
    first = ward.told(*sent)
    assert [one["status"] for one in first] == ["201 Created", "201 Created", "202 Accepted"]
    assert ward.told(*sent) == first
    assert len(ward.aside()) == 1
    history = ward.call(
        "GET", first[1]["location"].partition("/_history")[0] + "/_history", authorization=f"Bearer {OWN}"
    )
    assert len(history.json()["entry"]) == 1


def test_what_is_said_again_after_something_else_is_a_change(ward: Ward) -> None:
    other = {**GOAL, "description": {"text": "Walk"}}
    for body, version in ((GOAL, 1), (other, 2), (GOAL, 3), (other, 4), (GOAL, 5)):
        _, goal = ward.told(put(PATIENT), put(body))
        assert goal["etag"] == f'W/"{version}"'
        assert ward.goals() == [body["description"]["text"]]
        assert ward.told(put(PATIENT), put(body))[1] == goal, "sent again"


def test_an_older_version_after_a_newer_changes_nothing(ward: Ward) -> None:
    newer = {**GOAL, "meta": {"versionId": "3"}, "description": {"text": "Newer"}}
    ward.told(put(PATIENT), put(newer))
    for version, said in (("2", {}), ("3", {}), ("3", {"ifMatch": 'W/"1"'})):
        (_, goal) = ward.told(put(PATIENT), put({**GOAL, "meta": {"versionId": version}}, request=said))
        assert (goal["status"], codes(goal)) == ("200 OK", ["server-pushed-late"])
    assert codes(ward.told(put(newer), put(PATIENT))[0]) == ["rest-unchanged"]
    assert ward.goals() == ["Newer"]


def test_a_version_that_no_server_counts_up_to_is_taken_in(ward: Ward) -> None:
    for version, text in (("1", "Sleep"), ("9" * 5000, "Walk")):
        ward.told(put(PATIENT), put({**GOAL, "meta": {"versionId": version}, "description": {"text": text}}))
        assert ward.goals() == [text]


def test_who_provides_what_and_is_sent_by_itself_is_not_changed(ward: Ward) -> None:
    unit = {"resourceType": "Organization", "id": "o1", "name": "Fells ward"}
    ward.told(put({**PATIENT, "managingOrganization": {"reference": "Organization/o1"}}), put(unit))
    (told,) = ward.told(put({**unit, "name": "Another name"}))
    assert (told["status"], codes(told)) == ("200 OK", ["server-pushed-passed"])
    assert ward.read("Organization", "o1").json()["name"] == "Fells ward"


def test_entries_refer_to_one_another_by_their_full_urls(ward: Ward) -> None:
    about = {**GOAL, "subject": {"reference": URN}}
    plan = {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "title": "Ward plan",
        "subject": {"reference": URN},
        "goal": [{"reference": GOAL_URN}],
    }
    told = ward.told(post(plan), post(unnamed(about), fullUrl=GOAL_URN), post(unnamed(PATIENT), fullUrl=URN))
    assert [one["status"] for one in told] == ["201 Created"] * 3
    held = ward.call("GET", told[0]["location"], authorization=f"Bearer {OWN}").json()
    named = [one["location"].partition("/fhir/")[2].partition("/_history")[0] for one in told]
    assert held["subject"] == {"reference": named[2]}
    assert held["goal"] == [{"reference": named[1]}]


@pytest.mark.parametrize(
    "goal",
    [
        post(unnamed(GOAL), fullUrl=f"{BASE}/Goal/g1"),
        post(GOAL, fullUrl=GOAL_URN),
        put(GOAL, fullUrl=f"{BASE}/Goal/g1"),
        put({**GOAL, "subject": {"reference": f"{BASE}/Patient/77"}}),
    ],
)
def test_one_entry_is_called_by_its_own_id_however_it_is_said(ward: Ward, goal: Json) -> None:
    told = ward.told(put(PATIENT), goal)
    assert told[1]["location"].endswith(f"/fhir/Goal/{minted('ZOA1', 'Goal', 'g1')}/_history/1")
    assert ward.read("Goal", "g1").json()["subject"] == {"reference": f"Patient/{minted('ZOA1', 'Patient', '77')}"}


@pytest.mark.parametrize("on", [True, False])
def test_every_address_of_the_partners_is_its_own(on: bool) -> None:
    other = "https://standby.example/r4"
    with sqlite_database() as address:
        reached = {"kind": "fhir-server", "token": "t" * 40}
        connections = [{**reached, "base_url": BASE}, {**reached, "base_url": other, "on": on}]
        partners = [{"ods": "ZOA1", "name": "Ward far away", "connections": connections}]
        said = load(store=address, ods="ZCT1", name="Community trust", partners=partners, clients=CLIENTS)
        with calling(said) as call:
            ward = Ward(call)
            about = {**unnamed(GOAL), "subject": {"reference": f"{other}/Patient/77"}}
            ward.told(put(PATIENT), post(about, fullUrl=f"{other}/Goal/g1"))
            here = f"Patient/{minted('ZOA1', 'Patient', '77')}"
            assert ward.read("Goal", "g1").json()["subject"] == {"reference": here}


def test_what_it_was_told_of_is_changed_by_the_id_it_was_told(ward: Ward) -> None:
    patient, goal = ward.told(put(PATIENT), put(GOAL))
    called = {kind: one["location"].split("/")[-3] for kind, one in (("Patient", patient), ("Goal", goal))}
    changed = {**GOAL, "id": called["Goal"], "description": {"text": "Sleep well"}}
    changed["subject"] = {"reference": f"Patient/{called['Patient']}"}
    (told,) = ward.told(put(changed, request={"ifMatch": goal["etag"]}))
    assert (told["status"], told["etag"]) == ("200 OK", 'W/"2"')
    assert ward.goals() == ["Sleep well"]
    assert ward.read("Goal", "g1").json()["subject"] == {"reference": f"Patient/{called['Patient']}"}


def test_a_stale_version_of_its_own_undoes_the_whole(ward: Ward) -> None:
    ward.told(put(PATIENT), put(GOAL))
    changed = {**GOAL, "description": {"text": "Changed"}}
    other = {**GOAL, "id": "g2", "description": {"text": "Walk"}}
    for version in ('W/"7"', 'W/"2"'):
        answer = ward.send(put(other), put(changed, request={"ifMatch": version}))
        refused(answer, 412, "store-version-conflict", "Bundle.entry[1].resource")
    assert ward.goals() == ["Sleep"]
    sent = put(changed, request={"ifMatch": 'W/"1"'})
    assert ward.told(sent) == ward.told(sent), "the same again is no stale one"
    refused(ward.send(put({**GOAL, "id": "g9"}, request={"ifMatch": 'W/"1"'})), 412, "store-version-conflict")


def test_what_is_created_on_condition_is_there_once(ward: Ward) -> None:
    named = {**unnamed(GOAL), "identifier": [{"system": "https://ward.example/goal", "value": "7|1"}]}
    asked = {"ifNoneExist": "identifier=https%3A%2F%2Fward.example%2Fgoal%7C7%7C1"}
    number = {"ifNoneExist": f"identifier={NHS}|{NUMBER}"}

    def send(urn: str, text: str) -> list[Json]:
        goal = {**named, "description": {"text": text}, "subject": {"reference": URN}}
        return ward.told(
            post(unnamed(PATIENT), fullUrl=URN, request=number), post(goal, fullUrl=f"urn:uuid:{urn}", request=asked)
        )

    first = send("0b0f3a0e-54f5-4d1c-8a4e-6f6d5b1c2a22", "Sleep")
    again = send("0b0f3a0e-54f5-4d1c-8a4e-6f6d5b1c2a33", "Something else")
    assert [one["status"] for one in first] == ["201 Created", "201 Created"]
    assert [one["status"] for one in again] == ["200 OK", "200 OK"]
    assert [one["location"] for one in again] == [one["location"] for one in first]
    assert ward.goals() == ["Sleep"], "R4: a create on a condition that is met does nothing"
    update = entry("PUT", f"Goal?{asked['ifNoneExist']}", {**named, "description": {"text": "Walk"}})
    update["resource"]["subject"] = {"reference": f"Patient?identifier={NHS}|{NUMBER}"}
    refused(ward.send(update), 422, "rest-conditional-reference", "Bundle.entry[0].resource.subject.reference")
    update["resource"]["subject"] = {"reference": first[0]["location"].partition("/fhir/")[2].partition("/_h")[0]}
    assert [one["location"] for one in ward.told(update)] == [first[1]["location"].replace("history/1", "history/2")]
    assert ward.goals() == ["Walk"]


def test_a_condition_that_two_meet_undoes_the_whole(ward: Ward) -> None:
    named = {**GOAL, "identifier": [{"system": "https://ward.example/goal", "value": "7"}]}
    ward.told(put(PATIENT), put(named), put({**named, "id": "g2"}))
    update = entry("PUT", "Goal?identifier=https://ward.example/goal|7", {**named, "description": {"text": "Walk"}})
    refused(ward.send(update), 412, "rest-bundle-entry", "Bundle.entry[0].request")


def test_a_condition_that_is_met_by_what_is_another_persons_undoes_the_whole(ward: Ward) -> None:
    ward.know(OTHER_NUMBER, "1984-02-03")
    named = {**GOAL, "identifier": [{"system": "https://ward.example/goal", "value": "7"}]}
    ward.told(put(PATIENT), put(named))
    other = {**PATIENT, "id": "78", "identifier": [{"system": NHS, "value": OTHER_NUMBER}]}
    theirs = {**unnamed(named), "description": {"text": "Theirs"}, "subject": {"reference": "Patient/78"}}
    asked = "identifier=https://ward.example/goal|7"
    for sent in (
        post(theirs, fullUrl=GOAL_URN, request={"ifNoneExist": asked}),
        entry("PUT", f"Goal?{asked}", theirs),
    ):
        refused(ward.send(put(other), sent), 422, "rest-bundle-entry", "Bundle.entry[1].request")
    assert (ward.goals(), ward.goals(OTHER_NUMBER)) == (["Sleep"], [])


@pytest.mark.parametrize("number", [NUMBER, OTHER_NUMBER])
def test_a_condition_is_not_met_by_what_is_kept_here_and_was_never_sent_there(ward: Ward, number: str) -> None:
    ward.know(OTHER_NUMBER, "1990-01-01")
    item = "0b0f3a0e-54f5-4d1c-8a4e-6f6d5b1c2a44"
    kept = {"person": {"nhs_number": number}, "goals": [{"id": item, "description": "Secret"}]}
    assert ward.call("POST", "/records", kept, authorization=f"Bearer {OWN}").status_code == 200
    asked = f"identifier=https://w3id.org/fhir-mh/Id/record-item|{item}"
    _, goal = ward.told(put(PATIENT), post(unnamed(GOAL), fullUrl=GOAL_URN, request={"ifNoneExist": asked}))
    assert goal["status"] == "201 Created"
    assert sorted([*ward.goals(), *ward.goals(OTHER_NUMBER)]) == ["Secret", "Sleep"]


def test_the_same_at_once_is_taken_in_once(ward_on_each: Ward) -> None:
    ward, sent = ward_on_each, bundle(put(PATIENT), put(GOAL))

    async def at_once() -> list[Any]:
        send = ward.call.client.post
        headers = {"authorization": f"Bearer {WARD}"}
        return await asyncio.gather(*(send("/fhir", json=sent, headers=headers) for _ in range(4)))

    answers = ward.call.run(at_once())
    assert [one.status_code for one in answers] == [200] * 4
    assert len({one.content for one in answers}) == 1
    assert [one["response"]["etag"] for one in answers[0].json()["entry"]] == ['W/"1"', 'W/"1"']
    assert ward.goals() == ["Sleep"]


# --- whose it is


def test_a_patient_who_cannot_be_the_same_is_not_passed_over_on_a_condition(ward: Ward) -> None:
    ward.told(put(PATIENT))
    other = {**unnamed(PATIENT), "birthDate": "1990-01-01"}
    sent = post(other, fullUrl=URN, request={"ifNoneExist": f"identifier={NHS}|{NUMBER}"})
    told = ward.told(sent, post({**unnamed(GOAL), "subject": {"reference": URN}}, fullUrl=GOAL_URN))
    assert [one["status"] for one in told] == ["202 Accepted", "202 Accepted"]
    assert codes(told[1]) == ["server-pushed-aside", "sync-identity"]
    assert ward.goals() == []


def test_another_date_of_birth_sets_everything_about_the_person_aside(ward: Ward) -> None:
    told = ward.told(put({**PATIENT, "birthDate": "1990-01-01"}), put(GOAL))
    assert [codes(one) for one in told] == [["server-pushed-aside", "sync-identity"]] * 2
    assert places(told[1]) == ["Bundle.entry[1].resource"] * 2
    assert ward.goals() == []
    assert [one["kind"] for one in ward.record()["tasks"]] == ["identity"]


def test_a_number_that_is_none_sets_everything_about_it_aside(ward: Ward) -> None:
    wrong = {**PATIENT, "identifier": [{"system": NHS, "value": "9990000019"}]}
    told = ward.told(put(wrong), put(GOAL))
    assert {one["status"] for one in told} == {"202 Accepted"}
    assert codes(told[0])[:2] == ["server-pushed-aside", "sync-unreadable"]
    assert "Bundle.entry[0].resource.identifier[0].value" in places(told[0])
    assert set(places(told[1])) == {"Bundle.entry[1].resource"}
    assert ward.goals() == []
    assert len(ward.aside()) == 1


def test_whom_nobody_knows_is_kept_whole_and_tried_again_once_they_are_known(ward_on_each: Ward) -> None:
    ward = ward_on_each
    stranger = {**PATIENT, "identifier": [{"system": NHS, "value": OTHER_NUMBER}]}
    sent = (put(stranger), put(GOAL))
    told = ward.told(*sent)
    assert [codes(one) for one in told] == [["server-pushed-aside", "sync-unknown-person"]] * 2
    assert ward.told(*sent) == told
    (held,) = ward.aside()
    assert ward.record(OTHER_NUMBER) == {}, "nobody is made of it"
    ward.replay()
    assert ward.record(OTHER_NUMBER) == {}, "nor by trying again"
    assert [one["id"] for one in ward.aside()] == [held["id"]]
    ward.know(OTHER_NUMBER, "1984-02-03")
    ward.replay()
    assert ward.goals(OTHER_NUMBER) == ["Sleep"]
    assert ward.aside() == []


def test_each_of_two_people_is_taken_in_by_themselves(ward: Ward) -> None:
    ward.know(OTHER_NUMBER, "1990-01-01")
    other = {**PATIENT, "id": "78", "identifier": [{"system": NHS, "value": OTHER_NUMBER}], "birthDate": "1999-09-09"}
    theirs = {**GOAL, "id": "g2", "description": {"text": "Theirs"}, "subject": {"reference": "Patient/78"}}
    told = ward.told(put(PATIENT), put(other), put(theirs), put(GOAL))
    assert [one["status"][:3] for one in told] == ["201", "202", "202", "201"]
    assert ward.goals() == ["Sleep"]
    assert ward.goals(OTHER_NUMBER) == []


def test_what_was_of_one_person_cannot_become_anothers(ward: Ward) -> None:
    ward.know(OTHER_NUMBER, "1984-02-03")
    ward.told(put(PATIENT), put(GOAL))
    other = {**PATIENT, "id": "78", "identifier": [{"system": NHS, "value": OTHER_NUMBER}]}
    _, goal = ward.told(put(other), put({**GOAL, "subject": {"reference": "Patient/78"}}))
    assert codes(goal) == ["server-pushed-aside", "sync-custody"]
    assert (ward.goals(), ward.goals(OTHER_NUMBER)) == (["Sleep"], [])


@pytest.mark.parametrize("element", ["goal", "partOf", "supportingInfo"])
@pytest.mark.parametrize("sent_before", [True, False])
def test_a_reference_to_what_is_another_persons_undoes_the_whole(ward: Ward, element: str, sent_before: bool) -> None:
    ward.know(OTHER_NUMBER, "1984-02-03")
    other = {**PATIENT, "id": "78", "identifier": [{"system": NHS, "value": OTHER_NUMBER}]}
    theirs = {**GOAL, "id": "g2", "description": {"text": "Theirs"}, "subject": {"reference": "Patient/78"}}
    plan = {"resourceType": "CarePlan", "id": "p1", "status": "active", "intent": "plan", "title": "Ward plan"}
    plan |= {"subject": {"reference": "Patient/77"}, element: [{"reference": "Goal/g2"}]}
    before = (put(other), put(theirs)) if sent_before else ()
    if sent_before:
        ward.told(*before)
    answer = ward.send(put(PATIENT), put(plan), *(() if sent_before else (put(other), put(theirs))))
    refused(answer, 422, "server-pushed-person", f"Bundle.entry[1].resource.{element}[0].reference")
    assert (ward.goals(), ward.goals(OTHER_NUMBER)) == ([], ["Theirs"] if sent_before else [])
    assert ward.read("Patient", "77").status_code == 404


def test_a_second_subject_who_is_another_undoes_the_whole(ward: Ward) -> None:
    ward.know(OTHER_NUMBER, "1984-02-03")
    other = {**PATIENT, "id": "78", "identifier": [{"system": NHS, "value": OTHER_NUMBER}]}
    said = {
        "resourceType": "Provenance",
        "id": "v1",
        "recorded": "2026-11-24T09:00:00Z",
        "agent": [{"who": {"display": "A"}}],
    }
    theirs = {**GOAL, "id": "g2", "subject": {"reference": "Patient/78"}}
    said["target"] = [{"reference": "Goal/g1"}, {"reference": "Goal/g2"}]
    answer = ward.send(put(PATIENT), put(GOAL), put(other), put(theirs), put(said))
    refused(answer, 422, "server-pushed-person", "Bundle.entry[4].resource.target[1].reference")


def test_who_provides_what_is_referred_to_from_every_record(ward: Ward) -> None:
    ward.know(OTHER_NUMBER, "1984-02-03")
    other = {**PATIENT, "id": "78", "identifier": [{"system": NHS, "value": OTHER_NUMBER}]}
    unit = {"resourceType": "Organization", "id": "o1", "name": "Fells ward"}
    by = {"managingOrganization": {"reference": "Organization/o1"}}
    assert ward.told(put({**PATIENT, **by}), put(unit))[0]["status"] == "201 Created"
    linked = {**other, **by, "link": [{"other": {"reference": "Patient/77"}, "type": "seealso"}]}
    plan = {"resourceType": "CarePlan", "id": "p1", "status": "active", "intent": "plan", "title": "Ward plan"}
    plan |= {"subject": {"reference": "Patient/78"}, "author": {"reference": "Organization/o1"}}
    assert [one["status"] for one in ward.told(put(linked), put(plan))] == ["201 Created"] * 2


@pytest.mark.parametrize(
    "body", [{**GOAL, "subject": {"reference": "Patient/99"}}, {"resourceType": "Goal", "id": "g1"}]
)
def test_what_names_nobody_is_refused_whole(ward: Ward, body: Json) -> None:
    answer = ward.send(put(PATIENT), put(body))
    refused(answer, 422, "rest-unknown-patient", "Bundle.entry[1].resource")
    assert ward.read("Patient", "77").status_code == 404
    assert ward.aside() == []


# --- what is not taken in


def test_what_breaks_a_rule_is_set_aside_and_stops_nothing_else(ward: Ward) -> None:
    _, good, bad = ward.told(put(PATIENT), put(GOAL), put({**GOAL, "id": "g2", "lifecycleStatus": "dozing"}))
    assert good["status"] == "201 Created"
    assert codes(bad)[0] == "server-pushed-aside"
    assert places(bad)[1] == "Bundle.entry[2].resource.lifecycleStatus"
    assert ward.goals() == ["Sleep"]
    (held,) = ward.aside()
    whole = ward.call("GET", f"/quarantine/{held['id']}", authorization=f"Bearer {QUARANTINE}").json()
    assert "dozing" in str(whole)


def test_what_refers_to_what_breaks_a_rule_waits_for_it(ward_on_each: Ward) -> None:
    ward = ward_on_each
    plan = {"resourceType": "CarePlan", "id": "p1", "status": "active", "intent": "plan", "title": "Ward plan"}
    plan |= {"subject": {"reference": "Patient/77"}, "goal": [{"reference": "Goal/g1"}, {"reference": "Goal/g2"}]}
    above = {**plan, "id": "p2", "title": "Above it", "goal": [], "partOf": [{"reference": "CarePlan/p1"}]}
    del above["goal"]
    sent = (put(above), put(PATIENT), put(GOAL), put({**GOAL, "id": "g2", "lifecycleStatus": "dozing"}), put(plan))
    told = ward.told(*sent)
    assert [one["status"][:3] for one in told] == ["202", "201", "201", "202", "202"]
    assert codes(told[4]) == ["server-pushed-aside", "server-refers-aside"]
    assert places(told[4])[1] == "Bundle.entry[4].resource.goal[1].reference"
    assert codes(told[0]) == ["server-pushed-aside", "server-refers-aside"]
    assert places(told[0]) == ["Bundle.entry[0].resource"] * 2, "where the other one does is no place in this one"
    assert ward.told(*sent) == told
    assert ward.read("CarePlan", "p1").status_code == 404
    ward.replay()
    assert len(ward.aside()) == 2
    ward.told(put(PATIENT), put({**GOAL, "id": "g2"}))
    ward.replay()
    assert [ward.read("CarePlan", name).status_code for name in ("p1", "p2")] == [200, 200]
    assert ward.aside() == [], "of the goal a later text is held"


def test_a_type_that_is_not_taken_is_refused_whole(ward: Ward) -> None:
    seen = {"resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "BP"}}
    answer = ward.send(put(PATIENT), put({**seen, "subject": {"reference": "Patient/77"}}))
    refused(answer, 422, "server-pushed-type", "Bundle.entry[1].request.url")
    assert ward.read("Patient", "77").status_code == 404


def test_a_reference_that_leads_nowhere_is_refused_whole(ward: Ward) -> None:
    answer = ward.send(put(PATIENT), put({**GOAL, "subject": {"reference": URN}}))
    refused(answer, 422, "validate-reference-unresolved", "Bundle.entry[1].resource.subject.reference")
    assert ward.read("Patient", "77").status_code == 404


def test_the_same_resource_twice_is_refused_whole(ward: Ward) -> None:
    answer = ward.send(put(PATIENT), put(GOAL), post(unnamed(GOAL), fullUrl=f"{BASE}/Goal/g1"))
    refused(answer, 422, "rest-bundle-entry", "Bundle.entry[2]")


@pytest.mark.parametrize(
    ("request_", "place"),
    [
        ({"ifNoneExist": "name=Sleep"}, "request.ifNoneExist"),
        ({"ifNoneExist": "identifier=7"}, "request.ifNoneExist"),
        ({"ifNoneExist": "identifier=https://ward.example/goal|7&name=x"}, "request.ifNoneExist"),
        ({"ifNoneExist": 7}, "request.ifNoneExist"),
        ({"ifNoneMatch": "*"}, "request.ifNoneMatch"),
        ({"method": "PUT", "url": "Goal?name=x"}, "request.url"),
        ({"method": "PUT", "url": "Goal/g1?identifier=a|b"}, "request"),
        ({"method": "DELETE", "url": "Goal/g1"}, "request"),
        ({"method": "PUT", "url": "Goal/g1", "ifNoneExist": "identifier=a|b"}, "request.ifNoneExist"),
    ],
)
def test_a_condition_that_is_not_understood_is_refused_whole(ward: Ward, request_: Json, place: str) -> None:
    sent = entry("POST", "Goal", GOAL, request=request_)
    refused(ward.send(put(PATIENT), sent), 422, "rest-bundle-entry", f"Bundle.entry[1].{place}")
    assert ward.read("Patient", "77").status_code == 404


def test_a_concern_is_kept_nowhere(ward: Ward) -> None:
    tag = {"system": "https://w3id.org/fhir-mh/CodeSystem/concern-kind", "code": "safety-concern"}
    task = {"resourceType": "Task", "id": "t1", "status": "requested", "intent": "order", "code": {"coding": [tag]}}
    answer = ward.send(put(PATIENT), put({**task, "for": {"reference": "Patient/77"}}))
    refused(answer, 422, "concern-not-a-record", "Bundle.entry[1].resource")
    assert ward.aside() == []


def test_what_another_organisation_keeps_is_passed_over(ward: Ward) -> None:
    ods = {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "ZCT2"}
    kept = [{"url": "https://w3id.org/fhir-mh/StructureDefinition/custodian", "valueIdentifier": ods}]
    plan = {"resourceType": "CarePlan", "id": "p1", "status": "active", "intent": "plan", "extension": kept}
    _, told = ward.told(put(PATIENT), put({**plan, "subject": {"reference": "Patient/77"}}))
    assert codes(told) == ["server-pushed-passed"]
    assert "location" not in told


def test_who_provides_what_goes_along_with_what_names_them(ward: Ward) -> None:
    unit = {"resourceType": "Organization", "id": "o1", "name": "Fells ward"}
    other = {"resourceType": "Organization", "id": "o2", "name": "Nobody's"}
    _, named, unnamed_, _ = ward.told(
        put({**PATIENT, "managingOrganization": {"reference": "Organization/o1"}}), put(unit), put(other), put(GOAL)
    )
    assert named["status"] == "201 Created"
    assert codes(unnamed_) == ["server-pushed-passed"]


# --- a batch, and one resource alone


def test_each_entry_of_a_batch_stands_for_itself(ward_on_each: Ward) -> None:
    ward = ward_on_each
    seen = {"resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "BP"}}
    sent = (
        put(PATIENT),
        put(GOAL),
        put({**GOAL, "id": "g2", "lifecycleStatus": "dozing"}),
        put(seen),
        put({**GOAL, "id": "g3", "subject": {"reference": "Patient/99"}}),
        put({**GOAL, "id": "g4", "description": {"text": "Walk"}}),
        "text",
        entry("GET", "Patient/none"),
    )
    told = ward.told(*sent, kind="batch")
    assert [one["status"][:3] for one in told] == ["201", "201", "202", "422", "422", "201", "422", "404"]
    assert places(told[4]) == ["Bundle.entry[4].resource"]
    assert ward.told(*sent, kind="batch") == told
    assert ward.goals() == ["Sleep", "Walk"]
    assert len(ward.aside()) == 1


def test_an_entry_of_a_batch_that_is_refused_is_not_taken_along_with_another(ward: Ward) -> None:
    newer = {**PATIENT, "name": [{"family": "Newer"}]}
    ward.told(put(PATIENT), put(GOAL))
    ward.told(put(newer))
    stale, goal = ward.told(
        put(PATIENT, request={"ifMatch": 'W/"1"'}), put({**GOAL, "description": {"text": "Walk"}}), kind="batch"
    )
    assert [stale["status"][:3], goal["status"][:3]] == ["412", "200"]
    assert ward.read("Patient", "77").json()["name"] == newer["name"]
    assert ward.goals() == ["Walk"]


def test_what_an_entry_of_a_batch_refers_to_was_taken_before(ward: Ward) -> None:
    role = {"resourceType": "PractitionerRole", "id": "r1"}
    named = put({**GOAL, "id": "g2", "expressedBy": {"reference": "PractitionerRole/r1"}})
    early, _, late, found, _ = ward.told(put(GOAL), put(PATIENT), put(GOAL), named, put(role), kind="batch")
    assert (early["status"][:3], places(early), codes(early)) == (
        "422",
        ["Bundle.entry[0].resource"],
        ["rest-unknown-patient"],
    )
    assert late["status"] == "201 Created"
    assert (codes(found), places(found)) == (
        ["validate-reference-unresolved"],
        ["Bundle.entry[3].resource.expressedBy.reference"],
    )
    assert ward.goals() == ["Sleep"]


def test_who_provides_what_is_taken_along_however_long_the_chain(ward: Ward) -> None:
    units: list[Json] = [{"resourceType": "Organization", "id": f"o{one}", "name": f"Unit {one}"} for one in range(6)]
    for one, above in pairwise(units):
        one["partOf"] = {"reference": f"Organization/{above['id']}"}
    patient = {**PATIENT, "managingOrganization": {"reference": "Organization/o0"}}
    assert [one["status"] for one in ward.told(put(patient), *map(put, units))] == ["201 Created"] * 7


def test_one_resource_alone(ward: Ward) -> None:
    def send(method: str, url: str, body: Json, **headers: str) -> Any:
        return ward.call(method, f"/fhir/{url}", body, authorization=f"Bearer {WARD}", **headers)

    refused(send("PUT", "Goal/g1", GOAL), 422, "rest-unknown-patient", "Goal")
    made = send("POST", "Patient", PATIENT, if_none_exist=f"identifier={NHS}|{NUMBER}")
    assert (made.status_code, made.headers["etag"]) == (201, 'W/"1"')
    goal = send("PUT", "Goal/g1", GOAL)
    assert goal.status_code == 201, goal.text
    assert (goal.status_code, goal.headers["etag"]) == (201, 'W/"1"')
    assert goal.headers["location"].endswith(f"/fhir/Goal/{minted('ZOA1', 'Goal', 'g1')}/_history/1")
    changed = {**GOAL, "description": {"text": "Walk"}}
    refused(send("PUT", "Goal/g1", changed, if_match='W/"3"'), 412, "store-version-conflict", "Goal")
    assert send("PUT", "Goal/g1", changed, if_match='W/"1"').status_code == 200
    bad = send("PUT", "Goal/g2", {**GOAL, "id": "g2", "lifecycleStatus": "dozing"})
    refused(bad, 202, "server-pushed-aside", "Goal")
    refused(send("PUT", "Goal/g3", GOAL), 400, "rest-id-differs", "Goal.id")
    refused(send("POST", "Observation", {"resourceType": "Observation"}), 422, "server-pushed-type", "Observation")
    refused(send("POST", "Goal", GOAL, if_none_exist="name=x"), 422, "rest-bundle-entry", "http.if-none-exist")
    assert ward.goals() == ["Walk"]


# --- who may


@pytest.mark.parametrize(
    ("token", "connection"),
    [(READER, {}), (WARD, {"on": False}), (WARD, {"kind": "gateway", "secret": "s" * 40, "token": None})],
)
def test_nobody_else_of_another_organisation_writes(token: str, connection: Json) -> None:
    with sqlite_database() as address:
        reached = {name: value for name, value in connection.items() if value is not None}
        said = settings(address, **reached) if "kind" not in reached else _of_a_gateway(address, reached)
        with calling(said) as call:
            ward = Ward(call)
            refused(ward.send(put(PATIENT), token=token), 403, "consent-not-own")
            alone = call("POST", "/fhir/Patient", PATIENT, authorization=f"Bearer {token}")
            refused(alone, 403, "consent-not-own")
            assert ward.aside() == []


def _of_a_gateway(address: str, reached: Json) -> Any:
    partners = [{"ods": "ZOA1", "name": "Ward", "connections": [{"base_url": BASE, **reached}]}]
    return load(store=address, ods="ZCT1", name="Community trust", partners=partners, clients=CLIENTS)


def test_what_it_sends_is_read_by_its_own_rules_alone(ward: Ward) -> None:
    """Our own clients' conditions are refused as ever."""
    sent = bundle(post(unnamed(PATIENT), request={"ifNoneExist": f"identifier={NHS}|{NUMBER}"}))
    answer = ward.call("POST", "/fhir", sent, authorization=f"Bearer {OWN}")
    refused(answer, 422, "rest-bundle-entry", "Bundle.entry[0].request.ifNoneExist")
