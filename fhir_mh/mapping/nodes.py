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

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from fhir_mh.mapping.codecs import Codec, Unfit
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.generated import Code, keep

Json = Any
Residue = Any
Item = dict[str, Any]


class Missing:
    """The absence of a value; None is a value in some formats."""

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


class Node:
    """One place of the other format. `always`: written even where the record says nothing of it.

    needs: the one field of the item without which there is nothing to write here; None where it is not one.
    """

    always = False
    needs: str | None = None

    def read(self, json: Json, into: Item, ctx: Context) -> Residue:
        """Put what this node knows of json into the item; give back what it does not know, or None."""
        raise NotImplementedError

    def write(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        """The JSON for this place, residue included; MISSING where there is nothing to say."""
        raise NotImplementedError

    def reader(self) -> Callable[[Json, Item, Context], Residue]:
        """The quickest way to read(), for the node around this one."""
        return self.read

    def writer(self) -> Callable[[Item, Residue, Context], Json | Missing]:
        """The quickest way to write() what came with no residue."""
        return self.write

    def read_lines(self, code: Code, key: str, into: str = "into") -> list[str]:
        """The lines that read `v`, the value of the key, keeping in `rest` what is left of it."""
        return [
            "before = len(ctx.faults)",
            f"left = {code.name(self.reader())}(v, {into}, ctx)",
            "if left is not None:",
            *("    " + line for line in keep(key, "left")),
            "if len(ctx.faults) > before:",
            f"    ctx.prefix(before, {key!r})",
        ]

    def write_lines(self, code: Code, key: str, item: str = "item") -> list[str]:
        """The lines that put what the item says of the key into `out`, for what came with no residue."""
        lines = [f"v = {code.name(self.writer())}({item}, None, ctx)", "if v is not MISSING:", f"    out[{key!r}] = v"]
        return lines if self.needs is None else [f"if {self.needs!r} in {item}:", *("    " + line for line in lines)]

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
        self.needs = field

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

    def read_lines(self, code: Code, key: str, into: str = "into") -> list[str]:
        if type(self) is not Value:
            return super().read_lines(code, key, into)
        if type(self.codec) is Codec:
            otherwise = f"    ctx.fault(Unfit({self.codec.name!r}), {key!r})"
            return ["if type(v) is str and v:", f"    {into}[{self.field!r}] = v", "else:", otherwise]
        reading = f"    {into}[{self.field!r}] = {code.name(self.codec.read)}(v)"
        return ["try:", reading, "except Unfit as fault:", f"    ctx.fault(fault, {key!r})"]

    def write_lines(self, code: Code, key: str, item: str = "item") -> list[str]:
        if type(self) is not Value:
            return super().write_lines(code, key, item)
        said = "v" if type(self.codec).write is Codec.write else f"{code.name(self.codec.write)}(v)"
        return [f"v = {item}.get({self.field!r})", "if v is not None:", f"    out[{key!r}] = {said}"]

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield field + self.field, path


class Values(Node):
    """A record field that is a list of plain values, and a list of plain values of the other format."""

    def __init__(self, field: str, codec: Codec) -> None:
        self.field, self.codec = field, codec
        self.needs = field

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

    def read_lines(self, code: Code, key: str, into: str = "into") -> list[str]:
        return [f"if v != {code.name(self.value)}:", *("    " + line for line in keep(key, "v"))]

    def write_lines(self, code: Code, key: str, item: str = "item") -> list[str]:
        return [f"out[{key!r}] = {code.name(self.value)}"]

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield "", path


class Derived(Node):
    """A value worked out from the record, for readers of the other format; reading it back changes nothing.

    One that disagrees with what it derives from gives a warning, and stays as it came for as long as what it derives
    from stays: unknown.derived holds it, with what we derived then.
    """

    always = True

    def __init__(self, name: str, derive: Callable[[Item], Json | None]) -> None:
        self.name, self.derive = name, derive

    def read(self, json: Json, into: Item, ctx: Context) -> Residue:
        ctx.afterwards(into, self, json)
        return None

    def write(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        value = self.derive(item)
        kept = ((item.get("unknown") or {}).get("derived") or {}).get(self.name)
        if kept is not None and kept["of"] == value:
            return kept["came"]
        return MISSING if value is None else value

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield f"({self.name})", path


class Group(Node):
    """An object of the other format whose parts belong to the same item."""

    def __init__(self, children: Mapping[str, Node], always: bool | None = None) -> None:
        self.children = dict(children)
        self.always = any(child.always for child in self.children.values()) if always is None else always
        needs = {child.needs for child in self.children.values()}
        self.needs = needs.pop() if len(needs) == 1 else None
        self._reads: Callable[[Json, Item, Context], Residue] | None = None
        self._writes: Callable[[Item, Residue, Context], Json | Missing] | None = None

    def read(self, json: Json, into: Item, ctx: Context) -> Residue:
        return (self._reads or self._read_code())(json, into, ctx)

    def reader(self) -> Callable[[Json, Item, Context], Residue]:
        return (self._reads or self._read_code()) if type(self).read is Group.read else self.read

    def writer(self) -> Callable[[Item, Residue, Context], Json | Missing]:
        return (self._writes or self._write_code()) if type(self).write is Group.write else self.write

    def _read_code(self, known: Collection[str] = ()) -> Callable[[Json, Item, Context], Residue]:
        """The function that reads. known: keys whose values are known to be what the table says."""
        code = Code(keys=frozenset(self.children))
        code.add(["if not isinstance(json, dict):", "    ctx.fault(Unfit('object'))", "    return None"])
        code.add(["rest = None", "more = len(json)" if not known else f"more = len(json) - {len(known)}"])
        for key, node in self.children.items():
            if key in known:
                continue
            code.add([f"v = json.get({key!r})", "if v is not None:", "    more -= 1"])
            code.add(node.read_lines(code, key), 2)
            if node.always:
                code.add([f"elif {code.name(node.expected)}(json):"])
                code.add(["if rest is None:", "    rest = {}", f"rest.setdefault('~absent', []).append({key!r})"], 2)
        code.add(["if more:", f"    return {code.name(_unknown)}(json, keys, rest, ctx)", "return rest"])
        self._reads = code.function("json, into, ctx")
        return self._reads

    def _write_code(self) -> Callable[[Item, Residue, Context], Json | Missing]:
        code = Code(MISSING=MISSING)
        code.add(["out = {}"])
        for key, node in self.children.items():
            code.add(node.write_lines(code, key))
        code.add(["return out or MISSING"])
        self._writes = code.function("item, residue, ctx")
        return self._writes

    def write(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        if not residue:
            return (self._writes or self._write_code())(item, None, ctx)
        out: dict[str, Any] = {}
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


def _unknown(json: dict[str, Any], keys: frozenset[str], rest: dict[str, Any] | None, ctx: Context) -> dict[str, Any]:
    """The residue with what stands at keys that the table has no place for."""
    rest = {} if rest is None else rest
    for key, value in json.items():
        if key not in keys and not key.startswith("~"):
            rest[key] = value
        elif value is None or key not in keys:
            ctx.fault(Unfit("value" if key in keys else "element"), key)
    return rest


class Sub(Node):
    """A part of the item that is an object of its own in the record (a text with its source, a period)."""

    def __init__(self, field: str, node: Node) -> None:
        self.field, self.node = field, node
        self.always, self.needs = node.always, field

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

    def read_lines(self, code: Code, key: str, into: str = "into") -> list[str]:
        if into == "part":  # a part of a part is read by a call of its own
            return super().read_lines(code, key, into)
        begin = [f"part = {into}.get({self.field!r}) or {{}}"]
        return [*begin, *self.node.read_lines(code, key, "part"), "if part:", f"    {into}[{self.field!r}] = part"]

    def write_lines(self, code: Code, key: str, item: str = "item") -> list[str]:
        if item == "part":
            return super().write_lines(code, key, item)
        lines = self.node.write_lines(code, key, "part")
        return [f"part = {item}.get({self.field!r})", "if part is not None:", *("    " + line for line in lines)]

    def unprompted(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        part = item.get(self.field)
        return MISSING if part is None else self.node.unprompted(part, residue, ctx)

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        return self.node.rows(path, f"{field}{self.field}.")
