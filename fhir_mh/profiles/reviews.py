"""Treatment reviews, visits and follow-up: Tasks with a day by which, an owner, and what came of them."""

from __future__ import annotations

from fhir_mh.fhir.urls import CODE_SYSTEM, EXTENSION
from fhir_mh.mapping.codecs import DATE, DATETIME
from fhir_mh.profiles.actions import agreed_actions, people
from fhir_mh.profiles.elements import Row, code, extension, fixed, holds, local, one, ref, row, words
from fhir_mh.profiles.reference import Subject
from fhir_mh.profiles.table import table

_ATTENDING = ("PractitionerRole", "RelatedPerson", "Organization")
_OUTCOME = {"type": {"coding": [local("meeting-output", "outcome")]}}
_MEETING: list[Row] = [
    fixed("intent", "plan"),
    code("status", "status", "requested accepted in-progress completed cancelled entered-in-error"),
    (("for",), Subject()),
    row("planned", "restriction.period.end", DATETIME),
    ref("owner", "owner", "PractitionerRole", "CareTeam", "Organization"),
    row("held", "executionPeriod.start", DATETIME),
    people("held_by", EXTENSION + "held-by", *_ATTENDING),
    one("output", "outcome", _OUTCOME, *words("outcome", "valueString")),
    extension("extension", "next-due", row("next_due", "valueDate", DATE)),
]


def _kind(value: str) -> list[Row]:
    return [one("code.coding", "meeting", local("meeting-kind", value), always=True)]


TREATMENT_REVIEW = table(
    "treatment-review",
    "Task",
    "treatment_reviews",
    "care-plan",
    "home",
    _kind("treatment-review"),
    one(
        "code.coding",
        "kind",
        {"system": CODE_SYSTEM + "treatment-review-kind"},
        code("kind", "code", "ctr-community ctr-inpatient cetr-community cetr-inpatient"),
    ),
    _MEETING,
    extension("extension", "chair", ref("chair", "valueReference", *_ATTENDING)),
    agreed_actions("recommendations", "recommendation"),
    match=holds({"code": {"coding": [local("meeting-kind", "treatment-review")]}}),
)

VISIT = table(
    "visit",
    "Task",
    "visits",
    "placement",
    "home",
    _kind("visit"),
    one("code.coding", "by", {"system": CODE_SYSTEM + "visit-by"}, code("by", "code", "home-team commissioner")),
    _MEETING,
    ref("stay", "focus", "Encounter"),
    match=holds({"code": {"coding": [local("meeting-kind", "visit")]}}),
)

FOLLOW_UP = table(
    "follow-up",
    "Task",
    "follow_ups",
    "placement",
    "home",
    _kind("follow-up"),
    _MEETING,
    ref("stay", "focus", "Encounter"),
    match=holds({"code": {"coding": [local("meeting-kind", "follow-up")]}}),
)

TABLES = (TREATMENT_REVIEW, VISIT, FOLLOW_UP)
