"""Whose gateway this is, and how it finds a person: by NHS number first, then by what providers' systems call them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_mh.errors import Conflict
from fhir_mh.fhir.urls import FORMER_NHS_NUMBER, NHS_NUMBER
from fhir_mh.gateway.sameness import compact, former_numbers_in, local_identifiers_in, nhs_number_in
from fhir_mh.issues import issue
from fhir_mh.profiles.subjects import SUBJECTS
from fhir_mh.store import Tx


@dataclass(frozen=True, slots=True)
class Organisation:
    """The organisation a gateway belongs to, and those it shares with (ODS code -> name).

    policies: those that are turned on by name.
    """

    ods: str
    name: str
    partners: Mapping[str, str]
    policies: Collection[str] = ()


def find_person(tx: Tx, number: str) -> str | None:
    """The person with this NHS number, be it the one in use or a superseded one."""
    return next(iter(persons_by_number(tx, [number])), None)


def persons_by_number(tx: Tx, numbers: Sequence[str]) -> list[str]:
    """The persons held here whom any of these NHS numbers names, as the one in use or a superseded one.

    In the order of the numbers; more than one where two that were taken for two people are said to be one.
    """
    known = _known_by(tx, numbers)
    holders = [_holder(known, number) for number in numbers]
    return list(dict.fromkeys(holder for holder in holders if holder is not None))


def numbers_in(patient: Mapping[str, Any]) -> list[str]:
    """The NHS numbers of a Patient, the one in use first."""
    number = nhs_number_in(patient)
    return [*([number] if number else ()), *(old for old in former_numbers_in(patient) if old)]


_Known = Mapping[tuple[str, str], str]
"""(system, NHS number) -> the person who is known here by it, in use or superseded."""


def _known_by(tx: Tx, numbers: Sequence[str]) -> _Known:
    """Who has each of these NHS numbers."""
    names = dict.fromkeys(numbers)
    return tx.persons_with([(system, number) for number in names for system in (NHS_NUMBER, FORMER_NHS_NUMBER)])


def _holder(known: _Known, number: str) -> str | None:
    """Whose a number is in use, else whose it was."""
    return known.get((NHS_NUMBER, number)) or known.get((FORMER_NHS_NUMBER, number))


def persons_by_local_identifier(tx: Tx, patient: Mapping[str, Any]) -> list[str]:
    """The persons whom a Patient's local identifiers name: the cross-walk, read from the Patients that are held.

    A pair of system and value that more than one person here has names nobody, unless they are one: then whom it is
    who is kept.
    """
    found: dict[str, None] = {}
    for pair in local_identifiers_in(patient):
        known = {str(entry.person) for entry in tx.search("Patient", identifiers=[pair]).entries if entry.person}
        one = known if len(known) == 1 else {tx.merges.root(person) for person in known}
        if len(one) == 1:
            found[one.pop()] = None
    return list(found)


def same_one(tx: Tx, persons: Collection[str]) -> bool:
    """Whether these are at most one: one person, or several who are one by a merge."""
    return len(persons) < 2 or len({tx.merges.root(person) for person in persons}) < 2


def names_somebody_else(tx: Tx, body: Mapping[str, Any], person: str | None) -> str | None:
    """The element by which a resource names somebody else who is known here as whom it is about; None for none.

    person: whom it is about by its reference; None where that is somebody who is not known here.
    """
    for element in SUBJECTS:
        subject = body.get(element)
        said = subject.get("identifier") if isinstance(subject, dict) else None
        numbers = numbers_in({"identifier": [said]}) if isinstance(said, dict) else []
        if not numbers:
            continue
        others = persons_by_number(tx, [compact(number) for number in numbers])
        if others and (person is None or not same_one(tx, {*others, person})):
            return element
    return None


def find_by_patient(tx: Tx, patient: Mapping[str, Any]) -> str | None:
    """The person held here whom a Patient is about; None where nobody is known.

    Raises Conflict (sync-identity) where its local identifiers name somebody else than its NHS number, or two people.
    """
    numbered = persons_by_number(tx, numbers_in(patient))
    local = persons_by_local_identifier(tx, patient)
    if not same_one(tx, {*numbered[:1], *local}):
        raise Conflict(issues=[issue("sync-identity", "Patient.identifier", what="local identifier")])
    return next(iter([*numbered, *local]), None)


def find_by_record(tx: Tx, patient: Mapping[str, Any], own: str | None) -> str | None:
    """The person held here whom a plain record is about; None where nobody is known.

    patient: whom it names, as a Patient. own: the id that it gives the person, by which who read it here means them.
    Raises Conflict (sync-identity) where it names two people.
    """
    named = find_by_patient(tx, patient)
    held = tx.get("Patient", own) if own is not None else None
    if held is None or held.person is None:
        return named
    if named is not None and not same_one(tx, {named, held.person}):
        raise Conflict(issues=[issue("sync-identity", "person.id", what="id")])
    return named or tx.merges.root(held.person)


def find_named(tx: Tx, number: str | None, identifiers: Sequence[tuple[str, str]]) -> str | None:
    """The person whom a message names, by NHS number or, where it has none, by local identifiers; None for nobody.

    Raises Conflict (sync-identity) where its identifiers name two people.
    """
    if number is not None:
        return find_person(tx, number)
    named = [{"system": system, "value": value} for system, value in identifiers]
    found = persons_by_local_identifier(tx, {"identifier": named})
    if not same_one(tx, found):
        raise Conflict(issues=[issue("sync-identity", "$.person.identifiers", what="local identifier")])
    return next(iter(found), None)


def local_identifiers_of(tx: Tx, person: str) -> tuple[tuple[str, str], ...]:
    """(system, value) of what systems of providers call a person, as the Patients that are held have them."""
    patients = [one.body() for one in tx.person_resources(person) if one.type == "Patient"]
    return tuple(dict.fromkeys(pair for patient in patients for pair in local_identifiers_in(patient)))


def nhs_number_of(tx: Tx, person: str) -> str | None:
    """The NHS number by which a person of this store is known; the one in use where there are several."""
    return _number_in_use(tx, person, tx.identifiers_of(person))


def _number_in_use(tx: Tx, person: str, known: Sequence[tuple[str, str]]) -> str | None:
    former = {value for system, value in known if system == FORMER_NHS_NUMBER}
    numbers = [value for system, value in known if system == NHS_NUMBER and value not in former]
    if len(numbers) < 2:
        return numbers[0] if numbers else None
    for patient in tx.search("Patient", persons=[person]).entries:
        number = nhs_number_in(patient.body())
        if number in numbers:
            return number
    return numbers[0]


def known_as(tx: Tx, person: str) -> dict[str, Any]:
    """The NHS numbers by which the store knows a person, as a Patient: also one that no Patient says any more."""
    known = tx.identifiers_of(person)
    number = _number_in_use(tx, person, known)
    said = [*([(NHS_NUMBER, number)] if number else ()), *(one for one in known if one[0] == FORMER_NHS_NUMBER)]
    return {"identifier": [{"system": system, "value": value} for system, value in said]}


def identify(tx: Tx, person: str, patient: Mapping[str, Any]) -> None:
    """Let the store know the person by this Patient's NHS numbers, the superseded ones too.

    A superseded one by which somebody who is one with the person is known stays theirs, and finds both. Raises Conflict
    (sync-identity) when one of them belongs to somebody else here.
    """
    number = nhs_number_in(patient)
    wanted = [(NHS_NUMBER, number), *((FORMER_NHS_NUMBER, old) for old in former_numbers_in(patient))]
    known = _known_by(tx, numbers_in(patient))
    for system, value in wanted:
        if value is None or known.get((system, value)) == person:
            continue
        holder = _holder(known, value)
        if holder not in (None, person) and (value == number or not same_one(tx, {str(holder), person})):
            raise Conflict(issues=[issue("sync-identity", "Patient.identifier", what="NHS number")])
        if holder is None or holder == person:
            tx.identify(person, system, value)
