"""A record as its JSON tree: the form that mapping, merging and the wire work on."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from fhir_mh.errors import InvalidResource
from fhir_mh.issues import Issue, issue
from fhir_mh.records.choices import mistyped
from fhir_mh.records.record import CareRecord

_EMPTY: tuple[Any, ...] = (None, [], {})


def tree_of(record: CareRecord) -> dict[str, Any]:
    """The record as plain dicts and lists, without empty fields."""
    tree: dict[str, Any] = _full(record.model_dump(exclude_none=True))
    return tree


def _full(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: inner if key == "unknown" else _full(inner) for key, inner in value.items() if inner not in _EMPTY}
    return [_full(inner) for inner in value] if isinstance(value, list) else value


def record_of(tree: Any) -> CareRecord:
    """The record that a JSON tree says.

    Raises InvalidResource with an Issue for each field that does not fit, at its path in the record.
    """
    try:
        record = CareRecord.model_validate(tree)
    except ValidationError as fault:
        raise InvalidResource(issues=[_issue(error) for error in fault.errors(include_url=False)]) from None
    wrong = list(mistyped(tree_of(record))) if record.choice_documents else []
    if wrong:
        raise InvalidResource(issues=[issue("map-mistyped-statement", path) for path in wrong])
    return record


def _issue(error: Any) -> Issue:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
    return issue("map-invalid-record", path.lstrip(".") or "$", problem=error["msg"].rstrip("."))
