"""A partner's plain FHIR server as far as a gateway's store knows it: what it was written, and what it holds now."""

from __future__ import annotations

import asyncio
import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

from fhir_mh.connectors.fhir_server.found import Found, Own, hash_of
from fhir_mh.exchange.messages import Envelope, Message, Receipt
from fhir_mh.gateway.holding import key_of
from fhir_mh.gateway.servers import FromServer, Made
from fhir_mh.store import Outcome, ServerCopy
from fhir_mh.sync.receiver import receive
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, accept

Body = dict[str, Any]
BASE = "https://ward.example/fhir"
PATIENT = {
    "resourceType": "Patient",
    "id": "77",
    "meta": {"versionId": "1"},
    "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NHS_NUMBER}],
    "name": [{"family": "Community"}],
    "birthDate": "1984-02-03",
}


class Ward(Pair):
    """A home team whose partner, the ward, has a FHIR server. holds: what that holds, by type and its id there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.home = self.gateways[HOME]
        self.reading = FromServer(self.home.home, accept, WARD, BASE)
        self.holds: dict[tuple[str, str], Body] = {("Patient", "77"): copy.deepcopy(PATIENT)}
        self.receipts: list[Receipt] = []

    def write_there(self) -> None:
        """What waits for the ward is written there, under ids of the server's own."""
        for lane in self.home.store.write_now(lambda tx: tx.lanes.claim("test", timedelta(minutes=1), 10)):
            outcomes = []
            for waiting in self.home.store.read_now(lambda tx, lane=lane: tx.outbox.pending(lane)):
                composed = self.home.store.write_now(lambda tx, m=waiting: self.home.exchange.compose(tx, m))
                outcome = Outcome(waiting.message, "acked")
                if isinstance(composed, Message):
                    self._take(composed)
                    receipt = Receipt(waiting.message, "stored", composed.edition)
                    outcome = self.home.store.write_now(
                        lambda tx, m=waiting, r=receipt: self.home.exchange.settle(tx, m, r)
                    )
                outcomes.append(outcome)
            self.home.store.write_now(lambda tx, lane=lane, o=outcomes: tx.lanes.finish(lane, o))

    def write_unanswered(self, *, leaves: bool = True) -> int:
        """What waits for the ward is written there, and nobody here learns of it; or it is made, and never leaves.

        In which edition.
        """
        edition = 0
        for lane in self.home.store.write_now(lambda tx: tx.lanes.claim("test", timedelta(minutes=1), 10)):
            (waiting,) = self.home.store.read_now(lambda tx, lane=lane: tx.outbox.pending(lane))
            composed = self.home.store.write_now(lambda tx, m=waiting: self.home.exchange.compose(tx, m))
            bodies = {key_of(entry["resource"]): entry["resource"] for entry in composed.content["bundle"]["entry"]}
            noted = self.home.store.read_now(lambda tx, keys=bodies: tx.server_copies.some(WARD, keys))
            left, edition = [key for key in noted if noted[key].sent != hash_of(bodies[key])], int(composed.edition)
            if leaves:
                self._take(composed)
            for known in noted.values():
                self.home.store.write_now(lambda tx, known=known: tx.server_copies.keep(known))
            if leaves:
                self.home.store.write_now(lambda tx, left=left, e=edition: tx.server_copies.leaves(WARD, left, e))
            self.home.store.write_now(lambda tx, lane=lane: tx.lanes.let_go(lane))
        return edition

    def _take(self, message: Message) -> None:
        bodies = [entry["resource"] for entry in message.content.get("bundle", {}).get("entry", ())]
        there = {f"{kind}/{name}": f"{kind}/{_there(kind, name)}" for kind, name in map(key_of, bodies)}
        for body in bodies:
            kind, name = key_of(body)
            key = (kind, _there(kind, name))
            before = self.holds.get(key)
            said = {**_moved(body, there), "id": key[1]}
            if kind == "Patient" or (before is not None and {**before, "meta": None} == {**said, "meta": None}):
                continue
            version = str(int(before["meta"]["versionId"]) + 1 if before else 1)
            self.holds[key] = {**said, "meta": {"versionId": version}}
            held, sent = hash_of(self.holds[key]), hash_of(body)
            noted = ServerCopy(WARD, kind, name, key[1], version, held, sent, edition=message.edition)
            self.home.store.write_now(lambda tx, noted=noted: tx.server_copies.keep(noted))

    def change(self, kind: str, name: str, **said: Any) -> Body:
        """Somebody there changes a copy of ours (by its name here), or what the server has of its own."""
        key = (kind, _there(kind, name)) if (kind, _there(kind, name)) in self.holds else (kind, name)
        before = self.holds[key]
        version = str(int(before["meta"]["versionId"]) + 1)
        self.holds[key] = {**before, **said, "meta": {"versionId": version}}
        return self.holds[key]

    def keep(self, kind: str, there: str, **said: Any) -> Body:
        """The server has a resource of its own."""
        body = {"resourceType": kind, "id": there, "meta": {"versionId": "1"}, **said}
        self.holds[kind, there] = body
        return body

    def read(self, *only: Body) -> list[tuple[str, Receipt]]:
        """Everything there is read (or only this), and received; (verb, receipt) of each message."""
        resources = only or tuple(body for key, body in self.holds.items() if key[0] != "Patient")
        found = Found(self.holds["Patient", "77"], copy.deepcopy(tuple(resources)))
        came: list[tuple[str, Receipt]] = []
        for made in self.home.store.read_now(lambda tx: self.reading.messages(tx, found)):
            if isinstance(made, Own):
                self.home.store.write_now(lambda tx, own=made: self.reading.recognised(tx, own))
            else:
                came.append((_verb(made), self.receive(made)))
        return came

    def messages(self, found: Found) -> list[Made]:
        found_ = self.home.store.read_now(lambda tx: self.reading.messages(tx, found))
        return [made for made in found_ if isinstance(made, Made)]

    def receive(self, made: Made) -> Receipt:
        """One message is dealt with as from any partner, and its resources are noted."""
        self.clock.advance(timedelta(seconds=1))
        envelope = Envelope(WARD, HOME, (made.message,))
        (answered,) = asyncio.run(receive(self.home.store, self.home.exchange, WARD, envelope))
        self.home.store.write_now(lambda tx: self.reading.dealt_with(tx, made))
        return answered

    def tx(self, fn: Any) -> Any:
        """Something read in the home team's store."""
        return self.home.store.read_now(fn)


def _verb(made: Made) -> str:
    return made.message.verb if isinstance(made.message, Message) else "set-aside"


def _there(kind: str, name: str) -> str:
    return "77" if kind == "Patient" else f"there-{name}"[:64]


def _moved(value: Any, there: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_moved(inner, there) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: there.get(inner, inner) if key == "reference" else _moved(inner, there) for key, inner in value.items()
    }
