"""What people see of the lanes and may do to them. Persons by their ids here; never an NHS number."""

from __future__ import annotations

from typing import Any

from fhir_mh.clock import instant
from fhir_mh.errors import NotFound
from fhir_mh.issues import issue
from fhir_mh.store import Breaker, Currency, Lane, Mark, OutboxMessage, Tx

_DEAD = 1000  # dead letters listed at once


def listing(tx: Tx, *, partner: str | None = None, everything: bool = False) -> dict[str, Any]:
    """JSON-ready: lanes, dead letters, and partners that are not being called.

    Of the lanes those in which something waits or that are halted, unless everything is asked for; each with how far
    the copies at its partner have come.
    """
    waiting = tx.outbox.waiting()
    lanes = [
        _lane(tx, lane, *waiting.get((lane.partner, lane.person), (0, None)))
        for lane in tx.lanes.find(partner=partner)
        if everything or lane.state == "halted" or (lane.partner, lane.person) in waiting
    ]
    dead = [_dead(letter) for letter in tx.outbox.find(partner=partner, state="dead", limit=_DEAD)]
    partners = sorted({lane["partner"] for lane in lanes})
    breakers = [_breaker(found) for name in partners if (found := tx.lanes.breaker(name)).failures]
    return {"lanes": lanes, "dead": dead, "breakers": breakers}


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


def _lane(tx: Tx, lane: Lane, waiting: int, error: str | None) -> dict[str, Any]:
    copies = [_copy(copy) for copy in tx.currency.of(lane.person, partner=lane.partner)]
    return {
        "partner": lane.partner,
        "person": lane.person,
        "state": lane.state,
        "reason": lane.reason,
        "waiting": waiting,
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
