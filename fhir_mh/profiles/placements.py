"""The placement (ServiceRequest) and the stay (Encounter), with the history of every agreed term, and leave."""

from __future__ import annotations

from typing import Any

from fhir_mh.fhir.urls import CODE_SYSTEM, EXTENSION
from fhir_mh.mapping.codecs import DATE, DATETIME
from fhir_mh.profiles.actions import agreed_actions, people
from fhir_mh.profiles.elements import (
    Row,
    code,
    concept,
    concepts,
    extension,
    first,
    first_ref,
    fixed,
    holds,
    items,
    local,
    one,
    part,
    period,
    ref,
    row,
    tree,
    words,
)
from fhir_mh.profiles.plans import custodian
from fhir_mh.profiles.reference import Subject
from fhir_mh.profiles.table import table

_PLACEMENT: dict[str, Any] = {"coding": [local("placement-kind", "rehabilitation-placement")]}
_STAY: dict[str, Any] = {"coding": [local("placement-kind", "rehabilitation-stay")]}
_TERMS = "level out-of-area-reason placing-commissioner host-commissioner purpose interventions ward status"
_SUBJECT: Row = (("subject",), Subject())


def _term(field: str, name: str, element: str) -> Row:
    """An agreed term with its history: each value, from when, why, and who recorded it."""
    return items(
        field,
        "extension",
        name,
        part("value", row("value", element, DATE) if element == "valueDate" else row("value", element)),
        part("recorded-at", row("recorded_at", "valueDateTime", DATETIME)),
        part("reason", words("reason", "valueString")),
        part("recorded-by", row("recorded_by", "valueString")),
        template={"url": EXTENSION + name},
    )


def _history() -> Row:
    """What the other terms were, each from one moment on."""
    return items(
        "history",
        "extension",
        "term-history",
        part("term", code("term", "valueCode", _TERMS)),
        part("value", row("value", "valueString")),
        part("recorded-at", row("recorded_at", "valueDateTime", DATETIME)),
        part("reason", words("reason", "valueString")),
        part("recorded-by", row("recorded_by", "valueString")),
        template={"url": EXTENSION + "term-history"},
    )


PLACEMENT = table(
    "placement",
    "ServiceRequest",
    "placements",
    "placement",
    "home",
    fixed("intent", "order"),
    one("category", "placement", _PLACEMENT, always=True),
    custodian(),
    code("status", "status", "draft active on-hold revoked completed entered-in-error"),
    _SUBJECT,
    one("code.coding", "request", local("placement-kind", "rehabilitation-placement"), always=True),
    one("code.coding", "level", {"system": CODE_SYSTEM + "placement-level"}, code("level", "code", "1 2")),
    row("requested_at", "authoredOn", DATETIME),
    ref("requested_by", "requester", "Organization", "PractitionerRole"),
    first_ref("provider", "performer", "Organization"),
    extension("extension", "placing-commissioner", ref("placing_commissioner", "valueReference", "Organization")),
    extension("extension", "host-commissioner", ref("host_commissioner", "valueReference", "Organization")),
    extension(
        "extension",
        "out-of-area-reason",
        one(
            "valueCodeableConcept.coding",
            "reason",
            {"system": CODE_SYSTEM + "out-of-area-reason"},
            code(
                "out_of_area_reason",
                "code",
                "bed-unavailable safeguarding offending staff-or-family-at-referrer choice unknown",
            ),
        ),
    ),
    concepts("purposes", "reasonCode"),
    concepts("interventions", "orderDetail"),
    period("planned", "occurrencePeriod"),
    first_ref("replaces", "replaces", "ServiceRequest"),
    _history(),
    match=holds({"category": [_PLACEMENT]}),
)

STAY = table(
    "stay",
    "Encounter",
    "stays",
    "placement",
    "admitting",
    one("type", "stay", _STAY, always=True),
    fixed("class", {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}),
    custodian(),
    code(
        "status",
        "status",
        "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown",
    ),
    _SUBJECT,
    first_ref("placement", "basedOn", "ServiceRequest"),
    ref("provider", "serviceProvider", "Organization"),
    first("location", "ward", tree(row("ward", "location.display"))),
    period("period", "period"),
    concepts("purposes", "reasonCode"),
    _term("estimated_discharge", "estimated-discharge-date", "valueDate"),
    _term("length_of_stay", "anticipated-length-of-stay", "valueString"),
    items(
        "delays",
        "extension",
        "discharge-delay",
        part("reason", words("reason", "valueString")),
        part("since", row("since", "valueDate", DATE)),
        part("until", row("until", "valueDate", DATE)),
        template={"url": EXTENSION + "discharge-delay"},
    ),
    _history(),
    agreed_actions("discharge_plan", "discharge-step"),
    items(
        "leaves",
        "extension",
        "leave",
        part("kind", code("kind", "valueCode", "escorted accompanied unescorted other")),
        part("period", period("period", "valuePeriod")),
        people("with_whom", "with", "RelatedPerson", "PractitionerRole"),
        part("conditions", words("conditions", "valueString")),
        part("returned-at", row("returned_at", "valueDateTime", DATETIME)),
        template={"url": EXTENSION + "leave"},
    ),
    concept("discharged_to", "hospitalization.dischargeDisposition"),
    ref("destination", "hospitalization.destination", "Location", "Organization"),
    match=holds({"type": [_STAY]}),
)

TABLES = (PLACEMENT, STAY)
