"""Whose gateway this is, and how it finds one person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mh.errors import Conflict
from fhir_mh.fhir.urls import FORMER_NHS_NUMBER, NHS_NUMBER
from fhir_mh.issues import Issue, issue
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


def nhs_number_in(patient: Mapping[str, Any]) -> str | None:
    """The NHS number in use of a Patient; a superseded one (use `old`) is not it."""
    for identifier in patient.get("identifier") or ():
        if isinstance(identifier, dict) and identifier.get("system") == NHS_NUMBER and identifier.get("use") != "old":
            value = identifier.get("value")
            return value if isinstance(value, str) else None
    return None


def former_numbers_in(patient: Mapping[str, Any]) -> list[str]:
    """The superseded NHS numbers of a Patient: ours of that system, and those that a sender marked as old."""
    found = []
    for identifier in patient.get("identifier") or ():
        if not isinstance(identifier, dict) or not isinstance(identifier.get("value"), str):
            continue
        system, old = identifier.get("system"), identifier.get("use") == "old"
        if system == FORMER_NHS_NUMBER or (system == NHS_NUMBER and old):
            found.append(identifier["value"])
    return found


def find_person(tx: Tx, number: str) -> str | None:
    """The person with this NHS number, be it the one in use or a superseded one."""
    return tx.find_person(NHS_NUMBER, number) or tx.find_person(FORMER_NHS_NUMBER, number)


def nhs_number_of(tx: Tx, person: str) -> str | None:
    """The NHS number by which a person of this store is known; the one in use where there are several."""
    known = tx.identifiers_of(person)
    former = {value for system, value in known if system == FORMER_NHS_NUMBER}
    numbers = [value for system, value in known if system == NHS_NUMBER and value not in former]
    if len(numbers) < 2:
        return numbers[0] if numbers else None
    for patient in tx.search("Patient", persons=[person]).entries:
        number = nhs_number_in(patient.body())
        if number in numbers:
            return number
    return numbers[0]


def contradiction(patient: Mapping[str, Any], held: Iterable[Mapping[str, Any]], path: str) -> Issue | None:
    """Why a Patient cannot be the person held here: another date of birth, or another NHS number in use.

    A number that either side knows as superseded is no contradiction, nor is a different name or address.
    """
    number, born, held = nhs_number_in(patient), patient.get("birthDate"), list(held)
    former = {old for one in (patient, *held) for old in former_numbers_in(one)}
    for known in held:
        other = nhs_number_in(known)
        if number and other and number != other and former.isdisjoint((number, other)):
            return issue("sync-identity", f"{path}.identifier", what="NHS number")
        other_born = known.get("birthDate")
        if born and other_born and not _agree(str(born), str(other_born)):
            return issue("sync-identity", f"{path}.birthDate", what="date of birth")
    return None


def _agree(first: str, second: str) -> bool:
    """Whether two dates may be the same: one may be known less precisely."""
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]


def identify(tx: Tx, person: str, patient: Mapping[str, Any]) -> None:
    """Let the store know the person by this Patient's NHS numbers, the superseded ones too.

    Raises Conflict (sync-identity) when one of them belongs to somebody else here.
    """
    number = nhs_number_in(patient)
    for system, value in [(NHS_NUMBER, number), *((FORMER_NHS_NUMBER, old) for old in former_numbers_in(patient))]:
        if value is None:
            continue
        holder = find_person(tx, value)
        if holder is not None and holder != person:
            raise Conflict(issues=[issue("sync-identity", "Patient.identifier", what="NHS number")])
        tx.identify(person, system, value)
