"""A partner asks for the plan of somebody whom nobody placed with it: what it is told and, from then on, sent.

Whatever the cause, `nothing` is one answer: who asks learns nothing of anybody whose plan it is not sent. See
docs/sync-protocol.md, 'Find and pull'.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from fhir_mh.clock import instant
from fhir_mh.consent import EMERGENCY, Decision, direct_care, find_and_pull
from fhir_mh.errors import FhirMhError
from fhir_mh.exchange.finding import Said, Sought, Status
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway.auditing import Audited, audit, purpose
from fhir_mh.gateway.holding import Holding, about, hold, kept_by, patients_of
from fhir_mh.gateway.identity import Organisation, find_person
from fhir_mh.gateway.projection import project
from fhir_mh.gateway.sameness import shows_to_mean
from fhir_mh.gateway.setting_aside import raise_task
from fhir_mh.gateway.spreading import copy_at, look_anew, partners_of
from fhir_mh.gateway.standing import now_of, standing
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.writing import Check
from fhir_mh.placements import Whose, courses
from fhir_mh.profiles.bundle import table_of
from fhir_mh.store import Tx

log = logging.getLogger(__name__)

_HOUR = timedelta(hours=1)
_AT_ONCE = 50  # askings that lapse in one transaction
_OUTCOME = {
    "coming": "What may be shared with it is sent, until {until} unless a placement says otherwise. Confirm or decline "
    "its claim once that is here.",
    "halted": "Sending to it about this person is stopped ({reason}): what may be shared with it, and is not there, "
    "waits until whoever looks after the deliveries here has seen why, and resumes it. Ring the ward meanwhile. It is "
    "sent then, until {until} unless a placement says otherwise. Confirm or decline its claim once that is here.",
    "nothing": "Nothing was sent: the person does not share it, nobody has said that they do, or nothing is kept here. "
    "Ask them, or ring the ward.",
}


def answer(tx: Tx, home: Organisation, check: Check, partner: str, sought: Sought) -> Status:
    """What a partner is told. What may be shared is queued, the team has a Task, and the asking is audited."""
    kept = tx.askings.get("received", partner, sought.id)
    if kept is not None:
        return Status("coming" if kept.status == "coming" else "nothing")
    if tx.askings.received_since(partner, tx.now - _HOUR) >= find_and_pull().per_hour:
        _audit(tx, home, partner, sought, None, "too-many")
        return Status("too-many")
    person = _meant(tx, partner, sought)
    status = Status("nothing")
    if person is not None:
        try:
            with tx.whole():
                status = _looked_into(tx, home, check, partner, sought, person)
        except FhirMhError as fault:  # an answer of its own would tell that the person is known
            log.error("an asking could not be looked into: %s", fault.issues[0].code if fault.issues else "")
    if tx.askings.get("received", partner, sought.id) is None:
        tx.askings.add("received", partner, sought.id, sought.purpose, status=status.said, person=person)
    _audit(tx, home, partner, sought, person, status.said)
    return status


def _meant(tx: Tx, partner: str, sought: Sought) -> str | None:
    """The person held here whom the asker shows to mean: what it sent of them itself shows nothing.

    Of those who are one, whatever is held of any of them shows it: the number named one of them already.
    """
    person, said = find_person(tx, sought.person.nhs_number), sought.person.patient()
    for one in [] if person is None else tx.merges.sides(person):
        asked = said if one == person else {**said, "identifier": []}  # the others have numbers of their own
        if shows_to_mean(asked, [held.body() for held in patients_of(tx, one) if held.custodian != partner]):
            return person
    return None


def _looked_into(tx: Tx, home: Organisation, check: Check, partner: str, sought: Sought, person: str) -> Status:
    """Share what may be shared from now on, and tell the team either way."""
    until = tx.now + timedelta(hours=find_and_pull().kept_hours)
    sides = tx.merges.sides(person)
    declined = any(_is_declined(hold(tx, one, home.ods), partner) for one in sides)
    said: Said = "nothing"
    if not declined:
        tx.askings.add("received", partner, sought.id, sought.purpose, status="coming", person=person, until=until)
        decision = standing(tx, person, home.ods).may_be_sent(partner, now_of(tx))
        if decision.content and any(_is_held(tx, home, one, decision) for one in sides):
            said = "coming"
        else:
            tx.askings.refuse(partner, sought.id)
    waiting, reason = list[str](), None
    if said == "coming":
        _look_anew(tx, home, person, partner)
        waiting = [one for one in sides if not _is_stored(tx, home, one, partner)]
        reason = _halted(tx, waiting, partner)
    outcome = said if reason is None else "halted"
    told = _said(partner, sought, _OUTCOME[outcome].format(until=instant(until), reason=reason))
    name = dumps([partner, person, sought.purpose, outcome, instant(tx.now)[:10]]).decode()
    raise_task(tx, home, check, person, name, "placement", told, once=True)
    if said == "nothing":
        return Status(said)
    ask_about_ties(tx, home, check, person)
    return Status(said, _shown_in(tx, home, person, partner) if {person}.issuperset(waiting) else None)


def _shown_in(tx: Tx, home: Organisation, person: str, partner: str) -> int | None:
    """The edition sent to the asker that shows all that it may be sent of a person now; None where none does."""
    made = tx.projections.get(partner, person, home.ods)
    decision = standing(tx, person, home.ods).may_be_sent(partner, now_of(tx))
    shown = project(kept_by(home.ods, person, about(tx, person)), decision).bundle(home.ods)
    return made.edition if made is not None and made.sent == dumps(shown).decode() else None


def _is_stored(tx: Tx, home: Organisation, person: str, partner: str) -> bool:
    """Whether the asker is known to have stored all that is queued for it: then it does not leave."""
    queued, copy = tx.outbox.newest(partner, person, "snapshot"), copy_at(tx, person, partner, home.ods)
    if queued is None or queued.state != "pending":
        return True
    if copy is None or copy.stored is None or copy.ended_at is not None:
        return False
    edition = _shown_in(tx, home, person, partner)
    return edition is not None and copy.stored.edition >= edition


def _halted(tx: Tx, waiting: list[str], partner: str) -> str | None:
    """Why people have yet to look before what is queued for the asker leaves, of any of these; None where it leaves."""
    for one in waiting:
        lane, queued = tx.lanes.get(partner, one), tx.outbox.newest(partner, one, "snapshot")
        if lane is not None and lane.state == "halted" and queued is not None and not queued.urgent:
            return lane.reason
    return None


def _is_declined(held: Holding, partner: str) -> bool:
    """Whether the home team has declined the asker's claim, which stands: then it is not for asking again."""
    found = courses(held.tree, Whose(held.own, held.keepers).keeper)
    return any(course.provider == partner and course.state == "declined" for course in found)


def _is_held(tx: Tx, home: Organisation, person: str, decision: Decision) -> bool:
    """Whether anything is kept here that is worth sending: more than who the person is and what goes along."""
    sections = decision.permitted - direct_care().along - direct_care().home_only
    tables = (table_of(stored.body()) for stored in kept_by(home.ods, person, about(tx, person)))
    return any(table is not None and table.section in sections for table in tables)


def _said(partner: str, sought: Sought, outcome: str) -> str:
    ground = "in an emergency" if sought.purpose == EMERGENCY else f"for the purpose {sought.purpose}"
    reason = f" It gives as the reason: {sought.reason}" if sought.reason else ""
    where = f"{partner} says that the person is with it since {sought.admitted_at}"
    return f"{where}, and asked for their plan {ground}. {outcome}{reason}"


def _audit(tx: Tx, home: Organisation, partner: str, sought: Sought, person: str | None, said: Said) -> None:
    """Of somebody who is not known here nothing is kept: not the reason, which may speak of them."""
    why = purpose(sought.purpose, None if person is None else sought.reason)
    who = f"{partner} {sought.role}"
    audit(tx, home, person, Audited("find", f"answered-{said}", "R", who, why, ("asking", sought.id)))


# --- what ends an asking


def end_askings(tx: Tx, home: Organisation, person: str, partner: str) -> None:
    """The home team has declined a partner's claim: what it asked for is sent no longer."""
    if sum(tx.askings.end(one, partner) for one in tx.merges.sides(person)):
        _look_anew(tx, home, person, partner)


def lapse(tx: Tx, home: Organisation) -> bool:
    """End the askings whose time is over, and sharing where nothing else keeps it alive; whether there were any."""
    over, partners = tx.askings.lapsed(_AT_ONCE), partners_of(tx, home)
    for one in over:
        tx.askings.end_one(one)
        if one.person is not None and one.partner in partners:
            _look_anew(tx, home, one.person, one.partner)
    return bool(over)


def _look_anew(tx: Tx, home: Organisation, person: str, partner: str) -> None:
    """Of everybody who is one with the person: who has asked for one has asked for all."""
    for one in tx.merges.sides(person):
        look_anew(tx, home, one, [partner])
