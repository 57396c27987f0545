"""Goals, care plans, crisis plans, agreements, copies and tasks."""

from __future__ import annotations

from typing import Any

from fhir_mh.fhir.urls import CODE_SYSTEM, EXTENSION, ODS_CODE, SNOMED
from fhir_mh.mapping.codecs import BOOLEAN, DATE, DATETIME, INTEGER
from fhir_mh.mapping.nodes import Derived, Item, Sub
from fhir_mh.profiles.defaults import Default
from fhir_mh.profiles.elements import (
    CONCEPT,
    Row,
    code,
    codings,
    concept,
    concepts,
    extension,
    first,
    first_ref,
    fixed,
    holds,
    items,
    local,
    notes,
    one,
    part,
    period,
    ref,
    refs,
    row,
    stated,
    tree,
    words,
    words_extension,
)
from fhir_mh.profiles.moments import exactly, not_exactly, roughly
from fhir_mh.profiles.reference import Joined, Subject
from fhir_mh.profiles.table import table

_PLAN_STATUS = "draft active on-hold revoked completed entered-in-error unknown"
_ACTIVITY_STATUS = "not-started scheduled in-progress on-hold completed cancelled stopped unknown entered-in-error"
_PERFORMERS = ("PractitionerRole", "RelatedPerson", "Organization", "CareTeam", "HealthcareService", "Patient")
_AUTHORS = ("PractitionerRole", "Patient", "Organization", "RelatedPerson")
_CRISIS_PLAN = {"coding": [{"system": SNOMED, "code": "736253002"}]}
_REVIEW = {"detail": {"code": {"coding": [{"system": SNOMED, "code": "425268008"}]}}}
_SUBJECT: Row = (("subject",), Subject())


def custodian() -> Row:
    """The organisation whose gateway mints the versions of this item."""
    return extension(
        "extension", "custodian", stated("valueIdentifier", {"system": ODS_CODE}, row("custodian", "value"))
    )  # fmt: skip


def _next_review(plan: Item) -> str | None:
    """The earliest review still to be held."""
    due = [r["planned"] for r in plan.get("reviews") or () if r.get("planned") and r.get("status") == "scheduled"]
    return min(due) if due else None


def _status() -> Row:
    return code("status", "detail.status", _ACTIVITY_STATUS)


def _crisis_item(kind: str) -> dict[str, Any]:
    return {"detail": {"code": {"coding": [local("crisis-plan-item", kind)]}}}


REVIEWS = items(
    "reviews",
    "activity",
    "review",
    row("planned", "detail.scheduledPeriod.start", DATETIME),
    first_ref("owner", "detail.performer", *_PERFORMERS),
    _status(),
    extension("extension", "review-held", row("held", "valueDateTime", DATETIME)),
    words_extension("changed", "review-changed"),
    template=_REVIEW,
)

ACTIVITIES = items(
    "activities",
    "activity",
    "activity",
    row("kind", "detail.kind"),
    concept("code", "detail.code"),
    words("description", "detail.description"),
    _status(),
    concept("status_reason", "detail.statusReason"),
    row("not_to_be_done", "detail.doNotPerform", BOOLEAN),
    period("planned", "detail.scheduledPeriod"),
    row("planned_text", "detail.scheduledString"),
    concepts("reasons", "detail.reasonCode"),
    refs("goals", "detail.goal", "Goal"),
    refs("performers", "detail.performer", *_PERFORMERS),
    ref("location", "detail.location", "Location"),
    refs("outcomes", "outcomeReference", "Observation"),
    concepts("outcome_codes", "outcomeCodeableConcept"),
    ref("request", "reference", "ServiceRequest"),
    notes("progress", "progress"),
)

_PLAN: list[Row] = [
    custodian(),
    extension("extension", "plan-version", row("version", "valuePositiveInt", INTEGER)),
    extension("extension", "next-review", (("valueDateTime",), Derived("next review date", _next_review))),
    code("status", "status", _PLAN_STATUS),
    row("title", "title"),
    *words("description", "description"),
    _SUBJECT,
    period("period", "period"),
    row("created", "created", DATETIME),
    ref("author", "author", *_AUTHORS),
    refs("contributors", "contributor", *_AUTHORS),
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
    _PLAN,
    code("intent", "intent", "proposal plan order option"),
    concepts("categories", "category"),
    items("needs", "addresses", "need", words("description", "display"), row("condition", "reference")),
    refs("care_teams", "careTeam", "CareTeam"),
    ref("encounter", "encounter", "Encounter"),
    REVIEWS,
    ACTIVITIES,
)


def _answered(sign: Item) -> bool:
    return sign.get("coping") is not None


WARNING_SIGNS: list[Row] = [
    items(
        "warning_signs",
        "activity",
        "coping",
        first("detail.reasonCode", "sign", tree(words("sign", "text"))),
        words("coping", "detail.description"),
        _status(),
        template=_crisis_item("coping"),
        where=_answered,
    ),
    items(
        "warning_signs",
        "extension",
        "unanswered-sign",
        part("sign", words("sign", "valueString")),
        part("status", code("status", "valueCode", _ACTIVITY_STATUS)),
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
    _PLAN,
    WARNING_SIGNS,
    items(
        "prevention",
        "activity",
        "prevention",
        words("description", "detail.description"),
        _status(),
        refs("performers", "detail.performer", *_PERFORMERS),
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
        _status(),
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
    refs("wishes", "supportingInfo", "Consent", typed="Consent"),
    refs("services", "supportingInfo", "HealthcareService", typed="HealthcareService"),
    first("careTeam", "contacts", Joined("CareTeam", "contacts")),
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
    _SUBJECT,
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

_AS_DESCRIBED = {"coding": [local("goal-measure", "as-described")]}


def _needs_measure(target: dict[str, Any]) -> bool:
    """R4's gol-1: a detail says what it is the detail of."""
    return any(key.startswith("detail") for key in target)


GOAL = table(
    "goal",
    "Goal",
    "goals",
    "care-plan",
    "home",
    code(
        "status",
        "lifecycleStatus",
        "proposed planned accepted active on-hold completed cancelled entered-in-error rejected",
    ),
    concept("achievement", "achievementStatus"),
    concepts("categories", "category"),
    concept("importance", "priority"),
    words("description", "description.text"),
    codings("codings", "description.coding"),
    _SUBJECT,
    row("start_date", "startDate", DATE),
    items(
        "targets",
        "target",
        "target",
        (("measure",), Default(Sub("measure", CONCEPT), _AS_DESCRIBED, when=_needs_measure, asked=_needs_measure)),
        row("detail", "detailString"),
        row("due_date", "dueDate", DATE),
    ),
    row("status_date", "statusDate", DATE),
    row("status_reason", "statusReason"),
    ref("expressed_by", "expressedBy", *_AUTHORS),
    refs("addresses", "addresses", "Condition"),
    notes("notes", "note"),
    concepts("outcome_codes", "outcomeCode"),
    refs("outcomes", "outcomeReference", "Observation"),
    words_extension("preferred_outcome", "preferred-outcome"),
)

AGREEMENT = table(
    "agreement",
    "Provenance",
    "agreements",
    "care-plan",
    "home",
    first_ref("plan", "target", "CarePlan"),
    (("recorded",), exactly("recorded_at")),
    (("_recorded",), not_exactly("recorded_at")),
    fixed("activity", {"coding": [local("provenance-activity", "agreement")]}),
    first("agent", "party", tree(ref("who", "who", *_AUTHORS))),
    extension(
        "extension",
        "agreement",
        part("party", code("party", "valueCode", "person carer family advocate clinician other")),
        part("decision", code("decision", "valueCode", "agreed partly declined unable")),
        part("plan-version", row("plan_version", "valuePositiveInt", INTEGER)),
        part("agreed-on", (("valueDateTime",), roughly("recorded_at"))),
        part("reason", words("reason", "valueString")),
    ),
    match=holds({"activity": {"coding": [local("provenance-activity", "agreement")]}}),
    identified=False,
)

COPY_GIVEN = table(
    "copy-given",
    "Communication",
    "copies",
    "care-plan",
    "home",
    one("category", "copy", {"coding": [local("communication-kind", "copy-of-plan")]}, always=True),
    code("status", "status", "preparation in-progress not-done completed entered-in-error unknown"),
    _SUBJECT,
    first_ref("plan", "about", "CarePlan"),
    refs("recipients", "recipient", "RelatedPerson", "Patient", "PractitionerRole", "Organization"),
    row("given", "sent", DATETIME),
    concept("reason", "statusReason"),
    match=holds({"category": [{"coding": [local("communication-kind", "copy-of-plan")]}]}),
)

_TASK_KINDS = "conflict identity review unclear-item incomplete-plan"
TASK = table(
    "task",
    "Task",
    "tasks",
    "tasks",
    "recorder",
    fixed("intent", "order"),
    code("status", "status", "requested accepted in-progress completed cancelled rejected"),
    one("code.coding", "kind", {"system": CODE_SYSTEM + "task-kind"}, code("kind", "code", _TASK_KINDS)),
    (("for",), Subject()),
    ref("about", "focus", "CarePlan", "Goal", "Encounter", "ServiceRequest", "Consent", "Patient"),
    extension("extension", "task-field", row("field", "valueString")),
    ref("owner", "owner", "PractitionerRole", "CareTeam", "Organization"),
    row("description", "description"),
    row("raised_at", "authoredOn", DATETIME),
    row("due", "restriction.period.end", DATETIME),
    items(
        "texts",
        "input",
        "text",
        row("label", "type.text"),
        words("words", "valueString"),
    ),
    match=holds({"code": {"coding": [{"system": CODE_SYSTEM + "task-kind"}]}}),
)

TABLES = (GOAL, CARE_PLAN, CRISIS_PLAN, CRISIS_CONTACTS, AGREEMENT, COPY_GIVEN, TASK)
