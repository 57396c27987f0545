"""Rows of a record by their paths, as a merge names them: `crisis_plans[ID].warning_signs[ID].coping`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from fhir_mh.fhir.parts import copied
from fhir_mh.mapping.shape import Shape, record_shape

Tree = dict[str, Any]
_STEP = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
UNKNOWN = "?"
"""Stands in brackets for an entry that cannot be told."""


def steps(path: str) -> list[tuple[str, bool]]:
    """The names of fields, and the ids of items (True), that lead to a row."""
    return [(found[1] if (item := found[1] is not None) else found[2], item) for found in _STEP.finditer(path)]


def value_at(tree: Any, path: str) -> Any:
    """What stands at a path; None where nothing does."""
    value = tree
    for name, is_item in steps(path):
        if is_item:
            listed = value if isinstance(value, list) else ()
            value = next((item for item in listed if isinstance(item, dict) and item.get("id") == name), None)
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value


def record_saying(path: str, value: Any) -> Tree:
    """A record that says one row and nothing else. value: of an item, its fields; None clears a field."""
    said = value
    for name, is_item in reversed(steps(path)):
        said = [{**said, "id": name}] if is_item else {name: said}
    tree: Tree = said
    return tree


def holder_of(path: str) -> str | None:
    """The path of the innermost item that a row is part of; None for one that is in no item."""
    head = path.removesuffix("]")
    place = head.rfind("]")
    return head[: place + 1] if place >= 0 else None


def list_of(path: str) -> str:
    """The path of the list that an entry stands in."""
    return path[: path.rindex("[")]


def item_at_head(path: str) -> tuple[str, str | None]:
    """(the record's list, the item's id) at the head of a path: no id for a row of the person, no list for no row."""
    first, *rest = steps(path) or [("", False)]
    return first[0], rest[0][0] if rest and rest[0][1] else None


def of_item(path: str, item: str) -> str:
    """The same row of the item of this id in the record's list, in place of the one at the head of the path."""
    _, at_head = item_at_head(path)
    return path if at_head is None else path.replace(f"[{at_head}]", f"[{item}]", 1)


def is_of_item(path: str, field: str, item: str) -> bool:
    """Whether a row is of this item of the record's list, or of the whole list."""
    named, at_head = item_at_head(path)
    return named == field and at_head in (None, item)


def is_within(path: str, whole: str) -> bool:
    """Whether a row is this one, or a part of it. An entry that cannot be told may be any of its list."""
    if whole.endswith(f"[{UNKNOWN}]"):
        whole = list_of(whole)
    return path == whole or path.startswith((f"{whole}.", f"{whole}["))


# --- rows that somebody emptied


def cleared(before: Tree, after: Tree) -> list[str]:
    """The rows that stand in before and not in after, of items that stand in both: nothing else can be cleared."""
    return list(_cleared(record_shape(), before, after, ""))


def _cleared(shape: Shape, before: Tree, after: Tree, path: str) -> Iterator[str]:
    for name, old in before.items():
        inner = shape.fields.get(name)
        if inner is None or name == "id":
            continue
        new, where = after.get(name), f"{path}.{name}" if path else name
        if inner.kind == "items":
            now = {item["id"]: item for item in new or () if "id" in item}
            for item in old or ():
                if item.get("id") in now:
                    yield from _cleared(inner, item, now[item["id"]], f"{where}[{item['id']}]")
        elif inner.kind == "by-format":
            yield from (f"{where}.{format_}" for format_ in old if format_ not in (new or {}))
        elif new is None:
            yield where
        elif inner.kind == "part" and isinstance(old, dict) and isinstance(new, dict):
            yield from _cleared(inner, old, new, where)


def with_cleared(tree: Tree, paths: Iterable[str]) -> Tree:
    """The tree with an explicit None in each of these rows; the person or an item as a whole is none."""
    out: dict[str, Any] = copied(tree)
    for path in paths:
        whole, _, name = path.rpartition(".")
        holder = value_at(out, whole) if whole else None
        if isinstance(holder, dict) and name and name != "id":
            holder[name] = None
    return out
