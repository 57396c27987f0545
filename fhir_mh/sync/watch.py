"""The alarm for a backlog that is too old: raised once, whichever process sees it, and cleared once."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta

from fhir_mh.errors import FhirMhError
from fhir_mh.issues import issue
from fhir_mh.store import Store, Tx
from fhir_mh.sync.faults import place_of

log = logging.getLogger(__name__)

_EVERY = 15.0  # seconds


class Watch:
    """Looks at the age of what waits. after: how many minutes a message may wait."""

    def __init__(self, store: Store, after: int) -> None:
        self.store, self.after = store, after

    async def run(self, stop: asyncio.Event) -> None:
        """Look every few seconds until stop is set."""
        while not stop.is_set():
            try:
                await self.look()
            except FhirMhError as fault:  # the database is away, which others say loudly enough
                log.info("the backlog was not looked at: %s", place_of(fault))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _EVERY)

    async def look(self) -> None:
        """Raise or clear the alarm of each partner for which that is due."""
        raised, cleared = await self.store.read(self._due)
        if not raised and not cleared:
            return

        def change(tx: Tx) -> tuple[list[str], list[str]]:
            again_raised, again_cleared = self._due(tx)
            return (
                [partner for partner in again_raised if tx.backlog.raise_alarm(partner)],
                [partner for partner in again_cleared if tx.backlog.clear_alarm(partner)],
            )

        raised, cleared = await self.store.write(change)
        for partner in raised:
            found = issue("sync-backlog-old", partner, partner=partner, minutes=self.after)
            log.warning("%s: %s", found.code, found.message)
        for partner in cleared:
            log.warning("sync-backlog-old is over: nothing waits for %s that long any more", partner)

    def _due(self, tx: Tx) -> tuple[list[str], list[str]]:
        """Partners whose alarm is to be raised, and to be cleared."""
        limit = tx.now - timedelta(minutes=self.after)
        old = {partner for partner, since in tx.backlog.oldest().items() if since < limit}
        standing = set(tx.backlog.alarms())
        return sorted(old - standing), sorted(standing - old)
