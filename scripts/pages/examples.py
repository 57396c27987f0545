"""Example resources, taken from the records in examples/ by the mapping, and the values that stand in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_mh.fhir.json import load_object
from fhir_mh.mapping.nodes import Node
from fhir_mh.mapping.slices import Slices
from fhir_mh.profiles.bundle import TABLES, write_entries
from fhir_mh.profiles.concerns import CONCERN, read_concern, task_of
from fhir_mh.profiles.table import Table
from fhir_mh.records.trees import record_of, tree_of
from scripts.pages.definitions import ROOT
from scripts.pages.rows import rows_of

Json = Any
PUBLISHED: tuple[Table, ...] = (*TABLES, CONCERN)
"""The tables of every profile: those that records are made of, and that of the safety concern, which none holds."""


@dataclass(frozen=True)
class Example:
    """A resource that says one item of a record, and the item. file: the record's, below the project."""

    table: Table
    resource: dict[str, Any]
    item: dict[str, Any]
    file: str


def record_files() -> list[Path]:
    """Every record in examples/."""
    examples = ROOT / "examples"
    return sorted((examples / "records").glob("*.json")) + sorted((examples / "people").rglob("*.json"))


def by_table() -> dict[str, list[Example]]:
    """Every resource that the examples give, under its table's name; the one that says most comes first."""
    found: dict[str, list[Example]] = {table.name: [] for table in PUBLISHED}
    for file in sorted((ROOT / "examples" / "concerns").glob("*.json")):
        item = load_object(file.read_bytes())
        found[CONCERN.name].append(
            Example(CONCERN, task_of(read_concern(item)), item, file.relative_to(ROOT).as_posix())
        )
    for file in record_files():
        tree = tree_of(record_of(load_object(file.read_bytes())))
        name = file.relative_to(ROOT).as_posix()
        for written in write_entries(tree, relative=True):
            found[written.table.name].append(
                Example(written.table, written.resource, _item(tree, written.table, written.item_id), name)
            )
    for examples in found.values():
        examples.sort(key=lambda example: -said(example))
    return found


def _item(tree: dict[str, Any], table: Table, item_id: str) -> dict[str, Any]:
    """The item as the record says it; of one that several tables share, what this table is there for."""
    items = [tree["person"]] if table.field == "person" else tree[table.field]
    item: dict[str, Any] = next(item for item in items if item["id"] == item_id)
    return item if table.primary else {name: item[name] for name in ("id", *table.needs) if name in item}


def said(example: Example) -> int:
    """How many places of its table an example fills."""
    paths = [path for row in rows_of(example.table) for path in row.paths]
    return sum(next(values_at(example.table.group, example.resource, path), None) is not None for path in paths)


def values_at(node: Node | None, json: Json, path: str) -> Iterator[Json]:
    """The values at a place, as the table itself tells the entries of a list apart."""
    if not path:
        yield json
        return
    step, _, rest = path.partition(".")
    name, _, entry = step.partition("[")
    entry = entry.removesuffix("]")
    inner = _child(node, name)
    value = json.get(name) if isinstance(json, dict) else None
    if value is None:
        return
    if not isinstance(value, list):
        yield from values_at(inner, value, rest)
    elif not isinstance(inner, Slices):
        for part in value:
            yield from values_at(None, part, rest)
    else:
        for part in value:
            taken = next((s for s in inner.slices if s.match is None or s.match(part)), None)
            if taken is not None and (not entry or taken.name == entry):
                yield from values_at(taken.node, part, rest)


def _child(node: Node | None, name: str) -> Node | None:
    """The node of a part of an object, through what only stands around it."""
    while node is not None and not hasattr(node, "children"):
        node = getattr(node, "node", None) or getattr(node, "root", None)
    return None if node is None else _bare(node.children.get(name))  # type: ignore[attr-defined]


def _bare(node: Node | None) -> Node | None:
    while node is not None and not isinstance(node, Slices) and getattr(node, "node", None) is not None:
        node = node.node  # type: ignore[attr-defined]
    return node
