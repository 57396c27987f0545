"""The courier's life beside the application: it starts and stops with it, and commits to the store wake it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from starlette.requests import Request
from starlette.routing import Route

from fhir_mh.api.access import Door
from fhir_mh.clock import Clock, SystemClock
from fhir_mh.errors import ConsentDenied
from fhir_mh.exchange.transport import HttpTransport
from fhir_mh.gateway import Gateway
from fhir_mh.issues import issue
from fhir_mh.settings import Settings
from fhir_mh.sync.backlog import Counts
from fhir_mh.sync.courier import Courier
from fhir_mh.sync.dispatch import Dispatch
from fhir_mh.sync.http import sync_routes
from fhir_mh.sync.operating import delivery_routes
from fhir_mh.sync.watch import Watch

log = logging.getLogger(__name__)

_REST = 1.0  # seconds before the courier is started again after a fault of its own


def routes(gateway: Gateway, settings: Settings, door: Door, counts: Counts, clock: Clock | None = None) -> list[Route]:
    """What partners send to, and what operators see of the deliveries. counts: those of delivering()."""
    clock = clock or SystemClock()

    async def allow(request: Request) -> None:
        """Deliveries are the business of this organisation's own operators; without clients everyone here is one."""
        context = door.context(request)
        if context.organisation != settings.ods or not (door.open or context.role == "operator"):
            raise ConsentDenied(issues=[issue("rest-operators-only", "")])

    inlet = sync_routes(gateway.store, gateway.exchange, own=settings.ods, partners=settings.partners, clock=clock)
    partners = [partner.ods for partner in settings.partners]
    seen = delivery_routes(gateway.store, allow, partners, counts=counts, alarm_after=settings.alarm_after)
    return [*inlet, *seen]


@asynccontextmanager
async def delivering(
    gateway: Gateway, settings: Settings, counts: Counts, clock: Clock | None = None
) -> AsyncIterator[None]:
    """While this is entered, what waits for partners is delivered, and what is delivered is counted in counts.

    Without partners there is nothing to do.
    """
    if not settings.partners:
        yield
        return
    clock = clock or SystemClock()
    transports = {partner.ods: HttpTransport(partner, settings.ods, clock) for partner in settings.partners}
    courier = Courier(
        gateway.store, gateway.exchange, transports, clock, own=settings.ods, owner=_owner(settings),
        skipping=[partner.ods for partner in settings.partners if partner.dead_letters == "skip"], counts=counts,
    )  # fmt: skip
    stop = asyncio.Event()
    watch = Watch(gateway.store, settings.alarm_after)
    tasks = [asyncio.create_task(_keep_running(courier, stop)), asyncio.create_task(watch.run(stop))]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)
        await asyncio.gather(*(transport.close() for transport in transports.values()))


def _owner(settings: Settings) -> str:
    """This worker's name, the same after a restart; where it listens on any free port, one that no other ever has."""
    return f"{socket.gethostname()}:{settings.port or uuid4()}"


async def _keep_running(courier: Courier, stop: asyncio.Event) -> None:
    """A fault of the courier must not end deliveries for good, nor take the application along."""
    while not stop.is_set():
        try:
            await Dispatch(courier).run(stop)
        except Exception as fault:  # noqa: BLE001 - see above; its text may hold what was being sent
            log.error("the courier failed with %s and is started again", type(fault).__name__)
            await asyncio.sleep(_REST)
