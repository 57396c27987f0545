"""References: an item's id in the record, whatever address the resource has in a Bundle or on a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from fhir_mh.fhir.urls import ITEM_ID
from fhir_mh.mapping.codecs import Unfit
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import MISSING, Group, Item, Missing, Node
from fhir_mh.mapping.slices import One
from fhir_mh.profiles.addresses import Addresses

_KNOWN = {"reference", "type", "identifier", "display"}


class Reference(Node):
    """A Ref of the record and a Reference (https://hl7.org/fhir/R4/references.html).

    A reference that resolves inside the Bundle becomes the item's id; how the source wrote it is kept only
    where it is not what would be written. An item that is not in this document is named by its identifier.
    """

    def __init__(self, types: Sequence[str], identifier: Group, *, typed: str = "") -> None:
        self.types, self.identifier, self.typed = tuple(types), identifier, typed

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        if not isinstance(json, dict):
            ctx.fault(Unfit("Reference"))
            return None
        for name in ("reference", "type", "display"):
            if name in json and (type(json[name]) is not str or not json[name]):
                ctx.fault(Unfit("string"), name)
        rest = {} if json.keys() <= _KNOWN else {key: value for key, value in json.items() if key not in _KNOWN}
        self._read_target(json, into, cast(Addresses, ctx))
        if "display" in json:
            into["display"] = json["display"]
        if "identifier" in json:
            left = self._read_identifier(json, into, ctx)
            if left is not None:
                rest["identifier"] = left
        return rest or None

    def _read_identifier(self, json: dict[str, Any], into: Item, ctx: Context) -> Any:
        identifier = json["identifier"]
        if "reference" not in json and _is_item_id(identifier):
            kinds = (json["type"],) if isinstance(json.get("type"), str) else self.types
            into["id"] = cast(Addresses, ctx).meant(identifier["value"], kinds)
            return None
        part: Item = {}
        before = len(ctx.faults)
        left = self.identifier.read(identifier, part, ctx)
        ctx.prefix(before, "identifier")
        if part:
            into["identifier"] = part
        return left

    def _read_target(self, json: dict[str, Any], into: Item, ctx: Addresses) -> None:
        literal, kind = json.get("reference"), json.get("type")
        target = ctx.resolve(literal)
        if target is not None:
            into["id"] = target[1]
            if kind is None and not self._found_without(target, ctx):
                kind = target[0]
            if literal == ctx.literal(*target):
                literal = None
        if literal is not None:
            into["reference"] = literal
        if kind is not None and kind != self.typed:
            into["type"] = kind

    def _found_without(self, target: tuple[str, str], ctx: Addresses) -> bool:
        """Whether the id alone leads to the same resource again."""
        return next((kind for kind in self.types if ctx.literal(kind, target[1]) is not None), None) == target[0]

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        out: dict[str, Any] = {}
        kind = item.get("type") or self.typed
        literal = self._literal(item, cast(Addresses, ctx))
        if literal:
            out["reference"] = literal
        if kind:
            out["type"] = kind
        rest = dict(residue) if isinstance(residue, dict) else {}
        if "identifier" in item:
            out["identifier"] = self.identifier.write(item["identifier"], rest.pop("identifier", None), ctx)
        elif item.get("id") and not literal:
            out["identifier"] = {"system": ITEM_ID, "value": item["id"]}
        if "display" in item:
            out["display"] = item["display"]
        out.update(rest)
        return out or MISSING

    def _literal(self, item: Item, ctx: Addresses) -> str | None:
        target, literal = item.get("id"), item.get("reference")
        if target is None:
            return cast("str | None", literal)
        if literal is not None:
            found = ctx.resolve(literal)
            if found is not None and found[1] == target:
                return cast(str, literal)
        for kind in [item["type"]] if "type" in item else self.types:
            address = ctx.literal(kind, target)
            if address is not None:
                return address
        return None

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        for name in ("id", "reference"):
            yield f"{field}{name}", f"{path}.reference"
        yield f"{field}type", f"{path}.type"
        yield f"{field}display", f"{path}.display"
        yield from self.identifier.rows(f"{path}.identifier", f"{field}identifier.")


def _is_item_id(identifier: Any) -> bool:
    """Whether this names an item that is not in the document, as this mapping writes it."""
    if not isinstance(identifier, dict) or identifier.keys() != {"system", "value"}:
        return False
    return identifier["system"] == ITEM_ID and type(identifier["value"]) is str and bool(identifier["value"])


class Subject(Node):
    """The person, in every resource that is about them."""

    always = True

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        if not isinstance(json, dict):
            ctx.fault(Unfit("Reference"))
            return None
        rest = dict(json)
        if "reference" in rest and rest["reference"] == cast(Addresses, ctx).person:
            del rest["reference"]
        return rest or None

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        person = cast(Addresses, ctx).person
        return {"reference": person, **(residue or {})} if person else residue or MISSING

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield "(person)", path


class Joined(Node):
    """From one of an item's resources to another of them, present while the item has the field named.

    Without a field, always: to the resource that the item never lacks.
    """

    def __init__(self, kind: str, field: str = "", *, typed: bool = False) -> None:
        self.kind, self.field = kind, field
        self.more = {"type": kind} if typed else {}

    def leads(self, json: Any, ctx: Context) -> bool:
        """Whether a reference leads to such a resource, and says so as we would."""
        if not isinstance(json, dict) or any(json.get(key) != value for key, value in self.more.items()):
            return False
        addresses, literal = cast(Addresses, ctx), json.get("reference")
        target = addresses.resolve(literal)
        return target is not None and target[0] == self.kind and literal == addresses.literal(*target)

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        rest = {key: value for key, value in json.items() if key != "reference" and self.more.get(key) != value}
        return rest or None

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        there = not self.field or item.get(self.field)
        addresses = cast(Addresses, ctx)
        literal = addresses.literal(self.kind, addresses.item) if there else None
        return MISSING if literal is None else {"reference": literal, **self.more, **(residue or {})}

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield "(the item itself)", path


class OneJoined(One):
    """The first entry of a list that leads to another of the item's resources; any other is nobody's."""

    def __init__(self, name: str, node: Joined) -> None:
        super().__init__(name, None, node)
        self._joined = node

    def read(self, json: Any, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Any] | None:
        return super().read(json, into, ctx, seen) if self._joined.leads(json, ctx) else None
