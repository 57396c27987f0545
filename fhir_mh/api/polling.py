"""Partners that are plain FHIR servers are asked, beside the courier, what has changed there."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from fhir_mh.api.hooks import Woken
from fhir_mh.api.servers import taking_in
from fhir_mh.clock import elapsed
from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.connectors.fhir_server.hooks import PATH, Hooks, secrets_of
from fhir_mh.connectors.fhir_server.offered import KINDS, offers, takes_subscriptions
from fhir_mh.connectors.fhir_server.polling import Polling
from fhir_mh.errors import FhirMhError
from fhir_mh.exchange.transport import first_that_answers
from fhir_mh.gateway import Gateway
from fhir_mh.gateway.partners import Directory
from fhir_mh.partner import Connection, Partner
from fhir_mh.sync.faults import place_of
from fhir_mh.sync.retry import Retry

log = logging.getLogger(__name__)

_LOOK = 0.5  # seconds between two looks at who the partners are, and who has called
_HOOKS = 3600.0  # seconds between two looks at the Subscriptions on a server


@dataclass
class _Asked:
    """One server: when it is due (seconds of the process), how often in a row it failed, and the round under way.

    hooked: when its Subscriptions are looked at again.
    """

    due: float = 0.0
    hooked: float = 0.0
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
        woken: Woken,
        *,
        public_url: str | None = None,
        retry: Retry | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.gateway, self.partners, self.owner, self.woken = gateway, partners, owner, woken
        self.public_url = public_url
        self.retry, self.draw = retry or Retry(), draw
        self._asked: dict[str, _Asked] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until stop is set; what is under way is then given up, for it is found again."""
        try:
            while not stop.is_set():
                try:
                    await self._start_due()
                except FhirMhError as fault:  # the store is away: it is looked again
                    log.info("the servers to ask could not be looked up: %s", type(fault).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _LOOK)
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
            woken = ods in self.woken
            if partner.usable and not asked.busy and (woken or asked.due <= elapsed()):
                self.woken.discard(ods)
                asked.round = asyncio.create_task(self._ask(partner, asked, woken))

    async def _ask(self, partner: Partner, asked: _Asked, woken: bool) -> None:
        poll = partner.usable[0].poll
        failed = True
        try:
            await first_that_answers(partner.usable, lambda one: self._round(partner, one, asked, woken))
            failed = False
        except FhirMhError as fault:
            code = fault.issues[0].code if fault.issues else type(fault).__name__
            log.info("what has changed at %s could not be read: %s", partner.ods, code)
        except Exception as fault:  # noqa: BLE001 - one partner's fault must not end the asking; its text may be anything
            log.error("asking %s what has changed failed here: %s", partner.ods, place_of(fault))
        asked.failures = asked.failures + 1 if failed else 0
        wait = self.retry.wait(asked.failures, self.draw()).total_seconds() if failed else 0.0
        asked.due = elapsed() + max(poll, wait)

    async def _round(self, partner: Partner, connection: Connection, asked: _Asked, woken: bool) -> None:
        client = FhirClient(connection)
        try:
            into = taking_in(self.gateway, partner.ods, connection.base_url)
            polling = Polling(client, into, self.owner)
            if woken or await polling.is_due(timedelta(seconds=connection.poll)):
                await polling.round()
            if asked.hooked <= elapsed():
                asked.hooked = elapsed() + _HOOKS
                await self._keep_hooks(client, partner, connection)
        finally:
            await client.close()

    async def _keep_hooks(self, client: FhirClient, partner: Partner, connection: Connection) -> None:
        """Have the server call us, where we can be reached and it can do that. Where it fails, nothing is lost."""
        own = self.gateway.home.ods
        secret = secrets_of(connection, own, partner.ods)
        if self.public_url is None or secret is None:
            return
        endpoint = f"{self.public_url.rstrip('/')}{PATH}/{partner.ods}"
        try:
            capability = await client.capability()
            if takes_subscriptions(capability):
                kinds = offers(capability).keys() & KINDS
                await Hooks(client, self.gateway.store, partner.ods).keep(kinds, endpoint, secret)
        except FhirMhError as fault:
            log.info("%s takes no Subscription: %s", partner.ods, type(fault).__name__)
