"""A gateway reduced to integers, so that the engine is tested for itself: each custodian counts, and copies the others.

What a person's custodian holds is one number; its edition is the number. A proposal asks the custodian to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fhir_mh.errors import InvalidResource
from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.exchange.ports import Withheld
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.fhir.urls import NHS_NUMBER
from fhir_mh.issues import Issue, issue
from fhir_mh.store import OutboxMessage, Outcome, Tx


class CountingExchange:
    """before_receive and before_compose may raise, for faults of a gateway's own."""

    def __init__(
        self,
        own: str,
        *,
        before_receive: Callable[[Message], None] = lambda message: None,
        before_compose: Callable[[OutboxMessage], None] = lambda waiting: None,
    ) -> None:
        self.own, self.before_receive, self.before_compose = own, before_receive, before_compose

    # --- what a use case would do

    def count(self, tx: Tx, number: str, partners: list[str]) -> int:
        """The custodian raises its number by one and tells its partners."""
        person = person_of(tx, number)
        value = tx.edition(person, self.own) + 1
        tx.put(counter(person, self.own, value), person=person, custodian=self.own)
        for partner in partners:
            tx.outbox.add(partner, person, "snapshot", edition=value, replaces=True)
        return value

    def propose(self, tx: Tx, number: str, custodian: str) -> str:
        """Ask the custodian to add one; the id of the proposal."""
        person = person_of(tx, number)
        queued = tx.outbox.add(custodian, person, "proposal", edition=0, payload="{}")
        tx.proposals.add("sent", custodian, person, custodian, base=0, payload="{}", id=queued.message)
        return queued.message

    def withdraw(self, tx: Tx, number: str, partner: str) -> None:
        """Stop sharing with a partner, and say so."""
        person = person_of(tx, number)
        tx.lanes.end(partner, person, "withdrawn")
        payload = dumps({"notice": "sharing-ended"}).decode()
        tx.outbox.add(partner, person, "notice", edition=tx.edition(person, self.own), payload=payload)

    # --- the port

    def findings(self, message: Message) -> list[Issue]:
        return [] if "bundle" in message.content else [issue("sync-unreadable", "$.bundle")]

    def compose(self, tx: Tx, waiting: OutboxMessage) -> Message | Withheld:
        self.before_compose(waiting)
        number = dict(tx.identifiers_of(waiting.person))[NHS_NUMBER]
        if waiting.kind == "proposal":
            bundle = {"resourceType": "Bundle", "type": "collection"}
            return Message(waiting.message, "proposal", number, waiting.partner, 0, {"base": 0, "bundle": bundle})
        if waiting.kind == "notice":
            return Message(
                waiting.message, "notice", number, self.own, waiting.edition, load_object(waiting.payload or "")
            )
        lane = tx.lanes.get(waiting.partner, waiting.person)
        if lane is None or lane.state == "ended":
            return Withheld("consent-denied")
        held = tx.get("Basic", name_of(waiting.person, self.own))
        assert held is not None
        edition = tx.edition(waiting.person, self.own)
        tx.currency.mark(waiting.partner, waiting.person, self.own, "sent", edition)
        return Message(waiting.message, "snapshot", number, self.own, edition, {"bundle": held.body()})

    def refusal(self, body: Mapping[str, Any]) -> Issue | None:
        return None

    def settle(self, tx: Tx, sent: OutboxMessage, receipt: Receipt) -> Outcome:
        if receipt.status == "refused":
            return Outcome(sent.message, "dead", receipt.code)
        if sent.kind == "snapshot" and receipt.edition is not None:
            tx.currency.mark(sent.partner, sent.person, self.own, "stored", receipt.edition)
        if sent.kind == "proposal":
            tx.proposals.settle(sent.message, "accepted")
        return Outcome(sent.message, "acked")

    def receive(self, tx: Tx, partner: str, message: Message) -> Receipt:
        self.before_receive(message)
        person = person_of(tx, message.nhs_number)
        if message.verb == "proposal":
            peers = [lane.partner for lane in tx.lanes.find(person=person) if lane.state != "ended"]
            return Receipt(message.id, "merged", self.count(tx, message.nhs_number, sorted({*peers, partner})))
        if message.verb == "notice":
            tx.currency.end(self.own, person, message.custodian, "ended")
            return Receipt(message.id, "stored")
        if message.edition is None:
            raise InvalidResource(issues=[issue("sync-envelope", "$.edition", expected="an integer")])
        held = tx.edition(person, message.custodian)
        if held >= message.edition:
            return Receipt(message.id, "superseded", held)
        body = counter(person, message.custodian, value_in(message.content["bundle"]))
        tx.put(body, person=person, custodian=message.custodian)
        tx.set_edition(person, message.custodian, message.edition)
        tx.currency.resume(self.own, person, message.custodian)
        return Receipt(message.id, "stored", message.edition)


def person_of(tx: Tx, number: str) -> str:
    """The person of this number, who may be new."""
    known = tx.find_person(NHS_NUMBER, number)
    if known is None:
        known = tx.add_person()
        tx.identify(known, NHS_NUMBER, number)
    return known


def value_of(tx: Tx, number: str, custodian: str) -> int:
    """The number held of a custodian; 0 where there is none."""
    held = tx.get("Basic", name_of(person_of(tx, number), custodian))
    return 0 if held is None else value_in(held.body())


def value_in(body: dict[str, Any]) -> int:
    return int(body["extension"][0]["valueInteger"])


def name_of(person: str, custodian: str) -> str:
    return f"{custodian}-{person}"


def counter(person: str, custodian: str, value: int) -> dict[str, Any]:
    extension = [{"url": "urn:value", "valueInteger": value}]
    return {"resourceType": "Basic", "id": name_of(person, custodian), "extension": extension}
