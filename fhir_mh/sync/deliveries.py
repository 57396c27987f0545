"""What people see of the lanes and may do to them. Persons by their ids here; never an NHS number."""

from __future__ import annotations

from typing import Any

from fhir_mh.clock import instant
from fhir_mh.errors import NotFound
from fhir_mh.issues import issue
from fhir_mh.store import Breaker, Currency, Lane, Mark, OutboxMessage, Tx

_DEAD = 1000  # dead letters listed, or sent again, at once
_LANES = 1000  # lanes listed at once
_NOTHING = (0, None, None)  # waits in a lane


def listing(tx: Tx, *, partner: str | None = None, everything: bool = False) -> dict[str, Any]:
    """JSON-ready: lanes, dead letters, and partners that are not being called.

    Of the lanes those in which something waits or that are halted, unless everything is asked for; each with how far
    the copies at its partner have come. `more` counts the lanes beyond the first thousand.
    """
    waiting = tx.outbox.waiting()
    shown = [
        lane
        for lane in tx.lanes.find(partner=partner)
        if everything or lane.state == "halted" or (lane.partner, lane.person) in waiting
    ]
    lanes = [_lane(tx, lane, *waiting.get((lane.partner, lane.person), _NOTHING)) for lane in shown[:_LANES]]
    dead = [_dead(letter) for letter in tx.outbox.find(partner=partner, state="dead", limit=_DEAD)]
    partners = sorted({lane["partner"] for lane in lanes})
    breakers = [_breaker(found) for name in partners if (found := tx.lanes.breaker(name)).failures]
    return {"lanes": lanes, "more": len(shown) - len(lanes), "dead": dead, "breakers": breakers}


def inspect(tx: Tx, seq: int) -> dict[str, Any]:
    """One delivery, JSON-ready: its state and age, what it waits for, its lane and copies; nothing of what it says.

    `waits_for` is null for one that is settled; else `worker` (it is under way), `turn` (another is before it),
    `person` (its lane is halted), `sharing` (it has ended), `partner` (which is not being called) or `retry` (it is
    sent when its lane is due).
    Raises NotFound when there is no such message.
    """
    found = tx.outbox.numbered(seq)
    if found is None:
        raise NotFound(issues=[issue("store-unknown-message", "seq")])
    lane = tx.lanes.get(found.partner, found.person)
    ended = found.settled or tx.now
    told = {**_dead(found), "message": found.message, "state": found.state, "urgent": found.urgent}
    told["age_seconds"] = int((ended - found.created).total_seconds())
    told["waits_for"] = _waits_for(tx, found, lane) if lane is not None and found.state == "pending" else None
    told["lane"] = None if lane is None else _lane(tx, lane, *_waiting_in(tx, lane))
    return told


def _waiting_in(tx: Tx, lane: Lane) -> tuple[int, int | None, str | None]:
    queue = tx.outbox.find(partner=lane.partner, person=lane.person, state="pending", limit=_DEAD)
    return (len(queue), queue[0].seq, queue[0].error) if queue else _NOTHING


def _waits_for(tx: Tx, found: OutboxMessage, lane: Lane) -> str:
    queue = tx.outbox.pending(lane, 1)
    if not queue or queue[0].seq != found.seq:
        if lane.state == "ended" and found.kind != "notice":
            return "sharing"
        if lane.state == "halted" and not (found.urgent or found.kind == "notice"):
            return "person"
        return "turn"
    if lane.leased_until is not None and lane.leased_until > tx.now:
        return "worker"
    return "retry" if tx.lanes.breaker(lane.partner).state == "closed" else "partner"


def replay(tx: Tx, seq: int) -> dict[str, Any]:
    """Queue a dead letter again, and say in which state its lane is. Consent is decided anew when it is sent.

    Raises NotFound when there is no such dead letter.
    """
    queued = tx.outbox.replay(seq)
    lane = tx.lanes.get(queued.partner, queued.person)
    return {
        "seq": queued.seq,
        "partner": queued.partner,
        "person": queued.person,
        "lane": lane.state if lane is not None else "open",
    }


def replay_all(tx: Tx, partner: str, code: str | None = None) -> dict[str, Any]:
    """Queue the dead letters of a partner again, in their order: those refused with this code, or all.

    A thousand at once; `left` counts those that are still to be asked for. Consent is decided anew when each is sent.
    """
    dead = tx.outbox.find(partner=partner, state="dead", error=code, limit=_DEAD + 1)
    queued = [tx.outbox.replay(letter.seq) for letter in dead[:_DEAD]]
    halted = {lane.person for lane in tx.lanes.find(partner=partner, state="halted")}
    return {
        "partner": partner,
        "replayed": len(queued),
        "left": tx.outbox.count(partner=partner, state="dead", error=code),
        "halted": len({one.person for one in queued} & halted),
    }


def send_again(tx: Tx, partner: str) -> dict[str, Any]:
    """Queue everything for a partner again, as if nothing were known to be stored there; of how many people.

    For one whose store is older than what it has acknowledged, or that has another system by now. Notices go again
    under their own ids. Consent is decided anew when each snapshot is sent; where sharing has ended, nothing else is.
    What is under way is of the store or system that was there: its receipt counts for nothing, and it is sent again.
    """
    tx.lanes.fence(partner)
    tx.currency.forget_stored(partner)
    notices, people = tx.outbox.notices_again(partner), 0
    for person, edition in tx.currency.sent_to(partner):
        lane = tx.lanes.get(partner, person)
        if lane is not None and lane.state != "ended":
            urgent = tx.outbox.was_urgent(partner, person)
            tx.outbox.add(partner, person, "snapshot", edition=edition, replaces=True, urgent=urgent)
            people += 1
    halted = len(tx.lanes.find(partner=partner, state="halted"))
    return {"partner": partner, "people": people, "notices": notices, "halted": halted}


def resume(tx: Tx, partner: str, person: str | None = None) -> dict[str, Any]:
    """Let halted lanes of a partner pass again: one person's, or all. An ended lane stays ended.

    Raises NotFound when the lane named is not halted.
    """
    halted = tx.lanes.find(partner=partner, person=person, state="halted")
    if person is not None and not halted:
        raise NotFound(issues=[issue("sync-no-such-lane", "person")])
    for lane in halted:
        tx.lanes.open(lane.partner, lane.person)
    return {"partner": partner, "resumed": [lane.person for lane in halted]}


def _lane(tx: Tx, lane: Lane, waiting: int, seq: int | None, error: str | None) -> dict[str, Any]:
    """seq, error: of the first that waits; where sharing has ended, of the first that leaves all the same."""
    if waiting and lane.state == "ended":
        for leaves in tx.outbox.pending(lane, 1):
            seq, error = leaves.seq, leaves.error
    copies = [_copy(copy) for copy in tx.currency.of(lane.person, partner=lane.partner)]
    return {
        "partner": lane.partner,
        "person": lane.person,
        "state": lane.state,
        "reason": lane.reason,
        "waiting": waiting,
        "seq": seq,
        "attempts": lane.attempts,
        "due": None if lane.due is None else instant(lane.due),
        "error": error,
        "copies": copies,
    }


def _copy(copy: Currency) -> dict[str, Any]:
    stages = {"sent": copy.sent, "stored": copy.stored, "filed": copy.filed, "opened": copy.opened}
    found: dict[str, Any] = {"custodian": copy.custodian}
    found |= {stage: _mark(mark) for stage, mark in stages.items() if mark is not None}
    if copy.ended_at is not None:
        found["ended"] = instant(copy.ended_at)
    return found


def _mark(mark: Mark) -> dict[str, Any]:
    return {"edition": mark.edition, "at": instant(mark.at)}


def _dead(letter: OutboxMessage) -> dict[str, Any]:
    return {
        "seq": letter.seq,
        "partner": letter.partner,
        "person": letter.person,
        "kind": letter.kind,
        "edition": letter.edition,
        "error": letter.error,
        "attempts": letter.attempts,
        "created": instant(letter.created),
        "settled": None if letter.settled is None else instant(letter.settled),
    }


def _breaker(breaker: Breaker) -> dict[str, Any]:
    return {
        "partner": breaker.partner,
        "state": breaker.state,
        "failures": breaker.failures,
        "since": instant(breaker.since),
        "retry_at": None if breaker.retry_at is None else instant(breaker.retry_at),
    }
