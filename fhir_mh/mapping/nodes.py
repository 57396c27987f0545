"""The two-way engine: nodes that read another format's JSON into a record and write it back.

A table is a tree of nodes shaped like the other format. Reading consumes what a node knows and hands back the
rest, the residue, in the shape in which it came; writing lays the record's values out and puts the residue
where it was. A residue is kept beside the item it belongs to and moves and goes with it:

    object  {key: residue, ...}; "~absent" lists what the table would always write and the source did not have
    list    {"~": [slot, ...], key: residue of the entry with that key}; a slot is the name of the slice whose
            next entry stands there, or the whole of an entry that no slice knows

Nothing is ever matched by its position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fhir_mh.mapping.codecs import Codec, Unfit
from fhir_mh.mapping.context import Context

Json = Any
Residue = Any
Item = dict[str, Any]


class Missing:
    """The absence of a value; None is a value in some formats."""

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


class Node:
    """One place of the other format. `always`: written even where the record says nothing of it."""

    always = False

    def read(self, json: Json, into: Item, ctx: Context) -> Residue:
        """Put what this node knows of json into the item; give back what it does not know, or None."""
        raise NotImplementedError

    def write(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        """The JSON for this place, residue included; MISSING where there is nothing to say."""
        raise NotImplementedError

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        """The table as (record field, element path) pairs; a field of "" is a fixed value."""
        return iter(())

    def expected(self, beside: dict[str, Any]) -> bool:
        """Whether an object that lacks this place, `beside`, lacks what would always be written."""
        return self.always

    def unprompted(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        """As write, for an object that came without this place: only what the record has come to say since."""
        return MISSING if self.always else self.write(item, residue, ctx)


class Value(Node):
    """A record field and a single value of the other format."""

    def __init__(self, field: str, codec: Codec) -> None:
        self.field, self.codec = field, codec

    def read(self, json: Json, into: Item, ctx: Context) -> Residue:
        try:
            into[self.field] = self.codec.read(json)
        except Unfit as fault:
            ctx.fault(fault)
        return None

    def write(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        value = item.get(self.field)
        if value is None:
            return MISSING if residue is None else residue
        return self.codec.write(value)

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield field + self.field, path


class Values(Node):
    """A record field that is a list of plain values, and a list of plain values of the other format."""

    def __init__(self, field: str, codec: Codec) -> None:
        self.field, self.codec = field, codec

    def read(self, json: Json, into: Item, ctx: Context) -> Residue:
        if not isinstance(json, list):
            ctx.fault(Unfit("list"))
            return None
        if None in json:
            return json  # a value given by an extension alone: kept whole
        found = []
        for index, entry in enumerate(json):
            try:
                found.append(self.codec.read(entry))
            except Unfit as fault:
                ctx.fault(fault, f"[{index}]")
        into[self.field] = found
        return None

    def write(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        values = item.get(self.field)
        if not values:
            return MISSING if residue is None else residue
        return [self.codec.write(value) for value in values]

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield field + self.field + "[]", path


class Fixed(Node):
    """A value that the table itself says."""

    always = True

    def __init__(self, value: Json) -> None:
        self.value = value

    def read(self, json: Json, into: Item, ctx: Context) -> Residue:
        return None if json == self.value else json

    def write(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        return self.value if residue is None else residue

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield "", path


class Derived(Node):
    """A value worked out from the record, for readers of the other format; reading it back changes nothing.

    One that disagrees with what it derives from gives a warning.
    """

    always = True

    def __init__(self, name: str, derive: Callable[[Item], Json | None]) -> None:
        self.name, self.derive = name, derive

    def read(self, json: Json, into: Item, ctx: Context) -> Residue:
        ctx.afterwards(into, self, json)
        return None

    def write(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        value = self.derive(item)
        return MISSING if value is None else value

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield f"({self.name})", path


class Group(Node):
    """An object of the other format whose parts belong to the same item."""

    def __init__(self, children: Mapping[str, Node], always: bool | None = None) -> None:
        self.children = dict(children)
        self.always = any(child.always for child in self.children.values()) if always is None else always
        self._always = tuple(key for key, child in self.children.items() if child.always)

    def read(self, json: Json, into: Item, ctx: Context) -> Residue:
        if not isinstance(json, dict):
            ctx.fault(Unfit("object"))
            return None
        rest: dict[str, Any] = {}
        children, faults = self.children, ctx.faults
        for key, value in json.items():
            node = children.get(key)
            if node is None:
                rest[key] = value
                continue
            before = len(faults)
            left = node.read(value, into, ctx)
            if left is not None:
                rest[key] = left
            if len(faults) > before:
                ctx.prefix(before, key)
        absent = [key for key in self._always if key not in json and self.children[key].expected(json)]
        if absent:
            rest["~absent"] = absent
        return rest or None

    def write(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        out: dict[str, Any] = {}
        if not residue:
            for key, node in self.children.items():
                value = node.write(item, None, ctx)
                if value is not MISSING:
                    out[key] = value
            return out or MISSING
        if not isinstance(residue, dict):
            return residue
        absent = residue.get("~absent", ())
        for key, node in self.children.items():
            if key in absent and key not in residue:
                value = node.unprompted(item, None, ctx)
            else:
                value = node.write(item, residue.get(key), ctx)
            if value is not MISSING:
                out[key] = value
        for key, value in residue.items():
            if key not in self.children and key != "~absent":
                out[key] = value
        return out or MISSING

    def unprompted(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        said = {key: node.unprompted(item, None, ctx) for key, node in self.children.items()}
        return {key: value for key, value in said.items() if value is not MISSING} or MISSING

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        for key, node in self.children.items():
            yield from node.rows(f"{path}.{key}" if path else key, field)


class Sub(Node):
    """A part of the item that is an object of its own in the record (a text with its source, a period)."""

    def __init__(self, field: str, node: Node, prepare: Callable[[Item], Item] | None = None) -> None:
        self.field, self.node, self.prepare = field, node, prepare
        self.always = node.always

    def read(self, json: Json, into: Item, ctx: Context) -> Residue:
        part = into.get(self.field) or {}
        left = self.node.read(json, part, ctx)
        if part:
            into[self.field] = part
        return left

    def write(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        part = item.get(self.field)
        if part is None:
            return MISSING if residue is None else self.node.write({}, residue, ctx)
        return self.node.write(part, residue, ctx)

    def unprompted(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        part = item.get(self.field)
        return MISSING if part is None else self.node.unprompted(part, residue, ctx)

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        return self.node.rows(path, f"{field}{self.field}.")
