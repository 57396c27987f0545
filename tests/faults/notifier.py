"""One worker of a gateway in a process of its own: its notifier at work, with a lease that a test can outlive.

python -m tests.faults.notifier CONFIG OWNER LEASE (seconds)
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from fhir_mh.api import build_gateway
from fhir_mh.api.notifying import listeners
from fhir_mh.clock import SystemClock
from fhir_mh.exchange.hooks import Hooks
from fhir_mh.gateway.notifying import Notifier
from fhir_mh.gateway.telling import Teller
from fhir_mh.settings import load
from fhir_mh.sync.dispatch import Dispatch


async def work(config: Path, owner: str, lease: float) -> None:
    settings = load(config)
    gateway = build_gateway(settings)
    teller = Teller(gateway.home.ods, gateway.seen)
    notifier = Notifier(
        gateway.store, teller, listeners(settings), Hooks(), SystemClock(), owner=owner,
        lease=timedelta(seconds=lease),
    )  # fmt: skip
    await Dispatch(notifier).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
