"""What time alone changes: askings lapse, and sharing rules begin and end by their dates; whichever process sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress

from fhir_mh.errors import FhirMhError, UpstreamUnavailable
from fhir_mh.gateway.answering import lapse
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.spreading import turn
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.writing import Check
from fhir_mh.store import Store

log = logging.getLogger(__name__)

_EVERY = 30.0  # seconds
_AT_ONCE = 100  # persons asked for


class Lapsing:
    """Looks for askings whose time is over, and for rules whose time has come or is over."""

    def __init__(self, store: Store, home: Organisation, check: Check) -> None:
        self.store, self.home, self.check = store, home, check

    async def run(self, stop: asyncio.Event) -> None:
        """Look every few seconds until stop is set."""
        while not stop.is_set():
            try:
                while await self.store.read(lambda tx: bool(tx.askings.lapsed(1))):
                    await self.store.write(lambda tx: lapse(tx, self.home))
                await self._turn(stop)
            except FhirMhError as fault:  # the database is away, which others say loudly enough
                log.info("what time changes was not looked at: %s", fault.issues[0].code if fault.issues else "")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _EVERY)

    async def _turn(self, stop: asyncio.Event) -> None:
        """Look at each of whom a rule has turned, in a transaction of its own: a fault is one person's alone.

        Of many, some more are looked at once stop is set, and the rest next time. Raises UpstreamUnavailable where the
        database is away.
        """
        failed: set[str] = set()  # until the next look
        while due := await self._due(failed):
            for person in due:
                try:
                    await self._turned(person)
                except Exception as fault:
                    if isinstance(fault, UpstreamUnavailable):
                        raise
                    log.error("what time changes for one person failed here: %s", type(fault).__name__)
                    failed.add(person)
            if stop.is_set():
                return

    async def _turned(self, person: str) -> None:
        """What is shared changes whether or not the team can be asked."""
        await self.store.write(lambda tx: turn(tx, self.home, person))
        await self.store.write(lambda tx: ask_about_ties(tx, self.home, self.check, person))

    async def _due(self, failed: Collection[str]) -> list[str]:
        found = await self.store.read(lambda tx: tx.turnings.due(_AT_ONCE + len(failed)))
        return [person for person in found if person not in failed]
