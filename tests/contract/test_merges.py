"""Two persons who are one, over HTTP: looked at, made by two people, read and written as one, and undone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_mh.fhir.json import dumps
from fhir_mh.settings import load
from tests.contract.rest_caller import NHS, Caller, calling, refused

FIRST, SECOND, NAMELESS, NURSE, CLERK, WARD = (f"{name}-{'x' * 40}" for name in ("a", "b", "c", "d", "e", "f"))
CLIENTS = [
    {"token": FIRST, "organisation": "ZCT1", "role": "merges", "name": "records-lead"},
    {"token": SECOND, "organisation": "ZCT1", "role": "merges", "name": "guardian"},
    {"token": NAMELESS, "organisation": "ZCT1", "role": "merges"},
    {"token": NURSE, "organisation": "ZCT1", "role": "clinician"},
    {"token": CLERK, "organisation": "ZCT1", "role": "quarantine"},
    {"token": WARD, "organisation": "ZOA1", "role": "merges", "name": "ward"},
]
ONE, OTHER = "9990000018", "9990000026"
WHY = {"reason": "quagga: one person, registered twice"}
Json = dict[str, Any]


@pytest.fixture
def call(store_url: str) -> Iterator[Caller]:
    options: Any = {"clients": CLIENTS}
    with calling(load(store=store_url, ods="ZCT1", name="Community trust", **options)) as found:
        yield found


def as_(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def record(number: str, word: str, **person: Any) -> Json:
    """A record whose ids are counted by itself, so that another's may be the same."""
    return {
        "person": {"nhs_number": number, "birth_date": "1984-02-03", **person},
        "organisations": [{"id": "trust", "ods": "ZCT1", "name": "Community trust"}],
        "goals": [{"id": "g", "description": f"{word} goal"}],
        "care_plans": [{"id": "care", "title": f"{word} plan", "status": "active", "goals": [{"id": "g"}]}],
    }


def both(call: Caller, **person: Any) -> tuple[str, str]:
    """The ids of two records."""
    kept = call("POST", "/records", record(ONE, "first"), **as_(NURSE)).json()["id"]
    return kept, call("POST", "/records", record(OTHER, "second", **person), **as_(NURSE)).json()["id"]


def asked(call: Caller, kept: str, other: str) -> Json:
    answer = call("POST", "/persons/merges", {"kept": kept, "superseded": other, **WHY}, **as_(FIRST))
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def merged(call: Caller, kept: str, other: str) -> str:
    """The id of a merge in force."""
    name = asked(call, kept, other)["id"]
    answer = call("POST", f"/persons/merges/{name}/approvals", WHY, **as_(SECOND))
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "made"
    return str(name)


def held(call: Caller, name: str) -> Json:
    found: Json = call("GET", f"/records/{name}", **as_(NURSE)).json()
    return found


def bodies(call: Caller, patient_number: str) -> dict[str, Json]:
    """Type/id -> content of everything about whoever has this number."""
    search = f"identifier={NHS}|{patient_number}".encode()
    form = {"content_type": "application/x-www-form-urlencoded", **as_(NURSE)}
    found = call("POST", "/fhir/Patient/_search", search, **form).json()["entry"]
    everything = call("GET", f"/fhir/Patient/{found[0]['resource']['id']}/$everything", **as_(NURSE)).json()["entry"]
    return {f"{one['resource']['resourceType']}/{one['resource']['id']}": one["resource"] for one in everything}


def without_meta(found: dict[str, Json]) -> dict[str, Json]:
    return {name: {key: value for key, value in body.items() if key != "meta"} for name, body in found.items()}


# --- made by two


def test_two_people_make_one_record_of_two(call: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kept, other = both(call)
    before = {**bodies(call, ONE), **bodies(call, OTHER)}
    name = asked(call, kept, other)["id"]
    refused(call("POST", f"/persons/merges/{name}/approvals", WHY, **as_(FIRST)), 403, "merge-second-person")
    assert held(call, kept)["merged"] == []
    assert call("POST", f"/persons/merges/{name}/approvals", WHY, **as_(SECOND)).json()["state"] == "made"
    one = held(call, kept)
    assert one["merged"] == [other]
    goals = {goal["description"]["text"]: goal["id"] for goal in one["record"]["goals"]}
    assert goals.keys() == {"first goal", "second goal"}
    assert goals["first goal"] == "g" != goals["second goal"]
    plans = {plan["title"]: plan for plan in one["record"]["care_plans"]}
    assert plans["second plan"]["goals"] == [{"id": goals["second goal"]}]  # and not the first one's
    assert plans["first plan"]["goals"] == [{"id": "g"}]
    assert [found["same"] for found in one["plans"]] == [True, True]
    for number in (ONE, OTHER):  # every identifier leads to it
        assert call("POST", "/records/find", {"nhs_number": number}, **as_(NURSE)).json()["id"] == kept
    assert held(call, other) == one
    after = bodies(call, OTHER)
    assert after.keys() == before.keys()
    same = [key for key in before if not key.startswith("Patient/")]
    assert [after[key] for key in same] == [before[key] for key in same]  # ids, versions and words as they were
    assert not [text for text in (found.getMessage() for found in caplog.records) if "quagga" in text or ONE in text]


def test_the_patients_are_linked(call: Caller) -> None:
    kept, other = both(call)
    merged(call, kept, other)
    patients = [body for body in bodies(call, ONE).values() if body["resourceType"] == "Patient"]
    first, second = sorted(patients, key=lambda body: body.get("active") is False)
    assert first["link"] == [{"other": {"reference": f"Patient/{second['id']}"}, "type": "replaces"}]
    assert second["link"] == [{"other": {"reference": f"Patient/{first['id']}"}, "type": "replaced-by"}]
    assert (first.get("active"), second["active"]) == (None, False)
    bare = {key: value for key, value in first.items() if key not in ("link", "meta")}
    again = call("PUT", f"/fhir/Patient/{first['id']}", bare, **as_(NURSE))  # by a system that knows of no link
    assert again.json()["link"] == first["link"]
    refused(call("PUT", f"/fhir/Patient/{second['id']}", second, **as_(NURSE)), 409, "merge-superseded")


def test_what_each_says_of_the_person_is_for_people_to_decide(call: Caller) -> None:
    kept, other = both(call, gender="female", communication_needs=[{"text": "zebra"}])
    seen = call("POST", "/persons/merges/preview", {"kept": kept, "superseded": other}, **as_(FIRST)).json()
    assert "zebra" not in str(seen)
    assert "person.gender" in seen["differ"]
    assert seen["kept"]["entries"] == {"care_plans": 1, "goals": 1, "organisations": 1}
    assert seen["refused"] == []
    merged(call, kept, other)
    person = held(call, kept)["record"]["person"]
    assert "gender" not in person  # nothing is chosen
    waiting = call("GET", f"/conflicts?record={kept}", **as_(NURSE)).json()["conflicts"]
    assert {one["path"] for one in waiting} == set(seen["differ"])
    (one,) = [one for one in waiting if one["path"] == "person.gender"]
    answer = call("GET", f"/conflicts/{one['id']}", **as_(NURSE))
    assert (answer.json()["ours"], answer.json()["theirs"]) == (None, "female")
    said = {"decision": "accept", "by": {"display": "Duty manager"}}
    decided = call("POST", f"/conflicts/{one['id']}/decision", said, if_match=answer.headers["etag"], **as_(NURSE))
    assert decided.json()["outcome"] == "accepted", decided.text
    assert held(call, kept)["record"]["person"]["gender"] == "female"


# --- refused


def test_nobody_else_is_let_in(call: Caller) -> None:
    kept, other = both(call)
    body = {"kept": kept, "superseded": other, **WHY}
    for token in (NURSE, WARD):
        refused(call("POST", "/persons/merges", body, **as_(token)), 403, "merge-role")
        refused(call("GET", "/persons/merges", **as_(token)), 403, "merge-role")
        refused(call("GET", "/persons/merges/x", **as_(token)), 403, "merge-role")
        refused(call("POST", "/persons/merges/x/approvals", WHY, **as_(token)), 403, "merge-role")
        refused(call("POST", "/persons/merges/x/undoing", WHY, **as_(token)), 403, "merge-role")
        seen = {"kept": kept, "superseded": other}
        refused(call("POST", "/persons/merges/preview", seen, **as_(token)), 403, "merge-role")
    refused(call("POST", "/persons/merges", body, **as_(NAMELESS)), 403, "merge-unnamed")
    name = asked(call, kept, other)["id"]
    refused(call("POST", f"/persons/merges/{name}/approvals", WHY, **as_(NAMELESS)), 403, "merge-unnamed")
    refused(call("GET", "/persons/merges/x", **as_(FIRST)), 404, "merge-not-found", "id")


@pytest.mark.parametrize(
    ("body", "status", "code", "place"),
    [
        ({"kept": "KEPT", "superseded": "OTHER"}, 422, "rest-body", "reason"),
        ({"kept": "KEPT", "superseded": "OTHER", "reason": " "}, 422, "rest-body", "reason"),
        ({"kept": "KEPT", "superseded": 1, **WHY}, 422, "rest-body", "superseded"),
        ({"kept": "KEPT", "superseded": "OTHER", "why": "x", **WHY}, 422, "rest-body", "why"),
        ({"kept": "none", "superseded": "OTHER", **WHY}, 404, "rest-unknown-record", "kept"),
        ({"kept": "KEPT", "superseded": "none", **WHY}, 404, "rest-unknown-record", "superseded"),
        ({"kept": "KEPT", "superseded": "KEPT", **WHY}, 409, "merge-state", "superseded"),
    ],
)
def test_what_is_not_said_clearly_is_refused(call: Caller, body: Json, status: int, code: str, place: str) -> None:
    ids = dict(zip(("KEPT", "OTHER"), both(call), strict=True))
    sent = {key: ids.get(value, value) if isinstance(value, str) else value for key, value in body.items()}
    refused(call("POST", "/persons/merges", sent, **as_(FIRST)), status, code, place)
    assert call("GET", "/persons/merges", **as_(FIRST)).json() == {"merges": []}


def test_two_of_other_dates_of_birth_are_not_one(call: Caller) -> None:
    kept, other = both(call, birth_date="1950-01-01")
    (patient,) = [key for key in bodies(call, OTHER) if key.startswith("Patient/")]
    body = {"kept": kept, "superseded": other, **WHY}
    refused(call("POST", "/persons/merges", body, **as_(FIRST)), 409, "merge-contradiction", f"{patient}.birthDate")
    seen = call("POST", "/persons/merges/preview", {"kept": kept, "superseded": other}, **as_(FIRST)).json()
    assert [(one["code"], one["path"]) for one in seen["refused"]] == [("merge-contradiction", f"{patient}.birthDate")]


def test_two_numbers_that_one_organisation_has_verified_are_two_people(call: Caller) -> None:
    kept = call("POST", "/records", record(ONE, "first", nhs_number_status="01"), **as_(NURSE)).json()["id"]
    other = call("POST", "/records", record(OTHER, "second", nhs_number_status="01"), **as_(NURSE)).json()["id"]
    (patient,) = [key for key in bodies(call, OTHER) if key.startswith("Patient/")]
    body = {"kept": kept, "superseded": other, **WHY}
    refused(call("POST", "/persons/merges", body, **as_(FIRST)), 409, "merge-contradiction", f"{patient}.identifier")


def test_the_one_with_the_number_is_kept(call: Caller) -> None:
    body: Json = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": "1"}]}
    patient = call("POST", "/fhir/Patient", body, **as_(NURSE)).json()["id"]
    unnumbered = call.gateway.store.read_now(lambda tx: tx.person_of("Patient", patient))
    kept, _ = both(call)
    body = {"kept": unnumbered, "superseded": kept, **WHY}
    refused(call("POST", "/persons/merges", body, **as_(FIRST)), 409, "merge-contradiction", "kept")
    merged(call, kept, str(unnumbered))


def test_what_contradicts_by_the_time_of_the_approval_stops_it(call: Caller) -> None:
    kept, other = both(call)
    name = asked(call, kept, other)["id"]
    change = {"person": {"nhs_number": OTHER, "birth_date": None}}
    assert call("POST", "/records", change, **as_(NURSE)).status_code == 200
    change = {"person": {"nhs_number": OTHER, "birth_date": "1950-01-01"}}
    assert call("POST", "/records", change, **as_(NURSE)).status_code == 200
    refused(call("POST", f"/persons/merges/{name}/approvals", WHY, **as_(SECOND)), 409, "merge-contradiction")
    assert held(call, kept)["merged"] == []


# --- nothing is written to the wrong one without it showing


def test_writing_by_what_leads_elsewhere_is_refused(call: Caller) -> None:
    kept, other = both(call)
    patients = {
        number: next(key for key in bodies(call, number) if key.startswith("Patient/")) for number in (ONE, OTHER)
    }
    merged(call, kept, other)
    before = held(call, kept)
    change: Json = {"goals": [{"id": "g", "description": "whose"}]}
    by_number = {"person": {"nhs_number": OTHER}, **change}
    refused(call("POST", "/records", by_number, **as_(NURSE)), 409, "merge-superseded", "person")
    etag = f'W/"{before["version"]}"'
    refused(call("PUT", f"/records/{other}", change, if_match=etag, **as_(NURSE)), 409, "merge-superseded", "id")
    step: Json = {"by": "Placing team", "provider": "ZCT1", "level": "2"}
    refused(call("POST", f"/records/{other}/placements", step, **as_(NURSE)), 409, "merge-superseded", "id")
    goal = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "whose"}}
    body = {**goal, "subject": {"reference": patients[OTHER]}}
    refused(call("POST", "/fhir/Goal", body, **as_(NURSE)), 409, "merge-superseded", "Goal.subject")
    patient = {"resourceType": "Patient", "identifier": [{"system": NHS, "value": OTHER}]}
    refused(call("POST", "/fhir/Patient", patient, **as_(NURSE)), 409, "merge-superseded", "Patient")
    assert held(call, kept) == before


def test_writing_to_the_one_record_says_so_and_reaches_the_side_that_it_is_of(call: Caller) -> None:
    kept, other = both(call)
    patient = next(key for key in bodies(call, ONE) if key.startswith("Patient/"))
    of_other = {key: body for key, body in bodies(call, OTHER).items() if key.startswith("Goal/")}
    merged(call, kept, other)
    ids = {goal["description"]["text"]: goal["id"] for goal in held(call, kept)["record"]["goals"]}
    change = [{"id": ids["second goal"], "description": "second, changed"}, {"id": "new", "description": "new"}]
    answer = call("POST", "/records", {"person": {"nhs_number": ONE}, "goals": change}, **as_(NURSE))
    assert [one["code"] for one in answer.json()["warnings"] if one["code"].startswith("merge")] == ["merge-in-force"]
    assert answer.json()["version"] == held(call, kept)["version"]
    (name,) = of_other
    stored = call("GET", f"/fhir/{name}", **as_(NURSE)).json()
    assert stored["description"]["text"] == "second, changed"
    assert stored["meta"]["versionId"] == "2"
    assert stored["identifier"] == of_other[name]["identifier"]  # its own name of it, as before
    assert stored["subject"] == of_other[name]["subject"]
    goal = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "by FHIR"},
            "subject": {"reference": patient}}  # fmt: skip
    made = call("POST", "/fhir/Goal", goal, prefer="return=OperationOutcome", **as_(NURSE))
    assert "merge-in-force" in made.text
    again = call("PUT", f"/fhir/{name}", stored, prefer="return=OperationOutcome", **as_(NURSE))
    assert "merge-in-force" in again.text
    texts = {goal["description"]["text"] for goal in held(call, kept)["record"]["goals"]}
    assert texts == {"first goal", "second, changed", "new", "by FHIR"}


def test_a_replay_says_that_it_reached_one_of_two(call: Caller) -> None:
    kept, other = both(call)
    goal = {"resourceType": "Goal", "id": "w", "lifecycleStatus": "active", "description": {"text": "of the ward"},
            "subject": {"reference": "Patient/w"}}  # fmt: skip
    message = {"id": "m1", "verb": "snapshot", "person": {"nhs_number": OTHER}, "custodian": "ZOA1", "edition": 1,
               "bundle": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": goal}]}}  # fmt: skip
    text = dumps(message).decode()
    kept_aside = call.gateway.store.write_now(lambda tx: tx.quarantine.add("ZOA1", text, "[]")).id
    merged(call, kept, other)
    answer = call("POST", f"/quarantine/{kept_aside}/replay", **as_(CLERK)).json()
    assert (answer["status"], [one["code"] for one in answer["warnings"]]) == ("stored", ["merge-in-force"])
    texts = [goal["description"]["text"] for goal in held(call, kept)["record"]["goals"]]
    assert texts == ["first goal", "second goal", "of the ward"]


# --- undone


def test_undoing_gives_back_both_as_they_were(call: Caller) -> None:
    kept, other = both(call, gender="female")
    records = {name: held(call, name) for name in (kept, other)}
    before = {number: bodies(call, number) for number in (ONE, OTHER)}
    name = merged(call, kept, other)
    version = held(call, kept)["version"]
    assert call("GET", f"/persons/merges/{name}", **as_(FIRST)).json()["written_since"] == []
    done = call("POST", f"/persons/merges/{name}/undoing", WHY, **as_(SECOND))
    assert done.status_code == 200, done.text
    assert (done.json()["state"], done.json()["undone_by"]) == ("undone", "guardian")
    for record_id, was in records.items():
        now = held(call, record_id)
        assert now["record"] == was["record"]
        assert (now["id"], now["merged"], now["retracted"]) == (record_id, [], [])
        assert now["version"] > version  # a version that the one record had is never that of another text
    for number, was in before.items():
        assert without_meta(bodies(call, number)) == without_meta(was)
    assert call("GET", f"/conflicts?record={kept}", **as_(NURSE)).json() == {"conflicts": []}
    refused(call("POST", f"/persons/merges/{name}/undoing", WHY, **as_(SECOND)), 409, "merge-state", "id")
    refused(call("POST", f"/persons/merges/{name}/approvals", WHY, **as_(SECOND)), 409, "merge-state", "id")
    merged(call, kept, other)
    assert held(call, other)["merged"] == [other]


def test_what_was_written_since_is_asked_about(call: Caller) -> None:
    kept, other = both(call)
    name = merged(call, kept, other)
    ids = {goal["description"]["text"]: goal["id"] for goal in held(call, kept)["record"]["goals"]}
    change: Json = {
        "person": {"nhs_number": ONE, "gender": "female"},
        "goals": [
            {"id": "g", "description": "first, changed"},
            {"id": ids["second goal"], "description": "second, changed"},
            {"id": "mine", "description": "of the first"},
            {"id": "theirs", "description": "of the second"},
            {"id": "nobodys", "description": "of nobody"},
        ],
    }
    assert call("POST", "/records", change, **as_(NURSE)).status_code == 200
    written = call("GET", f"/persons/merges/{name}", **as_(FIRST)).json()["written_since"]
    assert {(one["id"], one["new"], one["person"]) for one in written if one["list"] == "goals"} == {
        ("g", False, kept), (ids["second goal"], False, other), ("mine", True, kept), ("theirs", True, kept),
        ("nobodys", True, kept),
    }  # fmt: skip
    url = f"/persons/merges/{name}/undoing"
    refused(call("POST", url, WHY, **as_(FIRST)), 422, "merge-unanswered", "written_since[0]")
    whose = {"g": "stays", ids["second goal"]: "apart", "mine": "stays", "theirs": "other", "nobodys": "apart"}
    answers = [{"list": one["list"], "id": one["id"], "whose": whose.get(one["id"], "apart")} for one in written]
    wrong = [{**one, "whose": "other"} if one["id"] == "g" else one for one in answers]
    place = f"answers[{[one['id'] for one in answers].index('g')}]"
    refused(call("POST", url, {**WHY, "answers": wrong}, **as_(FIRST)), 422, "merge-unanswered", place)
    assert held(call, other)["merged"] == [other]
    done = call("POST", url, {**WHY, "answers": answers}, **as_(FIRST))
    assert done.status_code == 200, done.text
    assert [done.json()[count] for count in ("stayed", "moved", "apart")] == [2, 1, 3]
    goals = {record: {goal["id"]: goal["description"]["text"] for goal in held(call, record)["record"]["goals"]}
             for record in (kept, other)}  # fmt: skip
    assert goals[kept] == {"g": "first, changed", "mine": "of the first"}
    assert goals[other] == {"g": "second goal", "theirs": "of the second"}
    plan = held(call, other)["record"]["care_plans"][0]
    assert plan["goals"] == [{"id": "g"}]  # which stands again under another address
    assert "gender" not in held(call, kept)["record"]["person"]
    assert [len(held(call, record)["retracted"]) for record in (kept, other)] == [1, 1]  # under a seal, not lost
    third = call("POST", "/records", record("9990000034", "third"), **as_(NURSE)).json()["id"]
    body = {"kept": third, "superseded": other, **WHY}
    refused(call("POST", "/persons/merges", body, **as_(FIRST)), 409, "merge-sealed", "superseded")
    merged(call, kept, other)  # the same two: whose everything is has been said
    both_again = held(call, kept)
    assert {goal["description"]["text"] for goal in both_again["record"]["goals"]} == {
        text for shown in goals.values() for text in shown.values()
    }
    assert len(both_again["retracted"]) >= 1


def test_the_newest_merge_is_undone_first(call: Caller) -> None:
    kept, other = both(call)
    third = call("POST", "/records", record("9990000034", "third"), **as_(NURSE)).json()["id"]
    first = merged(call, kept, other)
    body = {"kept": third, "superseded": other, **WHY}
    refused(call("POST", "/persons/merges", body, **as_(FIRST)), 409, "merge-superseded", "superseded")
    second = merged(call, third, kept)
    assert held(call, other)["merged"] == [kept, other]
    assert len(held(call, third)["record"]["goals"]) == 3
    refused(call("POST", f"/persons/merges/{first}/undoing", WHY, **as_(FIRST)), 409, "merge-state", "id")
    assert call("POST", f"/persons/merges/{second}/undoing", WHY, **as_(FIRST)).status_code == 200
    assert held(call, other)["merged"] == [other]
    assert call("POST", f"/persons/merges/{first}/undoing", WHY, **as_(FIRST)).status_code == 200
    assert [len(held(call, one)["record"]["goals"]) for one in (kept, other, third)] == [1, 1, 1]
