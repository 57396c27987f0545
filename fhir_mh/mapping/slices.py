"""Lists of the other format: entries told apart by slices, each kind going to its place in the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fhir_mh.mapping.codecs import Unfit
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import MISSING, Item, Json, Missing, Node, Residue


class Slice:
    """One kind of entry of a list: which entries it knows (match), and what it makes of them."""

    many = False

    def __init__(self, name: str, match: Callable[[Json], bool] | None, node: Node) -> None:
        self.name, self.match, self.node = name, match, node
        self.always = False

    def read(self, json: Json, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Residue] | None:
        """(key, residue) of an entry taken; None leaves it to others."""
        raise NotImplementedError

    def entries(self, item: Item, residue: Mapping[str, Residue], ctx: Context) -> Iterator[Json]:
        """The entries of this kind that the item gives rise to."""
        raise NotImplementedError

    def rows(self, path: str, field: str) -> Iterator[tuple[str, str]]:
        return self.node.rows(path, field)


class One(Slice):
    """An entry of which there is at most one, its values those of the item itself."""

    def __init__(self, name: str, match: Callable[[Json], bool] | None, node: Node, always: bool = False) -> None:
        super().__init__(name, match, node)
        self.always = always

    def read(self, json: Json, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Residue] | None:
        if self.name in seen:
            return None
        seen.add(self.name)
        return self.name, self.node.read(json, into, ctx)

    def entries(self, item: Item, residue: Mapping[str, Residue], ctx: Context) -> Iterator[Json]:
        value = self.node.write(item, residue.get(self.name), ctx)
        if value is not MISSING:
            yield value


class Many(Slice):
    """Entries that are a list of the record's own.

    key: how an entry is told from its brothers. For items (`item=True`) it is the id, minted from what the
    entry says where the format carries none; their residue stays with them.
    """

    many = True

    def __init__(
        self,
        name: str,
        match: Callable[[Json], bool] | None,
        field: str,
        node: Node,
        *,
        item: bool = False,
        key: Callable[[Item], str] | None = None,
    ) -> None:
        super().__init__(name, match, node)
        self.field, self.item, self.key = field, item, key or _by_content

    def read(self, json: Json, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Residue] | None:
        part: Item = {}
        left = self.node.read(json, part, ctx)
        found = into.setdefault(self.field, [])
        found.append(part)
        if not self.item:
            return distinct(f"{self.name}:{self.key(part)}", seen), left
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

    def entries(self, item: Item, residue: Mapping[str, Residue], ctx: Context) -> Iterator[Json]:
        seen: set[str] = set()
        for part in item.get(self.field) or ():
            if self.item:
                left = part.get("unknown")
                left = left.get(self.name) if left else None
            elif residue:
                left = residue.get(distinct(f"{self.name}:{self.key(part)}", seen))
            else:
                left = None
            value = self.node.write(part, left, ctx)
            if value is not MISSING:
                yield value

    def rows(self, path: str, field: str) -> Iterator[tuple[str, str]]:
        return self.node.rows(path, f"{field}{self.field}[].")


class Slices(Node):
    """A list of objects, its entries told apart by slices; what no slice knows keeps its place."""

    def __init__(self, slices: Sequence[Slice]) -> None:
        self.slices = list(slices)
        self.always = any(part.always for part in self.slices)
        self._always = {part.name for part in self.slices if part.always}

    def read(self, json: Json, into: Item, ctx: Context) -> Residue:
        if not isinstance(json, list):
            ctx.fault(Unfit("list"))
            return None
        slots: list[Any] = []
        rest: dict[str, Any] = {}
        seen: set[str] = set()
        faults = ctx.faults
        for index, entry in enumerate(json):
            before = len(faults)
            taken = self._take(entry, into, ctx, seen, rest)
            slots.append(entry if taken is None else taken)
            if len(faults) > before:
                ctx.prefix(before, f"[{index}]")
        if not json or not self._as_written(slots):
            rest["~"] = slots
        return rest or None

    def _take(self, entry: Json, into: Item, ctx: Context, seen: set[str], rest: dict[str, Any]) -> str | None:
        for part in self.slices:
            if part.match is None or part.match(entry):
                answer = part.read(entry, into, ctx, seen)
                if answer is not None:
                    key, left = answer
                    if left is not None:
                        rest[key] = left
                    return part.name
        return None

    def _as_written(self, slots: list[Any]) -> bool:
        """Whether writing would give this order, and everything that is always written is there."""
        if any(not isinstance(slot, str) for slot in slots) or not self._always.issubset(slots):
            return False
        place = {part.name: index for index, part in enumerate(self.slices)}
        order = [place[slot] for slot in slots]
        return order == sorted(order)

    def write(self, item: Item, residue: Residue, ctx: Context) -> Json | Missing:
        if residue is None:
            out: list[Any] = []
            for part in self.slices:
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
