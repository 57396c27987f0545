"""The goal, on R4's own Goal, for UK Core has none."""

from __future__ import annotations

from typing import Any

from fhir_mh.mapping.codecs import DATE
from fhir_mh.mapping.nodes import Sub
from fhir_mh.profiles.defaults import Default
from fhir_mh.profiles.elements import (
    CONCEPT,
    code,
    codings,
    concept,
    concepts,
    extension,
    items,
    local,
    notes,
    ref,
    refs,
    row,
    words,
    words_extension,
)
from fhir_mh.profiles.plans import AUTHORS, SUBJECT
from fhir_mh.profiles.table import table

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
    SUBJECT,
    row("start_date", "startDate", DATE),
    items(
        "targets",
        "target",
        "target",
        (("measure",), Default(Sub("measure", CONCEPT), _AS_DESCRIBED, when=_needs_measure, asked=_needs_measure)),
        row("detail", "detailString"),
        row("due_date", "dueDate", DATE),
        extension("extension", "target-achievement", concept("achievement", "valueCodeableConcept")),
        extension("extension", "target-achieved-on", row("achieved_on", "valueDate", DATE)),
    ),
    row("status_date", "statusDate", DATE),
    row("status_reason", "statusReason"),
    ref("expressed_by", "expressedBy", *AUTHORS),
    refs("addresses", "addresses", "Condition"),
    notes("notes", "note"),
    concepts("outcome_codes", "outcomeCode"),
    refs("outcomes", "outcomeReference", "Observation"),
    words_extension("preferred_outcome", "preferred-outcome"),
)

TABLES = (GOAL,)
