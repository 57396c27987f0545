"""Partners that are plain FHIR servers are asked, beside the courier, what has changed there."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from fhir_mh.api.hooks import Woken
from fhir_mh.api.servers import taking_in
from fhir_mh.clock import elapsed
from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.connectors.fhir_server.hooks import HOOK, PATH, Hooks, secrets_of
from fhir_mh.connectors.fhir_server.offered import KINDS, offers, takes_subscriptions
from fhir_mh.connectors.fhir_server.polling import Polling
from fhir_mh.connectors.fhir_server.turns import Lost, Turn
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

    removed: it is a partner no more, and only what is ours there is taken back. hooked: when its Subscriptions are
    looked at again.
    """

    removed: bool = False
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
        self._told = False

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
            ods: (known.partner, known.removed)
            for ods, known in (await self.partners.current()).items()
            if known.partner is not None and known.partner.kind == "fhir-server"
        }
        left = [ods for ods in self._asked.keys() - servers.keys() if not self._asked[ods].busy]
        for ods in left:
            del self._asked[ods]
        if left or not self._told:
            await self._tell_left(servers)
            self._told = True
        for ods, (partner, removed) in servers.items():
            asked = self._asked.setdefault(ods, _Asked(removed))
            if asked.busy or not partner.usable:
                continue
            if asked.removed != removed:
                asked = self._asked[ods] = _Asked(removed)
            woken = ods in self.woken and not removed
            if woken or asked.due <= elapsed():
                self.woken.discard(ods)
                asked.round = asyncio.create_task(self._ask(partner, asked, woken))

    async def _tell_left(self, servers: Collection[str]) -> None:
        """Say of whom Subscriptions of ours stay behind: it is not known any more how the server is reached."""
        for ods in {one.partner for one in await self.gateway.store.read(lambda tx: tx.checkpoints.below(HOOK))}:
            if ods not in servers:
                log.warning("the server of %s cannot be asked: our Subscriptions stay there", ods)

    async def _ask(self, partner: Partner, asked: _Asked, woken: bool) -> None:
        poll = partner.usable[0].poll
        failed = True
        try:
            with suppress(Lost):
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
        """Ask once what is due to be asked. Raises Lost, and what Polling does.

        Where only the Subscriptions are due it is read too: from the end of a turn the next reading is counted.
        """
        turn = Turn(self.gateway.store, partner.ods, self.owner)
        if asked.removed:
            hooked = bool(await turn.store.read(lambda tx: tx.checkpoints.below(HOOK, partner.ods)))
        else:
            hooked = asked.hooked <= elapsed()
        reads = not asked.removed and (woken or hooked or await turn.is_due(timedelta(seconds=connection.poll)))
        if not (reads or hooked):
            return
        client = FhirClient(connection)  # not before: it costs more than looking whether anything is due
        bases = partner.bases(connection)
        hooks = Hooks(client, turn, *bases)
        try:
            async with turn.taken():
                if hooked:
                    await self._keep_hooks(hooks, client, connection, asked)
                if reads:
                    into = taking_in(self.gateway, partner.ods, *bases)
                    await Polling(client, into, turn).round()
        finally:
            await client.close()

    async def _keep_hooks(self, hooks: Hooks, client: FhirClient, connection: Connection, asked: _Asked) -> None:
        """Have the server call us, where we can be reached and it can do that, and else not any more.

        Of a partner that is one still, nothing is lost where it fails. Raises Lost; and where the server does not
        answer at all, what FhirClient does.
        """
        if asked.removed:
            await hooks.drop()
            return
        secret = secrets_of(connection, self.gateway.home.ods, hooks.partner)
        capability = {} if self.public_url is None or secret is None else await client.capability()
        asked.hooked = elapsed() + _HOOKS
        try:
            if self.public_url is None or secret is None:
                await hooks.drop()
            elif takes_subscriptions(capability):
                endpoint = f"{self.public_url.rstrip('/')}{PATH}/{hooks.partner}"
                await hooks.keep(offers(capability).keys() & KINDS, endpoint, secret)
        except FhirMhError as fault:
            log.info("%s takes no Subscription: %s", hooks.partner, type(fault).__name__)
