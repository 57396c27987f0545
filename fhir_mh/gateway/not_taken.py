"""A partner that sets aside or refuses what it is sent does not hold the plan: the team that keeps it must know."""

from __future__ import annotations

from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.setting_aside import close_task, raise_task
from fhir_mh.gateway.spreading import copy_at
from fhir_mh.gateway.writing import Check
from fhir_mh.store import OutboxMessage, Tx


def note_set_aside(tx: Tx, home: Organisation, check: Check, sent: OutboxMessage, code: str) -> None:
    """Say of whoever set a snapshot aside that it does not hold what it says. code: of its receipt."""
    sentence = f"{sent.partner} has set aside what it was sent last, and does not hold it."
    why = f"It says why: {code}. People there must look at what they have set aside. Until they have put that right"
    _note_not_taken(tx, home, check, sent, sentence, why)


def note_dead(tx: Tx, home: Organisation, check: Check, sent: OutboxMessage, code: str) -> None:
    """The same of one for whom a snapshot is a dead letter. code: why it is one."""
    sentence = f"{sent.partner} did not accept what it was sent last ({code}), and does not hold it."
    why = "Whoever looks after the deliveries here must see to it, and have it sent again. Until it has arrived"
    _note_not_taken(tx, home, check, sent, sentence, why)


def _note_not_taken(tx: Tx, home: Organisation, check: Check, sent: OutboxMessage, sentence: str, why: str) -> None:
    """Show the copy as not kept up to date, with a Task: once for each reason, until a snapshot is stored."""
    lane, copy = tx.lanes.get(sent.partner, sent.person), copy_at(tx, sent.person, sent.partner, home.ods)
    if (lane is not None and lane.state == "ended") or (copy is not None and copy.ended_reason == sentence):
        return
    tx.currency.end(sent.partner, sent.person, home.ods, sentence)
    said = f"{sentence} {why}, tell them in another way what this plan says, what the person refuses above all."
    before = tx.outbox.newest(sent.partner, sent.person, "snapshot")
    raise_task(tx, home, check, sent.person, _task(sent), "unclear-item", said)
    queued = tx.outbox.newest(sent.partner, sent.person, "snapshot")
    if before is not None and queued is not None and before.message == sent.message != queued.message:
        tx.outbox.let_go(queued, sent)  # the Task alone is new, and the partner would answer the same again


def note_taken(tx: Tx, home: Organisation, check: Check, sent: OutboxMessage) -> None:
    """Show the copy of whoever has stored a snapshot as kept up to date again; the Task, if any, is completed."""
    lane, copy = tx.lanes.get(sent.partner, sent.person), copy_at(tx, sent.person, sent.partner, home.ods)
    if copy is not None and copy.ended_at is not None and lane is not None and lane.state != "ended":
        tx.currency.resume(sent.partner, sent.person, home.ods)
        close_task(tx, home, check, sent.person, _task(sent), "completed")


def _task(sent: OutboxMessage) -> str:
    return f"sync-quarantined/{sent.partner}/{sent.person}"
