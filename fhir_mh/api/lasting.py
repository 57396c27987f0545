"""Work that goes on beside the application: a fault of its own does not end it for good, nor the application too."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from fhir_mh.sync.faults import place_of

log = logging.getLogger(__name__)

_REST = 1.0  # seconds before work is begun again that failed


async def lasting(what: str, work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event) -> None:
    """Do work, which goes on until stop is set, and begin it again after a fault. what: its name in the log."""
    while not stop.is_set():
        try:
            await work(stop)
        except Exception as fault:  # noqa: BLE001 - see above; its text may hold anything of a record
            log.error("%s failed and is begun again: %s", what, place_of(fault))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _REST)
