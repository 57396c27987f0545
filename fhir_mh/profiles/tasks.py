"""What is left for somebody to do."""

from __future__ import annotations

from fhir_mh.fhir.urls import CODE_SYSTEM
from fhir_mh.mapping.codecs import DATETIME
from fhir_mh.profiles.elements import (
    code,
    extension,
    fixed,
    holds,
    items,
    one,
    ref,
    row,
    words,
)
from fhir_mh.profiles.reference import Subject
from fhir_mh.profiles.table import table

_TASK_KINDS = (
    "conflict identity unclear-item incomplete-plan review agreement treatment-review visit follow-up discharge-date "
    "placement"
)
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
    ref("about", "focus", "CarePlan", "Goal", "Encounter", "ServiceRequest", "Consent", "Patient", "Task"),
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

TABLES = (TASK,)
