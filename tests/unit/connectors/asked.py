"""A FHIR server on loopback that a home team asks, with what the home team wrote there."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.connectors.fhir_server.offered import KINDS
from fhir_mh.connectors.fhir_server.polling import Polling, Server
from fhir_mh.connectors.fhir_server.taking_in import TakingIn
from fhir_mh.connectors.fhir_server.turns import Lost, Turn
from fhir_mh.exchange.messages import Envelope, Message, Unreadable
from fhir_mh.fhir.json import load_object
from fhir_mh.gateway.servers import FromServer
from fhir_mh.partner import Connection
from fhir_mh.sync.receiver import receive
from tests.fhir_server import Fault, FhirServer, fhir_server
from tests.unit.gateway.pair import HOME, WARD, accept, person_with_a_plan
from tests.unit.gateway.server import Ward

Body = dict[str, Any]


async def round_of(server: Server, into: TakingIn, owner: str) -> int:
    """One round of a worker; nothing is done where another is at it."""
    turn = Turn(into.store, into.reading.partner, owner)
    with suppress(Lost):
        async with turn.taken():
            return await Polling(server, into, turn).round()
    return 0


class Asked(Ward):
    """The home team and the ward's server, which answers over HTTP. taken: every message that came of it."""

    def __init__(self, folder: Path, server: FhirServer) -> None:
        super().__init__(folder)
        self.server = server
        self.reading = FromServer(self.home.home, accept, WARD, server.url)
        self.taken: list[Message | Unreadable] = []
        self.failing: set[str] = set()
        self.interactions = ["read", "search-type"]
        server.capability = self.capability  # type: ignore[method-assign]

    def capability(self) -> Body:
        codes = [{"code": code} for code in self.interactions]
        kinds = [{"type": kind, "interaction": codes} for kind in sorted(KINDS)]
        return {"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": kinds}]}

    def publish(self) -> None:
        """What the ward is known to hold stands on the server."""
        for body in self.holds.values():
            self.server.put(copy.deepcopy(body))

    def edit(self, kind: str, name: str, **said: Any) -> Body:
        """Somebody there changes a resource, by its id there."""
        held = self.server.held(kind, name)
        assert held is not None
        return self.server.put({**held, **said})

    def refuse(self, status: int, when: Callable[[str, list[tuple[str, str]]], bool]) -> Callable[[], None]:
        """Have the server answer so to such searches (of a type, by a query), until what comes back is called."""
        whole = self.server._search

        def search(kind: str, query: list[tuple[str, str]]) -> Any:
            if when(kind, query):
                raise Fault(status)
            return whole(kind, query)

        self.server._search = search  # type: ignore[method-assign]
        return lambda: setattr(self.server, "_search", whole)

    def poll(self, owner: str = "worker") -> int:
        return asyncio.run(self._poll(owner))

    async def _poll(self, owner: str) -> int:
        client = FhirClient(Connection(kind="fhir-server", base_url=self.server.url))
        try:
            return await round_of(client, TakingIn(self.home.store, self.reading, self._receive), owner)
        finally:
            await client.close()

    async def _receive(self, message: Message | Unreadable) -> bool:
        self.taken.append(message)
        if self.failing & {str(message.as_json().get("verb"))}:
            return False
        return bool(await receive(self.home.store, self.home.exchange, WARD, Envelope(WARD, HOME, (message,))))

    def statuses(self) -> list[str]:
        """What was answered to each message that was taken, in their order."""
        ids = dict.fromkeys(message.id for message in self.taken)
        found = [self.tx(lambda tx, m=name: tx.inbox.receipt(WARD, m)) for name in ids]
        return [load_object(one)["status"] for one in found if one is not None]


@contextmanager
def asked(folder: Path, **defects: Any) -> Iterator[Asked]:
    """The two, the home team's plan being on the server."""
    with fhir_server(**defects) as server:
        made = Asked(folder, server)
        try:
            made.save(HOME, person_with_a_plan())
            made.write_there()
            made.publish()
            yield made
        finally:
            made.close()
