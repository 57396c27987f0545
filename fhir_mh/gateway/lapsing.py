"""What time alone changes: askings lapse, and sharing rules begin and end by their dates; whichever process sees it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from fhir_mh.errors import FhirMhError
from fhir_mh.gateway.answering import lapse
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.spreading import turn
from fhir_mh.store import Store

log = logging.getLogger(__name__)

_EVERY = 30.0  # seconds


class Lapsing:
    """Looks for askings whose time is over, and for rules whose time has come or is over."""

    def __init__(self, store: Store, home: Organisation) -> None:
        self.store, self.home = store, home

    async def run(self, stop: asyncio.Event) -> None:
        """Look every few seconds until stop is set."""
        while not stop.is_set():
            try:
                while await self.store.read(lambda tx: bool(tx.askings.lapsed(1))):
                    await self.store.write(lambda tx: lapse(tx, self.home))
                while await self.store.read(lambda tx: bool(tx.turnings.due(1))):
                    await self.store.write(lambda tx: turn(tx, self.home))
            except FhirMhError as fault:  # the database is away, which others say loudly enough
                log.info("what time changes was not looked at: %s", fault.issues[0].code if fault.issues else "")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _EVERY)
