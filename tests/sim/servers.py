"""A partner's plain FHIR server in the simulation, and the way there: the connector's own code over a network of ours.

The server flattens what it is given, as its seed has it, and has some of the defects met in the field.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from uuid import UUID

import httpx

from fhir_mh.api.servers import taking_in
from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.connectors.fhir_server.naming import Names
from fhir_mh.connectors.fhir_server.offered import KINDS
from fhir_mh.connectors.fhir_server.polling import Polling
from fhir_mh.connectors.fhir_server.transport import ServerTransport
from fhir_mh.connectors.fhir_server.turns import Turn
from fhir_mh.errors import FhirMhError
from fhir_mh.exchange.finding import Sought, Status
from fhir_mh.exchange.messages import Envelope, Receipt
from fhir_mh.fhir.json import dumps
from fhir_mh.partner import Connection
from tests.fhir_server import Defects, Fault, FhirServer, Json
from tests.sim.ledger import texts_in
from tests.sim.network import CALM
from tests.sim.people import HOME
from tests.sim.site import Died

if TYPE_CHECKING:
    from tests.sim.world import World

SERVERS = ("ZPS1", "ZPS2")
_READS = 0.004  # how likely each fault is, of a request that changes nothing there: a send asks for dozens of things
_DROPPED = ("extension", "note", "category", "priority", "scheduledString", "performer", "author", "title", "period")
_NEVER = ("resourceType", "id", "identifier", "meta", "subject", "patient", "for", "status", "target")
_NEEDED = ("Goal.description", "Goal.description.text", "Goal.lifecycleStatus")  # without, a ward's own would be none
Key = tuple[str, str]


def drawn(seed: int) -> tuple[str, ...]:
    """The plain servers of a seed: in two of three worlds there is none."""
    return SERVERS[: random.Random(f"{seed} servers").choice([0, 0, 0, 0, 1, 2])]


@dataclass(frozen=True, slots=True)
class Flat:
    """What a server makes of all that it is given. loses: of how many hundred elements one is lost wherever it is."""

    shuffles: bool
    loses: int


class PlainServer(FhirServer):
    """One server that others wrote. sent: what it was last given of each resource, by type and its id there."""

    def __init__(self, ods: str, world: World, seed: int) -> None:
        chance = random.Random(f"{seed} {ods}")
        super().__init__(_defects(chance), None)
        self.ods, self.clock, self.draw = ods, world.clock, chance
        self.flat = Flat(shuffles=chance.random() < 0.5, loses=chance.choice([0, 0, 2, 5]))
        self.url = f"http://{ods.lower()}.example/fhir"
        self.sent: dict[Key, Json] = {}
        self.refused = ""  # the type for which nothing can be searched now
        self.ours = False  # whether what is stored now is what a gateway sends
        self._salt = chance.random()

    def mint(self) -> str:
        return str(UUID(int=self.draw.getrandbits(128), version=4))

    def now(self) -> datetime:
        return self.clock.now()

    def capability(self) -> Json:
        codes = ["read", "search-type", "update", "delete"]
        codes += ["history-instance", "history-type"] if self.defects.history else []
        listed = [{"type": kind, "interaction": [{"code": code} for code in codes]} for kind in sorted(KINDS)]
        return {"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": listed}]}

    def _search(self, kind: str, query: list[tuple[str, str]]) -> Json:
        if kind == self.refused:
            raise Fault(403)
        return super()._search(kind, query)

    def kept(self, body: Json) -> Json:
        found: Json = self._flattened(super().kept(body), str(body.get("resourceType")))
        return found

    def _store(self, kind: str, name: str, body: Json) -> Json:
        if self.ours:
            self.sent[kind, name] = body
        return super()._store(kind, name, body)

    def _flattened(self, value: Any, path: str) -> Any:
        """Lists in another order, and elements gone: the same ones each time, for it is a server and no dice."""
        if isinstance(value, list):
            inner = [self._flattened(one, f"{path}[]") for one in value]
            if self.flat.shuffles and "extension" not in path:
                random.Random(f"{self._salt} {path} {len(inner)}").shuffle(inner)
            return inner
        if not isinstance(value, dict):
            return value
        return {
            key: one if key in _NEVER else self._flattened(one, f"{path}.{key}")
            for key, one in value.items()
            if not self._is_lost(key, f"{path}.{key}")
        }

    def _is_lost(self, key: str, path: str) -> bool:
        if key in _NEVER or path in _NEEDED or not self.flat.loses:
            return False
        return random.Random(f"{self._salt} {path}").randrange(100) < self.flat.loses


def _defects(chance: random.Random) -> Defects:
    """Which defects a server has. One without a history heeds ifMatch: else nothing could be promised."""
    adds: Json = {}
    if chance.random() < 0.5:
        adds["text"] = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">made up</div>'}
    history = chance.random() < 0.7
    return Defects(
        pages=chance.choice([5, 20, 1000]), links=chance.random() < 0.8, total=chance.random() < 0.7,
        if_match=not history or chance.random() < 0.7, conflict=chance.choice([409, 412]), uuids=chance.random() < 0.3,
        drops=frozenset(chance.sample(_DROPPED, chance.choice([0, 0, 1, 2, 4]))), adds=adds,
        versions_equal=chance.random() < 0.5, ahead=timedelta(seconds=chance.choice([0, 0, -40, 90])), history=history,
        conditional=chance.random() < 0.7, representation=chance.random() < 0.7,
    )  # fmt: skip


class Wire(httpx.AsyncBaseTransport):
    """HTTP from a site to a server, as far as the network lets it through. said: the texts that may be sent."""

    def __init__(self, world: World, sender: str, server: PlainServer, said: frozenset[str]) -> None:
        self.world, self.sender, self.server, self.said = world, sender, server, said
        self.store = world.sites[sender].store

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        method, path = request.method, request.url.path.removeprefix("/fhir").strip("/")
        body, query = await request.aread(), parse_qsl(request.url.query.decode())
        writes = (method == "POST" and not path and b'"transaction"' in body) or method == "DELETE"
        faults, server = self.world.net.faults, self.server
        self._alive()
        self.world.laws.of_servers.on_the_wire(server.ods, body, self.said)
        if frozenset((self.sender, server.ods)) in self.world.net.cut:
            raise httpx.ConnectError("cut")
        if self._happens(faults.dropped, writes, "is lost"):
            raise httpx.ConnectError("lost")
        guarded = method != "DELETE" or server.defects.history  # else nothing is promised of that moment
        if writes and guarded and self._happens(faults.meanwhile, writes, "comes after somebody there"):
            self.world.wards.somebody_works(server.ods)
        status, found = self._arrives(method, path, query, body)
        if writes and server.defects.if_match and server.defects.conditional \
                and self._happens(faults.twice, writes, "arrives twice"):  # fmt: skip
            status, found = self._arrives(method, path, query, body)
        if writes:
            self.world.tell(f"{self.sender}->{server.ods} {method} {path or 'transaction'}: {status}")
            if self._happens(faults.meanwhile, writes, "is under way while somebody works"):
                self.world.somebody_works()
        self._alive()
        if self._happens(faults.unanswered, writes, "gets no answer"):
            raise httpx.ReadError("no answer")
        content = b"" if found is None else dumps(found)
        return httpx.Response(status, content=content, headers={"Content-Type": "application/fhir+json"})

    def _alive(self) -> None:
        site = self.world.sites[self.sender]
        if site.dead or site.store is not self.store:
            raise Died(self.sender)

    def _arrives(self, method: str, path: str, query: list[tuple[str, str]], body: bytes) -> tuple[int, Any]:
        self.server.ours = True
        try:
            return self.server.respond(method, path, query, body)
        finally:
            self.server.ours = False

    def _happens(self, chance: float, writes: bool, what: str) -> bool:
        chance = chance if writes else min(chance, _READS)
        if chance and self.world.net.draw.random() < chance:
            self.world.tell(f"a request {self.sender}->{self.server.ods} {what}")
            return True
        return False


class ServerLink:
    """The way from a site to a partner's server, in whichever life the site is: a Transport."""

    def __init__(self, world: World, sender: str, server: PlainServer) -> None:
        self.world, self.sender, self.server = world, sender, server
        self.connection = Connection(kind="fhir-server", base_url=server.url)

    async def send(self, envelope: Envelope) -> list[Receipt]:
        """See Transport."""
        body = dumps(envelope.as_json())
        self.world.laws.on_the_wire(self.sender, self.server.ods, body)
        site, to = self.world.sites[self.sender], self.server.ods
        home = taking_in(site.gateway, to, self.server.url)
        transport = ServerTransport(
            self.connection, Names(to, (self.server.url,)), self.sender, site.store, home, patience=600,
            through=self._wire(body),
        )  # fmt: skip
        try:
            receipts = await transport.send(envelope)
        finally:
            await transport.close()
        said = [(one.id[:6], one.status, [found.code for found in one.issues]) for one in receipts]
        self.world.tell(f"{to} makes of it {said}")
        return receipts

    async def poll(self) -> int:
        """One round of asking what has changed there; how many messages came of it."""
        site = self.world.sites[self.sender]
        site.exchange.under_way.clear()
        client = FhirClient(self.connection, through=self._wire())
        into = taking_in(site.gateway, self.server.ods, self.server.url)
        try:
            turn = Turn(site.gateway.store, self.server.ods, self.sender)
            async with turn.taken():
                done = await Polling(client, into, turn).round()
        except FhirMhError as fault:
            self.world.tell(f"{self.sender} asks {self.server.ods} in vain: {[one.code for one in fault.issues]}")
            if self.world.net.faults == CALM:
                raise
            return 0
        finally:
            await client.close()
        self.world.tell(f"{self.sender} asks {self.server.ods}: {done}")
        return done

    async def find(self, sought: Sought) -> Status | None:
        """See Transport."""
        return None

    async def close(self) -> None: ...

    def _wire(self, envelope: bytes = b"") -> Wire:
        return Wire(self.world, self.sender, self.server, frozenset(texts_in(envelope)))


def links(world: World, sender: str) -> Mapping[str, ServerLink]:
    """How a site reaches its partners' plain servers. Only the home team has such partners."""
    if sender != HOME:
        return {}
    return {ods: ServerLink(world, sender, server) for ods, server in world.servers.items()}
