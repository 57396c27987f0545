"""Receiving: each message in a transaction of its own, acted on once, its receipt kept with what it did."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from fhir_mh.errors import FhirMhError, UpstreamUnavailable
from fhir_mh.exchange.messages import Envelope, Message, Receipt, Unreadable
from fhir_mh.exchange.ports import Exchange
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.issues import Issue, issue
from fhir_mh.store import Store, Tx
from fhir_mh.sync.faults import place_of
from fhir_mh.sync.retry import reopened

log = logging.getLogger(__name__)

Answered = dict[str, Any]
"""A receipt as JSON, exactly as it was first given."""


async def receive(store: Store, exchange: Exchange, sender: str, envelope: Envelope) -> list[Answered]:
    """The receipts, in the order of the messages, of those that were dealt with.

    sender is who the request provably comes from. A message without a receipt was not dealt with and left nothing
    behind: something here failed, and the sender tries it again. Messages about one person are dealt with in their
    order; behind one that failed or was refused, those about the same person wait for the sender's next try.

    Raises UpstreamUnavailable where the store does not answer: what was dealt with by then has its receipt kept, and is
    answered with it when it comes again.
    """
    by_person: dict[str, list[Message | Unreadable]] = {}
    for message in envelope.messages:
        by_person.setdefault(_person(message), []).append(message)
    working = (_in_order(store, exchange, sender, group) for group in by_person.values())
    given: dict[str, Answered] = {}
    for group in await asyncio.gather(*working, return_exceptions=True):
        if isinstance(group, BaseException):
            raise group
        given |= {receipt["id"]: receipt for receipt in group}
    await _heard_from(store, sender)
    return [given[message.id] for message in envelope.messages if message.id in given]


def _person(message: Message | Unreadable) -> str:
    return str(message.person) if isinstance(message, Message) else f"unreadable {message.id}"


async def _in_order(
    store: Store, exchange: Exchange, sender: str, messages: Sequence[Message | Unreadable]
) -> list[Answered]:
    given = []
    for message in messages:
        receipt = await _deal_with(store, exchange, sender, message)
        if receipt is None:
            break
        given.append(receipt)
        if receipt["status"] == "refused":
            break
    return given


async def _deal_with(store: Store, exchange: Exchange, sender: str, message: Message | Unreadable) -> Answered | None:
    """The receipt of one message; None when it could not be dealt with now.

    What cannot be taken in is received once more, to be set aside: nearly all can, without a savepoint.
    """
    try:
        if isinstance(message, Message):
            try:
                return await store.write(lambda tx: _taken_in(tx, exchange, sender, message))
            except FhirMhError as fault:
                if fault.status >= 500:
                    raise
        return await store.write(lambda tx: receive_within(tx, exchange, sender, message))
    except UpstreamUnavailable:
        raise
    except Exception as fault:  # noqa: BLE001 - a fault of ours must not take the other messages along
        log.error("a message from %s could not be dealt with: %s", sender, place_of(fault))
        return None


def receive_within(tx: Tx, exchange: Exchange, sender: str, message: Message | Unreadable) -> Answered:
    """The receipt of one message, dealt with as part of a transaction.

    Raises what a fault here, or of the store, is: the transaction is then to be undone.
    """
    if isinstance(message, Unreadable):
        refusal = exchange.refusal(message.as_json())
        if refusal is not None:
            return _refused(tx, sender, message, refusal)
        return _set_aside(tx, sender, message, message.issues)
    try:
        with tx.whole():
            return _taken_in(tx, exchange, sender, message)
    except FhirMhError as fault:
        findings = fault.issues
        if fault.status >= 500 or any(found.code == "store-contradiction" for found in findings):
            raise
    return _set_aside(tx, sender, message, findings)


def _taken_in(tx: Tx, exchange: Exchange, sender: str, message: Message) -> Answered:
    """The receipt of one message that is understood. Raises FhirMhError for one that is to be set aside, or a fault."""
    refusal = exchange.refusal(message.as_json())
    if refusal is not None:
        return _refused(tx, sender, message, refusal)
    return once(tx, sender, message.id, lambda: exchange.receive(tx, sender, message))


def _refused(tx: Tx, sender: str, message: Message | Unreadable, refusal: Issue) -> Answered:
    return once(tx, sender, message.id, lambda: Receipt(message.id, "refused", issues=(refusal,)))


def once(tx: Tx, sender: str, message: str, act: Callable[[], Receipt]) -> Answered:
    """The receipt kept of a message, or the one that acting on it gives."""
    kept = tx.inbox.receipt(sender, message)
    if kept is not None:
        return load_object(kept)
    answered = act().as_json()
    tx.inbox.record(sender, message, dumps(answered).decode())
    return answered


def _set_aside(tx: Tx, sender: str, message: Message | Unreadable, findings: Sequence[Issue]) -> Answered:
    """Keep whole what cannot be understood, for people to look at."""
    found = tuple(findings) or (issue("sync-unreadable", "$"),)

    def keep() -> Receipt:
        listed = dumps([one.as_dict() for one in found]).decode()
        tx.quarantine.add(sender, dumps(message.as_json()).decode(), listed, message=message.id)
        return Receipt(message.id, "quarantined", issues=found)

    return once(tx, sender, message.id, keep)


async def _heard_from(store: Store, sender: str) -> None:
    """A partner that asks is there: what waits for it need not wait any longer.

    The breaker is not closed by this, for it may reach us and we not it: one lane is let through to find out.
    """
    breaker = await store.read(lambda tx: tx.lanes.breaker(sender))
    if not breaker.failures:
        return

    def hasten(tx: Tx) -> None:
        tx.lanes.set_breaker(reopened(tx.lanes.breaker(sender), tx.now))
        tx.lanes.hasten(sender)

    await store.write(hasten)
