"""Parting persons who were merged wrongly: of what was written since they were one, people say whose it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fhir_mh.errors import Conflict, InvalidResource
from fhir_mh.fhir.urls import EXTENSION
from fhir_mh.gateway.holding import Key, content, key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.links import patients_of, unlinked
from fhir_mh.gateway.merge_notices import tell
from fhir_mh.gateway.projection import without
from fhir_mh.gateway.provenance import is_ours, targets_of
from fhir_mh.gateway.sealing import take_back
from fhir_mh.gateway.setting_aside import close_task
from fhir_mh.gateway.spreading import look_anew, partners_of
from fhir_mh.gateway.writing import Check
from fhir_mh.gateway.written_since import PROPOSALS, Whose, Written, before_of, said_then, written_since
from fhir_mh.issues import issue
from fhir_mh.profiles.bundle import SHARED_KINDS, identifier_of
from fhir_mh.store import PersonMerge, Tx

Body = dict[str, Any]


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


@dataclass(slots=True)
class _Parting:
    """What is to be done to one side."""

    taken: set[Key] = field(default_factory=set)
    again: list[Body] = field(default_factory=list)  # as it was before the merge
    moved: list[Body] = field(default_factory=list)  # for the other person
    stays: list[Key] = field(default_factory=list)


class _Why(NamedTuple):
    """What a seal says of itself. merge: the id of that which is undone."""

    reason: str
    merge: str


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
    before, written, why = before_of(merge), written_since(tx, home, merge), _Why(reason, merge.id)
    whose = _answered(written, answers)
    groups = before["sides"]
    for side in sides:
        mine = [one for one in written if one.person == side]
        others = groups["other"] if side in groups["kept"] else groups["kept"]
        _part(tx, home, side, others, before["heads"][side], {one: whose[one] for one in mine}, why)
    _unlink(tx, home, before["links"], {one.keys[0] for one in written if _is_patient(one) and whose[one] == "apart"})
    _drop_conflicts(tx, home, merge, before["conflicts"], why)
    if before["asked"] is not None:
        close_task(tx, home, check, merge.kept, before["asked"], "cancelled")
    tell(tx, home, sides, "merge-undone", merge.kept, merge.superseded)
    tx.merges.undo(merge.id, by)
    for side in sides:
        look_anew(tx, home, side, partners_of(tx, home))
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


def _is_patient(one: Written) -> bool:
    return one.list == "Patient"


# --- one side


def _part(
    tx: Tx,
    home: Organisation,
    side: str,
    others: Sequence[str],
    heads: Mapping[str, int],
    whose: Mapping[Written, Whose],
    why: _Why,
) -> None:
    """Take from a side what is not its own, and have it say again what it said before."""
    ours = {(one.type, one.id): content(one.body()) for one in tx.person_resources(side, home.ods)}
    work = _Parting()
    for one, answer in whose.items():
        if one.list == PROPOSALS:
            if answer == "apart":
                _withdraw(tx, home, side, one.id, why)
        elif _is_patient(one):
            continue  # put right with its links
        elif answer == "stays":
            work.stays += one.keys
        else:
            work.taken |= {*one.keys}
            if answer == "other":
                work.moved += [ours[key] for key in one.keys]
            for key in one.keys:
                before = said_then(tx, key, heads)
                work.again += [] if before is None else [before]
    work.taken |= {
        key for key, body in ours.items()
        if is_ours(body) and {"/".join(one) for one in work.taken} & {*targets_of(body)}
    }  # fmt: skip
    if work.taken:
        take_back(tx, home, side, work.taken, why.reason, why.merge)
    _say_again(tx, home, side, work, ours)
    _move(tx, home, side, others[0], work, ours)
    foreign = {
        f"{one.type}/{one.id}": identifier_of(one.body()) or one.id
        for person in others
        for one in tx.person_resources(person)
        if one.type not in SHARED_KINDS
    }
    for key in work.stays:
        _rewrite(tx, home, side, key, ours[key], without(ours[key], foreign))


def _say_again(tx: Tx, home: Organisation, side: str, work: _Parting, ours: Mapping[Key, Body]) -> None:
    """Put what was changed since as it was, under new ids, and let what refers to it refer to those."""
    ids = _new_ids(tx, work.again)
    for body in work.again:
        _put(tx, home, side, _redirected({**body, "id": ids["/".join(key_of(body))].partition("/")[2]}, ids))
    for key, body in ours.items() if ids else ():
        if key not in work.taken:
            _rewrite(tx, home, side, key, body, _redirected(body, ids))


def _move(tx: Tx, home: Organisation, side: str, other: str, work: _Parting, ours: Mapping[Key, Body]) -> None:
    """Write to the other person, under new ids, what is theirs; of what else is this side's, its name at most."""
    if not work.moved:
        return
    ids = _new_ids(tx, work.moved)
    theirs = [one.id for one in patients_of(tx, home, other)]
    patients = {f"Patient/{one.id}" for one in patients_of(tx, home, side)}
    about = dict.fromkeys(patients, f"Patient/{theirs[0]}") if theirs else {}
    left = {
        "/".join(key): identifier_of(body) or key[1]
        for key, body in ours.items()
        if key[0] not in SHARED_KINDS and "/".join(key) not in ids and "/".join(key) not in patients
    }
    for body in work.moved:
        named = without(body, left)
        moved = _redirected({**named, "id": ids["/".join(key_of(body))].partition("/")[2]}, {**ids, **about})
        _put(tx, home, other, moved)


def _put(tx: Tx, home: Organisation, person: str, body: Body) -> None:
    """Store a resource as new of a person; a plan carries the edition in which it came to be."""
    tx.touch(person, home.ods)
    edition = tx.edition(person, home.ods)
    extensions = [
        {**one, "valuePositiveInt": edition} if one.get("url") == EXTENSION + "plan-version" else one
        for one in body.get("extension") or ()
    ]
    tx.put({**body, **({"extension": extensions} if extensions else {})}, person=person, custodian=home.ods)


def _rewrite(tx: Tx, home: Organisation, person: str, key: Key, before: Body, after: Body) -> None:
    now = tx.get(*key)
    if after != before and now is not None and not now.deleted:
        tx.put(after, person=person, custodian=home.ods)


def _new_ids(tx: Tx, bodies: Iterable[Body]) -> dict[str, str]:
    """Type/id -> Type/id of a new resource that takes its place."""
    return {"/".join(key_of(body)): f"{body['resourceType']}/{tx.new_id()}" for body in bodies}


# --- references


def _redirected(value: Any, moved: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_redirected(inner, moved) for inner in value]
    if not isinstance(value, dict):
        return value
    found = {name: _redirected(inner, moved) for name, inner in value.items()}
    literal = value.get("reference")
    return {**found, "reference": moved[literal]} if isinstance(literal, str) and literal in moved else found


# --- the rest of it


def _withdraw(tx: Tx, home: Organisation, person: str, proposal: str, why: _Why) -> None:
    """A proposal that was not sent yet goes under a seal."""
    made = tx.seals.make(person, home.ods, why.reason, undone_merge=why.merge)
    tx.seals.take_proposal(made, proposal)
    tx.seals.take_outgoing(made, proposal)


def _unlink(tx: Tx, home: Organisation, links: Mapping[str, int], as_before: set[Key]) -> None:
    """Take from our own Patients what the merge put there; from those in as_before whatever was written since, too."""
    keys = {(kind, id_) for kind, _, id_ in (name.partition("/") for name in links)} | as_before
    for kind, name in sorted(keys):
        now, version = tx.get(kind, name), links.get(f"{kind}/{name}")
        if now is None or now.deleted or version is None:
            continue
        was = tx.get_version(kind, name, version - 1)
        body = content(was.body()) if (kind, name) in as_before and was is not None else unlinked(tx, now, version)
        tx.put(body, person=now.person, custodian=home.ods)


def _drop_conflicts(tx: Tx, home: Organisation, merge: PersonMerge, names: Sequence[str], why: _Why) -> None:
    """What nobody decided is no question any more; what was decided holds texts of both, and goes under a seal."""
    decided = [one for name in names if (one := tx.conflicts.get(name)) is not None]
    for one in decided:
        if one.outcome is None:
            tx.conflicts.drop(one.id)
    held = [one for one in decided if one.outcome is not None]
    if held:
        made = tx.seals.make(merge.kept, home.ods, why.reason, undone_merge=why.merge)
        for one in held:
            tx.seals.take_conflict(made, one.id)
