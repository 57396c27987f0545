"""The care plan, and what every plan is made of: its activities, its reviews, who keeps it and at which version."""

from __future__ import annotations

from fhir_mh.fhir.urls import ODS_CODE, SNOMED
from fhir_mh.mapping.codecs import BOOLEAN, DATETIME, INTEGER
from fhir_mh.mapping.nodes import Derived, Item
from fhir_mh.profiles.elements import (
    Row,
    code,
    concept,
    concepts,
    extension,
    first_ref,
    items,
    notes,
    period,
    ref,
    refs,
    row,
    stated,
    words,
    words_extension,
)
from fhir_mh.profiles.reference import Subject
from fhir_mh.profiles.table import table

PLAN_STATUS = "draft active on-hold revoked completed entered-in-error unknown"
ACTIVITY_STATUS = "not-started scheduled in-progress on-hold completed cancelled stopped unknown entered-in-error"
PERFORMERS = ("PractitionerRole", "RelatedPerson", "Organization", "CareTeam", "HealthcareService", "Patient")
AUTHORS = ("PractitionerRole", "Patient", "Organization", "RelatedPerson")
_REVIEW = {"detail": {"code": {"coding": [{"system": SNOMED, "code": "425268008"}]}}}
_INCLUSION = "education employment volunteering leisure caring-for-dependants"
SUBJECT: Row = (("subject",), Subject())


def custodian() -> Row:
    """The organisation whose gateway mints the versions of this item."""
    return extension(
        "extension", "custodian", stated("valueIdentifier", {"system": ODS_CODE}, row("custodian", "value"))
    )  # fmt: skip


def _next_review(plan: Item) -> str | None:
    """The earliest review still to be held."""
    due = [r["planned"] for r in plan.get("reviews") or () if r.get("planned") and r.get("status") == "scheduled"]
    return min(due) if due else None


def status() -> Row:
    return code("status", "detail.status", ACTIVITY_STATUS)


REVIEWS = items(
    "reviews",
    "activity",
    "review",
    row("planned", "detail.scheduledPeriod.start", DATETIME),
    first_ref("owner", "detail.performer", *PERFORMERS),
    status(),
    extension("extension", "review-held", row("held", "valueDateTime", DATETIME)),
    words_extension("changed", "review-changed"),
    template=_REVIEW,
)

ACTIVITIES = items(
    "activities",
    "activity",
    "activity",
    extension("extension", "social-inclusion", code("inclusion", "valueCode", _INCLUSION)),
    row("kind", "detail.kind"),
    concept("code", "detail.code"),
    words("description", "detail.description"),
    status(),
    concept("status_reason", "detail.statusReason"),
    row("not_to_be_done", "detail.doNotPerform", BOOLEAN),
    period("planned", "detail.scheduledPeriod"),
    row("planned_text", "detail.scheduledString"),
    concepts("reasons", "detail.reasonCode"),
    refs("goals", "detail.goal", "Goal"),
    refs("performers", "detail.performer", *PERFORMERS),
    ref("location", "detail.location", "Location"),
    refs("outcomes", "outcomeReference", "Observation"),
    concepts("outcome_codes", "outcomeCodeableConcept"),
    ref("request", "reference", "ServiceRequest"),
    notes("progress", "progress"),
)

PLAN: list[Row] = [
    custodian(),
    extension("extension", "plan-version", row("version", "valuePositiveInt", INTEGER)),
    extension("extension", "content-hash", row("content_hash", "valueString")),
    extension("extension", "next-review", (("valueDateTime",), Derived("next review date", _next_review))),
    code("status", "status", PLAN_STATUS),
    row("title", "title"),
    *words("description", "description"),
    SUBJECT,
    period("period", "period"),
    row("created", "created", DATETIME),
    ref("author", "author", *AUTHORS),
    refs("contributors", "contributor", *AUTHORS),
    refs("based_on", "basedOn", "CarePlan"),
    refs("replaces", "replaces", "CarePlan"),
    refs("part_of", "partOf", "CarePlan"),
    refs("goals", "goal", "Goal"),
    notes("notes", "note"),
]

CARE_PLAN = table(
    "care-plan",
    "CarePlan",
    "care_plans",
    "care-plan",
    "home",
    PLAN,
    code("intent", "intent", "proposal plan order option"),
    concepts("categories", "category"),
    items("needs", "addresses", "need", words("description", "display"), row("condition", "reference")),
    refs("care_teams", "careTeam", "CareTeam"),
    ref("encounter", "encounter", "Encounter"),
    REVIEWS,
    ACTIVITIES,
)

TABLES = (CARE_PLAN,)
