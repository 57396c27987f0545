"""Envelopes and receipts as they travel."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.errors import InvalidResource
from fhir_mh.exchange.messages import (
    Envelope,
    Message,
    Receipt,
    Unreadable,
    read_envelope,
    read_message,
    read_receipts,
)
from fhir_mh.issues import issue

NUMBER = "9990000026"
SNAPSHOT = Message("m-1", "snapshot", NUMBER, "ZCT1", 7, {"bundle": {"resourceType": "Bundle"}})


def entry(**changes: Any) -> dict[str, Any]:
    body = {**SNAPSHOT.as_json(), **changes}
    return {name: value for name, value in body.items() if value is not ...}


def envelope(*messages: Any, **changes: Any) -> dict[str, Any]:
    return {"protocol": 1, "from": "ZCT1", "to": "ZOA1", "messages": list(messages), **changes}


def test_what_is_written_is_read() -> None:
    notice = Message("m-2", "notice", NUMBER, "ZCT1", None, {"notice": "sharing-ended", "reason": "It was withdrawn."})
    sent = Envelope("ZCT1", "ZOA1", (SNAPSHOT, notice))
    assert read_envelope(sent.as_json()) == sent


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ([], "$"),
        (envelope(protocol=2), "$.protocol"),
        (envelope(messages={}), "$.messages"),
        (envelope(**{"from": "a; b"}), "$.from"),
        (envelope(to=""), "$.to"),
        (envelope("text"), "$.messages[0]"),
        (envelope(entry(), entry(id=..., verb="sing")), "$.messages[1].id"),
        (envelope(entry(id="not an id", verb="sing")), "$.messages[0].id"),
    ],
)
def test_an_envelope_that_is_none_is_refused_at_its_place(body: Any, path: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        read_envelope(body)
    assert [(one.code, one.path) for one in refused.value.issues] == [("sync-envelope", path)]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"verb": "sing"}, "$.messages[0].verb"),
        ({"verb": ["snapshot"]}, "$.messages[0].verb"),
        ({"edition": "7"}, "$.messages[0].edition"),
        ({"edition": True}, "$.messages[0].edition"),
        ({"edition": -1}, "$.messages[0].edition"),
        ({"edition": 2**31}, "$.messages[0].edition"),
        ({"verb": "notice", "notice": "sharing-ended", "edition": 2**63}, "$.messages[0].edition"),
        ({"bundle": ...}, "$.messages[0].bundle"),
        ({"person": NUMBER}, "$.messages[0].person"),
        ({"person": {}}, "$.messages[0].person.nhs_number"),
        ({"custodian": "home team"}, "$.messages[0].custodian"),
        ({"sections": ["plan\x00"]}, "$.messages[0].sections[0]"),
    ],
)
def test_a_message_that_is_not_understood_stands_whole_beside_the_others(changes: dict[str, Any], path: str) -> None:
    odd = entry(id="m-9", **changes)
    unreadable, good = read_envelope(envelope(odd, entry())).messages
    assert isinstance(unreadable, Unreadable)
    assert (unreadable.id, unreadable.as_json(), unreadable.issues[0].path) == ("m-9", odd, path)
    assert good == SNAPSHOT
    with pytest.raises(InvalidResource):
        read_message(odd)


def test_a_receipt_is_read_with_its_findings_in_our_words() -> None:
    found = issue("sync-no-projection", "$.base")
    sent = Receipt("m-1", "refused", 3, ("plan.goals[0]",), (found,))
    (read,) = read_receipts({"receipts": [sent.as_json()]})
    assert (read.id, read.status, read.edition, read.conflicts) == ("m-1", "refused", 3, ("plan.goals[0]",))
    assert [(one.code, one.path) for one in read.issues] == [("sync-foreign-finding", "$.base")]
    assert "sync-no-projection" in read.issues[0].message
    assert read.code == "sync-no-projection"


@pytest.mark.parametrize(("said", "read"), [(2**31 - 1, 2**31 - 1), (2**31, None), (2**70, None), (-1, None)])
def test_a_receipt_has_no_edition_that_there_cannot_be(said: int, read: int | None) -> None:
    (receipt,) = read_receipts({"receipts": [{"id": "m-1", "status": "superseded", "edition": said}]})
    assert receipt.edition == read


@pytest.mark.parametrize("code", ["zebedee", "9990000018", "A b", None])
def test_a_reason_that_is_no_code_of_ours_is_not_repeated(code: Any) -> None:
    body = {"id": "m-1", "status": "refused", "issues": [{"code": code, "path": "$"}]}
    (read,) = read_receipts({"receipts": [body]})
    assert read.reason == ""
    assert read.code in ("sync-foreign-finding", "sync-refused")


def test_what_a_partner_writes_into_its_findings_is_shown_to_nobody() -> None:
    body = {
        "id": "m-1",
        "status": "refused",
        "issues": [
            {"code": "Mr Smith <b>", "path": "$"},
            {"code": "fine", "path": "<script>", "message": "Mr Smith"},
            "text",
            {"path": "$"},
        ],
    }
    (read,) = read_receipts({"receipts": [body]})
    assert [(one.path, "Smith" in one.message) for one in read.issues] == [("$", False)]


@pytest.mark.parametrize(
    "body",
    [None, {}, {"receipts": {}}],
)
def test_an_answer_that_is_none_is_refused(body: Any) -> None:
    with pytest.raises(InvalidResource):
        read_receipts(body)


@pytest.mark.parametrize(
    "odd", [None, {}, {"id": "m", "status": "fine"}, {"status": "stored"}, {"id": 1, "status": "stored"}]
)
def test_a_receipt_that_is_not_understood_takes_no_other_along(odd: Any) -> None:
    read = read_receipts({"receipts": [odd, {"id": "m-2", "status": "stored", "edition": 1}]})
    assert [(one.id, one.status) for one in read] == [("m-2", "stored")]


def test_of_the_rows_that_a_receipt_names_only_what_may_be_rows_is_kept() -> None:
    rows = ["crisis_plans[a].title", 1, "x" * 2_000, *["goals[b].title"] * 20_000]
    (read,) = read_receipts({"receipts": [{"id": "m-1", "status": "partly", "conflicts": rows}]})
    assert read.conflicts[:2] == ("crisis_plans[a].title", "goals[b].title")
    assert len(read.conflicts) < 10_000
