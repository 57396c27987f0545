"""Partners that are plain FHIR servers are asked, beside the courier, what has changed there."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from fhir_mh.clock import elapsed
from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.connectors.fhir_server.polling import Polling, Take
from fhir_mh.errors import FhirMhError, NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange.messages import Envelope, Message, Unreadable
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.partners import Directory
from fhir_mh.gateway.servers import FromServer
from fhir_mh.partner import Connection, Partner
from fhir_mh.sync.faults import place_of
from fhir_mh.sync.receiver import receive
from fhir_mh.sync.retry import Retry

log = logging.getLogger(__name__)

_LOOK = 1.0  # seconds between two looks at who the partners are


@dataclass
class _Asked:
    """One server: when it is due (seconds of the process), how often in a row it failed, and the round under way."""

    due: float = 0.0
    failures: int = 0
    round: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        return self.round is not None and not self.round.done()


class Polls:
    """Asks every partner that is a FHIR server, each by itself, for as long as it runs.

    owner: this worker's name among those that share the store. draw: a random number from 0 to below 1.
    """

    def __init__(
        self,
        gateway: Gateway,
        partners: Directory,
        owner: str,
        *,
        retry: Retry | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.gateway, self.partners, self.owner = gateway, partners, owner
        self.retry, self.draw = retry or Retry(), draw
        self._asked: dict[str, _Asked] = {}
        self._woken = asyncio.Event()

    def wake(self, ods: str) -> None:
        """Ask this server now, or again once the round that is under way has ended."""
        asked = self._asked.get(ods)
        if asked is not None:
            asked.due = 0.0
            self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until stop is set; what is under way is then given up, for it is found again."""
        try:
            while not stop.is_set():
                self._woken.clear()
                try:
                    await self._start_due()
                except FhirMhError as fault:  # the store is away: it is looked again
                    log.info("the servers to ask could not be looked up: %s", type(fault).__name__)
                waiting = [asyncio.create_task(one.wait()) for one in (stop, self._woken)]
                await asyncio.wait(waiting, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
                for task in waiting:
                    task.cancel()
        finally:
            rounds = [asked.round for asked in self._asked.values() if asked.round is not None]
            for one in rounds:
                one.cancel()
            await asyncio.gather(*rounds, return_exceptions=True)

    async def _start_due(self) -> None:
        servers = {
            ods: known.partner
            for ods, known in (await self.partners.current()).items()
            if known.partner is not None and not known.removed and known.partner.kind == "fhir-server"
        }
        for ods in self._asked.keys() - servers.keys():
            if not self._asked[ods].busy:
                del self._asked[ods]
        for ods, partner in servers.items():
            asked = self._asked.setdefault(ods, _Asked())
            if partner.usable and not asked.busy and asked.due <= elapsed():
                asked.due = float("inf")
                asked.round = asyncio.create_task(self._ask(partner, asked))

    async def _ask(self, partner: Partner, asked: _Asked) -> None:
        poll = partner.usable[0].poll
        failed = True
        try:
            await self._in_order(partner)
            failed = False
        except FhirMhError as fault:
            code = fault.issues[0].code if fault.issues else type(fault).__name__
            log.info("what has changed at %s could not be read: %s", partner.ods, code)
        except Exception as fault:  # noqa: BLE001 - one partner's fault must not end the asking; its text may be anything
            log.error("asking %s what has changed failed here: %s", partner.ods, place_of(fault))
        asked.failures = asked.failures + 1 if failed else 0
        wait = self.retry.wait(asked.failures, self.draw()).total_seconds() if failed else 0.0
        asked.due = min(asked.due, elapsed() + max(poll, wait))

    async def _in_order(self, partner: Partner) -> None:
        """One round over the first connection that leads there."""
        for connection in partner.usable[:-1]:
            with suppress(UpstreamUnavailable, NotAuthenticated):
                return await self._round(partner, connection)
        return await self._round(partner, partner.usable[-1])

    async def _round(self, partner: Partner, connection: Connection) -> None:
        client = FhirClient(connection)
        home = self.gateway.home
        try:
            reading = FromServer(home, self.gateway.check, partner.ods, connection.base_url)
            await Polling(self.gateway.store, client, reading, self._take(partner.ods), self.owner).round()
        finally:
            await client.close()

    def _take(self, ods: str) -> Take:
        async def take(message: Message | Unreadable) -> bool:
            envelope = Envelope(ods, self.gateway.home.ods, (message,))
            return bool(await receive(self.gateway.store, self.gateway.exchange, ods, envelope))

        return take
