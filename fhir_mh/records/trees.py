"""A record as its JSON tree: the form that mapping, merging and the wire work on."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from fhir_mh.errors import InvalidResource
from fhir_mh.issues import Issue, issue
from fhir_mh.records.choices import mistyped
from fhir_mh.records.record import CareRecord

RECORD_SCHEMA = "the record's JSON Schema"
"""Where it stands what a record holds."""


def tree_of(part: BaseModel) -> dict[str, Any]:
    """A record, or a part of one, as plain dicts and lists, without empty fields."""
    out: dict[str, Any] = {}
    for name, value in part.__dict__.items():
        kind = type(value)
        if kind is str or kind is bool or kind is int:
            out[name] = value
        elif kind is list:
            if value:
                out[name] = [tree_of(inner) if isinstance(inner, BaseModel) else inner for inner in value]
        elif kind is dict:
            if value:
                out[name] = copy.deepcopy(value)
        elif value is not None:
            inside = tree_of(value)
            if inside:
                out[name] = inside
    return out


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
    return issue(
        "map-invalid-record", place_of(error["loc"]), problem=error["msg"].rstrip("."), described=RECORD_SCHEMA
    )


def place_of(location: Sequence[int | str]) -> str:
    """Where Pydantic found something, as a path in the tree: `goals[0].status`, and `$` for the whole."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".") or "$"
