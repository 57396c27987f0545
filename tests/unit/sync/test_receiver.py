"""Receiving: once, in order, each message for itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fhir_mh.clock import ManualClock
from fhir_mh.errors import Conflict, FhirMhError, InvalidResource, UpstreamUnavailable
from fhir_mh.exchange.messages import Envelope, Message, Unreadable
from fhir_mh.fhir.json import loads
from fhir_mh.issues import issue
from fhir_mh.sync.receiver import receive
from tests.unit.sync.counting import counter, value_of
from tests.unit.sync.wiring import HOME, PEOPLE, START, WARD, Node

ADA, BEN, _ = PEOPLE


@pytest.fixture
def ward() -> Node:
    return Node(WARD, ManualClock(START))


def snapshot(name: str, number: str, edition: int | None) -> Message:
    return Message(name, "snapshot", number, HOME, edition, {"bundle": counter("x", HOME, edition or 0)})


def take(node: Node, *messages: Message | Unreadable) -> list[dict[str, Any]]:
    return asyncio.run(receive(node.store, node.exchange, HOME, Envelope(HOME, WARD, messages)))


def held(node: Node, number: str) -> int:
    return node.store.write_now(lambda tx: value_of(tx, number, HOME))


def test_receipts_come_in_the_order_of_the_messages(ward: Node) -> None:
    receipts = take(ward, snapshot("a", ADA, 1), snapshot("b", BEN, 4), snapshot("c", ADA, 2))
    assert receipts == [
        {"id": "a", "status": "stored", "edition": 1},
        {"id": "b", "status": "stored", "edition": 4},
        {"id": "c", "status": "stored", "edition": 2},
    ]
    assert (held(ward, ADA), held(ward, BEN)) == (2, 4)


def test_the_same_message_gets_the_same_receipt_whatever_it_holds_now(ward: Node) -> None:
    first = take(ward, snapshot("a", ADA, 1))
    take(ward, snapshot("b", ADA, 2))
    assert take(ward, snapshot("a", ADA, 3)) == first
    assert held(ward, ADA) == 2


def test_a_message_twice_in_one_request_is_acted_on_once(ward: Node) -> None:
    proposal = Message("p", "proposal", ADA, WARD, 0, {"base": 0, "bundle": {}})
    first, second = take(ward, proposal, proposal)
    assert first == second
    assert ward.store.write_now(lambda tx: value_of(tx, ADA, WARD)) == 1


def test_the_same_id_from_another_partner_is_another_message(ward: Node) -> None:
    take(ward, snapshot("a", ADA, 1))
    other = Message("a", "snapshot", BEN, "ZOA1", 5, {"bundle": counter("x", "ZOA1", 5)})
    (receipt,) = asyncio.run(receive(ward.store, ward.exchange, "ZOA1", Envelope("ZOA1", WARD, (other,))))
    assert receipt["edition"] == 5


def test_what_arrives_late_is_superseded(ward: Node) -> None:
    take(ward, snapshot("b", ADA, 2))
    assert take(ward, snapshot("a", ADA, 1)) == [{"id": "a", "status": "superseded", "edition": 2}]


@pytest.mark.parametrize("fault", [KeyError("what the person said"), FhirMhError()])
def test_a_fault_of_ours_leaves_no_receipt_and_nothing_behind(
    ward: Node, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(message: Message) -> None:
        if message.id == "a":
            raise fault

    ward.exchange.before_receive = fail
    receipts = take(ward, snapshot("a", ADA, 1), snapshot("b", BEN, 1), snapshot("c", ADA, 2))
    assert [receipt["id"] for receipt in receipts] == ["b"], "what follows about the same person waits too"
    assert (held(ward, ADA), held(ward, BEN)) == (0, 1)
    assert "what the person said" not in caplog.text
    ward.exchange.before_receive = lambda message: None
    receipts = take(ward, snapshot("a", ADA, 1), snapshot("b", BEN, 1), snapshot("c", ADA, 2))
    assert [receipt["id"] for receipt in receipts] == ["a", "b", "c"]
    assert held(ward, ADA) == 2


def test_where_the_store_does_not_answer_nothing_is_and_what_was_done_is_answered_the_next_time(ward: Node) -> None:
    def fail(message: Message) -> None:
        if message.id == "b":
            raise UpstreamUnavailable

    ward.exchange.before_receive = fail
    with pytest.raises(UpstreamUnavailable):
        take(ward, snapshot("a", ADA, 1), snapshot("b", BEN, 1))
    ward.exchange.before_receive = lambda message: None
    receipts = take(ward, snapshot("a", ADA, 1), snapshot("b", BEN, 1))
    assert [(receipt["id"], receipt["status"]) for receipt in receipts] == [("a", "stored"), ("b", "stored")]
    assert held(ward, ADA) == 1


@pytest.mark.parametrize(
    "fault",
    [
        InvalidResource(issues=[issue("sync-unreadable", "$.bundle")]),
        Conflict(issues=[issue("sync-unreadable", "$.bundle")]),
        InvalidResource(),
    ],
)
def test_what_cannot_be_understood_is_kept_whole(ward: Node, fault: FhirMhError) -> None:
    def fail(message: Message) -> None:
        raise fault

    ward.exchange.before_receive = fail
    sent = snapshot("a", ADA, 1)
    (receipt,) = take(ward, sent)
    assert (receipt["status"], receipt["issues"][0]["code"]) == ("quarantined", "sync-unreadable")
    (kept,) = ward.store.read_now(lambda tx: tx.quarantine.find())
    assert (kept.partner, kept.message, loads(kept.text)) == (HOME, "a", sent.as_json())
    assert loads(kept.issues)[0]["code"] == "sync-unreadable"
    assert take(ward, sent) == [receipt]
    assert len(ward.store.read_now(lambda tx: tx.quarantine.find())) == 1


def test_a_race_that_was_lost_is_no_reason_to_set_a_message_aside(ward: Node) -> None:
    def fail(message: Message) -> None:
        raise Conflict(issues=[issue("store-contradiction", "$", reason="23505")])

    ward.exchange.before_receive = fail
    assert take(ward, snapshot("a", ADA, 1)) == []


def test_a_message_of_an_unknown_kind_is_kept_whole(ward: Node) -> None:
    found = issue("sync-envelope", "$.messages[0].verb", expected="a verb")
    odd = Unreadable("a", {"id": "a", "verb": "sing"}, (found,))
    assert [receipt["status"] for receipt in take(ward, odd, snapshot("b", ADA, 1))] == ["quarantined", "stored"]
    (kept,) = ward.store.read_now(lambda tx: tx.quarantine.find())
    assert loads(kept.text) == {"id": "a", "verb": "sing"}


def test_behind_a_refusal_the_same_person_waits(ward: Node) -> None:
    original = ward.exchange.receive

    def refuse(tx: Any, partner: str, message: Message) -> Any:
        receipt = original(tx, partner, message)
        return type(receipt)(message.id, "refused") if message.id == "a" else receipt

    ward.exchange.receive = refuse  # type: ignore[method-assign]
    receipts = take(ward, snapshot("a", ADA, 1), snapshot("b", ADA, 2), snapshot("c", BEN, 1))
    assert [(receipt["id"], receipt["status"]) for receipt in receipts] == [("a", "refused"), ("c", "stored")]


def test_a_crash_before_the_commit_leaves_neither_effect_nor_receipt(ward: Node) -> None:
    class Killed(BaseException):
        """The process ends here."""

    def kill(message: Message) -> None:
        raise Killed

    ward.exchange.before_receive = kill
    with pytest.raises(Killed):
        take(ward, snapshot("a", ADA, 1))
    ward.exchange.before_receive = lambda message: None
    assert ward.store.read_now(lambda tx: tx.inbox.receipt(HOME, "a")) is None
    assert take(ward, snapshot("a", ADA, 1))[0]["status"] == "stored"
