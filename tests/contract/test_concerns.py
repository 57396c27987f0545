"""Safety concerns over HTTP: who reads one, and every way by which nobody else does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_mh.profiles.concerns import task_of
from fhir_mh.records.concerns import SafetyConcern
from fhir_mh.settings import load
from fhir_mh.store.schema import metadata
from tests.contract.rest_caller import FHIR, NUMBER, Caller, Json, calling, refused
from tests.unit.gateway.pair import person_with_a_plan

CANARY = "zebra doors do not lock"
CLERK, NURSE, OPERATOR, WARD, ADVOCATE = (f"{name}-{'x' * 40}" for name in ("clerk", "nurse", "op", "ward", "advocate"))
CLIENTS = [
    {"token": CLERK, "organisation": "ZCT1", "role": "concerns"},
    {"token": NURSE, "organisation": "ZCT1", "role": "clinician"},
    {"token": OPERATOR, "organisation": "ZCT1", "role": "operator"},
    {"token": WARD, "organisation": "ZOA1", "role": "concerns"},
    {"token": ADVOCATE, "organisation": "ZADV1", "role": "clinician"},
]
PARTNERS = [
    {"ods": "ZOA1", "name": "Ward far away", "base_url": "http://127.0.0.1:9", "secret": "s" * 40},
]
CONCERN = {"about": "ZOA1", "words": CANARY, "raised_as": "carer", "due": "2026-12-01"}


@pytest.fixture
def call(store_url: str) -> Iterator[Caller]:
    options: Any = {"clients": CLIENTS, "partners": PARTNERS}
    with calling(load(store=store_url, ods="ZCT1", name="Community trust", **options)) as found:
        yield found


def as_(token: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", **more}


def submit(call: Caller, **more: Any) -> Json:
    answer = call("POST", "/concerns", {**CONCERN, **more}, **as_(ADVOCATE))
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def test_a_concern_is_raised_read_and_answered(call: Caller) -> None:
    made = submit(call)
    url = f"/concerns/{made['id']}"
    held = call("GET", url, **as_(CLERK)).json()
    assert (held["words"]["text"], held["about"], held["owner"]) == (CANARY, "ZOA1", "ZCT1")
    assert held["raised_at"]
    assert "raised_by" not in held
    assert [one["id"] for one in call("GET", "/concerns", **as_(CLERK)).json()["concerns"]] == [made["id"]]
    reply = {"words": "Locks were fitted.", "by": "Safety lead", "status": "completed"}
    answered = call("POST", f"{url}/replies", reply, **as_(CLERK))
    assert (answered.status_code, answered.headers["etag"]) == (201, 'W/"2"')
    seen = call("POST", "/concerns/find", {"receipt": made["receipt"]}, **as_(ADVOCATE)).json()
    assert seen["replies"][0]["words"]["text"] == "Locks were fitted."
    assert seen["replies"][0]["at"]
    assert (seen["status"], seen["words"]["text"]) == ("completed", CANARY)
    assert call("GET", "/concerns", **as_(CLERK)).json()["concerns"] == []
    versions = call.gateway.store.read_now(lambda tx: tx.concerns.versions(made["id"]))
    assert [number for number, _ in versions] == [1, 2]
    assert "Locks" not in versions[0][1]


def test_a_concern_goes_in_and_out_as_a_task(call: Caller) -> None:
    task = task_of(SafetyConcern.model_validate({**CONCERN, "owner": "ZCT1"}))
    task["extension"].append({"url": "urn:example:vendor", "valueString": "kept"})
    answer = call("POST", "/concerns", task, **as_(ADVOCATE))
    assert answer.status_code == 201, answer.text
    name = answer.json()["id"]
    assert name != task["id"], "ids are given here"
    held = call("GET", f"/concerns/{name}", **as_(CLERK, accept=FHIR)).json()
    assert (held["resourceType"], held["id"], held["description"]) == ("Task", name, CANARY)
    call("POST", f"/concerns/{name}/replies", {"words": "Looking."}, **as_(CLERK))
    held = call("GET", f"/concerns/{name}", **as_(CLERK, accept=FHIR)).json()
    assert {"url": "urn:example:vendor", "valueString": "kept"} in held["extension"]
    assert held["output"][0]["valueString"] == "Looking."


@pytest.mark.parametrize("token", [NURSE, OPERATOR, WARD, ADVOCATE])
def test_to_everybody_else_it_is_not_there(call: Caller, token: str) -> None:
    name = submit(call)["id"]
    for url in (f"/concerns/{name}", "/concerns/never-was"):
        told = refused(call("GET", url, **as_(token)), 404, "concern-not-found", "id")
        refused(
            call("POST", f"{url}/replies", {"words": "Nothing to see."}, **as_(token)), 404, "concern-not-found", "id"
        )
        assert CANARY not in str(told)
    refused(call("GET", "/concerns", **as_(token)), 403, "concern-clerks-only")
    assert "replies" not in call("GET", f"/concerns/{name}", **as_(CLERK)).json()


@pytest.mark.parametrize("about", ["ZOA1", "ZOA1W", "ZOA"])
def test_who_is_complained_of_reads_nothing_even_with_the_receipt(call: Caller, about: str) -> None:
    receipt = submit(call, about=about)["receipt"]
    refused(call("POST", "/concerns/find", {"receipt": receipt}, **as_(WARD)), 404, "concern-not-found", "receipt")
    assert call("POST", "/concerns/find", {"receipt": receipt}, **as_(NURSE)).status_code == 200


def test_who_is_complained_of_is_not_the_way_to_complain(call: Caller) -> None:
    refused(call("POST", "/concerns", CONCERN, **as_(WARD)), 403, "concern-not-for-you")
    refused(
        call("POST", "/concerns", {**CONCERN, "about": "ZCT1"}, **as_(ADVOCATE)), 422, "concern-own-service", "about"
    )
    refused(
        call("POST", "/concerns", {**CONCERN, "about": "ZCT1X"}, **as_(ADVOCATE)), 422, "concern-own-service", "about"
    )


@pytest.mark.parametrize(
    ("more", "code", "path"),
    [
        ({"owner": "ZIC1"}, "concern-owner", "owner"),
        ({"status": "completed"}, "concern-answered-already", "status"),
        ({"replies": [{"words": "All is well."}]}, "concern-answered-already", "replies"),
        ({"raised_as": "nobody"}, "map-invalid-record", "raised_as"),
        ({"person": {"nhs_number": NUMBER}}, "map-unknown-field", "$"),
    ],
)
def test_what_cannot_be_raised_is_refused_and_not_kept(call: Caller, more: Json, code: str, path: str) -> None:
    refused(call("POST", "/concerns", {**CONCERN, **more}, **as_(ADVOCATE)), 422, code, path)
    assert call("GET", "/concerns", **as_(CLERK)).json()["concerns"] == []


def test_a_concern_that_points_at_a_person_is_refused(call: Caller) -> None:
    task = task_of(SafetyConcern.model_validate({**CONCERN, "owner": "ZCT1"}))
    task["for"] = {"reference": "Patient/a"}
    assert call("POST", "/concerns", task, **as_(ADVOCATE)).status_code == 422
    unknown = {"safety-concern": {"for": {"reference": "Patient/a"}}}
    assert call("POST", "/concerns", {**CONCERN, "unknown": unknown}, **as_(ADVOCATE)).status_code == 422
    assert call("GET", "/concerns", **as_(CLERK)).json()["concerns"] == []


def test_a_receipt_is_kept_as_a_digest_and_found_by_nothing_else(call: Caller) -> None:
    receipt = submit(call)["receipt"]
    rows = call.gateway.store.read_now(lambda tx: tx.session.all("SELECT * FROM concerns"))
    assert receipt not in str(rows)
    for wrong in (receipt[:-1], receipt + "x", "", str(rows[0][4])):
        answer = call("POST", "/concerns/find", {"receipt": wrong}, **as_(ADVOCATE))
        refused(answer, 404, "concern-not-found", "receipt")
    refused(call("POST", "/concerns/find", {"id": "x"}, **as_(ADVOCATE)), 422, "map-invalid-record", "receipt")


# --- every other way


def test_no_other_way_leads_to_a_concern(call: Caller) -> None:
    saved = call("POST", "/records", {**person_with_a_plan()}, **as_(NURSE))
    assert saved.status_code == 201, saved.text
    record_id, name = saved.json()["id"], submit(call)["id"]
    patient = call("GET", "/fhir/Patient", **as_(NURSE)).json()["entry"][0]["resource"]["id"]
    ways = [
        ("GET", f"/fhir/Task/{name}", None),
        ("GET", f"/fhir/Task/{name}/_history", None),
        ("GET", f"/fhir/Task/{name}/_history/1", None),
        ("GET", "/fhir/Task", None),
        ("GET", f"/fhir/Task?_id={name}", None),
        ("GET", f"/fhir/Task?patient={patient}", None),
        ("GET", "/fhir/Task?identifier=ZOA1", None),
        ("GET", f"/fhir/Patient/{patient}/$everything", None),
        ("GET", f"/records/{record_id}", None),
        ("POST", "/records/find", {"nhs_number": NUMBER}),
        ("GET", f"/records/{name}", None),
        ("GET", "/deliveries?all=true", None),
    ]
    for token in (NURSE, OPERATOR, WARD):
        for method, url, body in ways:
            answer = call(method, url, body, **as_(token))
            assert CANARY not in answer.text, (url, token)
            assert f'"id":"{name}"' not in answer.text.replace(" ", ""), (url, token)
    assert call("GET", f"/fhir/Task/{name}", **as_(NURSE)).status_code == 404


def test_nothing_of_a_concern_waits_for_a_partner_or_stands_in_another_table(call: Caller) -> None:
    assert call("POST", "/records", person_with_a_plan(), **as_(NURSE)).status_code == 201
    name = submit(call)["id"]
    call("POST", f"/concerns/{name}/replies", {"words": CANARY}, **as_(CLERK))
    for table in metadata.tables.keys() - {"concerns", "concern_versions"}:
        rows = call.gateway.store.read_now(lambda tx, t=table: tx.session.all(f"SELECT * FROM {t}"))
        assert CANARY not in str(rows), table
        assert name not in str(rows), table
    rows = call.gateway.store.read_now(lambda tx: tx.session.all("SELECT kind FROM outbox"))
    assert {row[0] for row in rows} == {"snapshot"}, "the plan is on its way all the same"


def smuggled() -> Json:
    return task_of(SafetyConcern.model_validate({**CONCERN, "owner": "ZCT1"}))


def test_a_concern_does_not_come_in_by_another_door(call: Caller) -> None:
    task = smuggled()
    refused(call("POST", "/fhir/Task", task, **as_(NURSE)), 422, "concern-not-a-record", "Task")
    refused(call("POST", "/fhir/Task", {**task, "code": {"text": "x"}}, **as_(NURSE)), 422, "concern-not-a-record")
    entry = {"resource": task, "request": {"method": "POST", "url": "Task"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    refused(call("POST", "/fhir", bundle, **as_(NURSE)), 422, "concern-not-a-record")
    batch = call("POST", "/fhir", {**bundle, "type": "batch"}, **as_(NURSE)).json()
    assert batch["entry"][0]["response"]["status"].startswith("422")
    basic = {"resourceType": "Basic", "code": {"text": "x"}, "contained": [{**task, "id": "t"}]}
    refused(call("POST", "/fhir/Basic", basic, **as_(NURSE)), 422, "concern-not-a-record")
    plain = {"resourceType": "Task", "status": "requested", "intent": "order", "description": "Ring the sister"}
    made = call("POST", "/fhir/Task", plain, **as_(NURSE))
    assert made.status_code == 201, made.text
    name, tag = made.json()["id"], made.headers["etag"]
    turned = call("PUT", f"/fhir/Task/{name}", {**task, "id": name}, **as_(NURSE), if_match=tag)
    refused(turned, 422, "concern-not-a-record")
    assert CANARY not in call("GET", "/fhir/Task", **as_(NURSE)).text


def test_a_record_that_carries_one_aside_keeps_none_of_it(call: Caller) -> None:
    body = {**person_with_a_plan(), "concerns": [CONCERN]}
    assert call("POST", "/records", body, **as_(NURSE)).status_code == 422
    aside = {**person_with_a_plan(), "unknown": {"entry": [{"resource": smuggled()}]}}
    answer = call("POST", "/records", aside, **as_(NURSE))
    if answer.status_code == 201:
        assert CANARY not in call("GET", f"/records/{answer.json()['id']}", **as_(NURSE)).text
    for table in ("versions", "outbox", "projections"):
        rows = call.gateway.store.read_now(lambda tx, t=table: tx.session.all(f"SELECT * FROM {t}"))
        assert CANARY not in str(rows), table


def test_neither_words_nor_receipt_nor_id_reach_a_log_or_a_refusal(
    call: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = submit(call)
    call("GET", f"/concerns/{made['id']}", **as_(CLERK))
    call("POST", "/concerns/find", {"receipt": made["receipt"]}, **as_(ADVOCATE))
    told = call("POST", "/concerns", {**CONCERN, "status": CANARY}, **as_(ADVOCATE)).text
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("fhir_mh")]
    assert any("/concerns/*" in line for line in ours)
    for secret in (CANARY, made["receipt"], made["id"]):
        assert secret not in told
        assert not [line for line in ours if secret in line]


@pytest.mark.parametrize("kept", ["x", ["x"], {"meta": "x"}])
def test_what_is_kept_beside_a_concern_is_an_object(call: Caller, kept: Any) -> None:
    answer = call("POST", "/concerns", {**CONCERN, "unknown": {"safety-concern": kept}}, **as_(ADVOCATE))
    refused(answer, 422, "map-invalid-record", "unknown.safety-concern")


def test_the_name_of_a_field_that_is_not_known_is_not_repeated(call: Caller) -> None:
    answer = call("POST", "/concerns", {**CONCERN, CANARY: 1}, **as_(ADVOCATE))
    refused(answer, 422, "map-unknown-field", "$")
    assert CANARY not in answer.text


def test_where_nobody_has_a_token_whoever_is_here_looks_after_concerns(caller: Caller) -> None:
    made = caller("POST", "/concerns", CONCERN).json()
    assert caller("GET", f"/concerns/{made['id']}").json()["words"]["text"] == CANARY
