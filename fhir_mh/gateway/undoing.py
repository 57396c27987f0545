"""Parting persons who were merged wrongly: of what was written since they were one, people say whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fhir_mh.errors import Conflict, InvalidResource
from fhir_mh.fhir.urls import NHS_NUMBER
from fhir_mh.gateway.holding import Key, content
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.links import unlinked
from fhir_mh.gateway.merge_notices import tell
from fhir_mh.gateway.parting import Parting
from fhir_mh.gateway.setting_aside import close_task
from fhir_mh.gateway.spreading import look_anew, partners_of
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.writing import Check
from fhir_mh.gateway.written_since import PROPOSALS, Before, Whose, Written, written_since
from fhir_mh.issues import issue
from fhir_mh.store import PersonMerge, Tx


@dataclass(frozen=True, slots=True)
class Answer:
    """Whose an entry is: it stays with the side it was written to, is the other person's, or is held apart."""

    list: str
    id: str
    whose: Whose


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of undoing a merge: how many entries stayed, went to the other person, are held apart."""

    merge: PersonMerge
    stayed: int
    moved: int
    apart: int


def undo(
    tx: Tx, home: Organisation, check: Check, merge: PersonMerge, by: str, reason: str, answers: Sequence[Answer]
) -> Undone:
    """Part them, in the transaction that is under way. Raises Conflict, InvalidResource: then nothing may be kept."""
    sides = tx.merges.sides(merge.kept)
    if merge.state != "made" or tx.merges.in_force(sides)[-1].id != merge.id:
        raise Conflict(issues=[issue("merge-state", "id")])
    version = sum(tx.record_head(one) for one in sides) + 1
    for person in sorted((merge.kept, merge.superseded)):  # nobody sees again a version that the one record had
        tx.merges.raise_head(person, version)
    before, written = Before(merge), written_since(tx, home, merge)
    whose = _answered(written, answers)
    earlier = [Before(one) for one in tx.merges.in_force(sides)[:-1]]
    parting, patients = Parting(tx, home, merge, before, earlier, reason), set[Key]()
    for one, answer in whose.items():
        if one.list == PROPOSALS:
            if answer == "apart":
                _withdraw(tx, home, merge, one, reason)
        elif one.list == "Patient":  # put right with its links
            patients |= {*one.keys} if answer == "apart" else set()
        elif answer == "stays":
            parting.stays(one.person, one.keys)
        else:
            parting.take(one.person, one.keys, moved=answer == "other")
    parting.part()
    for side in sides:
        _put_right(tx, home, side, before, patients)
    _drop_conflicts(tx, home, merge, before.raised, reason)
    if before.asked is not None:
        close_task(tx, home, check, merge.kept, before.asked, "cancelled")
    tell(tx, home, sides, "merge-undone", merge.kept, merge.superseded)
    tx.merges.undo(merge.id, by)
    for side in sides:
        look_anew(tx, home, side, partners_of(tx, home))
        ask_about_ties(tx, home, check, side)
    count = [list(whose.values()).count(name) for name in ("stays", "other", "apart")]
    found = tx.merges.get(merge.id)
    return Undone(found or merge, *count)


def _answered(written: Sequence[Written], answers: Sequence[Answer]) -> dict[Written, Whose]:
    known = {(one.list, one.id): one for one in written}
    found: dict[Written, Whose] = {}
    for number, answer in enumerate(answers):
        one = known.get((answer.list, answer.id))
        if one is None or one in found or answer.whose not in one.may:
            raise InvalidResource(issues=[issue("merge-unanswered", f"answers[{number}]")])
        found[one] = answer.whose
    missing = [issue("merge-unanswered", f"written_since[{n}]") for n, one in enumerate(written) if one not in found]
    if missing:
        raise InvalidResource(issues=missing)
    return found


def _withdraw(tx: Tx, home: Organisation, merge: PersonMerge, proposal: Written, reason: str) -> None:
    """A proposal that was not sent yet goes under a seal."""
    made = tx.seals.make(proposal.person, home.ods, reason, undone_merge=merge.id)
    tx.seals.take_proposal(made, proposal.id)
    tx.seals.take_outgoing(made, proposal.id)


def _put_right(tx: Tx, home: Organisation, person: str, before: Before, as_before: set[Key]) -> None:
    """Take from our own Patients what the merge put there, and the numbers that were the other's then.

    From those in as_before whatever was written since, too.
    """
    others = before.other if person in before.kept else before.kept
    numbers = {value for one in others for system, value in tx.identifiers_of(one) if system == NHS_NUMBER}
    for now in tx.person_resources(person, home.ods, type="Patient"):
        key, version = (now.type, now.id), before.links.get(f"{now.type}/{now.id}")
        was = before.said(tx, key) if key in as_before else None
        if version is not None and was is not None:
            first = tx.get_version(*key, version - 1)
            was = None if first is None else content(first.body())
        body = was or (content(now.body()) if version is None else unlinked(tx, now, version))
        body = _without_numbers(body, numbers)
        if body != content(now.body()):
            tx.put(body, person=person, custodian=home.ods)


def _without_numbers(patient: dict[str, Any], numbers: set[str]) -> dict[str, Any]:
    """A Patient without the identifiers that have one of these values."""
    listed = patient.get("identifier") or ()
    kept = [one for one in listed if one.get("value") not in numbers]
    if len(kept) == len(listed):
        return patient
    return {
        **{name: value for name, value in patient.items() if name != "identifier"},
        **({"identifier": kept} if kept else {}),
    }


def _drop_conflicts(tx: Tx, home: Organisation, merge: PersonMerge, names: Sequence[str], reason: str) -> None:
    """What nobody decided is no question any more; what was decided holds texts of both, and goes under a seal."""
    decided = [one for name in names if (one := tx.conflicts.get(name)) is not None]
    for one in decided:
        if one.outcome is None:
            tx.conflicts.drop(one.id)
    held = [one for one in decided if one.outcome is not None]
    if held:
        made = tx.seals.make(merge.kept, home.ods, reason, undone_merge=merge.id)
        for one in held:
            tx.seals.take_conflict(made, one.id)
