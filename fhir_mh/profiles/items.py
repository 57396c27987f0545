"""Lists of items: entries with an id, and what providers' own formats said of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.fhir.urls import EXTENSION
from fhir_mh.mapping.codecs import ID
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import Group, Item, Missing, Node, Value
from fhir_mh.mapping.slices import Many, Slice
from fhir_mh.mapping.templates import Template
from fhir_mh.profiles.rows import Row, at, constant, holds, tree, with_constants


def items(field: str, path: str, name: str, *rows: Row | list[Row], template: dict[str, Any] | None = None,
          where: Callable[[Item], bool] | None = None) -> Row:  # fmt: skip
    """A list of items, each with Element.id as its id; template tells them from other entries of the list."""
    fixed_rows = [((key,), constant(part)) for key, part in (template or {}).items()]
    body = with_constants(tree((("id",), _ElementId("id", ID)), *rows, carried(lambda: (name,))), fixed_rows)
    return at(path, _Items(name, holds(template) if template else None, field, body, where))


class _ElementId(Value):
    """The item's id; where two entries came with one id, the second keeps the one it came with."""

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        return super().write(item, None, ctx) if residue is None else residue


class _ByFormat(Slice):
    """What an item holds for each format of a provider, as an extension for each: its numbers, its other content."""

    def __init__(self, name: str, field: str, mapped: Callable[[], Collection[str]] | None = None) -> None:
        self.url = EXTENSION + name
        super().__init__(name, Template({"url": self.url}), Group({}))
        self.field, self.mapped, self.needs = field, mapped, field

    def read(self, json: Any, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Any] | None:
        parts = json.get("extension")
        if set(json) != {"url", "extension"} or not isinstance(parts, list):
            return None
        if [type(part) for part in parts] != [dict, dict]:
            return None
        kept, content = into.get(self.field) or {}, parts[1].get("valueString")
        if (
            parts[0].keys() != {"url", "valueString"} or parts[1].keys() != {"url", "valueString"}
            or (parts[0]["url"], parts[1]["url"]) != ("format", "content") or parts[0]["valueString"] in kept
            or type(content) is not str
        ):  # fmt: skip
            return None
        if self.mapped is not None:
            try:
                content = loads(content)
            except InvalidResource:
                return None
        into.setdefault(self.field, {})[parts[0]["valueString"]] = content
        return self.name, None

    def entries(self, item: Item, residue: Any, ctx: Context) -> Iterable[Any]:
        kept = item.get(self.field)
        if not kept:
            return
        mapped = () if self.mapped is None else self.mapped()
        for name, value in kept.items():
            if name not in mapped:
                content = value if self.mapped is None else dumps(value).decode()
                parts = [{"url": "format", "valueString": name}, {"url": "content", "valueString": content}]
                yield {"url": self.url, "extension": parts}

    def rows(self, path: str, field: str) -> Iterator[tuple[str, str]]:
        yield f"{field}{self.field}", path


def carried(mapped: Callable[[], Collection[str]]) -> list[Row]:
    """What providers' own formats say of an item and no element does. mapped: the residues that stand elsewhere."""
    return [
        at("extension", _ByFormat("item-number", "numbers")),
        at("extension", _ByFormat("kept-content", "unknown", mapped)),
    ]


class _Items(Many):
    """Items of which, on writing, only those that `where` holds for belong to this slice."""

    def __init__(self, name: str, match: Template | None, field: str, node: Node,
                 where: Callable[[Item], bool] | None) -> None:  # fmt: skip
        super().__init__(name, match, field, node, item=True)
        self.where = where

    def entries(self, item: Item, residue: Any, ctx: Context) -> Iterable[Any]:
        if self.where is None:
            return super().entries(item, residue, ctx)
        chosen = [part for part in item.get(self.field) or () if self.where(part)]
        return super().entries({self.field: chosen}, residue, ctx)
