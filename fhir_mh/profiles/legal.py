"""Legal status over time, as UK Core Flag; and UK Core's legal status of an Encounter, derived where it is asked for.

UK Core's extension says a status at admission and at discharge alone, in England's codes: what changes in mid-stay, a
community treatment order or a conditional discharge it cannot say. So the Flags are the fact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_mh.fhir.urls import CODE_SYSTEM, EXTENSION, UK_CORE
from fhir_mh.mapping.codecs import DATE, DATETIME
from fhir_mh.profiles.elements import (
    code,
    extension,
    holds,
    items,
    local,
    one,
    part,
    period,
    ref,
    row,
    words,
)
from fhir_mh.profiles.plans import SUBJECT, custodian
from fhir_mh.profiles.table import table
from fhir_mh.records.legal import in_force

_LEGAL_STATUS: dict[str, Any] = {"coding": [local("flag-kind", "legal-status")]}
_ENGLAND = "https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland"
_CONTEXT = "https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusContext"
ON_ENCOUNTER = UK_CORE + "Extension-UKCore-LegalStatus"
_KINDS = "informal detained community-treatment-order conditional-discharge guardianship other unknown"

LEGAL_STATUS = table(
    "legal-status", "Flag", "legal_statuses", "legal-status", "recorder",
    one("category", "legal-status", _LEGAL_STATUS, always=True),
    custodian(),
    code("status", "status", "active inactive entered-in-error"),
    SUBJECT,
    one("code.coding", "kind", {"system": CODE_SYSTEM + "legal-status-kind"}, code("kind", "code", _KINDS)),
    one("code.coding", "classification", {"system": _ENGLAND}, row("classification", "code")),
    period("period", "period"),
    ref("stay", "encounter", "Encounter"),
    ref("recorded_by", "author", "PractitionerRole", "Organization"),
    extension(
        "extension", "legal-status",
        part("section", row("section", "valueString")),
        part("expires-on", row("expires_on", "valueDate", DATE)),
        part("imposed-by", row("imposed_by", "valueString")),
        part("responsible-clinician", ref("responsible_clinician", "valueReference", "PractitionerRole")),
        part("hospital", ref("hospital", "valueReference", "Organization")),
        part("ended-because", words("ended_because", "valueString")),
        part("recorded-at", row("recorded_at", "valueDateTime", DATETIME)),
    ),
    items(
        "conditions", "extension", "legal-condition",
        words("words", "valueString"),
        template={"url": EXTENSION + "legal-condition"},
    ),
    match=holds({"category": [_LEGAL_STATUS]}),
)  # fmt: skip

TABLES = (LEGAL_STATUS,)


def encounter_legal_status(tree: Mapping[str, Any], stay: Mapping[str, Any]) -> list[dict[str, Any]]:
    """UK Core's legal status extensions for one stay: at its admission, and at its discharge once it has ended.

    tree: the record's JSON tree. Only what England's list has a code for is said; of several statuses in force on the
    day, the one that began last. See Extension-UKCore-LegalStatus 1.2.0 (UK Core).
    """
    return list(_on_encounter(tree, stay.get("period") or {}))


def _on_encounter(tree: Mapping[str, Any], stay: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for context, moment in (("admission", stay.get("start")), ("discharge", stay.get("end"))):
        statuses = tree.get("legal_statuses") or ()
        held = [one for one in statuses if moment and "classification" in one and in_force(one, moment)]
        if held:
            last = max(held, key=lambda one: (one.get("period") or {}).get("start", ""))
            yield {
                "url": ON_ENCOUNTER,
                "extension": [
                    _coded("legalStatusContext", _CONTEXT, context),
                    _coded("legalStatusClassification", _ENGLAND, last["classification"]),
                ],
            }


def _coded(part_of: str, system: str, value: str) -> dict[str, Any]:
    return {"url": part_of, "valueCodeableConcept": {"coding": [{"system": system, "code": value}]}}
