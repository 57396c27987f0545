"""The rows of a mapping table, and the tree of nodes that they make.

A row is (path, node): where it stands in the resource, and what it does. Rows with one path are joined: their
slices make one list, their parts one object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from fhir_mh.fhir.urls import CODE_SYSTEM, EXTENSION
from fhir_mh.mapping.codecs import TEXT, Codec, OneOf
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import MISSING, Fixed, Group, Item, Missing, Node, Value, Values
from fhir_mh.mapping.slices import One, Slice, Slices
from fhir_mh.mapping.templates import Template

Row: TypeAlias = tuple[tuple[str, ...], Node | Slice]
Rows: TypeAlias = Iterable["Row | list[Row]"]


def tree(*rows: Row | list[Row]) -> Group:
    """The object that the rows make together."""
    below: dict[str, list[Row]] = {}
    for row in _flat(rows):
        below.setdefault(row[0][0], []).append((row[0][1:], row[1]))
    return Group({key: _joined(key, parts) for key, parts in below.items()})


def _flat(rows: Rows) -> Iterator[Row]:
    for row in rows:
        if isinstance(row, list):
            yield from row
        else:
            yield row


def _joined(key: str, parts: list[Row]) -> Node:
    slices = [leaf for path, leaf in parts if not path and isinstance(leaf, Slice)]
    nodes = [leaf for path, leaf in parts if not path and isinstance(leaf, Node)]
    deeper = [part for part in parts if part[0]]
    if bool(slices) + bool(nodes) + bool(deeper) > 1 or len(nodes) > 1:
        raise ValueError(f"rows at '{key}' contradict each other")
    if slices:
        return Slices(slices)
    return nodes[0] if nodes else tree(*deeper)


def at(path: str, leaf: Node | Slice) -> Row:
    """A row from a path written with dots."""
    return tuple(path.split(".")), leaf


# --- single values


def row(field: str, path: str, codec: Codec = TEXT) -> Row:
    """A field and a primitive element."""
    return at(path, Value(field, codec))


def values(field: str, path: str, codec: Codec = TEXT) -> Row:
    """A list of plain values and a repeating primitive element."""
    return at(path, Values(field, codec))


def code(field: str, path: str, codes: str) -> Row:
    """A field and a code of a closed list, the same on both sides."""
    return at(path, Value(field, OneOf(codes.split())))


def fixed(path: str, value: Any) -> Row:
    """What the table itself says; objects and lists are matched by the parts they name."""
    return at(path, constant(value))


def constant(value: Any) -> Node:
    """The node of what a table itself says, part by part."""
    if isinstance(value, dict):
        return Group({key: constant(part) for key, part in value.items()})
    if isinstance(value, list):
        return Slices([One(f"fixed{n}", holds(part), constant(part), always=True) for n, part in enumerate(value)])
    return Fixed(value)


def holds(template: Any) -> Template:
    """A test for JSON that says at least what the template says."""
    return Template(template)


class Stated(Group):
    """An object known by its fixed parts: read only where they hold, written only when there is more to say.

    known: whatever hands it over has seen that they hold.
    """

    def __init__(self, template: dict[str, Any], group: Group, *, known: bool = False) -> None:
        merged = with_constants(group, [((key,), constant(part)) for key, part in template.items()])
        super().__init__(merged.children, always=False)
        self.needs = group.needs
        self._known = {key for key, part in template.items() if isinstance(part, str) and key not in group.children}
        self._test, self._says = None if known else holds(template).test, group
        self._plain = None if set(template) & set(group.children) else template

    def reader(self) -> Callable[[Any, Item, Context], Any]:
        return (self._reads or self._read_code(self._known)) if self._test is None else self.read

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        # [json]: kept whole, as something else that stands here; never mixed with what is ours
        return super().read(json, into, ctx) if self._test is None or self._test(json) else [json]

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        if isinstance(residue, list):
            ours = self.write(item, None, ctx)  # an id was not said here: it is known by another of the item's names
            return residue[0] if ours is MISSING or self.needs == "id" else ours
        if residue is not None:
            return super().write(item, residue, ctx)
        said: Any = self._says.write(item, None, ctx)
        if said is MISSING:
            return MISSING
        return {**self._plain, **said} if self._plain is not None else super().write(item, None, ctx)


def stated(path: str, template: dict[str, Any], *rows: Row | list[Row]) -> Row:
    """An object of the resource with fixed parts (an identifier of a certain system)."""
    return at(path, Stated(template, tree(*rows)))


def one(path: str, name: str, template: dict[str, Any], *rows: Row | list[Row], always: bool = False,
        unless: dict[str, Any] | None = None) -> Row:  # fmt: skip
    """The one entry of a list that says what the template says (and not `unless`); its rows belong to the item."""
    node = Stated(template, tree(*rows), known=True) if rows else constant(template)
    return at(path, One(name, Template(template, unless), node, always))


def first(path: str, name: str, node: Node) -> Row:
    """The first entry of a list; the others are kept as they came."""
    return at(path, One(name, None, node))


def extension(path: str, name: str, *rows: Row | list[Row]) -> Row:
    """An extension of ours that the item has at most once; name is the end of its url."""
    return one(path, name, {"url": EXTENSION + name}, *rows)


def part(name: str, *rows: Row | list[Row]) -> Row:
    """A part of a complex extension."""
    return one("extension", name, {"url": name}, *rows)


def local(system: str, value: str, display: str = "") -> dict[str, str]:
    """A coding of one of our own code systems."""
    found = {"system": CODE_SYSTEM + system, "code": value}
    return {**found, "display": display} if display else found


# --- joining


def with_constants(group: Group, rows: Sequence[Row]) -> Group:
    """The group with constant parts laid under it."""
    children = dict(group.children)
    for (key,), leaf in rows:
        held = children.get(key)
        children[key] = _under(held, leaf) if held is not None else leaf  # type: ignore[assignment]
    return Group(children)


def _under(held: Node, constant: Node | Slice) -> Node:
    if isinstance(held, Group) and isinstance(constant, Group):
        return with_constants(held, [((key,), part) for key, part in constant.children.items()])
    if isinstance(held, Slices) and isinstance(constant, Slices):
        return Slices([*constant.slices, *held.slices])
    raise ValueError("a fixed part and a row stand in the same place")
