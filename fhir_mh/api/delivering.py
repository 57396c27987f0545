"""The courier's life beside the application: it starts and stops with it, and commits to the store wake it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.routing import Route

from fhir_mh.api.access import Door
from fhir_mh.clock import Clock, SystemClock
from fhir_mh.errors import ConsentDenied
from fhir_mh.exchange.transport import HttpTransport
from fhir_mh.gateway import Gateway
from fhir_mh.issues import issue
from fhir_mh.settings import Settings
from fhir_mh.sync.courier import Courier
from fhir_mh.sync.dispatch import Dispatch
from fhir_mh.sync.http import delivery_routes, sync_routes

log = logging.getLogger(__name__)

_REST = 1.0  # seconds before the courier is started again after a fault of its own


def routes(gateway: Gateway, settings: Settings, door: Door, clock: Clock | None = None) -> list[Route]:
    """What partners send to, and what operators see of the deliveries."""
    clock = clock or SystemClock()

    async def allow(request: Request) -> None:
        """Deliveries are the business of this organisation's own operators; without clients everyone here is one."""
        context = door.context(request)
        if context.organisation != settings.ods or not (door.open or context.role == "operator"):
            raise ConsentDenied(issues=[issue("rest-operators-only", "")])

    inlet = sync_routes(gateway.store, gateway.exchange, own=settings.ods, partners=settings.partners, clock=clock)
    return [*inlet, *delivery_routes(gateway.store, allow, [partner.ods for partner in settings.partners])]


@asynccontextmanager
async def delivering(gateway: Gateway, settings: Settings, clock: Clock | None = None) -> AsyncIterator[None]:
    """While this is entered, what waits for partners is delivered. Without partners there is nothing to do."""
    if not settings.partners:
        yield
        return
    clock = clock or SystemClock()
    transports = {partner.ods: HttpTransport(partner, settings.ods, clock) for partner in settings.partners}
    owner = f"{socket.gethostname()}:{settings.port}"
    courier = Courier(gateway.store, gateway.exchange, transports, clock, own=settings.ods, owner=owner)
    stop = asyncio.Event()
    task = asyncio.create_task(_keep_running(courier, stop))
    try:
        yield
    finally:
        stop.set()
        await task
        await asyncio.gather(*(transport.close() for transport in transports.values()))


async def _keep_running(courier: Courier, stop: asyncio.Event) -> None:
    """A fault of the courier must not end deliveries for good, nor take the application along."""
    while not stop.is_set():
        try:
            await Dispatch(courier).run(stop)
        except Exception as fault:  # noqa: BLE001 - see above; its text may hold what was being sent
            log.error("the courier failed with %s and is started again", type(fault).__name__)
            await asyncio.sleep(_REST)
