"""A store and a FHIR server on loopback, and what is sent from the one to the other."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from fhir_mh.connectors.fhir_server.found import Found, hash_of
from fhir_mh.connectors.fhir_server.naming import Names
from fhir_mh.connectors.fhir_server.transport import ServerTransport
from fhir_mh.errors import FhirMhError
from fhir_mh.exchange.checking import made_up
from fhir_mh.exchange.messages import Envelope, Message, Receipt
from fhir_mh.gateway.sameness import contradiction
from fhir_mh.issues import Issue
from fhir_mh.partner import Connection
from fhir_mh.store import ServerCopy, Store, open_store
from tests.databases import sqlite_database
from tests.fhir_server import FhirServer, Json, fhir_server

WARD, HOME, NUMBER = "ZOA1", "ZCT1", "9990001006"
ITEM = "https://w3id.org/fhir-mh/Id/record-item"


def people() -> list[Json]:
    """The resources of a made-up person's plan, referring to each other as they do in a gateway's store."""
    bundle = copy.deepcopy(made_up(HOME).content["bundle"])
    names = {e["fullUrl"]: f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle["entry"]}
    return [_renamed(entry["resource"], names) for entry in bundle["entry"]]


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: names.get(inner, inner) if key == "reference" and isinstance(inner, str) else _renamed(inner, names)
        for key, inner in value.items()
    }


def snapshot(bodies: list[Json], edition: int = 1, name: str = "m-1") -> Message:
    entries = [{"resource": body} for body in bodies]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return Message(name, "snapshot", NUMBER, HOME, edition, {"sections": [], "bundle": bundle})


class Sender:
    """The home team's side. taken_in: what was handed on as changed there; takes: whether it was received.

    goes: whether what was composed may be sent still.
    """

    def __init__(self, store: Store, server: FhirServer, token: str | None) -> None:
        self.store, self.server, self.token = store, server, token
        self.taken_in: list[Found] = []
        self.gone: list[tuple[str, str]] = []
        self.takes = self.goes = True
        self.bodies = people()
        self.edition = 0

    async def take_in(self, found: Found) -> bool:
        self.taken_in.append(found)
        return self.takes

    async def may_go(self, message: Message) -> bool:
        return self.goes

    async def deleted(self, kind: str, there: str) -> None:
        self.gone.append((kind, there))

    def contradiction(self, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Issue | None:
        return contradiction(ours, [theirs], "$.bundle")

    def send(self, *messages: Message) -> list[Receipt]:
        """The receipts of one envelope; FhirMhError as a transport raises it."""
        return self._send([messages])[0]

    def send_at_once(self, *messages: Message) -> list[list[Receipt]]:
        """The receipts of an envelope for each, all under way at a time."""
        return self._send([(message,) for message in messages])

    def _send(self, envelopes: Sequence[tuple[Message, ...]]) -> list[list[Receipt]]:
        async def run() -> list[list[Receipt]]:
            connection = Connection.model_validate(
                {"kind": "fhir-server", "base_url": self.server.url, "token": self.token}
            )
            names = Names(WARD, (self.server.url,))
            transport = ServerTransport(connection, names, HOME, self.store, self, patience=30)
            try:
                return await asyncio.gather(*(transport.send(Envelope(HOME, WARD, one)) for one in envelopes))
            finally:
                await transport.close()

        return asyncio.run(run())

    def deliver(self) -> Receipt:
        """Send the next edition of the plan as it is now."""
        self.edition += 1
        (receipt,) = self.send(snapshot(self.bodies, self.edition, f"m-{self.edition}"))
        return receipt

    def told(self) -> tuple[str, str]:
        """(status, code) of sending the next edition; the code alone where nobody answers as hoped."""
        try:
            receipt = self.deliver()
        except FhirMhError as fault:
            return "", fault.issues[0].code
        return receipt.status, receipt.code if receipt.issues else ""

    def body(self, kind: str, name: str) -> Json:
        """A resource of the plan as it is kept here, to be changed."""
        (found,) = [one for one in self.bodies if (one["resourceType"], one["id"]) == (kind, name)]
        return found

    def noted(self, kind: str, name: str) -> ServerCopy | None:
        return self.store.read_now(lambda tx: tx.server_copies.get(WARD, kind, name))

    def unanswered(self, kind: str, name: str) -> set[int]:
        return self.store.read_now(lambda tx: tx.server_copies.unanswered(WARD, kind, name))

    def is_noted(self, kind: str, name: str) -> bool:
        """Whether what lies there is what is known of it."""
        copied = self.noted(kind, name)
        there = None if copied is None else self.server.held(kind, copied.remote_id)
        return copied is not None and there is not None and hash_of(there) == copied.held


@contextmanager
def sending(*, token: str | None = None, **defects: Any) -> Iterator[Sender]:
    with sqlite_database() as address, open_store(address) as store, fhir_server(token=token, **defects) as server:
        yield Sender(store, server, token)
