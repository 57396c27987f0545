"""The nodes that a provider's format is compiled to, beside the engine's own: places that may be blank or picked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from fhir_mh.mapping.codecs import Codec, Unfit
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.formats.paths import Pick
from fhir_mh.mapping.formats.run import Run
from fhir_mh.mapping.nodes import MISSING, Group, Item, Missing, Node


def blank(json: Any) -> bool:
    """Whether a place says nothing: null in JSON, an empty cell in CSV."""
    return json is None or json == ""


class Leaf(Node):
    """A field and a single value. The source's own spelling is kept while the value stands.

    field: "" where the entry itself is the value (a concept, a text). clears: whether the format's word for
    emptying a field is understood here.
    """

    def __init__(self, field: str, codec: Codec, *, clears: bool = False) -> None:
        self.field, self.codec, self.clears = field, codec, clears

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        if blank(json):
            return None
        word = cast(Run, ctx).naming.clear
        if word is not None and json == word:
            if self.clears:
                into[self.field] = None
            else:
                ctx.fault(Unfit("value", "map-cannot-clear"))
            return None
        try:
            value = self.codec.read(json)
        except Unfit as fault:
            ctx.fault(fault)
            return None
        if self.field:
            into[self.field] = value
        else:
            into.update(value)
        return None if self.codec.write(value) == json else json

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        value = item.get(self.field) if self.field else item
        if value is None or value == {}:
            return MISSING
        if residue is not None and self._still(residue, value):
            return residue
        return self.codec.write(value)

    def _still(self, residue: Any, value: Any) -> bool:
        try:
            return bool(self.codec.read(residue) == value)
        except Unfit:
            return False

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield (field + self.field).rstrip("."), path


class OwnId(Node):
    """The id of an item. A number of the format's own becomes an id of ours, and is kept to be returned."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        if blank(json):
            return None
        text = str(json) if type(json) is int else json
        if type(text) is not str:
            ctx.fault(Unfit("text or number"))
            return None
        found = cast(Run, ctx).our_id(self.kind, text)
        if found is None:
            ctx.fault(Unfit("id", "map-no-id-scope"))
            return None
        into["id"] = found
        if text != found:
            into.setdefault("numbers", {})[cast(Run, ctx).naming.format] = text
        return None if json == text else json

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        number = cast(Run, ctx).their_id(item)
        if number is None:
            return MISSING
        return residue if residue is not None and str(residue) == number else number

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield f"{field}id", path


class Pointer(Node):
    """A reference to another item, by what the format calls it. field: "" where the entry itself is the reference."""

    def __init__(self, field: str, lists: tuple[str, ...], by: str, separator: str | None = None,
                 encoding: str = "utf-8") -> None:  # fmt: skip
        self.field, self.lists, self.by, self.separator, self.encoding = field, lists, by, separator, encoding

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        if blank(json):
            return None
        run = cast(Run, ctx)
        if run.naming.clear is not None and json == run.naming.clear:
            if self.field and self.separator is None:
                into[self.field] = None
            else:
                ctx.fault(Unfit("value", "map-cannot-clear"))
            return None
        if type(json) is int:
            json = str(json)
        if type(json) is not str:
            ctx.fault(Unfit("text"))
            return None
        if self.separator is not None:
            refs: list[Item] = [{} for _ in json.split(self.separator)]
            for ref, value in zip(refs, json.split(self.separator), strict=True):
                run.point(ref, self.lists, self.by, value)
            into[self.field] = refs
            return None
        ref = into.setdefault(self.field, {}) if self.field else into
        run.point(ref, self.lists, self.by, json)
        return None

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        held = item.get(self.field) if self.field else item
        if not held:
            return MISSING
        run = cast(Run, ctx)
        tokens = [run.token(ref, self.lists, self.by) for ref in (held if isinstance(held, list) else [held])]
        found = [token for token in tokens if token and _sayable(token, self.encoding, run.naming.clear)]
        if self.separator is None:
            return found[0] if found else MISSING
        separator = self.separator
        return separator.join(token for token in found if separator not in token) or MISSING

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield (field + self.field).rstrip("."), path


def _sayable(text: str, encoding: str, reserved: Any) -> bool:
    if text == reserved or "\x00" in text:
        return False
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


class Always(Node):
    """A value that always stands here; a file that says another one is not of this format."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        if json != self.value or type(json) is not type(self.value):
            ctx.fault(Unfit(f"'{self.value}'", "map-wrong-value"))

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        return self.value

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield "", path


class Fields(Group):
    """An object of the format. required: keys without which it is refused; when: the values it is known by."""

    def __init__(self, children: dict[str, Node], required: tuple[str, ...] = (), when: Item | None = None) -> None:
        super().__init__(children, always=False)
        self.required, self.when = required, when or {}
        self._own = [(key, node) for key, node in children.items() if isinstance(node, Always)]
        self._only_constants = {*self.when, *(key for key, _ in self._own)}

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        if blank(json):
            return None
        if isinstance(json, dict):
            for key in self.required:
                if blank(json.get(key)):
                    ctx.fault(Unfit("value", "map-missing-value"), key)
            if self.when:
                json = {key: value for key, value in json.items() if key not in self.when}
        rest = super().read(json, into, ctx)
        if isinstance(rest, dict):
            rest = {key: value for key, value in rest.items() if not (key not in self.children and blank(value))}
        return rest or None

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        out = super().write(item, residue, ctx)
        if out is MISSING or not isinstance(out, dict) or set(out) <= self._only_constants:
            return MISSING
        return {**self.when, **out} if self.when else out


class Within(Node):
    """A part of the record that is an object of its own. clears: emptying its text empties the whole of it."""

    def __init__(self, field: str, node: Node, *, clears: bool = False) -> None:
        self.field, self.node, self.clears = field, node, clears

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        word = cast(Run, ctx).naming.clear
        if self.clears and word is not None and json == word:
            into[self.field] = None
            return None
        part = into.get(self.field) or {}
        left = self.node.read(json, part, ctx)
        if part:
            into[self.field] = part
        return left

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        return self.node.write(item.get(self.field) or {}, residue, ctx)

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        return self.node.rows(path, f"{field}{self.field}.")


class Picked(Node):
    """The entry of a list that is meant, such as the plan in force. keep: where its unmapped content is kept.

    item: whether the entry is an item with an id.
    """

    def __init__(self, field: str, pick: Pick, node: Node, *, item: bool = False, keep: str = "") -> None:
        self.field, self.pick, self.node, self.item, self.keep = field, pick, node, item, keep

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        found = self.pick.of(into.get(self.field))
        part = self.pick.new() if found is None else found
        start = dict(part)
        left = self.node.read(json, part, ctx)
        if self.keep and left is not None:
            part.setdefault("unknown", {})[self.keep] = left
            left = None
        if self.item:
            known = cast(Run, ctx).known_id(self)
            if known is not None and "id" not in part:
                part["id"] = start["id"] = known
        if found is None and (part != start or cast(Run, ctx).points_at(part)):
            into.setdefault(self.field, []).append(part)
        return left

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        part = self.pick.of(item.get(self.field))
        if part is None:
            return MISSING
        if self.keep:
            residue = (part.get("unknown") or {}).get(self.keep)
        out = self.node.write(part, residue, ctx)
        if self.item and out is not MISSING:
            cast(Run, ctx).note_written(self, part.get("id"))
        return out

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        return self.node.rows(path, f"{field}{self.field}.")
