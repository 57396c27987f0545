"""One worker of a gateway in a process of its own: its courier at work, with a lease that a test can outlive.

python -m tests.faults.worker CONFIG OWNER LEASE (seconds)
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from fhir_mh.api import build_gateway
from fhir_mh.api.servers import to_server
from fhir_mh.clock import SystemClock
from fhir_mh.exchange.transport import connected
from fhir_mh.settings import load
from fhir_mh.sync.courier import Courier, Limits
from fhir_mh.sync.dispatch import Dispatch


async def work(config: Path, owner: str, lease: float) -> None:
    settings, clock = load(config), SystemClock()
    gateway = build_gateway(settings)
    servers = to_server(gateway)
    transports = {partner.ods: connected(partner, settings.ods, clock, servers) for partner in settings.partners}
    limits = Limits(messages=4, requests=1, lease=timedelta(seconds=lease))
    courier = Courier(
        gateway.store, gateway.exchange, transports, clock, own=settings.ods, owner=owner, limits=limits
    )  # fmt: skip
    await Dispatch(courier).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
