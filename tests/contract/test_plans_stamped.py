"""A plan that a system writes through FHIR has the version and hash that its keeper mints, as in a record."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.fhir.urls import EXTENSION, NHS_NUMBER
from tests.contract.rest_caller import Caller, Json
from tests.unit.gateway.pair import person_with_a_plan

FOREIGN = {"url": "https://example.org/theirs", "valueString": "as it came"}


@pytest.fixture
def agreed(caller: Caller) -> Json:
    """A crisis plan that the person agreed to as it is, as FHIR says it."""
    record = {
        **person_with_a_plan(),
        "agreements": [
            {
                "id": "agreed",
                "plan": {"id": "crisis"},
                "plan_version": 1,
                "party": "person",
                "who": {"display": "person"},
                "decision": "agreed",
                "recorded_at": "2026-11-24",
            }
        ],
    }
    assert caller("POST", "/records", record).status_code == 201
    listed = caller("GET", "/fhir/CarePlan").json()["entry"]
    found: Json = next(one["resource"] for one in listed if "mh-crisis-plan" in str(one["resource"]["meta"]))
    assert standing(caller) == (1, True, True)
    return found


def record(caller: Caller) -> Json:
    found: Json = caller("POST", "/records/find", {"nhs_number": person_with_a_plan()["person"]["nhs_number"]}).json()
    return found


def standing(caller: Caller) -> tuple[Any, Any, Any]:
    """The version of the crisis plan, whether it says what its hash does, and whether it is what was agreed to."""
    found = record(caller)
    (plan,) = (one for one in found["plans"] if one["plan"] == "crisis")
    (agreement,) = found["agreements"]
    return plan["version"], plan["same"], agreement["current"]


def stamps(resource: Json) -> Json:
    return {one["url"].removeprefix(EXTENSION): one for one in resource["extension"]}


def put(caller: Caller, resource: Json, way: str = "update") -> Any:
    """One resource, as an update, in a batch or in a transaction."""
    url = f"{resource['resourceType']}/{resource['id']}"
    if way == "update":
        return caller("PUT", f"/fhir/{url}", resource)
    entry = {"resource": resource, "request": {"method": "PUT", "url": url}}
    return caller("POST", "/fhir", {"resourceType": "Bundle", "type": way, "entry": [entry]})


@pytest.mark.parametrize("way", ["update", "batch", "transaction"])
def test_a_change_through_fhir_is_a_new_version_that_nobody_has_agreed_to(
    caller: Caller, agreed: Json, way: str
) -> None:
    assert put(caller, {**agreed, "title": "Something else"}, way).status_code == 200
    version, same, current = standing(caller)
    assert (version > 1, same, current) == (True, True, False)
    assert version == record(caller)["version"], "the only keeper's edition"


def test_what_says_the_same_is_the_version_that_it_was(caller: Caller, agreed: Json) -> None:
    extensions = [one for one in agreed["extension"] if "plan-version" not in one["url"]]
    assert put(caller, {**agreed, "extension": extensions}).status_code == 200
    assert standing(caller) == (1, True, True)


def test_what_a_system_says_in_the_stamps_counts_for_nothing_and_the_rest_stays_as_it_came(
    caller: Caller, agreed: Json
) -> None:
    wrong = [
        {"url": EXTENSION + "plan-version", "valuePositiveInt": 99},
        FOREIGN,
        {"url": EXTENSION + "content-hash", "valueString": "f" * 64},
    ]
    now = put(caller, {**agreed, "title": "New", "extension": wrong}).json()
    assert [one["url"] for one in now["extension"]] == [
        *(one["url"] for one in wrong),
        EXTENSION + "custodian",
    ]
    assert now["extension"][1] == FOREIGN
    assert stamps(now)["custodian"]["valueIdentifier"]["value"] == "ZCT1"
    assert stamps(now)["plan-version"]["valuePositiveInt"] == standing(caller)[0] == 2
    assert standing(caller)[1:] == (True, False)
    beside = {"extension", "meta", "title"}
    assert {k: v for k, v in now.items() if k not in beside} == {k: v for k, v in agreed.items() if k not in beside}


def test_a_plan_that_comes_with_what_it_refers_to_is_stamped_once_all_is_there(caller: Caller, agreed: Json) -> None:
    patient = agreed["subject"]
    goal = {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "To garden"},
        "subject": patient,
    }
    plan = {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "title": "Another",
        "subject": patient,
        "goal": [{"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"}],
    }
    entries = [
        {"resource": plan, "request": {"method": "POST", "url": "CarePlan"}},
        {
            "fullUrl": "urn:uuid:11111111-1111-4111-8111-111111111111",
            "resource": goal,
            "request": {"method": "POST", "url": "Goal"},
        },
    ]
    answer = caller("POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200
    (new,) = (one for one in record(caller)["plans"] if one["plan"] not in ("care", "crisis"))
    assert (new["version"], new["same"]) == (2, True)


@pytest.mark.parametrize("said", ["both by number", "one by number"])
def test_plans_that_come_together_are_stamped_with_what_they_say_of_each_other(
    caller: Caller, agreed: Json, said: str
) -> None:
    number = {"identifier": {"system": NHS_NUMBER, "value": person_with_a_plan()["person"]["nhs_number"]}}
    plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": number}
    other = {**plan, "subject": number if said == "both by number" else agreed["subject"]}
    urn = "urn:uuid:11111111-1111-4111-8111-111111111111"
    request = {"method": "POST", "url": "CarePlan"}
    entries = [
        {"resource": {**plan, "title": "Newer", "replaces": [{"reference": urn}]}, "request": request},
        {"fullUrl": urn, "resource": {**other, "title": "Older"}, "request": request},
    ]
    answer = caller("POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200
    new = [(one["version"], one["same"]) for one in record(caller)["plans"] if one["plan"] not in ("care", "crisis")]
    assert new == [(2, True), (2, True)]


@pytest.fixture
def team(caller: Caller, agreed: Json) -> Json:
    """Whom to call in a crisis, as the person agreed to it: a resource of its own, and a part of the plan."""
    contacts = {"crisis_plans": [{"id": "crisis", "contacts": [{"id": "anna", "contact": {"display": "Anna"}}]}]}
    person = {"person": {"nhs_number": person_with_a_plan()["person"]["nhs_number"]}}
    assert caller("POST", "/records", {**person, **contacts}).status_code == 200
    version = standing(caller)[0]
    agreements = [{**record(caller)["record"]["agreements"][0], "plan_version": version}]
    assert caller("POST", "/records", {**person, "agreements": agreements}).status_code == 200
    assert standing(caller) == (version, True, True)
    (found,) = (one["resource"] for one in caller("GET", "/fhir/CareTeam").json()["entry"])
    return dict(found)


def other_contact(team: Json) -> Json:
    return {**team, "participant": [{**team["participant"][0], "member": {"display": "Bea"}}]}


def test_the_people_of_a_crisis_plan_are_a_part_of_it(caller: Caller, team: Json) -> None:
    before = standing(caller)[0]
    assert put(caller, other_contact(team)).status_code == 200
    version, same, current = standing(caller)
    assert (version > before, same, current) == (True, True, False)


@pytest.mark.parametrize("plan_first", [True, False])
def test_a_plan_that_comes_as_it_was_beside_its_changed_people_is_a_new_version(
    caller: Caller, team: Json, plan_first: bool
) -> None:
    before = standing(caller)[0]
    plan = caller("GET", f"/fhir/CarePlan/{crisis(caller)}").json()
    sent = [plan, other_contact(team)] if plan_first else [other_contact(team), plan]
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in sent
    ]
    answer = caller("POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200
    version, same, current = standing(caller)
    assert (version > before, same, current) == (True, True, False)
    now = caller("GET", f"/fhir/CarePlan/{plan['id']}").json()
    told = [one["response"]["etag"] for one in answer.json()["entry"] if "CarePlan" in one["response"]["location"]]
    assert told == [f'W/"{now["meta"]["versionId"]}"'], "stored once, and that is what the sender is told of"


def test_people_who_come_as_they_were_leave_the_plan_what_was_agreed_to(caller: Caller, team: Json) -> None:
    before = standing(caller)
    for _ in range(2):
        assert put(caller, team).status_code == 200
    assert standing(caller) == before


def test_a_plan_whose_people_become_those_of_another_says_something_else(caller: Caller, team: Json) -> None:
    before = standing(caller)[0]
    elsewhere = [{**one, "value": "elsewhere"} for one in team["identifier"]]
    assert put(caller, {**team, "identifier": elsewhere}).status_code == 200
    version, same, current = standing(caller)
    assert (version > before, same, current) == (True, True, False)


def crisis(caller: Caller) -> str:
    listed = caller("GET", "/fhir/CarePlan").json()["entry"]
    return next(str(one["resource"]["id"]) for one in listed if "mh-crisis-plan" in str(one["resource"]["meta"]))
