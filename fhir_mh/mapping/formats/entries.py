"""Lists of a provider's format: entries that are items of the record, found again by id or natural key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from fhir_mh.fhir.parts import copied
from fhir_mh.mapping.codecs import Unfit
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.formats.paths import Step, kinds_of
from fhir_mh.mapping.formats.run import Run
from fhir_mh.mapping.nodes import MISSING, Item, Missing, Node
from fhir_mh.mapping.slices import Many, One, Slice, Slices, distinct


def says(template: Mapping[str, Any]) -> Callable[[Any], bool]:
    """A test for an entry that holds the values of the template."""
    return lambda json: isinstance(json, dict) and all(json.get(key) == value for key, value in template.items())


class Entries(Many):
    """Entries that are a list of the record's own.

    where: what the record says of those that belong here. defaults: what it holds where the format says
    nothing. An entry that the format could not say so that it can be read again is left out.
    """

    def __init__(self, name: str, match: Callable[[Any], bool] | None, field: str, node: Node,
                 model: type[BaseModel], *, item: bool, keep: str, where: Item | None = None,
                 defaults: Item | None = None) -> None:  # fmt: skip
        super().__init__(name, match, field, node, item=item)
        self.model, self.keep, self.where, self.defaults = model, keep, where or {}, defaults or {}
        self.columns = {said.replace("[]", ""): path for said, path in node.rows()}

    def read(self, json: Any, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Any] | None:
        if json is None:
            return self.name, None
        run = cast(Run, ctx)
        part: Item = copied(self.where)
        before = len(ctx.faults)
        left = self.node.read(json, part, ctx)
        for name, value in self.defaults.items():
            part.setdefault(name, copied(value))
        listed = into.setdefault(self.field, [])
        listed.append(part)
        if self.item:
            known = run.known_id(self)
            if known is not None:
                part.setdefault("id", known)
            if "id" in part:
                named = f"{id(listed)}/{part['id']}"  # the rows of a file may be entries of many lists
                if named in seen:
                    ctx.fault(Unfit("id", "map-duplicate-item"), self.columns.get("id", ""))
                seen.add(named)
            if left is not None:
                part.setdefault("unknown", {})[self.keep] = left
        check(self.model, part, self.columns, run, before)
        return (self.name, None) if self.item else (distinct(f"{self.name}:{self.key(part)}", seen), left)

    def entries(self, item: Item, residue: Mapping[str, Any], ctx: Context) -> Iterable[Any]:
        run, seen = cast(Run, ctx), set[str]()
        for part in item.get(self.field) or ():
            if not all(part.get(name) == value for name, value in self.where.items()):
                continue
            if self.item:
                left = (part.get("unknown") or {}).get(self.keep)
            else:
                left = residue.get(distinct(f"{self.name}:{self.key(part)}", seen))
            mark = run.mark()
            value = self.node.write(part, left, ctx)
            if value is MISSING or not self._reads_again(value, run):
                run.forget_since(mark)
                continue
            if self.item:
                run.note_written(self, part.get("id"))
            yield value

    def _reads_again(self, value: Any, run: Run) -> bool:
        trial = Run(run.naming, scope=run.local_scope or ("trial",))
        self.read(value, {}, trial, set())
        waiting = trial.unsettled()
        return all(any(fault is pointer for pointer in waiting) for fault in trial.faults)


class Checked(Node):
    """An object whose values belong to one part of the record; the part is checked once it is read."""

    def __init__(self, model: type[BaseModel], node: Node) -> None:
        self.model, self.node = model, node
        self.columns = {said.replace("[]", ""): path for said, path in node.rows()}

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        before = len(ctx.faults)
        left = self.node.read(json, into, ctx)
        if into:
            check(self.model, into, self.columns, cast(Run, ctx), before)
        return left

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        return self.node.write(item, residue, ctx)

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        return self.node.rows(path, field)


def check(model: type[BaseModel], part: Item, columns: Mapping[str, str], run: Run, before: int) -> None:
    """Note what the record's model does not accept of a part, at the place of the format it came from."""
    told = {fault.path.split(".", maxsplit=1)[0] for fault in run.faults[before:]}
    items = {name for name, kind in kinds_of(model).items() if kind.listed and kind.item}
    plain = {
        name: value for name, value in part.items()
        if name not in items and name != "unknown" and value is not None
    }  # fmt: skip
    try:
        model.model_validate(plain)
    except ValidationError as fault:
        for error in fault.errors(include_url=False):
            names = [str(step) for step in error["loc"] if not isinstance(step, int)]
            place = _place(names, columns)
            if place and place.split(".", maxsplit=1)[0] in told:
                continue
            if error["type"] == "missing":
                run.fault(Unfit(names[-1].replace("_", " "), "map-missing-value"), place)
            else:
                run.fault(Unfit(_plainly(error), "map-wrong-value"), place)


def _place(names: Sequence[str], columns: Mapping[str, str]) -> str:
    """The format's place for a field, or for the nearest one it stands in or that stands in it."""
    for count in range(len(names), 0, -1):
        field = ".".join(names[:count])
        if field in columns:
            return columns[field]
        inside = [place for said, place in columns.items() if said.startswith(field + ".")]
        if inside:
            return inside[0]
    return ""


def _plainly(error: Any) -> str:
    if error["type"] == "string_pattern_mismatch":
        return f"value of the form {error['ctx']['pattern'].strip('^$')}"
    text: str = error["msg"].removeprefix("Value error, ").rstrip(".")
    return text


class Once(One):
    """A kind of row of which a file has at most one; its values belong to one part of the record."""

    def read(self, json: Any, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Any] | None:
        if self.name in seen:
            ctx.fault(Unfit("only one", "map-duplicate-row"))
            return self.name, None
        return super().read(json, into, ctx, seen)


class SliceAt(Slice):
    """A kind of entry whose list stands deeper in the record, such as in the plan in force."""

    def __init__(self, steps: Sequence[Step], inner: Slice) -> None:
        super().__init__(inner.name, inner.match, inner.node)
        self.steps, self.inner, self.always = list(steps), inner, inner.always

    def read(self, json: Any, into: Item, ctx: Context, seen: set[str]) -> tuple[str, Any] | None:
        part = into
        for step in self.steps:
            if step.pick is None:
                part = part.setdefault(step.name, {})
                continue
            found = step.pick.of(part.get(step.name))
            if found is None:
                found = step.pick.new()
                part.setdefault(step.name, []).append(found)
            part = found
        return self.inner.read(json, part, ctx, seen)

    def entries(self, item: Item, residue: Mapping[str, Any], ctx: Context) -> Iterable[Any]:
        part: Any = item
        for step in self.steps:
            part = (part or {}).get(step.name)
            if step.pick is not None:
                part = step.pick.of(part)
        return self.inner.entries(part or {}, residue, ctx)

    def rows(self, path: str, field: str) -> Iterator[tuple[str, str]]:
        return self.inner.rows(path, field + "".join(f"{step.name}." for step in self.steps))


class Kinds(Slices):
    """A list of the format. Its order is not kept: nothing is ever matched by its position."""

    def __init__(self, slices: Sequence[Slice], *, keep_others: bool) -> None:
        super().__init__(slices)
        self.keep_others = keep_others

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        if json is None:
            return None
        rest: Any = super().read(json, into, ctx) or {}
        others = [entry for entry in rest.pop("~", ()) if not isinstance(entry, str)]
        if others:
            rest["~"] = others
        return rest or None

    def _take(self, entry: Any, into: Item, ctx: Context, seen: set[str], rest: dict[str, Any]) -> str | None:
        taken = super()._take(entry, into, ctx, seen, rest)
        if taken is None and not self.keep_others:
            ctx.fault(Unfit("kind of entry that the mapping names", "map-unknown-row"))
        return taken

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        out = super().write(item, residue, ctx)
        return MISSING if out == [] else out


class PlainValues(Node):
    """A list of single values on both sides."""

    def __init__(self, field: str, codec: Any) -> None:
        self.field, self.codec = field, codec

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        if json is None:
            return None
        if not isinstance(json, list):
            ctx.fault(Unfit("list"))
            return None
        found = []
        for index, entry in enumerate(json):
            try:
                found.append(self.codec.read(entry))
            except Unfit as fault:
                ctx.fault(fault, f"[{index}]")
        if found:
            into[self.field] = found
        return None

    def write(self, item: Item, residue: Any, ctx: Context) -> Any | Missing:
        written = [self.codec.write(value) for value in item.get(self.field) or ()]
        return [value for value in written if value is not MISSING] or MISSING

    def rows(self, path: str = "", field: str = "") -> Iterator[tuple[str, str]]:
        yield f"{field}{self.field}", path
