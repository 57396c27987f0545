"""Placements over HTTP: opened, changed, ended; with If-Match, for whom they may be seen, and by the other doors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fhir_mh.settings import load
from tests.contract.rest_caller import NHS, NUMBER, Caller, Json, calling, refused

NURSE, WARD = f"nurse-{'x' * 40}", f"ward-{'x' * 40}"
CLIENTS = [
    {"token": NURSE, "organisation": "ZCT1", "role": "clinician"},
    {"token": WARD, "organisation": "ZOA1", "role": "clinician"},
]
PARTNERS = [{"ods": "ZOA1", "name": "Ward far away", "base_url": "http://127.0.0.1:9", "secret": "s" * 40}]
BY = {"by": "Placing team", "reason": "Agreed at the review."}
OPEN = {
    "by": "Placing team", "provider": "ZOA1", "level": "2", "placing_commissioner": "ZIC1", "host_commissioner": "ZIC2",
    "out_of_area_reason": "bed-unavailable", "purposes": [{"text": "To live alone again."}],
}  # fmt: skip
END = {**BY, "outcome": "discharged", "at": "2026-11-24T10:00:00Z"}


@pytest.fixture
def call(store_url: str) -> Iterator[Caller]:
    options: Any = {"clients": CLIENTS, "partners": PARTNERS}
    with calling(load(store=store_url, ods="ZCT1", name="Community trust", **options)) as found:
        yield found


def as_(token: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", **more}


def person(call: Caller, **more: Any) -> str:
    body = {"person": {"nhs_number": NUMBER}, "care_plans": [{"id": "care", "title": "Care plan"}], **more}
    answer = call("POST", "/records", body, **as_(NURSE))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def opened(call: Caller, record: str) -> str:
    answer = call("POST", f"/records/{record}/placements", OPEN, **as_(NURSE))
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].endswith(f"/records/{record}/placements")
    assert "placement-not-shared" not in answer.text
    return f"/records/{record}/placements/{answer.json()['placement']}"


def listed(call: Caller, record: str, token: str = NURSE) -> list[Json]:
    answer = call("GET", f"/records/{record}/placements", **as_(token))
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["placements"]
    return found


def test_a_placement_is_opened_changed_and_ended_and_its_history_is_told(call: Caller) -> None:
    record = person(call)
    url = opened(call, record)
    (one,) = listed(call, record)
    assert (one["state"], one["provider"], one["kept_by"]) == ("planned", "ZOA1", {"placement": "ZCT1", "stay": None})
    assert call("POST", f"{url}/change", {**BY, "level": "1"}, **as_(NURSE)).json()["repeated"] is False
    assert call("POST", f"{url}/change", {**BY, "level": "1"}, **as_(NURSE)).json()["repeated"] is True
    ended = call("POST", f"{url}/end", END, **as_(NURSE)).json()
    assert ended["tasks"] == 2
    assert call("POST", f"{url}/end", END, **as_(NURSE)).json()["repeated"] is True
    refused(call("POST", f"{url}/end", {**END, "at": "2026-11-23"}, **as_(NURSE)), 409, "placement-told-otherwise")
    (one,) = listed(call, record)
    assert (one["state"], one["possible"]) == ("ended", ["reopen"])
    said = [(entry["term"], entry["value"], entry["reason"], entry["by"]) for entry in one["history"]]
    assert ("level", "1", BY["reason"], BY["by"]) in said
    assert ("status", "discharged", BY["reason"], BY["by"]) in said


def test_why_the_date_of_discharge_moved_is_told(call: Caller) -> None:
    record = person(call)
    claim = {"step": "claim", **BY, "admitted_at": "2026-11-20", "estimated_discharge": "2027-01-15"}
    made = call("POST", f"/records/{record}/placements", claim, **as_(NURSE)).json()
    moved = {"by": "Ward manager", "reason": "The flat is late.", "estimated_discharge": "2027-03-01"}
    answer = call("POST", f"/records/{record}/placements/{made['placement']}/change", moved, **as_(NURSE))
    assert answer.status_code == 200, answer.text
    (why,) = listed(call, record)[0]["discharge_moved"]
    assert (why["from"], why["to"], why["reason"], why["by"]) == (
        "2027-01-15", "2027-03-01", "The flat is late.", "Ward manager",
    )  # fmt: skip


def test_the_date_of_discharge_moved_in_the_order_in_which_it_was_recorded(call: Caller) -> None:
    said = [("2027-02-01", "2026-11-24T10:00:00Z"), ("2027-01-10", "2026-11-24T09:00:00Z")]
    dates = [
        {"id": value, "value": value, "recorded_at": at, "reason": "As it is.", "recorded_by": "Somebody"}
        for value, at in said
    ]
    record = person(call, stays=[{"id": "stay", "status": "in-progress", "estimated_discharge": dates}])
    (why,) = listed(call, record)[0]["discharge_moved"]
    assert (why["from"], why["to"], why["at"]) == ("2027-01-10", "2027-02-01", "2026-11-24T10:00:00Z")


def test_a_step_on_a_version_that_is_no_longer_the_newest_is_refused(call: Caller) -> None:
    record = person(call)
    url = opened(call, record)
    refused(call("POST", f"{url}/end", END, **as_(NURSE, if_match='W/"1"')), 412, "store-version-conflict")
    newest = call("GET", f"/records/{record}/placements", **as_(NURSE)).headers["etag"]
    answer = call("POST", f"{url}/end", END, **as_(NURSE, if_match=newest))
    assert answer.status_code == 200
    assert answer.headers["etag"] != newest


@pytest.mark.parametrize(
    ("step", "body", "status", "code"),
    [
        ("another/end", END, 404, "placement-not-found"),
        ("{}/admit", {"by": "Placing team", "admitted_at": "2026-11-24"}, 403, "placement-not-yours"),
        ("{}/delay", {**BY, "since": "2026-11-24"}, 409, "placement-step"),
        ("{}/change", {**BY, "estimated_discharge": "2027-01-01"}, 409, "placement-part-missing"),
        ("{}/change", {"by": "Placing team", "level": "1"}, 422, "map-invalid-record"),
        ("{}/end", {**END, "reasn": "x"}, 422, "map-unknown-field"),
        ("{}/open", OPEN, 404, "rest-unknown-path"),
        ("{}/end?step=end", END, 400, "rest-unknown-parameter"),
    ],
)
def test_what_cannot_be_recorded_is_refused_with_its_code(
    call: Caller, step: str, body: Json, status: int, code: str
) -> None:
    record = person(call)
    name = opened(call, record).rpartition("/")[2]
    refused(call("POST", f"/records/{record}/placements/{step.format(name)}", body, **as_(NURSE)), status, code)


def test_the_provider_reads_while_the_placement_goes_on_and_is_told_why_not_afterwards(call: Caller) -> None:
    record = person(call)
    refused(call("GET", f"/records/{record}/placements", **as_(WARD)), 404, "rest-unknown-record")
    url = opened(call, record)
    assert [one["state"] for one in listed(call, record, WARD)] == ["planned"]
    refused(call("POST", f"{url}/end", END, **as_(WARD)), 403, "consent-not-own")
    call("POST", f"{url}/end", END, **as_(NURSE))
    outcome = refused(call("GET", f"/records/{record}/placements", **as_(WARD)), 403, "consent-denied")
    assert "does not care for the person now" in outcome["details"]["text"]
    refused(call("GET", f"/records/{record}", **as_(WARD)), 403, "consent-denied")
    keeper = call("GET", f"/records/{record}", **as_(NURSE)).json()["custodians"]["care_plans"]["care"]
    assert keeper == "ZCT1"


@pytest.mark.parametrize(
    ("provider", "number", "why"),
    [("ZOA9", NUMBER, "no partner"), ("ZOA1", None, "no NHS number"), ("ZOA1", NUMBER, "The person decided")],
)
def test_who_opens_a_placement_is_told_why_its_provider_is_sent_nothing(
    call: Caller, provider: str, number: str | None, why: str
) -> None:
    refusal = {"terms": {"exceptions": [{"decision": "deny", "actors": [{"party": {"id": "org"}}]}]}}
    more = {"sharing": [refusal]} if why.startswith("The person") else {}
    said = {"identifier": [{"system": NHS, "value": number}]} if number else {}
    assert call("POST", "/fhir/Patient", {"resourceType": "Patient", **said}, **as_(NURSE)).status_code == 201
    (record,) = call.gateway.store.read_now(lambda tx: tx.persons())
    known = {"nhs_number": number} if number else {}
    body = {"person": known, "organisations": [{"id": "org", "ods": "ZOA1"}], **more}
    tag = call("GET", f"/records/{record}", **as_(NURSE)).headers["etag"]
    assert call("PUT", f"/records/{record}", body, if_match=tag, **as_(NURSE)).status_code == 200
    answer = call("POST", f"/records/{record}/placements", {**OPEN, "provider": provider}, **as_(NURSE))
    (told,) = [one["message"] for one in answer.json()["warnings"] if one["code"] == "placement-not-shared"]
    assert why in told


def test_by_plain_record_the_same_rules_hold(call: Caller) -> None:
    record = person(call)
    url = opened(call, record)
    call("POST", f"{url}/end", END, **as_(NURSE))
    placement = listed(call, record)[0]["placement"]
    again = {"person": {"nhs_number": NUMBER}, "placements": [{"id": placement["id"], "status": "active"}]}
    refused(call("POST", "/records", again, **as_(NURSE)), 409, "placement-ended")
    entry = {"id": placement["history"][0]["id"], "value": "1"}
    rewritten = {"person": {"nhs_number": NUMBER}, "placements": [{"id": placement["id"], "history": [entry]}]}
    refused(call("POST", "/records", rewritten, **as_(NURSE)), 409, "placement-history")


def test_by_fhir_the_same_rules_hold(call: Caller) -> None:
    record = person(call)
    url = opened(call, record)
    patient = call("GET", "/fhir/Patient", **as_(NURSE)).json()["entry"][0]["resource"]["id"]
    found = call("GET", f"/fhir/ServiceRequest?patient={patient}", **as_(NURSE)).json()["entry"][0]["resource"]
    address = f"/fhir/ServiceRequest/{found['id']}"
    ended = call("PUT", address, {**found, "status": "completed"}, **as_(NURSE))
    assert ended.status_code == 200, ended.text
    held = call("GET", f"/records/{record}", **as_(NURSE)).json()["record"]
    assert sorted(task["kind"] for task in held["tasks"]) == ["follow-up", "incomplete-plan"]
    newest = call("GET", address, **as_(NURSE)).json()
    refused(call("PUT", address, {**newest, "status": "active"}, **as_(NURSE)), 409, "placement-ended")
    kept = [one for one in newest["extension"] if not one["url"].endswith("/term-history")]
    refused(call("PUT", address, {**newest, "extension": kept}, **as_(NURSE)), 409, "placement-history")
    assert call("POST", f"{url}/reopen", BY, **as_(NURSE)).status_code == 200


def test_by_record_and_by_fhir_nobody_has_left_who_leaves_later(call: Caller) -> None:
    person(call)
    stay = {"id": "stay", "status": "in-progress", "period": {"start": "2026-11-20"}}
    body = {"person": {"nhs_number": NUMBER}, "stays": [stay]}
    assert call("POST", "/records", body, **as_(NURSE)).status_code == 200
    over = {"status": "finished", "period": {"start": "2026-11-20", "end": "2999-01-01"}}
    ends = {**body, "stays": [{**stay, **over}]}
    place = "stays[stay].period.end"
    refused(call("POST", "/records", ends, **as_(NURSE)), 409, "placement-to-come", place)
    patient = call("GET", "/fhir/Patient", **as_(NURSE)).json()["entry"][0]["resource"]["id"]
    found = call("GET", f"/fhir/Encounter?patient={patient}", **as_(NURSE)).json()["entry"][0]["resource"]
    answer = call("PUT", f"/fhir/Encounter/{found['id']}", {**found, **over}, **as_(NURSE))
    refused(answer, 409, "placement-to-come", place)


def test_two_placements_are_a_question(call: Caller) -> None:
    record = person(call)
    opened(call, record)
    answer = call("POST", f"/records/{record}/placements", {**OPEN, "provider": "ZOA2"}, **as_(NURSE))
    assert answer.json()["tasks"] == 1
    assert [one["state"] for one in listed(call, record)] == ["planned", "planned"]
