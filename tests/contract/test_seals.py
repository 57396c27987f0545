"""Retracting what was recorded for the wrong person, and opening what is sealed, over HTTP."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_mh.settings import load
from fhir_mh.store import AuditRow, open_store
from tests.contract.rest_caller import NUMBER, Caller, calling, refused
from tests.databases import empty_store

FIRST, SECOND, NAMELESS, NURSE, WARD = (f"{name}-{'x' * 40}" for name in ("one", "two", "nobody", "nurse", "ward"))
CLIENTS = [
    {"token": FIRST, "organisation": "ZCT1", "role": "seals", "name": "records-lead"},
    {"token": SECOND, "organisation": "ZCT1", "role": "seals", "name": "guardian"},
    {"token": NAMELESS, "organisation": "ZCT1", "role": "seals"},
    {"token": NURSE, "organisation": "ZCT1", "role": "clinician"},
    {"token": WARD, "organisation": "ZOA1", "role": "seals", "name": "ward"},
]
CANARY, REASON = "zebra allotment", "quagga in the wrong record"
RECORD = {
    "person": {"nhs_number": NUMBER},
    "goals": [{"id": "g", "description": CANARY}, {"id": "h", "description": "Sea"}],
}
WRONG = {"items": [{"list": "goals", "id": "g"}], "reason": REASON}


@pytest.fixture
def call(store_url: str) -> Iterator[Caller]:
    options: Any = {"clients": CLIENTS}
    with calling(load(store=store_url, ods="ZCT1", name="Community trust", **options)) as found:
        yield found


def as_(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def recorded(call: Caller) -> str:
    return str(call("POST", "/records", RECORD, **as_(NURSE)).json()["id"])


def test_two_people_open_what_nobody_reads_any_more(call: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    name = recorded(call)
    (entry,) = [one for one in call("GET", "/fhir/Goal", **as_(NURSE)).json()["entry"] if CANARY in str(one)]
    goal = entry["resource"]["id"]
    answer = call("POST", f"/records/{name}/retractions", WRONG, **as_(FIRST))
    assert answer.json() == {"id": name, "retracted": 1}
    held = call("GET", f"/records/{name}", **as_(NURSE))
    assert [one["id"] for one in held.json()["record"]["goals"]] == ["h"]
    assert [one["custodian"] for one in held.json()["retracted"]] == ["ZCT1"]
    shown = [call("GET", url, **as_(NURSE)).text for url in (
        f"/records/{name}", "/fhir/Goal", f"/fhir/Goal/{goal}", f"/fhir/Goal/{goal}/_history",
        f"/fhir/Goal/{goal}/_history/1", f"/fhir/Goal?_id={goal}", "/quarantine",
    )]  # fmt: skip
    listed = call("GET", "/sealed", **as_(FIRST))
    assert not [text for text in [*shown, listed.text] if CANARY in text or REASON in text]
    refused(call("GET", f"/fhir/Goal/{goal}", **as_(NURSE)), 410, "store-gone")
    refused(call("PUT", f"/fhir/Goal/{goal}", entry["resource"], **as_(NURSE)), 409, "sync-retracted")
    refused(call("POST", "/records", RECORD, **as_(NURSE)), 409, "sync-retracted")
    (seal,) = listed.json()["seals"]
    assert (seal["person"], seal["texts"], seal["approved_by"]) == (name, 1, [])

    url = f"/sealed/{seal['id']}"
    refused(call("POST", f"{url}/open", **as_(FIRST)), 403, "seal-second-person")
    refused(call("POST", f"{url}/approvals", {"reason": "x"}, **as_(NAMELESS)), 403, "seal-unnamed")
    assert call("POST", f"{url}/approvals", {"reason": "x"}, **as_(FIRST)).json()["approved_by"] == ["records-lead"]
    refused(call("POST", f"{url}/open", **as_(FIRST)), 403, "seal-second-person")
    both = call("POST", f"{url}/approvals", {"reason": "y"}, **as_(SECOND)).json()
    assert both["approved_by"] == ["guardian", "records-lead"]
    opened = call("POST", f"{url}/open", **as_(SECOND)).json()
    assert CANARY in opened["texts"][0]["text"]
    assert call("GET", "/sealed", **as_(FIRST)).json()["seals"][0]["approved_by"] == []
    assert not [one for one in caplog.records if CANARY in one.getMessage() or REASON in one.getMessage()]


def test_nobody_else_is_let_in(call: Caller) -> None:
    name = recorded(call)
    for token in (NURSE, WARD):
        refused(call("POST", f"/records/{name}/retractions", WRONG, **as_(token)), 403, "seal-role")
        refused(call("GET", "/sealed", **as_(token)), 403, "seal-role")
        refused(call("POST", "/sealed/x/approvals", {"reason": "x"}, **as_(token)), 403, "seal-role")
        refused(call("POST", "/sealed/x/open", **as_(token)), 403, "seal-role")
    refused(call("POST", "/sealed/x/open", **as_(FIRST)), 404, "seal-not-found")
    refused(call("POST", "/sealed/x/approvals", {"reason": "x"}, **as_(FIRST)), 404, "seal-not-found")
    refused(call("POST", "/records/x/retractions", WRONG, **as_(FIRST)), 404, "rest-unknown-record")


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        ({**WRONG, "reason": " "}, "rest-body", "reason"),
        ({"items": WRONG["items"]}, "rest-body", "reason"),
        ({"reason": REASON}, "rest-body", "items"),
        ({**WRONG, "everything": True}, "rest-body", "items"),
        ({"items": [], "reason": REASON}, "rest-body", "items"),
        ({"items": ["goals"], "reason": REASON}, "rest-body", "items[0]"),
        ({**WRONG, "why": REASON}, "rest-body", "why"),
        ({"items": [{"list": "goals", "id": "x"}], "reason": REASON}, "seal-item", "items[0]"),
    ],
)
def test_what_is_not_said_clearly_is_refused_and_nothing_is_sealed(
    call: Caller, body: Any, code: str, place: str
) -> None:
    name = recorded(call)
    refused(
        call("POST", f"/records/{name}/retractions", body, **as_(FIRST)), 404 if code == "seal" else 422, code, place
    )
    assert call("GET", "/sealed", **as_(FIRST)).json() == {"seals": []}


def test_everything_can_be_retracted(call: Caller) -> None:
    name = recorded(call)
    answer = call("POST", f"/records/{name}/retractions", {"everything": True, "reason": REASON}, **as_(FIRST))
    assert answer.json()["retracted"] == 2
    assert "goals" not in call("GET", f"/records/{name}", **as_(NURSE)).json()["record"]


def test_an_audit_row_of_each_act_is_kept(call: Caller) -> None:
    name = recorded(call)
    call("POST", f"/records/{name}/retractions", WRONG, **as_(FIRST))
    rows: list[tuple[int, AuditRow]] = call.gateway.store.read_now(lambda tx: tx.audit.find(person=name))
    assert [REASON in row.text and "records-lead" in row.text for _, row in rows] == [True]
    assert not [row for _, row in rows if CANARY in row.text]


def test_a_seal_survives_the_end_of_the_process(tmp_path: Any) -> None:
    address = empty_store(tmp_path / "store.sqlite3")
    with open_store(address) as store:
        made = store.write_now(lambda tx: tx.seals.make("p", "ZCT1", REASON))
        store.write_now(lambda tx: tx.seals.keep(made, "Goal", "g", CANARY, 3))
    with open_store(address) as store:
        (text,) = store.read_now(lambda tx: tx.seals.texts(made))
        assert (text.kind, text.name, text.version, text.text) == ("Goal", "g", 3, CANARY)
