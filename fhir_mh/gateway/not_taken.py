"""A partner that sets aside what it is sent does not hold the plan: the team that keeps it must know."""

from __future__ import annotations

from fhir_mh.exchange.messages import Receipt
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.setting_aside import close_task, raise_task
from fhir_mh.gateway.spreading import copy_at
from fhir_mh.gateway.writing import Check
from fhir_mh.store import OutboxMessage, Tx


def note_not_taken(tx: Tx, home: Organisation, check: Check, sent: OutboxMessage, receipt: Receipt) -> None:
    """Show the copy of whoever set a snapshot aside as not kept up to date, with a Task: once, until one is stored."""
    lane, copy = tx.lanes.get(sent.partner, sent.person), copy_at(tx, sent.person, sent.partner, home.ods)
    sentence = f"{sent.partner} has set aside what it was sent last, and does not hold it."
    if (lane is not None and lane.state == "ended") or (copy is not None and copy.ended_reason == sentence):
        return
    tx.currency.end(sent.partner, sent.person, home.ods, sentence)
    said = (
        f"{sentence} It says why: {receipt.code}. People there must look at what they have set aside. Until they have "
        "put that right, tell them in another way what this plan says, what the person refuses above all."
    )
    before = tx.outbox.newest(sent.partner, sent.person, "snapshot")
    raise_task(tx, home, check, sent.person, _task(sent), "unclear-item", said)
    queued = tx.outbox.newest(sent.partner, sent.person, "snapshot")
    if before is not None and queued is not None and before.message == sent.message != queued.message:
        tx.outbox.let_go(queued)  # the Task alone is new, and the partner would set the same aside again


def note_taken(tx: Tx, home: Organisation, check: Check, sent: OutboxMessage) -> None:
    """Show the copy of whoever has stored a snapshot as kept up to date again; the Task, if any, is completed."""
    lane, copy = tx.lanes.get(sent.partner, sent.person), copy_at(tx, sent.person, sent.partner, home.ods)
    if copy is not None and copy.ended_at is not None and lane is not None and lane.state != "ended":
        tx.currency.resume(sent.partner, sent.person, home.ods)
        close_task(tx, home, check, sent.person, _task(sent), "completed")


def _task(sent: OutboxMessage) -> str:
    return f"sync-quarantined/{sent.partner}/{sent.person}"
