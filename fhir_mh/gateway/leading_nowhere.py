"""What a record that is sent names by an id that leads nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from fhir_mh.issues import Issue, issue
from fhir_mh.records import CareRecord
from fhir_mh.records.base import Ref
from fhir_mh.records.misfits import model_of
from fhir_mh.records.trees import place_of
from fhir_mh.records.wishes import Directive

Tree = Mapping[str, Any]
_OVER = frozenset({"inactive", "entered-in-error", "revoked", "completed", "finished", "cancelled"})


def unknown_entries(held: Tree, sent: Tree) -> list[Issue]:
    """A refusal for each entry of an id that is not held, or over by none, which says nothing that a new one would.

    It would be made beside the one that was meant, which would go on to count.
    """
    found = []
    for field, model in _fields_of(CareRecord).items():
        entries = sent.get(field)
        if not isinstance(entries, list):
            continue
        known = {item["id"] for item in held.get(field) or ()}
        for number, item in enumerate(entries):
            name = item.get("id")
            meant = name or item.get("status") in _OVER
            if meant and name not in known and _says_nothing(field, model, item):
                place = place_of((field, number, "id"))
                found.append(issue("map-unknown-reference", place, expected=f"id of an entry of {field} that is held"))
    return found


def _says_nothing(field: str, model: type[BaseModel], item: Tree) -> bool:
    """Whether it is said that something is over, and not what; or of a directive nothing of what was decided.

    A date says that something was decided, but not what may be shared.
    """
    is_over, says = item.get("status") in _OVER, model.model_fields.keys() - {"id", "status"}
    if issubclass(model, Directive):
        says = says - Directive.model_fields.keys() | {"original"}
        says = says if is_over or field == "sharing" else says | {"made_at"}
    elif not is_over:
        return False
    return all(item.get(name) in (None, [], {}) for name in says)


def unknown_references(before: Tree, after: Tree) -> list[Issue]:
    """A warning for each reference that a change of a record has made, by the id of what is not in the record."""
    lost = _lost(after)
    known = _lost(before) if lost else set()
    return [
        issue("map-unknown-reference", path, "warning", expected="id of an item of this record")
        for path, _ in sorted(lost - known)
    ]


def _lost(tree: Tree) -> set[tuple[str, str]]:
    """The references by an id that no item of a record has: where each is, and the id."""
    ids, refs = set[str](), set[tuple[str, str]]()
    for model, path, name in _named(CareRecord, tree, ""):
        if model is Ref:
            refs.add((f"{path}.id", name))
        else:
            ids.add(name)
    return {(path, name) for path, name in refs if name not in ids}


def _named(model: type[BaseModel], value: Any, path: str) -> Iterator[tuple[type[BaseModel], str, str]]:
    """Everything in a tree that has an id, or refers by one: what it is, where, and the id."""
    if isinstance(value, list):
        for number, inner in enumerate(value):
            listed = model is not Ref and isinstance(inner, dict) and inner.get("id")
            yield from _named(model, inner, f"{path}[{listed or number}]")
    elif isinstance(value, dict):
        if isinstance(value.get("id"), str):
            yield model, path, value["id"]
        for name, inner_model in _fields_of(model).items():
            if name in value:
                yield from _named(inner_model, value[name], f"{path}.{name}" if path else name)


@cache
def _fields_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The fields of a model that hold another, each with that one."""
    found = {name: model_of(info.annotation) for name, info in model.model_fields.items()}
    return {name: inner for name, inner in found.items() if inner is not None}
