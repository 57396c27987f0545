"""The plain JSON of placements: what each is now, what it was and why, and what may be recorded of it next."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from fhir_mh.clock import instant
from fhir_mh.gateway.currency import not_kept
from fhir_mh.gateway.gateway import HeldRecord
from fhir_mh.gateway.placing import Recorded
from fhir_mh.placements import Course, courses, in_order, possible
from fhir_mh.profiles.placements import PLACEMENT

_PARTS = {"placements": "placement", "stays": "stay"}
_PAST = ("estimated_discharge", "length_of_stay")


def listed(record: HeldRecord, own: str) -> dict[str, Any]:
    """The placements of a record, as far as the caller may see it. own: the ODS code of whose gateway shows it."""

    def keeper(field: str, item: Mapping[str, Any]) -> str | None:
        return record.custodians.get((field, item["id"]))

    ended = _ended(record, own)
    return {
        "id": record.id,
        "version": record.version,
        "placements": [_placement(record, ended, course) for course in courses(record.tree, keeper)],
    }


def _placement(record: HeldRecord, ended: Mapping[str | None, Any], course: Course) -> dict[str, Any]:
    parts = (("placements", course.placement), ("stays", course.stay))
    keepers = {field: record.custodians.get((field, part["id"])) for field, part in parts if part is not None}
    return {
        "id": course.id,
        "state": course.state,
        "provider": course.provider or None,
        "kept_by": {"placement": keepers.get("placements"), "stay": keepers.get("stays")},
        "not_kept_up_to_date": {_PARTS[field]: ended[one] for field, one in keepers.items() if one in ended},
        "possible": list(possible(course)),
        "placement": course.placement,
        "stay": course.stay,
        "discharge_moved": _moves(course.stay or {}),
        "history": _history(course),
    }


def _ended(record: HeldRecord, own: str) -> dict[str | None, Any]:
    """By who keeps it, since when and why a copy of what others keep may have changed there."""
    each = [(one.custodian, not_kept(PLACEMENT.section, one)) for one in record.copies if one.partner == own]
    return {keeper: {"since": instant(told[0]), "reason": told[1]} for keeper, told in each if told is not None}


def _moves(stay: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each time that the estimated date of discharge became another one: from which, to which, why, by whom, when."""
    entries = in_order(stay.get("estimated_discharge") or [])
    return [{"from": past["value"], "to": entry["value"], **_why(entry)} for past, entry in pairwise(entries)]


def _history(course: Course) -> list[dict[str, Any]]:
    """Every agreed term as it stood from one moment on, in the order of these moments."""
    found = []
    for part in (course.placement or {}, course.stay or {}):
        entries = [(entry["term"], entry) for entry in part.get("history") or ()]
        entries += [(name.replace("_", "-"), entry) for name in _PAST for entry in part.get(name) or ()]
        found += [{"term": term, "value": entry["value"], **_why(entry)} for term, entry in entries]
    return sorted(found, key=lambda entry: str(entry["at"]))


def _why(entry: Mapping[str, Any]) -> dict[str, Any]:
    reason = entry.get("reason") or {}
    return {"reason": reason.get("text"), "by": entry.get("recorded_by"), "at": entry.get("recorded_at")}


def recorded(result: Recorded) -> dict[str, Any]:
    """What became of a step."""
    return {
        "id": result.record,
        "version": result.version,
        "placement": result.placement,
        "repeated": result.repeated,
        "proposed": result.proposed,
        "tasks": result.tasks,
        "warnings": [found.as_dict() for found in result.warnings],
    }
