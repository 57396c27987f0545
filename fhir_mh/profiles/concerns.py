"""The safety concern: a Task in nobody's compartment. Its table is not among those that records are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps
from fhir_mh.fhir.urls import ODS_CODE, PROFILE
from fhir_mh.issues import issue
from fhir_mh.mapping.codecs import DATETIME
from fhir_mh.mapping.nodes import Item, Sub
from fhir_mh.profiles.addresses import Addresses
from fhir_mh.profiles.elements import (
    TELECOM,
    Row,
    code,
    extension,
    fixed,
    holds,
    items,
    local,
    one,
    part,
    row,
    stated,
    words,
)
from fhir_mh.profiles.table import table
from fhir_mh.records.concerns import SafetyConcern
from fhir_mh.records.misfits import misfits

_KIND = local("concern-kind", "safety-concern")
_PROFILE = PROFILE + "mh-safety-concern"
_MARKS = (_KIND["system"].encode(), _PROFILE.encode())
_DESCRIBED = "docs/safety-concerns.md"
_REPLY = {"type": {"coding": [local("concern-kind", "reply")]}}


def _organisation(element: str, field: str) -> list[Row]:
    """An organisation by its ODS code alone: a reference would lead to a resource, and from there to people."""
    return [stated(f"{element}.identifier", {"system": ODS_CODE}, row(field, "value"))]


CONCERN = table(
    "safety-concern",
    "Task",
    "concerns",
    "tasks",
    "recorder",
    fixed("intent", "order"),
    one("code.coding", "concern", _KIND, always=True),
    code("status", "status", "requested accepted in-progress completed rejected entered-in-error"),
    _organisation("focus", "about"),
    extension("extension", "concern-place", row("place", "valueString")),
    *words("words", "description"),
    extension(
        "extension",
        "raised-by",
        part("capacity", code("raised_as", "valueCode", "person carer family advocate other")),
        part("name", row("raised_by", "valueString")),
        part("contact", (("valueContactPoint",), Sub("contact", TELECOM))),
    ),
    row("raised_at", "authoredOn", DATETIME),
    _organisation("owner", "owner"),
    row("due", "restriction.period.end", DATETIME),
    items(
        "replies",
        "output",
        "reply",
        words("words", "valueString"),
        extension("extension", "reply-at", row("at", "valueDateTime", DATETIME)),
        extension("extension", "reply-by", row("by", "valueString")),
        template=_REPLY,
    ),
    match=holds({"code": {"coding": [_KIND]}}),
)


def concern_of(task: Mapping[str, Any]) -> SafetyConcern:
    """The concern that a Task says; what no field holds is kept in `unknown`.

    Raises InvalidResource with an Issue for each value that does not fit, at its place in the Task.
    """
    ctx, item = Addresses(), dict[str, Any]()
    rest = CONCERN.group.read({key: value for key, value in task.items() if key != "id"}, item, ctx) or {}
    ctx.prefix(0, "Task")
    if ctx.faults:
        raise InvalidResource(issues=ctx.issues())
    if "id" in task:
        item.setdefault("id", task["id"])
        if task["id"] != item["id"]:
            rest["id"] = task["id"]
    if rest:
        item.setdefault("unknown", {})[CONCERN.name] = rest
    return read_concern(item)


def read_concern(item: Any) -> SafetyConcern:
    """The concern that its plain JSON says. Raises InvalidResource with an Issue for each field that does not fit."""
    kept = item.get("unknown") if isinstance(item, dict) else None
    if isinstance(kept, dict) and not _is_kept(kept.get(CONCERN.name, {})):
        problem = "An object is expected here, with what else stands in the Task"
        raise InvalidResource(
            issues=[issue("map-invalid-record", f"unknown.{CONCERN.name}", problem=problem, described=_DESCRIBED)]
        )
    try:
        return SafetyConcern.model_validate(item)
    except ValidationError as fault:
        raise InvalidResource(issues=misfits(fault, SafetyConcern, _DESCRIBED)) from None


def _is_kept(rest: Any) -> bool:
    return isinstance(rest, dict) and isinstance(rest.get("meta", {}), dict)


def task_of(concern: SafetyConcern) -> Item:
    """The Task that says a concern, with everything that came with it."""
    item = concern.model_dump(exclude_none=True)
    rest = dict(item["unknown"].get(CONCERN.name) or {})
    name = rest.pop("id", item["id"])
    body: Any = CONCERN.group.write(item, rest or None, Addresses())
    return {"resourceType": "Task", "id": name, **body}


def holds_concern(value: Any) -> bool:
    """Whether there is a safety concern anywhere in a value: contained, in an entry, under whatever key.

    Whatever calls itself one is one, by its code or by its profile.
    """
    text = dumps(value)
    if _MARKS[0] not in text and _MARKS[1] not in text:  # a quick look at all that is no Task of ours
        return False
    layer = [value]
    while layer:
        held = layer.pop()
        if isinstance(held, dict):
            if held.get("resourceType") == "Task" and _calls_itself_one(held):
                return True
            layer.extend(held.values())
        elif isinstance(held, list):
            layer.extend(held)
    return False


def _calls_itself_one(task: Mapping[str, Any]) -> bool:
    meta = task.get("meta")
    profiles = meta.get("profile") if isinstance(meta, Mapping) else None
    claimed = isinstance(profiles, list) and _PROFILE in [str(url).partition("|")[0] for url in profiles]
    kind = task.get("code")
    codings = kind.get("coding") if isinstance(kind, Mapping) else None
    listed = codings if isinstance(codings, list) else ()
    return claimed or any(isinstance(one, Mapping) and one.get("system") == _KIND["system"] for one in listed)
