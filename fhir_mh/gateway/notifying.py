"""Telling clients what they asked to be told of: what is due is composed, sent, and settled, under a lease.

Kept at work by sync/dispatch.py, as the courier is, with the same waits. It is not the courier's work itself: a lane
is one person's messages to one partner, answered by receipts; what a client waits for is numbered over all people.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from fhir_mh.clock import Clock
from fhir_mh.errors import Conflict, FhirMhError
from fhir_mh.exchange.hooks import Failed, Hooks
from fhir_mh.gateway.notices import Focus, Notice, notification, plain
from fhir_mh.gateway.telling import Teller
from fhir_mh.gateway.wanted import Listener, Listeners, Wanted
from fhir_mh.partner import is_below
from fhir_mh.store import Event, Store, StoredSubscription, Tx
from fhir_mh.sync.faults import place_of
from fhir_mh.sync.retry import Retry

T = TypeVar("T")

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=90)  # longer than composing, the slowest request and settling take
KEPT = timedelta(days=30)  # what was taken, for $events; and what waits for a client that the settings do not have
_AT_ONCE = 4  # requests under way to one client, over all its subscriptions
_LOOKED_AT = 32  # events in one transaction, or as many as one request may tell of: others want to write, too


class Notifier:
    """Sends one gateway's notifications. listeners: the clients, as the settings have them.

    owner names this process among those that share a store, the same after a restart. lease: how long a subscription
    is held before another process may take it. draw: a random number from 0 to below 1.
    """

    def __init__(
        self, store: Store, teller: Teller, listeners: Listeners, hooks: Hooks, clock: Clock, *, owner: str,
        lease: timedelta = _LEASE, retry: Retry | None = None, draw: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self.store, self.teller, self.listeners, self.hooks, self.clock = store, teller, listeners, hooks, clock
        self.owner, self.lease, self.retry, self.draw = owner, lease, retry or Retry(), draw
        self.unsure = True

    # --- what Dispatch asks of it

    def at_once(self, recipient: str, /) -> int:
        """As many for each client."""
        return _AT_ONCE

    def listen(self, wake: Callable[[], None]) -> None:
        self.store.when_noted(wake)

    async def greet(self) -> None:
        """Nobody is greeted: each subscription has its own handshake."""

    async def recover(self) -> None:
        clients = list(self.listeners)
        await self.store.write(lambda tx: tx.subscriptions.recover(self.owner, clients, tx.now - KEPT))
        self.unsure = False

    async def next_due(self, busy: Sequence[str]) -> datetime | None:
        clients = self._clients(busy)
        return await self.store.read(lambda tx: tx.subscriptions.next_due(clients)) if clients else None

    async def claim(self, *, under_way: Mapping[str, int] | None = None) -> list[tuple[str, StoredSubscription]]:
        there = under_way or {}

        def claim(tx: Tx) -> list[tuple[str, StoredSubscription]]:
            return [
                (_name(client), held)
                for client in self.listeners
                if (room := _AT_ONCE - there.get(_name(client), 0)) > 0
                for held in tx.subscriptions.claim(self.owner, self.lease, room, [client])
            ]

        return await self.store.write(claim)

    def _clients(self, busy: Sequence[str]) -> list[tuple[str, str]]:
        return [client for client in self.listeners if _name(client) not in busy]

    async def deliver(self, recipient: str, job: StoredSubscription, /) -> int:
        """Compose, send and settle one request; 1 where it was taken. Cancelled, it gives the claim back."""
        try:
            notice = await self._isolated(job, lambda tx: self._compose(tx, job))
            return 0 if notice is None else await self._send(job, notice)
        except asyncio.CancelledError:
            await asyncio.shield(self._try_write(lambda tx: tx.subscriptions.let_go(job)))
            raise

    # --- composing

    def _compose(self, tx: Tx, claimed: StoredSubscription) -> Notice | None:
        """What is sent now; None where that is nothing, and the claim has been given back."""
        held = tx.subscriptions.hold(claimed)
        if held.ends is not None and held.ends <= tx.now:
            tx.subscriptions.turn_off(held)
            return None
        wanted, listener = Wanted.read(held.wanted), self.listeners[held.organisation, held.client]
        if not is_below(wanted.endpoint, listener.endpoints):
            self._not_taken(tx, held, "subscription-failed")
            return None
        if not held.greeted:
            return notification(held, wanted, "handshake", (), tx.now)
        notice = self._of_events(tx, held, wanted, listener)
        if notice is None and held.beat is not None and held.beat <= tx.now:
            notice = notification(held, wanted, "heartbeat", (), tx.now)
        if notice is None:
            tx.subscriptions.let_go(held)
        return notice

    def _of_events(self, tx: Tx, held: StoredSubscription, wanted: Wanted, listener: Listener) -> Notice | None:
        """The next request about events: first what may have been sent before, under the numbers that it has."""
        begun = tx.subscriptions.begun(held)
        if wanted.topic is None:  # what is begun was of a topic that it asked for before
            found = self._next(tx, [*begun, *tx.subscriptions.waiting(held, _LOOKED_AT)], wanted, listener)
            return self._plain(tx, wanted, *found[0]) if found else None
        if begun:
            told = [
                (event, self.teller.told_again(tx, listener.context, wanted, event)) for event in begun[: wanted.most]
            ]
            return notification(held, wanted, "event-notification", told, tx.now)
        found = self._next(tx, tx.subscriptions.waiting(held, max(_LOOKED_AT, wanted.most)), wanted, listener)
        if not found:
            return None
        held, fresh = tx.subscriptions.give_numbers(held, [event for event, _ in found])
        told = list(zip(fresh, [focus for _, focus in found], strict=True))
        return notification(held, wanted, "event-notification", told, tx.now, fresh)

    def _plain(self, tx: Tx, wanted: Wanted, event: Event, focus: Focus) -> Notice | None:
        """As it is now, for its first change that waits: else what changes often would never be sent."""
        if focus.stored is None:
            return None
        return plain(wanted, focus.stored, [event, *tx.subscriptions.said_by(event, focus.stored.version)])

    def _next(self, tx: Tx, waiting: Sequence[Event], wanted: Wanted, listener: Listener) -> list[tuple[Event, Focus]]:
        """Which of these are sent next, with what they are about; those before them that are not are dropped."""
        found: list[tuple[Event, Focus]] = []
        dropped: list[Event] = []
        for event in waiting:
            focus = self.teller.told_of(tx, listener.context, wanted, event)
            if focus is None:
                dropped.append(event)
            else:
                found.append((event, focus))
                if len(found) == wanted.most:
                    break
        tx.subscriptions.done(dropped)
        return found

    # --- sending and settling

    async def _send(self, job: StoredSubscription, notice: Notice) -> int:
        if job.leased_until is None or self.clock.now() >= job.leased_until:
            log.info("a subscription was held too long, and nothing of it is sent")
            return 0
        try:
            headers = [(name, value.strip()) for name, _, value in (one.partition(":") for one in notice.headers)]
            await self.hooks.send(notice.method, notice.url, headers, notice.body, notice.timeout)
        except Failed as failed:
            log.info("a client was not reached: %s", failed.code)
            code, release = failed.code, () if failed.arrived else notice.fresh
            await self._isolated(job, lambda tx: self._failed(tx, job, code, release))
            return 0
        await self._isolated(job, lambda tx: self._taken(tx, job, notice))
        return 1

    def _taken(self, tx: Tx, job: StoredSubscription, notice: Notice) -> None:
        held = tx.subscriptions.hold(job)
        wanted = Wanted.read(held.wanted)
        tx.subscriptions.taken(held, notice.events, beat=wanted.beat_after(tx.now))
        tx.subscriptions.purge(tx.now - KEPT, held)

    def _failed(self, tx: Tx, job: StoredSubscription, code: str, release: Sequence[Event]) -> None:
        self._not_taken(tx, tx.subscriptions.hold(job), code, release)

    def _not_taken(self, tx: Tx, held: StoredSubscription, code: str, release: Sequence[Event] = ()) -> None:
        """Try again later, as the courier would; in error after as many failures as open a partner's breaker."""
        failures = held.attempts + 1
        tx.subscriptions.not_taken(
            held, code, tx.now + self.retry.wait(failures, self.draw()), release=release,
            failed=not held.greeted or failures >= self.retry.patience,
        )  # fmt: skip

    async def _isolated(self, job: StoredSubscription, step: Callable[[Tx], T]) -> T | None:
        """A step for one subscription in its own transaction; where it fails only this one waits for its next try."""
        try:
            return await self.store.write(step)
        except Conflict as fault:
            if any(found.code == "store-lease-lost" for found in fault.issues):
                log.info("a subscription has passed to somebody else")
                return None
            await self._put_off(job, fault)
        except Exception as fault:  # noqa: BLE001 - one subscription's fault stays its own
            await self._put_off(job, fault)
        return None

    async def _put_off(self, job: StoredSubscription, fault: Exception) -> None:
        log.error("a notification failed here: %s", place_of(fault))
        await self._try_write(lambda tx: self._failed(tx, job, "subscription-failed", ()))

    async def _try_write(self, fn: Callable[[Tx], None]) -> None:
        """Write; where that fails it is taken back as soon as nothing is in hand, or its lease runs out."""
        try:
            await self.store.write(fn)
        except FhirMhError as fault:
            self.unsure = self.unsure or fault.status >= 500
            log.info(
                "a subscription was not let go: %s", fault.issues[0].code if fault.issues else type(fault).__name__
            )


def _name(client: tuple[str, str]) -> str:
    return "/".join(client)
