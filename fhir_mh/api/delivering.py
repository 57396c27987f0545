"""The courier's life beside the application: it starts and stops with it, and commits to the store wake it.

So does the asking of partners' plain FHIR servers.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from uuid import uuid4

from starlette.requests import Request
from starlette.routing import Route

from fhir_mh.api.access import Door
from fhir_mh.api.hooks import HookRoutes, Woken
from fhir_mh.api.lasting import lasting
from fhir_mh.api.partners_routes import Partners
from fhir_mh.api.polling import Polls
from fhir_mh.clock import Clock, SystemClock
from fhir_mh.errors import ConsentDenied
from fhir_mh.exchange.transport import ToServer, Transport, Unusable, connected
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.lapsing import Lapsing
from fhir_mh.gateway.partners import Directory, Known
from fhir_mh.issues import issue
from fhir_mh.settings import UNNAMED, Settings
from fhir_mh.sync.backlog import Counts
from fhir_mh.sync.courier import Courier
from fhir_mh.sync.dispatch import Dispatch
from fhir_mh.sync.http import sync_routes
from fhir_mh.sync.operating import delivery_routes
from fhir_mh.sync.watch import Watch


def routes(
    gateway: Gateway, settings: Settings, door: Door, counts: Counts, woken: Woken, clock: Clock | None = None
) -> list[Route]:
    """What partners send to, what operators see of the deliveries, and the partners.

    counts, woken: those of delivering().
    """
    clock = clock or gateway.clock

    async def allow(request: Request) -> None:
        """Deliveries are the business of this organisation's own operators; without clients everyone here is one."""
        context = door.context(request)
        if context.organisation != settings.ods or not (door.open or context.role == "operator"):
            raise ConsentDenied(issues=[issue("rest-operators-only", "")])

    partners = directory(gateway, settings)
    inlet = sync_routes(gateway.store, gateway.exchange, own=settings.ods, known=partners.find, clock=clock)
    named = [partner.ods for partner in settings.partners]
    seen = delivery_routes(gateway.store, allow, named, counts=counts, alarm_after=settings.alarm_after)
    hooks = HookRoutes(partners, settings.ods, woken).routes()
    return [*inlet, *seen, *hooks, *Partners(partners, door, clock).routes()]


def directory(gateway: Gateway, settings: Settings) -> Directory:
    """The partners of a gateway, of its settings and of its store."""
    fixed = {partner.ods: partner for partner in settings.partners}
    beyond = not settings.on_loopback
    return Directory(gateway.store, gateway.home, gateway.check, fixed, settings.secrets, beyond=beyond)


class Connected(Mapping[str, Transport]):
    """The transports to the partners as they are now, by ODS code; refresh takes up what has changed.

    skipping: those for whom a refused snapshot does not halt its lane. serial: those that are FHIR servers, which are
    written to by one at a time: two plans at once would make twice what both refer to.
    """

    def __init__(self, partners: Directory, clock: Clock, to_server: ToServer) -> None:
        self.partners, self._clock, self._to_server = partners, clock, to_server
        self._made: dict[str, tuple[Known, Transport]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.skipping, self.serial = set[str](), set[str]()

    def __getitem__(self, ods: str) -> Transport:
        return self._made[ods][1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    async def refresh(self) -> None:
        """Make what is new, and let go of what is no more once nothing is under way over it.

        A partner that was removed is reached as before: it is owed the notices that sharing has ended.
        """
        current = await self.partners.current()
        for ods, known in current.items():
            held = self._made.get(ods)
            if held is not None and held[0] == known:
                continue
            if held is not None:
                self._let_go(held[1])
            self._made[ods] = known, self._transport(known)
            partner = known.partner
            _note(self.skipping, ods, partner is not None and partner.dead_letters == "skip")
            _note(self.serial, ods, partner is not None and partner.kind == "fhir-server")

    def _transport(self, known: Known) -> Transport:
        if known.partner is None:
            return Unusable(known.issues[0])
        return connected(known.partner, self.partners.home.ods, self._clock, self._to_server)

    def _let_go(self, transport: Transport) -> None:
        task = asyncio.create_task(transport.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Let go of all."""
        made, self._made = self._made, {}
        await asyncio.gather(*(transport.close() for _, transport in made.values()), *self._closing)


def _note(those: set[str], ods: str, holds: bool) -> None:
    """Let an organisation be one of those, or none."""
    those.add(ods) if holds else those.discard(ods)


@asynccontextmanager
async def delivering(
    gateway: Gateway, settings: Settings, counts: Counts, woken: Woken, owner: str, transports: Connected
) -> AsyncIterator[None]:
    """While this is entered, what waits for partners is delivered, and what is delivered is counted in counts.

    Partners that are FHIR servers are asked what has changed there: those in woken at once. owner: this process among
    those that share the store. transports: to the partners; they are let go of at the end. An organisation without a
    code has no partners, and there is nothing to do.
    """
    if settings.ods == UNNAMED:
        yield
        return
    partners = transports.partners
    courier = Courier(
        gateway.store, gateway.exchange, transports, SystemClock(), own=settings.ods, owner=owner,
        skipping=transports.skipping, serial=transports.serial, counts=counts, refresh=transports.refresh,
    )  # fmt: skip
    stop = asyncio.Event()
    polls = Polls(gateway, partners, owner, woken, public_url=settings.public_url)
    watch = Watch(gateway.store, settings.alarm_after)
    lapsing = Lapsing(gateway.store, gateway.home, gateway.check)

    async def deliver(stop: asyncio.Event) -> None:
        await partners.share_with_new()
        await Dispatch(courier).run(stop)

    works = {
        "delivering": deliver, "asking servers": polls.run, "the watch of the backlog": watch.run,
        "what time changes": lapsing.run,
    }  # fmt: skip
    tasks = [asyncio.create_task(lasting(what, work, stop)) for what, work in works.items()]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)
        await transports.close()


def owner_of(settings: Settings) -> str:
    """This worker's name, the same after a restart; where it listens on any free port, one that no other ever has."""
    return f"{socket.gethostname()}:{settings.port or uuid4()}"
