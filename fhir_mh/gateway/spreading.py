"""After a change: who must be sent what. Runs in the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from fhir_mh.clock import instant
from fhir_mh.consent import Decision, turns_next
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.identity import Organisation, local_identifiers_of, nhs_number_of
from fhir_mh.gateway.standing import DECIDING, DECIDING_OF_OTHERS, now_of, standing
from fhir_mh.profiles.bundle import table_of
from fhir_mh.store import Currency, Mark, Tx

ENDED_BY_CONSENT = "consent-withdrawn"


def is_urgent(body: dict[str, Any]) -> bool:
    """Whether a resource is a recorded refusal: a snapshot that brings a new one passes a halted lane."""
    table = table_of(body)
    return table is not None and table.name == "recorded-refusal"


def spread(tx: Tx, home: Organisation, person: str, kinds: Iterable[str], *, own: bool, urgent: bool = False) -> None:
    """Queue for each partner what a change means for it.

    kinds: the types of the resources that changed. own: whether any of them is ours to send. urgent: whether any of
    those is_urgent. Where a decision may rest on what changed, or this is the first that we keep about the person,
    every partner's standing is looked at anew, for everybody who is one with the person; otherwise the lanes there are
    get the news. Where there is nobody to send anything to, or nothing, sharing rules are looked at in their turn.
    """
    decides = not (DECIDING if own else DECIDING_OF_OTHERS).isdisjoint(kinds)
    if not own and not decides:
        return
    sides = tx.merges.sides(person)
    somewhere = any(tx.edition(one, home.ods) or tx.lanes.find(person=one) for one in sides)
    partners = partners_of(tx, home) if somewhere else []
    if not partners:  # nothing of ours is anywhere, nor is there anything to send; or nobody to send it to
        if "Consent" in kinds:
            tx.turnings.hasten(sides)
        return
    first = own and tx.edition(person, home.ods) == 1
    if not decides and not first:
        for lane in tx.lanes.find(person=person):
            if lane.state != "ended":
                _queue(tx, home, person, lane.partner, urgent)
        return
    for one in sides:
        look_anew(tx, home, one, partners, urgent=urgent and one == person)


def turn(tx: Tx, home: Organisation, person: str) -> None:
    """Look anew at somebody of whom a sharing rule has begun or ended to hold by its date."""
    partners = partners_of(tx, home)
    for one in tx.merges.sides(person):
        tx.turnings.take(one)
        look_anew(tx, home, one, partners)


def partners_of(tx: Tx, home: Organisation) -> list[str]:
    """The ODS codes of those we share with, as of this transaction: of the settings, and kept in the store."""
    return [*home.partners, *(ods for ods in tx.partners.codes() if ods not in home.partners)]


def look_anew(tx: Tx, home: Organisation, person: str, partners: Iterable[str], *, urgent: bool = False) -> None:
    """Decide anew what each of these partners may see of a person, queue what follows, and note when that turns."""
    stands, now = standing(tx, person, home.ods), now_of(tx)
    tx.turnings.keep(person, turns_next([one for voice in stands.voices for one in voice], tx.now))
    for partner in partners:
        _reconsider(tx, home, person, partner, stands.may_be_sent(partner, now), urgent)


def _reconsider(tx: Tx, home: Organisation, person: str, partner: str, decision: Decision, urgent: bool) -> None:
    """End sharing with a partner, resume it, or queue what it may see now; whether that is news shows when it leaves.

    Sharing is resumed with a new edition, so that it can be told from what left before the notice of its end.
    """
    lane = tx.lanes.get(partner, person)
    if decision.nothing:
        if lane is not None and lane.state != "ended":
            end_sharing(tx, home, person, partner, decision.sentence)
        return
    if lane is not None and lane.state == "ended":
        tx.lanes.reopen(partner, person)
        tx.raise_head(person)  # what waited there is shown as withheld no longer
        if tx.edition(person, home.ods):
            tx.touch(person, home.ods)
    _note_lapsed(tx, home, person, partner, decision)
    _queue_marks_again(tx, home, person, partner)
    _queue(tx, home, person, partner, urgent)


def _note_lapsed(tx: Tx, home: Organisation, person: str, partner: str, decision: Decision) -> None:
    """Note of which sections a partner holds what it may not be sent any more, before anything leaves without them."""
    copy, made = copy_at(tx, person, partner, home.ods), tx.projections.get(partner, person, home.ods)
    if copy is None or made is None:
        return
    tables = (table_of(entry["resource"]) for entry in load_object(made.sent).get("entry") or ())
    tx.currency.cover(copy, {table.section for table in tables if table is not None} - decision.permitted)


def _queue(tx: Tx, home: Organisation, person: str, partner: str, urgent: bool) -> None:
    edition = tx.edition(person, home.ods)
    if edition and (nhs_number_of(tx, person) is not None or local_identifiers_of(tx, person)):
        tx.outbox.add(partner, person, "snapshot", edition=edition, replaces=True, urgent=urgent)


def queue_mark(tx: Tx, person: str, custodian: str, stage: Literal["filed", "opened"], mark: Mark) -> None:
    """Tell a custodian how far our copy has come; a mark of the stage that still waits need not be sent any more."""
    payload = dumps({"at": instant(mark.at)}).decode()
    tx.outbox.add(custodian, person, stage, edition=mark.edition, payload=payload, urgent=True, replaces=True)


def _queue_marks_again(tx: Tx, home: Organisation, person: str, custodian: str) -> None:
    """What could not be said of our copy before, and perhaps may be now."""
    copy = copy_at(tx, person, home.ods, custodian)
    if copy is None:
        return
    stages: tuple[tuple[Literal["filed", "opened"], Mark | None], ...] = (
        ("filed", copy.filed),
        ("opened", copy.opened),
    )
    for stage, mark in stages:
        if mark is not None:
            last = tx.outbox.newest(custodian, person, stage)
            if last is None or last.state == "superseded" or (last.edition or 0) < mark.edition:
                queue_mark(tx, person, custodian, stage, mark)


def copy_at(tx: Tx, person: str, partner: str, custodian: str) -> Currency | None:
    """How far one custodian's copy has come at one partner; None where none is known of."""
    return next((copy for copy in tx.currency.of(person, partner=partner) if copy.custodian == custodian), None)


def end_sharing(
    tx: Tx, home: Organisation, person: str, partner: str, sentence: str, *, why: str = ENDED_BY_CONSENT
) -> None:
    """Send nothing more about the person to this partner but the notice that says so, with this sentence.

    why: the stable code that operators see of the lane.
    """
    tx.lanes.end(partner, person, why)
    tx.raise_head(person)  # what waits there is shown as withheld
    copy = copy_at(tx, person, partner, home.ods)
    if copy is None or copy.sent is None:
        return
    payload = {"notice": "sharing-ended", "custodian": home.ods, "reason": sentence}
    tx.outbox.add(partner, person, "notice", edition=tx.edition(person, home.ods), payload=dumps(payload).decode())
    tx.currency.end(partner, person, home.ods, sentence)
