"""The crisis plan with its eight items, and the list of whom to turn to."""

from __future__ import annotations

from typing import Any

from fhir_mh.fhir.urls import CODE_SYSTEM, EXTENSION, SNOMED
from fhir_mh.mapping.codecs import INTEGER
from fhir_mh.mapping.nodes import Item
from fhir_mh.profiles.elements import (
    Row,
    code,
    extension,
    first,
    first_ref,
    fixed,
    holds,
    items,
    local,
    one,
    part,
    plain,
    ref,
    refs,
    row,
    tree,
    words,
)
from fhir_mh.profiles.plans import ACTIVITIES, ACTIVITY_STATUS, PERFORMERS, PLAN, REVIEWS, SUBJECT, status
from fhir_mh.profiles.reference import Joined, OneJoined
from fhir_mh.profiles.table import table

_CRISIS_PLAN = {"coding": [{"system": SNOMED, "code": "736253002"}]}


def _crisis_item(kind: str) -> dict[str, Any]:
    return {"detail": {"code": {"coding": [local("crisis-plan-item", kind)]}}}


def _answered(sign: Item) -> bool:
    return sign.get("coping") is not None


WARNING_SIGNS: list[Row] = [
    items(
        "warning_signs",
        "activity",
        "coping",
        first("detail.reasonCode", "sign", tree(words("sign", "text"))),
        words("coping", "detail.description"),
        status(),
        template=_crisis_item("coping"),
        where=_answered,
    ),
    items(
        "warning_signs",
        "extension",
        "unanswered-sign",
        part("sign", words("sign", "valueString")),
        part("status", code("status", "valueCode", ACTIVITY_STATUS)),
        template={"url": EXTENSION + "unanswered-sign"},
        where=lambda sign: not _answered(sign),
    ),
]

CRISIS_PLAN = table(
    "crisis-plan",
    "CarePlan",
    "crisis_plans",
    "crisis-plan",
    "home",
    fixed("intent", "plan"),
    one("category", "crisis-plan", _CRISIS_PLAN, always=True),
    PLAN,
    WARNING_SIGNS,
    items(
        "prevention",
        "activity",
        "prevention",
        words("description", "detail.description"),
        status(),
        refs("performers", "detail.performer", *PERFORMERS),
        template=_crisis_item("prevention"),
    ),
    items(
        "practical_needs",
        "activity",
        "practical-need",
        one(
            "detail.reasonCode",
            "kind",
            {},
            one(
                "coding",
                "kind",
                {"system": CODE_SYSTEM + "practical-need"},
                code("kind", "code", "children dependants pets home other"),
            ),
        ),
        words("description", "detail.description"),
        status(),
        first_ref("contact", "detail.performer", "RelatedPerson", "PractitionerRole"),
        template=_crisis_item("practical-need"),
    ),
    items(
        "admission_preferences",
        "extension",
        "admission-preference",
        part("preference", code("preference", "valueCode", "prefer avoid")),
        part("place", words("place", "valueString")),
        part("location", ref("location", "valueReference", "Location", "Organization", "HealthcareService")),
        part("rank", row("rank", "valuePositiveInt", INTEGER)),
        part("reason", words("reason", "valueString")),
        template={"url": EXTENSION + "admission-preference"},
    ),
    items(
        "involvement",
        "extension",
        "carer-involvement",
        part("contact", ref("contact", "valueReference", "RelatedPerson", "PractitionerRole")),
        part("degree", code("degree", "valueCode", "full some none")),
        part("involved-in", words("involved_in", "valueString")),
        part("not-in", words("not_in", "valueString")),
        template={"url": EXTENSION + "carer-involvement"},
    ),
    plain("nothing_for", "extension", {"url": EXTENSION + "nothing-for"}, "valueCode"),
    refs("wishes", "supportingInfo", "Consent", typed="Consent"),
    refs("services", "supportingInfo", "HealthcareService", typed="HealthcareService"),
    (("careTeam",), OneJoined("contacts", Joined("CareTeam", "contacts"))),
    REVIEWS,
    ACTIVITIES,
    match=holds({"category": [_CRISIS_PLAN]}),
)

CRISIS_CONTACTS = table(
    "crisis-contacts",
    "CareTeam",
    "crisis_plans",
    "crisis-plan",
    "home",
    one("category", "crisis-contacts", {"coding": [local("care-team-kind", "crisis-contacts")]}, always=True),
    SUBJECT,
    items(
        "contacts",
        "participant",
        "contact",
        ref("contact", "member", "PractitionerRole", "RelatedPerson", "Organization", "CareTeam"),
        first("role", "role", tree(words("role", "text"))),
        extension("extension", "contact-order", row("order", "valuePositiveInt", INTEGER)),
    ),
    match=holds({"category": [{"coding": [local("care-team-kind", "crisis-contacts")]}]}),
    primary=False,
    needs=("contacts",),
)

TABLES = (CRISIS_PLAN, CRISIS_CONTACTS)
