"""Whom what a system here writes is about: made plain before anything is decided by it, or refused.

A resource about nobody is in no record, and a decision about nobody binds nobody: that must not pass for taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_mh.errors import Conflict, InvalidResource
from fhir_mh.fhir.parts import objects_in
from fhir_mh.gateway.identity import Organisation, find_by_patient, numbers_in, persons_by_number, same_one
from fhir_mh.gateway.links import own_first
from fhir_mh.gateway.sameness import contradiction
from fhir_mh.issues import issue
from fhir_mh.profiles.bundle import SHARED_KINDS, table_of
from fhir_mh.profiles.subjects import LITERAL, SUBJECTS
from fhir_mh.store import StoredResource, Tx

Body = dict[str, Any]
_PATIENT = "Patient"
_ABOUT_NOBODY = frozenset({*SHARED_KINDS, _PATIENT, "Provenance"})
"""The kinds in a record that name no person: who provides what, the person, and what tells of other resources."""


def told(tx: Tx, home: Organisation, body: Body, known: StoredResource | None, path: str) -> Body:
    """A resource with each Patient whom it says it is about as `Patient/id`; what is no Patient stays as it is.

    known: what it is to replace, whoever keeps that, and whose subject it may repeat. path: where it stands in what was
    sent. Raises InvalidResource where it cannot be told, or is not said, whom it is about (rest-no-patient), or that is
    nobody here (rest-unknown-patient); Conflict where it says two things (rest-other-person, sync-identity). Persons
    who are one are no two things: what is kept of either stays so.
    See https://hl7.org/fhir/R4/references.html
    """
    said = {name: body[name] for name in SUBJECTS if isinstance(body.get(name), dict)}
    if not said and _is_about_somebody(body):
        raise InvalidResource(issues=[issue("rest-no-patient", path)])
    whom = known.person if known is not None else None
    held = {} if known is None or whom is None or known.deleted else known.body()
    found: Body = {}
    for name, subject in said.items():
        place = f"{path}.{name}"
        try:
            plain, person = _told(tx, home, body, subject, place)
        except InvalidResource:
            if subject != held.get(name):
                raise
            continue  # it was sent as it stands here, where it is known whose it is
        if person is not None and whom is not None and not same_one(tx, {person, whom}):
            raise Conflict(issues=[issue("rest-other-person", place)])
        whom = whom or person
        found[name] = plain if person is None or whom is None else _on_side(tx, home, whom, plain, held.get(name))
    return {**body, **found}


def _on_side(tx: Tx, home: Organisation, person: str, subject: Body, held: Any) -> Body:
    """A subject as it is kept of one of those who are one: what is kept of each is sent on under their own number.

    The other's number beside it is left out: to a partner that holds two people it is somebody else's.
    """
    if any(one != person for one in persons_by_number(tx, numbers_in({"identifier": [subject.get("identifier")]}))):
        subject = {name: value for name, value in subject.items() if name != "identifier"}
    if tx.person_of(*subject["reference"].split("/")) == person:
        return subject
    literal = held.get("reference") if isinstance(held, dict) else None
    known = [f"{_PATIENT}/{one.id}" for one in own_first(tx, home, person)]
    return {**subject, "reference": literal if literal in known or not known else known[0]}


def _told(tx: Tx, home: Organisation, body: Body, subject: Body, path: str) -> tuple[Body, str | None]:
    """A subject as `Patient/id`, and the person; as it was where it is no Patient."""
    literal = subject.get("reference")
    if literal is None:
        return (subject, None) if _is_typed_otherwise(subject) else _by_identifier(tx, home, subject, path)
    found = LITERAL.fullmatch(literal) if isinstance(literal, str) else None
    if found is None:
        contained = objects_in(body.get("contained"))
        beside = [one.get("resourceType") for one in contained if f"#{one.get('id')}" == literal]
        if beside and beside != [_PATIENT]:
            return subject, None  # a group, a device or a place, described inside the resource
        raise InvalidResource(issues=[issue("rest-no-patient", path)])
    if found[1] != _PATIENT:
        return subject, None
    person = tx.person_of(_PATIENT, found[2])
    if person is None:
        raise InvalidResource(issues=[issue("rest-unknown-patient", path)])
    _expect_agreeing(tx, home, person, subject.get("identifier"), path)
    return {**subject, "reference": f"{_PATIENT}/{found[2]}"}, person


def _by_identifier(tx: Tx, home: Organisation, subject: Body, path: str) -> tuple[Body, str]:
    identifier = subject.get("identifier")
    person = find_by_patient(tx, {"identifier": [identifier]}) if isinstance(identifier, dict) else None
    known = [] if person is None else own_first(tx, home, person)
    if person is None or not known:
        raise InvalidResource(issues=[issue("rest-no-patient", path)])
    return {"reference": f"{_PATIENT}/{known[0].id}", **subject}, person


def _expect_agreeing(tx: Tx, home: Organisation, person: str, identifier: Any, path: str) -> None:
    """Raises Conflict where a subject names one person by reference and another by identifier."""
    if not isinstance(identifier, dict):
        return
    means = {"identifier": [identifier]}
    other = find_by_patient(tx, means)
    if other is not None:
        agrees = same_one(tx, {person, other})
    else:
        held = [one.body() for one in own_first(tx, home, person)]
        agrees = contradiction(means, held, path, by_identifier=False) is None
    if not agrees:
        raise Conflict(issues=[issue("rest-other-person", f"{path}.identifier")])


def _is_about_somebody(body: Body) -> bool:
    """Whether a resource is of those of which a person's record is made, or a decision that might bind."""
    table = table_of(body)
    return body["resourceType"] == "Consent" or (table is not None and table.kind not in _ABOUT_NOBODY)


def _is_typed_otherwise(subject: Mapping[str, Any]) -> bool:
    """Whether a subject says that it is no Patient, by R4's name of a type or its address."""
    said = subject.get("type")
    return isinstance(said, str) and said.rpartition("/")[2] != _PATIENT
