"""The words that mapping tables are written in: FHIR elements and datatypes as nodes of the engine.

A row is (path, node): where it stands in the resource, and what it does. Rows with one path are joined: their
slices make one list, their parts one object.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.fhir.urls import CODE_SYSTEM, EXTENSION
from fhir_mh.mapping.codecs import BOOLEAN, DATETIME, ID, INTEGER, TEXT, Codec, OneOf
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import (
    MISSING,
    Fixed,
    Group,
    Item,
    Many,
    Missing,
    Node,
    One,
    Slice,
    Slices,
    Sub,
    Value,
    Values,
)
from fhir_mh.profiles.reference import Reference

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


def _at(path: str, leaf: Node | Slice) -> Row:
    return tuple(path.split(".")), leaf


# --- single values


def row(field: str, path: str, codec: Codec = TEXT) -> Row:
    """A field and a primitive element."""
    return _at(path, Value(field, codec))


def values(field: str, path: str, codec: Codec = TEXT) -> Row:
    """A list of plain values and a repeating primitive element."""
    return _at(path, Values(field, codec))


def code(field: str, path: str, codes: str) -> Row:
    """A field and a code of a closed list, the same on both sides."""
    return _at(path, Value(field, OneOf(codes.split())))


def fixed(path: str, value: Any) -> Row:
    """What the table itself says; objects and lists are matched by the parts they name."""
    return _at(path, _constant(value))


def _constant(value: Any) -> Node:
    if isinstance(value, dict):
        return Group({key: _constant(part) for key, part in value.items()})
    if isinstance(value, list):
        return Slices([One(f"fixed{n}", holds(part), _constant(part), always=True) for n, part in enumerate(value)])
    return Fixed(value)


def holds(template: Any) -> Callable[[Any], bool]:
    """A test for JSON that says at least what the template says."""
    return lambda json: _holds(json, template)


def _holds(json: Any, template: Any) -> bool:
    if isinstance(template, dict):
        return isinstance(json, dict) and all(key in json and _holds(json[key], part) for key, part in template.items())
    if isinstance(template, list):
        return isinstance(json, list) and all(any(_holds(entry, part) for entry in json) for part in template)
    return bool(json == template)


class Stated(Group):
    """An object known by its fixed parts: read only where they hold, written only when there is more to say."""

    def __init__(self, template: dict[str, Any], group: Group) -> None:
        merged = _merge(group, [((key,), _constant(part)) for key, part in template.items()])
        super().__init__(merged.children, always=False)
        self.holds, self._says = holds(template), group
        self._plain = None if set(template) & set(group.children) else template

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        return super().read(json, into, ctx) if self.holds(json) else json

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        if residue is not None:
            return super().write(item, residue, ctx)
        said: Any = self._says.write(item, None, ctx)
        if said is MISSING:
            return MISSING
        return {**self._plain, **said} if self._plain is not None else super().write(item, None, ctx)


def stated(path: str, template: dict[str, Any], *rows: Row | list[Row]) -> Row:
    """An object of the resource with fixed parts (an identifier of a certain system)."""
    return _at(path, Stated(template, tree(*rows)))


def one(path: str, name: str, template: dict[str, Any], *rows: Row | list[Row], always: bool = False,
        unless: dict[str, Any] | None = None) -> Row:  # fmt: skip
    """The one entry of a list that says what the template says (and not `unless`); its rows belong to the item."""
    node = Stated(template, tree(*rows)) if rows else _constant(template)
    match = holds(template)
    if unless is not None:
        return _at(path, One(name, lambda json: match(json) and not _holds(json, unless), node, always))
    return _at(path, One(name, match, node, always))


def first(path: str, name: str, node: Node) -> Row:
    """The first entry of a list; the others are kept as they came."""
    return _at(path, One(name, None, node))


def first_ref(field: str, path: str, *types: str) -> Row:
    """A reference that is the first of a list."""
    return first(path, field, Sub(field, Reference(types, IDENTIFIER)))


def items(field: str, path: str, name: str, *rows: Row | list[Row], template: dict[str, Any] | None = None,
          where: Callable[[Item], bool] | None = None) -> Row:  # fmt: skip
    """A list of items, each with Element.id as its id; template tells them from other entries of the list."""
    fixed_rows = [((key,), _constant(part)) for key, part in (template or {}).items()]
    body = _merge(tree(row("id", "id", ID), *rows, carried(lambda: (name,))), fixed_rows)
    return _at(path, _Items(name, holds(template) if template else None, field, body, where))


class _ByFormat(Slice):
    """What an item holds for each format of a provider, as an extension for each: its numbers, its other content."""

    def __init__(self, name: str, field: str, mapped: Callable[[], Collection[str]] | None = None) -> None:
        self.url = EXTENSION + name
        super().__init__(name, lambda json: json.get("url") == self.url, Group({}))
        self.field, self.mapped = field, mapped

    def read(self, json: Any, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Any] | None:
        parts = json.get("extension")
        if set(json) != {"url", "extension"} or not isinstance(parts, list) or len(parts) != 2:
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

    def entries(self, item: Item, residue: Any, ctx: Context) -> Iterator[Any]:
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
        _at("extension", _ByFormat("item-number", "numbers")),
        _at("extension", _ByFormat("kept-content", "unknown", mapped)),
    ]


class _Items(Many):
    """Items of which, on writing, only those that `where` holds for belong to this slice."""

    def __init__(self, name: str, match: Callable[[Any], bool] | None, field: str, node: Node,
                 where: Callable[[Item], bool] | None) -> None:  # fmt: skip
        super().__init__(name, match, field, node, item=True)
        self.where = where

    def entries(self, item: Item, residue: Any, ctx: Context) -> Iterator[Any]:
        if self.where is None:
            return super().entries(item, residue, ctx)
        chosen = [part for part in item.get(self.field) or () if self.where(part)]
        return super().entries({self.field: chosen}, residue, ctx)


def _merge(group: Group, rows: Sequence[Row]) -> Group:
    """The group with constant parts laid under it."""
    children = dict(group.children)
    for (key,), leaf in rows:
        held = children.get(key)
        children[key] = _under(held, leaf) if held is not None else leaf  # type: ignore[assignment]
    return Group(children)


def _under(held: Node, constant: Node | Slice) -> Node:
    if isinstance(held, Group) and isinstance(constant, Group):
        return _merge(held, [((key,), part) for key, part in constant.children.items()])
    if isinstance(held, Slices) and isinstance(constant, Slices):
        return Slices([*constant.slices, *held.slices])
    raise ValueError("a fixed part and a row stand in the same place")


# --- datatypes

PERIOD = tree(row("start", "start", DATETIME), row("end", "end", DATETIME))


def _coding_key(part: Item) -> str:
    return f"{part.get('system', '')}|{part.get('code', '')}"


CODING = tree(
    row("system", "system"),
    row("version", "version"),
    row("code", "code"),
    row("display", "display"),
    row("user_selected", "userSelected", BOOLEAN),
)


def codings(field: str, path: str) -> Row:
    """A list of codes and a repeating Coding."""
    return _at(path, Many("coding", None, field, CODING, key=_coding_key))


CONCEPT = tree(row("text", "text"), codings("codings", "coding"))
IDENTIFIER = tree(
    row("use", "use"),
    (("type",), Sub("type", CONCEPT)),
    row("system", "system"),
    row("value", "value"),
    (("period",), Sub("period", PERIOD)),
    row("assigner", "assigner.display"),
)


def concept_key(part: Item) -> str:
    return str(part.get("text", "")) + ";".join(_coding_key(coding) for coding in part.get("codings", ()))


def concept(field: str, path: str) -> Row:
    """A concept and a CodeableConcept."""
    return _at(path, Sub(field, CONCEPT))


def concepts(field: str, path: str) -> Row:
    """A list of concepts and a repeating CodeableConcept."""
    return _at(path, Many("concept", None, field, CONCEPT, key=concept_key))


def period(field: str, path: str) -> Row:
    """A period and a Period."""
    return _at(path, Sub(field, PERIOD))


class _Plain(Many):
    """A list of plain values, each in one element of an entry of its own."""

    def read(self, json: Any, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Any] | None:
        holder: Item = {}
        answer = super().read(json, holder, ctx, seen)
        into.setdefault(self.field, []).extend(entry["value"] for entry in holder[self.field] if "value" in entry)
        return answer

    def entries(self, item: Item, residue: Any, ctx: Context) -> Iterator[Any]:
        entries = [{"value": value} for value in item.get(self.field) or ()]
        return super().entries({self.field: entries}, residue, ctx)

    def rows(self, path: str, field: str) -> Iterator[tuple[str, str]]:
        for _, where in self.node.rows(path, ""):
            yield f"{field}{self.field}[]", where


def plain(field: str, path: str, template: dict[str, Any], element: str) -> Row:
    """A list of plain values; each stands in the element of an entry that the template tells from others."""
    node = Stated(template, tree(row("value", element)))
    return _at(path, _Plain(element, holds(template), field, node, key=lambda part: str(part.get("value"))))


def identifiers(field: str, path: str = "identifier") -> Row:
    """A list of identifiers and a repeating Identifier."""
    return _at(path, Many("identifier", None, field, IDENTIFIER, key=lambda i: f"{i.get('system')}|{i.get('value')}"))


def ref(field: str, path: str, *types: str) -> Row:
    """A reference to one of the types; the first is the usual one."""
    return _at(path, Sub(field, Reference(types, IDENTIFIER)))


def refs(field: str, path: str, *types: str, typed: str = "") -> Row:
    """A list of references. typed: only those that say this type, which is then always written."""
    node = Reference(types, IDENTIFIER, typed=typed)
    return _at(path, Many(typed or "reference", holds({"type": typed}) if typed else None, field, node, key=_ref_key))


def _ref_key(part: Item) -> str:
    return str(part.get("id") or part.get("reference") or part.get("display") or "")


NOTE = tree(
    row("text", "text"),
    (("authorReference",), Sub("author", Reference(("PractitionerRole", "RelatedPerson"), IDENTIFIER))),
    row("author_name", "authorString"),
    row("time", "time", DATETIME),
)


def notes(field: str, path: str) -> Row:
    """A list of notes and a repeating Annotation."""
    return _at(path, Many("note", None, field, NOTE, key=lambda note: str(note.get("text"))))


TELECOM = tree(
    code("system", "system", "phone fax email pager url sms other"),
    row("value", "value"),
    code("use", "use", "home work temp old mobile"),
    row("rank", "rank", INTEGER),
    period("period", "period"),
)
NAME = tree(
    row("use", "use"), row("text", "text"), row("family", "family"), values("given", "given"),
    values("prefix", "prefix"), values("suffix", "suffix"), period("period", "period"),
)  # fmt: skip
ADDRESS = tree(
    row("use", "use"), row("type", "type"), row("text", "text"), values("lines", "line"), row("city", "city"),
    row("district", "district"), row("county", "state"), row("postcode", "postalCode"), row("country", "country"),
    period("period", "period"),
)  # fmt: skip


def _plain_key(part: Item) -> str:
    return "|".join(str(value) for _, value in sorted(part.items()))


def telecoms(field: str, path: str) -> Row:
    """Ways to reach somebody and a repeating ContactPoint."""
    return _at(path, Many("telecom", None, field, TELECOM, key=_plain_key))


def names(field: str, path: str) -> Row:
    """Names and a repeating HumanName."""
    return _at(path, Many("name", None, field, NAME, key=_plain_key))


def addresses(field: str, path: str) -> Row:
    """Addresses and a repeating Address."""
    return _at(path, Many("address", None, field, ADDRESS, key=_plain_key))


# --- extensions, and texts that say whose they are


def extension(path: str, name: str, *rows: Row | list[Row]) -> Row:
    """An extension of ours that the item has at most once; name is the end of its url."""
    return one(path, name, {"url": EXTENSION + name}, *rows)


def part(name: str, *rows: Row | list[Row]) -> Row:
    """A part of a complex extension."""
    return one("extension", name, {"url": name}, *rows)


class _Source(Group):
    """What is known of a text beyond its wording; most texts have none of it."""

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        return MISSING if residue is None and len(item) == 1 else super().write(item, residue, ctx)


_SAID_BY = tree(
    part("role", code("role", "valueCode", "person carer family advocate attorney clinician other")),
    part("name", row("name", "valueString")),
).children["extension"]
_SOURCE = _Source(
    tree(
        extension(
            "extension",
            "words-source",
            one("extension", "said-by", {"url": "said-by"}, _at("extension", Sub("said_by", _SAID_BY))),
            part("recorded-by", row("recorded_by", "valueString")),
            part("recorded-at", row("recorded_at", "valueDateTime", DATETIME)),
            part("language", row("language", "valueCode")),
            part("third-party", code("third_party", "valueCode", "about from")),
            part("in-confidence", row("in_confidence", "valueBoolean", BOOLEAN)),
        )
    ).children
)


def own_words(path: str) -> list[Row]:
    """The item is itself a text: its wording, and whose it is beside it."""
    return [row("text", path), _at(_beside(path), _SOURCE)]


def words(field: str, path: str) -> list[Row]:
    """A text of the item and a string element; whose text it is stands in an extension on the element."""
    return [_at(path, Sub(field, Value("text", TEXT))), _at(_beside(path), Sub(field, _SOURCE))]


def _beside(path: str) -> str:
    before, _, last = path.rpartition(".")
    return f"{before}._{last}" if before else f"_{last}"


def words_extension(field: str, name: str, path: str = "extension") -> Row:
    """A text of the item and an extension of ours."""
    return extension(path, name, *words(field, "valueString"))


def local(system: str, value: str, display: str = "") -> dict[str, str]:
    """A coding of one of our own code systems."""
    found = {"system": CODE_SYSTEM + system, "code": value}
    return {**found, "display": display} if display else found
