"""The courier: takes what is due to the partners, and notes what they answered.

A round is three steps, each its own short transaction per lane: claim and compose, send (no transaction), settle. The
store commits what belongs to one round in groups, and one lane's fault stays its own. A lane has one message under way
at a time, so that order needs no other care; many lanes travel in one request.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from fhir_mh.clock import Clock
from fhir_mh.errors import Conflict, FhirMhError, NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange.messages import Envelope, Message, Receipt
from fhir_mh.exchange.ports import Exchange
from fhir_mh.exchange.transport import Refused, Transport
from fhir_mh.store import Lane, OutboxMessage, Outcome, Store, Tx
from fhir_mh.store.lanes import AHEAD
from fhir_mh.sync.faults import place_of
from fhir_mh.sync.retry import Retry, answered, probing, reopened

T = TypeVar("T")

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)  # longer than composing, the slowest request and settling take
_WITHHELD_AT_ONCE = 100  # messages of one lane settled unsent in one transaction


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one partner. messages: in one request. requests: under way at a time.

    lease: how long a lane is held without being renewed, before another worker may take it.
    """

    messages: int = 32
    requests: int = 4
    lease: timedelta = LEASE


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A lane's message on its way, and what of the lane is settled with it."""

    lane: Lane
    waiting: OutboxMessage
    message: Message
    withheld: tuple[Outcome, ...]


class Courier:
    """Delivers one gateway's outbox. transports: how each partner is reached, by ODS code; it may change underfoot.

    refresh: called before each claim, so that the transports are those of the partners as they are now, and after one:
    what was claimed after a partner got another address does not go to the old one.

    owner names this process among those that share a store, the same after a restart: what it had leased when it was
    killed is then free at once. skipping: partners for whom a refused snapshot does not halt its lane, as they
    are now. serial: partners to whom one request goes at a time, likewise. counts: where each receipt is counted, by
    partner and status. draw: a random number from 0 to below 1.
    """

    def __init__(
        self,
        store: Store,
        exchange: Exchange,
        transports: Mapping[str, Transport],
        clock: Clock,
        *,
        own: str,
        owner: str,
        retry: Retry | None = None,
        limits: Limits | None = None,
        skipping: Collection[str] = (),
        serial: Collection[str] = (),
        counts: Counter[tuple[str, str]] | None = None,
        draw: Callable[[], float] = random.random,
        refresh: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.store, self.exchange, self.transports, self.clock = store, exchange, transports, clock
        self.own, self.owner, self.draw = own, owner, draw
        self.retry, self.limits, self.refresh = retry or Retry(), limits or Limits(), refresh
        self.skipping, self.serial = skipping, serial
        self.counts = Counter() if counts is None else counts
        self.unsure = True

    def at_once(self, partner: str) -> int:
        """How many requests may be under way to a partner."""
        return 1 if partner in self.serial else self.limits.requests

    def listen(self, wake: Callable[[], None]) -> None:
        """Call this whenever something was queued."""
        self.store.when_queued(wake)

    async def next_due(self, busy: Sequence[str]) -> datetime | None:
        """When something may next be due, but to busy partners; None while nothing waits."""
        return await self.store.read(lambda tx: tx.lanes.next_due(without=busy))

    # --- one round

    async def recover(self) -> None:
        """Free what this owner has leased: call where it has nothing in hand, as before the first round."""
        if self.refresh is not None:
            await self.refresh()

        def free(tx: Tx) -> None:
            tx.lanes.recover(self.owner)
            for partner in self.transports:
                tx.lanes.set_breaker(reopened(tx.lanes.breaker(partner), tx.now))

        await self.store.write(free)
        self.unsure = False

    async def greet(self) -> None:
        """Tell every partner that this gateway is here (again), so that what waits for it comes at once."""
        if self.refresh is not None:
            await self.refresh()
        greetings = (transport.send(Envelope(self.own, partner, ())) for partner, transport in self.transports.items())
        for outcome in await asyncio.gather(*greetings, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, FhirMhError):
                log.error("a partner could not be greeted: %s", place_of(outcome))

    async def deliver_due(self) -> int:
        """One round over what is due now; the number of messages that partners dealt with."""
        groups = await self.claim()
        done = await asyncio.gather(*(self.deliver(partner, lanes) for partner, lanes in groups))
        return sum(done)

    async def claim(self, *, under_way: Mapping[str, int] | None = None) -> list[tuple[str, list[Lane]]]:
        """Lanes to deliver now, in requests: the partner and its lanes. What is under way takes its room."""
        if self.refresh is not None:
            await self.refresh()
        groups = await self.store.write(lambda tx: self._claim(tx, under_way or {}))
        if groups and self.refresh is not None:
            await self.refresh()
        return groups

    def _due(self, tx: Tx, under_way: Mapping[str, int]) -> list[Lane]:
        most = self.limits.requests
        less = {
            partner: (most - self.at_once(partner) + under_way.get(partner, 0)) * self.limits.messages
            for partner in {*under_way, *self.serial}
        }
        return tx.lanes.claim(self.owner, self.limits.lease, most * self.limits.messages, less=less)

    def _claim(self, tx: Tx, under_way: Mapping[str, int]) -> list[tuple[str, list[Lane]]]:
        """Requests to partners. Of one that did not answer last, a single lane, to see whether it is there again.

        Whichever was tried least: a message that fails by itself is not what shows that.
        """
        kept: list[tuple[str, list[Lane]]] = []
        for partner, lanes in _by_partner(self._due(tx, under_way)).items():
            if partner not in self.transports:
                for lane in lanes:
                    self._put_off(tx, lane, "sync-unknown-partner", tx.now + self.retry.longest)
                continue
            breaker = tx.lanes.breaker(partner)
            if breaker.state != "closed":
                tx.lanes.set_breaker(probing(breaker, tx.now + self.limits.lease))
            requests = _requests(lanes, self.limits.messages)[: self.at_once(partner) - under_way.get(partner, 0)]
            if breaker.failures:
                requests = [[min(lanes, key=lambda lane: lane.attempts)]]
            chosen = {lane.person for request in requests for lane in request}
            for lane in lanes:
                if lane.person not in chosen:
                    tx.lanes.let_go(lane)
            kept += [(partner, request) for request in requests]
        return kept

    async def deliver(self, partner: str, lanes: Sequence[Lane]) -> int:
        """Compose, send and settle one request's lanes. Cancelled, it gives the lanes back before it ends."""
        try:
            composed = await asyncio.gather(*(self._isolated(lane, self._compose) for lane in lanes))
            parcels = [parcel for parcel in composed if parcel is not None]
            if not parcels:
                await self._came_to_nothing(partner)
                return 0
            return await self._send(partner, parcels)
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(lanes))
            raise

    async def _came_to_nothing(self, partner: str) -> None:
        """There was nothing to send after all: if this was a probe, the next lane may be one."""
        if (await self.store.read(lambda tx: tx.lanes.breaker(partner))).state == "half-open":
            await self._try_write(lambda tx: tx.lanes.set_breaker(reopened(tx.lanes.breaker(partner), tx.now)))

    # --- composing

    def _compose(self, tx: Tx, lane: Lane) -> _Parcel | None:
        """What the lane sends now; None where nothing is left to send, and the lane has been let go.

        The lane is held from now on, for the whole length of a lease. That changes its row first: of this and what ends
        sharing or takes something back meanwhile, PostgreSQL then runs the later again, which sees what the other did.
        """
        lane = tx.lanes.renew(lane, self.limits.lease)
        withheld: dict[str, Outcome] = {}
        while len(withheld) < _WITHHELD_AT_ONCE:
            queue = tx.outbox.pending(lane, len(withheld) + 1)
            waiting = next((one for one in queue if one.message not in withheld), None)
            if waiting is None:
                break
            found = self.exchange.compose(tx, waiting)
            if isinstance(found, Message):
                return _Parcel(lane, waiting, found, tuple(withheld.values()))
            withheld[waiting.message] = Outcome(waiting.message, "superseded", found.reason)
        tx.lanes.finish(lane, list(withheld.values()))
        return None

    async def _isolated(self, lane: Lane, step: Callable[[Tx, Lane], T]) -> T | None:
        """A step for one lane in its own transaction; where it fails only this lane waits for its next try."""
        try:
            return await self.store.write(lambda tx: step(tx, lane))
        except Conflict as fault:
            if any(found.code == "store-lease-lost" for found in fault.issues):
                log.info("a lane to %s has passed to somebody else", lane.partner)
                return None
            await self._put_off_failed(lane, fault)
        except Exception as fault:  # noqa: BLE001 - one lane's fault stays its own
            await self._put_off_failed(lane, fault)
        return None

    async def _put_off_failed(self, lane: Lane, fault: Exception) -> None:
        log.error("a message to %s failed here: %s", lane.partner, place_of(fault))
        await self._try_write(lambda tx: self._put_off(tx, lane, "sync-failed"))

    # --- sending

    async def _send(self, partner: str, parcels: Sequence[_Parcel]) -> int:
        """Send, in halves where the whole is refused, and settle. What is held no longer is not sent."""
        parcels = [parcel for parcel in parcels if self._holds(parcel.lane)]
        if not parcels:
            return 0
        envelope = Envelope(self.own, partner, tuple(parcel.message for parcel in parcels))
        transport = self.transports.get(partner)
        if transport is None:  # it was a partner when these lanes were claimed
            await self._put_off_all(parcels, "sync-unknown-partner")
            return 0
        try:
            receipts = await transport.send(envelope)
        except Refused as refused:
            if len(parcels) > 1:
                middle = len(parcels) // 2
                return sum([await self._send(partner, await self._anew(half))
                            for half in (parcels[:middle], parcels[middle:])])  # fmt: skip
            if not refused.final:
                await self._put_off_all(parcels, refused.issues[0].code)
                return 0
            receipts = [Receipt(parcels[0].message.id, "refused", issues=refused.issues)]
        except (UpstreamUnavailable, NotAuthenticated) as fault:
            code = fault.issues[0].code if fault.issues else "sync-unreachable"
            log.info("%s was not reached: %s", partner, code)
            await self._no_answer(partner, parcels, code)
            return 0
        except Exception as fault:  # noqa: BLE001 - a connector's broken promise must not stop the courier
            log.error("sending to %s failed here: %s", partner, place_of(fault))
            await self._no_answer(partner, parcels, "sync-failed")
            return 0
        return await self._settle_all(partner, parcels, receipts)

    def _holds(self, lane: Lane) -> bool:
        """Whether the lease has not run out: else another may have sent what is in hand, or decided not to."""
        now = self.clock.now()
        if lane.leased_until is not None and now < lane.leased_until <= now + AHEAD:
            return True
        log.info("a lane to %s was held too long, and nothing of it is sent", lane.partner)
        return False

    async def _anew(self, parcels: Sequence[_Parcel]) -> list[_Parcel]:
        """What the lanes that are still ours send by now: it may be less."""
        composed = await asyncio.gather(*(self._isolated(parcel.lane, self._compose) for parcel in parcels))
        return [parcel for parcel in composed if parcel is not None]

    async def _no_answer(self, partner: str, parcels: Sequence[_Parcel], code: str) -> None:
        """The partner has not answered: but what always fails alone says nothing of the partner."""
        alone = len(parcels) == 1 and parcels[0].lane.attempts >= self.retry.patience

        def count(tx: Tx) -> None:
            breaker = tx.lanes.breaker(partner)
            if not (alone and breaker.state == "closed"):
                tx.lanes.set_breaker(self.retry.failed(breaker, tx.now, self.draw()))

        await self._try_write(count)
        await self._put_off_all(parcels, code)

    async def _put_off_all(self, parcels: Sequence[_Parcel], code: str) -> None:
        def one(parcel: _Parcel) -> Callable[[Tx], None]:
            return lambda tx: self._put_off(tx, parcel.lane, code, parcel=parcel)

        await asyncio.gather(*(self._try_write(one(parcel)) for parcel in parcels))

    # --- settling

    async def _settle_all(self, partner: str, parcels: Sequence[_Parcel], receipts: Iterable[Receipt]) -> int:
        given = {receipt.id: receipt for receipt in receipts}
        await self._has_answered(partner)
        settled = await asyncio.gather(
            *(self._isolated(parcel.lane, self._settling(parcel, given.get(parcel.message.id))) for parcel in parcels)
        )
        done = [given[parcel.message.id] for parcel, one in zip(parcels, settled, strict=True) if one]
        self.counts.update((partner, receipt.status) for receipt in done)
        dead = Counter(one.error for one in settled if one is not None and one.state == "dead")
        for code, number in dead.items():
            log.warning(
                "sync-refused: %s did not accept %d of its messages (%s): nothing tries them again",
                partner,
                number,
                code,
            )
        return len(done)

    def _settling(self, parcel: _Parcel, receipt: Receipt | None) -> Callable[[Tx, Lane], Outcome | None]:
        def settle(tx: Tx, lane: Lane) -> Outcome | None:
            if receipt is None:
                self._put_off(tx, lane, "sync-no-receipt", parcel=parcel)
                return None
            outcome = self.exchange.settle(tx, parcel.waiting, receipt)
            if outcome.state == "pending":
                self._put_off(tx, lane, outcome.error or "sync-no-receipt", parcel=parcel)
                return None
            halts = outcome.state == "dead" and not self._may_skip(parcel.waiting, receipt)
            halt = (outcome.error or "sync-refused") if halts else None
            tx.lanes.finish(lane, [*parcel.withheld, outcome], halt=halt)
            if parcel.waiting.kind == "snapshot" and outcome.state == "acked" and receipt.status != "quarantined":
                tx.outbox.overtaken(parcel.waiting)
            return outcome

        return settle

    def _may_skip(self, sent: OutboxMessage, receipt: Receipt) -> bool:
        """Whether a refusal holds up nothing: a newer snapshot will say the same."""
        return receipt.status == "refused" and sent.kind == "snapshot" and sent.partner in self.skipping

    async def _has_answered(self, partner: str) -> None:
        """Close the partner's breaker, and let what waited for it go at once."""
        breaker = await self.store.read(lambda tx: tx.lanes.breaker(partner))
        if answered(breaker, self.clock.now()) is breaker:
            return

        def close(tx: Tx) -> None:
            tx.lanes.set_breaker(answered(tx.lanes.breaker(partner), tx.now))
            tx.lanes.hasten(partner)

        await self._try_write(close)

    # --- letting go

    def _put_off(
        self, tx: Tx, lane: Lane, code: str, until: datetime | None = None, *, parcel: _Parcel | None = None
    ) -> None:
        """Try the lane's first message again later. code: why, for people to see."""
        first = parcel.waiting if parcel else next(iter(tx.outbox.pending(lane, 1)), None)
        outcomes = [*(parcel.withheld if parcel else ()), *([Outcome(first.message, "pending", code)] if first else [])]
        retry_at = until or tx.now + self.retry.wait(lane.attempts + 1, self.draw())
        tx.lanes.finish(lane, outcomes, retry_at=retry_at)

    async def _give_back(self, lanes: Iterable[Lane]) -> None:
        for lane in lanes:
            await self._try_write(lambda tx, lane=lane: tx.lanes.let_go(lane))  # type: ignore[misc]

    async def _try_write(self, fn: Callable[[Tx], T]) -> None:
        """Write; where that fails the lane is taken back as soon as nothing is in hand, or its lease runs out."""
        try:
            await self.store.write(fn)
        except FhirMhError as fault:
            self.unsure = self.unsure or fault.status >= 500
            log.info("a lane was not let go: %s", fault.issues[0].code if fault.issues else type(fault).__name__)


def _requests(lanes: Sequence[Lane], size: int) -> list[list[Lane]]:
    """The lanes of a partner in requests, each tried in vain by itself: what makes one fail takes no other along.

    lanes: longest waiting first, and so are the requests: what comes anew all the time does not always go before.
    """
    fresh = [lane for lane in lanes if not lane.attempts]
    together = [fresh[start : start + size] for start in range(0, len(fresh), size)]
    waited = {lane.person: place for place, lane in enumerate(lanes)}
    return sorted([*together, *([lane] for lane in lanes if lane.attempts)], key=lambda some: waited[some[0].person])


def _by_partner(lanes: Iterable[Lane]) -> dict[str, list[Lane]]:
    found: dict[str, list[Lane]] = {}
    for lane in lanes:
        found.setdefault(lane.partner, []).append(lane)
    return found
