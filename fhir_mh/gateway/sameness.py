"""Whether what arrives can be about the person held here: decided from numbers, dates of birth and names alone.

The table (tests/unit/gateway/test_sameness.py holds each row to it):

| NHS number in use | date of birth | names | |
|---|---|---|---|
| another, and neither side knows one as superseded | any | any | stop |
| the same, superseded, or none | both say one, and they disagree | any | stop |
| verified by who sends it (status 01) | agree, or one is silent | any | the same person |
| not verified, or none: found by a local identifier | agree | any | the same person |
| not verified, or none: found by a local identifier | one is silent | nothing in common | stop |
| not verified, or none: found by a local identifier | one is silent | anything else | the same person |

Whoever asks for a plan (find and pull) must moreover say the whole date of birth that is held here, and a word of a
name that is held here: `shows_to_mean`.

Names and postcodes that differ for the same person are flagged. Gender is left out: it is not known to tell people
apart, and a change of it is nobody's to be asked about here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mh.fhir.parts import objects_in
from fhir_mh.fhir.urls import FORMER_NHS_NUMBER, ITEM_ID, NHS_NUMBER, UK_CORE
from fhir_mh.issues import Issue, issue

VERIFICATION = UK_CORE + "Extension-UKCore-NHSNumberVerificationStatus"
VERIFIED = "01"
_WORD = re.compile(r"\w+")
_ELEMENTS = {"NHS number": "identifier", "date of birth": "birthDate", "name": "name"}

Patient = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """stop: what contradicts, in words, or None. differs: what is to be flagged (name, address)."""

    stop: str | None = None
    differs: tuple[str, ...] = ()


def judge(patient: Patient, held: Iterable[Patient], *, by_identifier: bool = True) -> Verdict:
    """Whether a Patient can be the person whose Patients are held here. Pure.

    by_identifier: it was found by its NHS number or a local identifier; False where who sends it has read what is held
    and names it by its id, so that other names are a change and no contradiction.
    """
    number, born, held = nhs_number_in(patient), patient.get("birthDate"), list(held)
    if not held:
        return Verdict()
    former = {old for one in (patient, *held) for old in former_numbers_in(one)}
    differs: set[str] = set()
    supported = is_verified(patient) or not by_identifier
    for known in held:
        other = nhs_number_in(known)
        if number and other and number != other and former.isdisjoint((number, other)):
            return Verdict("NHS number")
        if born and known.get("birthDate"):
            if not _agree(str(born), str(known["birthDate"])):
                return Verdict("date of birth")
            supported = True
    names, others = _names(patient), [found for known in held if (found := _names(known))]
    if names and others:
        if not supported and all(names.isdisjoint(found) for found in others):
            return Verdict("name")
        if not any(names <= found or found <= names for found in others):
            differs.add("name")
    places, elsewhere = _postcodes(patient), {code for known in held for code in _postcodes(known)}
    if places and elsewhere and places.isdisjoint(elsewhere):
        differs.add("address")
    return Verdict(differs=tuple(sorted(differs)))


def contradiction(patient: Patient, held: Iterable[Patient], path: str, *, by_identifier: bool = True) -> Issue | None:
    """Why a Patient cannot be the person held here, with its place; None where it can."""
    stop = judge(patient, held, by_identifier=by_identifier).stop
    return None if stop is None else issue("sync-identity", f"{path}.{_ELEMENTS[stop]}", what=stop)


def shows_to_mean(patient: Patient, held: Iterable[Patient]) -> bool:
    """Whether who asks for a person shows to mean the one held here: nothing contradicts, and date of birth and a name
    are those held. A number alone, or a guess, shows nothing. Pure.
    """
    held, born = list(held), patient.get("birthDate")
    names = {word for word in _names(patient) if len(word) > 1}
    return (
        judge(patient, held).stop is None
        and any(known.get("birthDate") == born for known in held)
        and any(not names.isdisjoint(_names(known)) for known in held)
    )


def patient_of(person: Mapping[str, Any]) -> dict[str, Any]:
    """What the person of a plain record says of who they are, as a Patient; numbers without spaces or hyphens."""
    found: dict[str, Any] = {"identifier": []}
    if person.get("nhs_number"):
        status = {"coding": [{"code": person.get("nhs_number_status")}]}
        extension = [{"url": VERIFICATION, "valueCodeableConcept": status}]
        found["identifier"] += [{"system": NHS_NUMBER, "value": compact(person["nhs_number"]), "extension": extension}]
    former = person.get("former_nhs_numbers") or ()
    found["identifier"] += [{"system": FORMER_NHS_NUMBER, "value": compact(old)} for old in former]
    found["identifier"] += person.get("identifiers") or ()
    if person.get("birth_date"):
        found["birthDate"] = person["birth_date"]
    found["name"] = person.get("names") or []
    found["address"] = [{"postalCode": one.get("postcode")} for one in person.get("addresses") or ()]
    return found


def compact(number: str) -> str:
    """An NHS number without the spaces or hyphens that people write it with."""
    return number.replace(" ", "").replace("-", "")


# --- what a Patient says


def _identifiers(patient: Patient) -> list[Mapping[str, Any]]:
    return [one for one in objects_in(patient.get("identifier")) if isinstance(one.get("value"), str)]


def nhs_number_in(patient: Patient) -> str | None:
    """The NHS number in use of a Patient; a superseded one (use `old`) is not it."""
    return next((str(identifier["value"]) for identifier in _in_use(patient)), None)


def is_verified(patient: Patient) -> bool:
    """Whether who sends a Patient says that its NHS number is present and verified (status 01)."""
    for identifier in _in_use(patient):
        for extension in objects_in(identifier.get("extension")):
            if extension.get("url") == VERIFICATION:
                concept = extension.get("valueCodeableConcept")
                codings = objects_in(concept.get("coding")) if isinstance(concept, dict) else []
                return any(one.get("code") == VERIFIED for one in codings)
    return False


def _in_use(patient: Patient) -> Iterator[Mapping[str, Any]]:
    """The identifiers that are NHS numbers and not superseded."""
    for identifier in _identifiers(patient):
        if identifier.get("system") == NHS_NUMBER and identifier.get("use") != "old":
            yield identifier


def former_numbers_in(patient: Patient) -> list[str]:
    """The superseded NHS numbers of a Patient: ours of that system, and those that a sender marked as old."""
    found = []
    for identifier in _identifiers(patient):
        system, old = identifier.get("system"), identifier.get("use") == "old"
        if system == FORMER_NHS_NUMBER or (system == NHS_NUMBER and old):
            found.append(str(identifier["value"]))
    return found


def local_identifiers_in(patient: Patient) -> list[tuple[str, str]]:
    """(system, value) of the identifiers in use that systems of providers gave a person."""
    ours = (NHS_NUMBER, FORMER_NHS_NUMBER, ITEM_ID)
    return [
        (str(one["system"]), str(one["value"]))
        for one in _identifiers(patient)
        if one.get("system") and one["system"] not in ours and one.get("use") != "old"
        if "\x00" not in f"{one['system']}{one['value']}"  # nobody has such a one: it is set aside, or refused
    ]


def _agree(first: str, second: str) -> bool:
    """Whether two dates may be the same: one may be known less precisely."""
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]


def _names(patient: Patient) -> frozenset[str]:
    """The words of every name, whatever their case."""
    found: set[str] = set()
    for name in objects_in(patient.get("name")):
        given = name.get("given")
        parts = [name.get("family"), *(given if isinstance(given, list) else ())]
        parts = [part for part in parts if isinstance(part, str)] or [name.get("text")]
        found |= {word.casefold() for part in parts if isinstance(part, str) for word in _WORD.findall(part)}
    return frozenset(found)


def _postcodes(patient: Patient) -> set[str]:
    codes = [one.get("postalCode") for one in objects_in(patient.get("address"))]
    return {code.replace(" ", "").upper() for code in codes if isinstance(code, str) and code.strip()}
