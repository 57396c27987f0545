"""Lists of the other format: entries told apart by slices, each kind going to its place in the record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from fhir_mh.mapping.codecs import Unfit
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import MISSING, Item, Json, Missing, Node, Residue
from fhir_mh.mapping.templates import Template, Test


class Slice:
    """One kind of entry of a list: which entries it knows (match), and what it makes of them.

    needs: the one field of the item without which there are no such entries; None where it is not one.
    """

    many = False
    needs: str | None = None

    _reads: Callable[[Json, Item, Context], Residue] | None = None
    _writes: Callable[[Item, Residue, Context], Json | Missing] | None = None

    def __init__(self, name: str, match: Template | Test | None, node: Node) -> None:
        self.name, self.match, self.node = name, match, node
        self.test = match.test if isinstance(match, Template) else match
        self.always = False

    def _reader(self) -> Callable[[Json, Item, Context], Residue]:
        self._reads = self.node.reader()
        return self._reads

    def _writer(self) -> Callable[[Item, Residue, Context], Json | Missing]:
        self._writes = self.node.writer()
        return self._writes

    def word(self, key: str) -> str | None:
        """The text that every entry of this kind has at a key; None where it cannot be told."""
        return self.match.word(key) if isinstance(self.match, Template) else None

    def read(self, json: Json, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Residue] | None:
        """(key, residue) of an entry taken; None leaves it to others."""
        raise NotImplementedError

    def entries(self, item: Item, residue: Mapping[str, Residue], ctx: Context) -> Iterable[Json]:
        """The entries of this kind that the item gives rise to."""
        raise NotImplementedError

    def rows(self, path: str, field: str) -> Iterator[tuple[str, str]]:
        return self.node.rows(path, field)


class One(Slice):
    """An entry of which there is at most one, its values those of the item itself."""

    def __init__(self, name: str, match: Template | Test | None, node: Node, always: bool = False) -> None:
        super().__init__(name, match, node)
        self.always, self.needs = always, node.needs

    def read(self, json: Json, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Residue] | None:
        if self.name in seen:
            return None
        seen.add(self.name)
        return self.name, (self._reads or self._reader())(json, into, ctx)

    def entries(self, item: Item, residue: Mapping[str, Residue], ctx: Context) -> Iterable[Json]:
        left = residue.get(self.name) if residue else None
        value = (self._writes or self._writer())(item, None, ctx) if left is None else self.node.write(item, left, ctx)
        return () if value is MISSING else (value,)


class Many(Slice):
    """Entries that are a list of the record's own.

    key: how an entry is told from its brothers. For items (`item=True`) it is the id, minted from what the
    entry says where the format carries none; their residue stays with them.
    """

    many = True

    def __init__(
        self,
        name: str,
        match: Template | Test | None,
        field: str,
        node: Node,
        *,
        item: bool = False,
        key: Callable[[Item], str] | None = None,
    ) -> None:
        super().__init__(name, match, node)
        self.field, self.item, self.key = field, item, key or _by_content
        self.needs, self._told = field, f"~{name}"

    def read(self, json: Json, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Residue] | None:
        part: Item = {}
        left = (self._reads or self._reader())(json, part, ctx)
        found = into.setdefault(self.field, [])
        found.append(part)
        if not self.item:
            return (self.name if left is None and self._told not in seen else self._name(found, seen)), left
        if "id" not in part and ctx.mints:
            part["id"] = ctx.mint(self.name, json)
        if part.get("id") in seen:
            left = {**(left or {}), "id": part["id"]}
            part["id"] = ctx.mint(self.name, [json, len(found)])
        if "id" in part:
            seen.add(part["id"])
        if left is not None:
            part.setdefault("unknown", {})[self.name] = left
        return self.name, None

    def _name(self, found: list[Item], seen: set[str]) -> str:
        """What the last part's residue is kept under. Parts are told apart only once one of them has any."""
        if self._told not in seen:
            seen.add(self._told)
            for part in found[:-1]:
                distinct(f"{self.name}:{self.key(part)}", seen)
        return distinct(f"{self.name}:{self.key(found[-1])}", seen)

    def entries(self, item: Item, residue: Mapping[str, Residue], ctx: Context) -> Iterable[Json]:
        out: list[Json] = []
        seen: set[str] = set()
        writes = self._writes or self._writer()
        for part in item.get(self.field) or ():
            if self.item:
                left = part.get("unknown")
                left = left.get(self.name) if left else None
            elif residue:
                left = residue.get(distinct(f"{self.name}:{self.key(part)}", seen))
            else:
                left = None
            value = writes(part, None, ctx) if left is None else self.node.write(part, left, ctx)
            if value is not MISSING:
                out.append(value)
        return out

    def rows(self, path: str, field: str) -> Iterator[tuple[str, str]]:
        return self.node.rows(path, f"{field}{self.field}[].")


class Slices(Node):
    """A list of objects, its entries told apart by slices; what no slice knows keeps its place."""

    def __init__(self, slices: Sequence[Slice]) -> None:
        self.slices = list(slices)
        self.always = any(part.always for part in self.slices)
        self.needs = self.slices[0].needs if len(self.slices) == 1 else None
        self._always = {part.name for part in self.slices if part.always}
        self._place = {part.name: place for place, part in enumerate(self.slices)}
        self._told_by = max(_TELLING, key=lambda key: len({part.word(key) for part in self.slices}))
        self._untold = self._kinds(None)
        self._kinds_of = {word: self._kinds(word) for part in self.slices if (word := part.word(self._told_by))}

    def _kinds(self, word: str | None) -> tuple[tuple[Slice, Test | None], ...]:
        """The slices, in order, that an entry may be of whose telling key says the word, and what is still to test."""
        found = []
        for part in self.slices:
            if part.word(self._told_by) in (None, word):
                said = part.match.said if isinstance(part.match, Template) and part.match.unless is None else None
                found.append((part, None if said == {self._told_by: word} else part.test))
        return tuple(found)

    def read(self, json: Json, into: Item, ctx: Context) -> Residue:
        if not isinstance(json, list):
            ctx.fault(Unfit("list"))
            return None
        slots: list[Any] = []
        rest: dict[str, Any] = {}
        seen: set[str] = set()
        faults, place, as_written = ctx.faults, 0, bool(json)
        before = len(faults)
        for index, entry in enumerate(json):
            taken = self._take(entry, into, ctx, seen, rest)
            if taken is None:
                as_written = False
                slots.append(entry)
                if isinstance(entry, str):  # it would be taken for a slice's name
                    ctx.fault(Unfit("object"))
            else:
                last, place = place, self._place[taken]
                as_written = as_written and place >= last
                slots.append(taken)
            if len(faults) > before:
                ctx.prefix(before, f"[{index}]")
                before = len(faults)
        if not as_written or not self._always.issubset(slots):
            rest["~"] = slots
        return rest or None

    def _take(self, entry: Json, into: Item, ctx: Context, seen: set[str], rest: dict[str, Any]) -> str | None:
        word = entry.get(self._told_by) if isinstance(entry, dict) else None
        for part, test in self._kinds_of.get(word, self._untold) if isinstance(word, str) else self._untold:
            if test is None or test(entry):
                answer = part.read(entry, into, ctx, seen)
                if answer is not None:
                    key, left = answer
                    if left is not None:
                        rest[key] = left
                    return part.name
        return None

    def write(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        if residue is None:
            out: list[Any] = []
            for part in self.slices:
                if part.needs is None or part.needs in item:
                    out.extend(part.entries(item, _NONE, ctx))
            return out or MISSING
        if not isinstance(residue, dict):
            return residue
        slots = residue.get("~")
        queues = {part.name: list(part.entries(item, residue, ctx)) for part in self.slices}
        if slots is None:
            return [entry for queue in queues.values() for entry in queue] or MISSING
        out = []
        for slot in slots:
            if not isinstance(slot, str):
                out.append(slot)
            elif queues[slot]:
                out.append(queues[slot].pop(0))
        for name, queue in queues.items():
            if name not in self._always or name in slots:
                out.extend(queue)
        return out if out or not slots else MISSING

    def unprompted(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        parts = [part for part in self.slices if not part.always]
        return [entry for part in parts for entry in part.entries(item, _NONE, ctx)] or MISSING

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        for part in self.slices:
            yield from part.rows(f"{path}[{part.name}]" if len(self.slices) > 1 else f"{path}[]", field)


_NONE: Mapping[str, Residue] = {}
_TELLING = ("url", "system", "type", "use")
"""The keys by whose text alone entries of FHIR's lists are mostly told apart."""


def distinct(key: str, seen: set[str]) -> str:
    """The key itself, or with a count where an equal one came before it."""
    found, count = key, 1
    while found in seen:
        count += 1
        found = f"{key}#{count}"
    seen.add(found)
    return found


def _by_content(part: Item) -> str:
    return "|".join(str(value) for value in part.values() if isinstance(value, str | int))
