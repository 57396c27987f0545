"""Places in a record, as mapping files name them: `crisis_plans[status=active].title`, `names[first].family`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, StringConstraints

from fhir_mh.records import CareRecord, base
from fhir_mh.records.base import Item

Tree = dict[str, Any]
KindName = Literal["text", "date", "datetime", "boolean", "integer", "code", "words", "concept", "ref", "part", "any"]
_STEP = re.compile(r"([a-z0-9_]+)(?:\[([^\]]*)\])?(?:\.(?=.)|$)")
_PATTERNS: dict[str | None, KindName] = {f"^{base._DATE}$": "date", f"^{base._DATE}({base._TIME})?$": "datetime"}
_MODELS: dict[type[BaseModel], KindName] = {base._Words: "words", base.Concept: "concept", base.Ref: "ref"}


@dataclass(frozen=True)
class Kind:
    """What a field of the record holds."""

    name: KindName
    listed: bool = False
    model: type[BaseModel] | None = None
    codes: tuple[str, ...] = ()

    @property
    def item(self) -> type[Item] | None:
        """The model of the entries, where they are items with ids."""
        return self.model if self.model is not None and issubclass(self.model, Item) else None


@dataclass(frozen=True)
class Pick:
    """Which entry of a list is meant: the first, the last, or the first that says certain things."""

    place: Literal["first", "last"] = "first"
    says: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def of(self, entries: Any) -> Tree | None:
        """The entry meant; None where there is none."""
        found = [e for e in entries or () if all(e.get(key) in values for key, values in self.says)]
        return (found[0] if self.place == "first" else found[-1]) if found else None

    def new(self) -> Tree:
        """What an entry that is not there yet says from the start."""
        return {key: values[0] for key, values in self.says}


@dataclass(frozen=True)
class Step:
    """One step of a path: a field, what it holds, and which entry of it is meant."""

    name: str
    kind: Kind
    pick: Pick | None = None


class UnknownField(Exception):
    """A path names a field that the record does not have."""

    def __init__(self, name: str, known: Mapping[str, Any] | tuple[str, ...], problem: str = "") -> None:
        super().__init__(name)
        self.name, self.known, self.problem = name, tuple(known), problem


def path_of(model: type[BaseModel], text: str) -> tuple[Step, ...]:
    """The steps of a path that starts at the model. Raises UnknownField."""
    steps: list[Step] = []
    at, current = 0, model
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise UnknownField(text, (), "this is not a path of the form field.field[first].field")
        known = kinds_of(current)
        name, pick = match.groups()
        if name not in known:
            raise UnknownField(name, known)
        kind = known[name]
        more = match.end() < len(text)
        steps.append(Step(name, kind, _pick(pick, kind) if pick is not None else None))
        if more and kind.model is None:
            raise UnknownField(name, (), f"'{name}' is a single value and has no parts")
        if more and kind.listed and pick is None:
            raise UnknownField(name, (), f"'{name}' is a list: say which entry, as in {name}[first]")
        if kind.model is not None:
            current = kind.model
        at = match.end()
    return tuple(steps)


def _pick(text: str, kind: Kind) -> Pick:
    if not kind.listed or kind.model is None:
        raise UnknownField(text, (), "only an entry of a list can be picked")
    if text in ("first", "last"):
        return Pick("first" if text == "first" else "last")
    says = []
    known = kinds_of(kind.model)
    for condition in text.split(","):
        name, equals, values = condition.strip().partition("=")
        if not equals or not values:
            raise UnknownField(text, (), "write [first], [last] or [field=value]")
        if name not in known:
            raise UnknownField(name, known)
        found = tuple(values.split("|"))
        for value in found:
            if known[name].codes and value not in known[name].codes:
                raise UnknownField(value, known[name].codes)
        says.append((name, found))
    return Pick("first", tuple(says))


@cache
def kinds_of(model: type[BaseModel]) -> dict[str, Kind]:
    """The fields of a model and what each holds."""
    hints = get_type_hints(model, include_extras=True)
    return {name: _kind(hints[name]) for name in model.model_fields}


def _kind(hint: Any) -> Kind:
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *notes = get_args(hint)
        found = _kind(inner)
        for note in notes:
            if isinstance(note, StringConstraints) and found.name == "text":
                return Kind(_PATTERNS.get(str(note.pattern), "text"))
        return found
    if origin in (Union, UnionType):
        return next(_kind(choice) for choice in get_args(hint) if choice is not type(None))
    if origin is list:
        inner = _kind(get_args(hint)[0])
        return Kind(inner.name, True, inner.model, inner.codes)
    if origin is Literal:
        return Kind("code", codes=tuple(get_args(hint)))
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        known: KindName = next((name for kind, name in _MODELS.items() if issubclass(hint, kind)), "part")
        return Kind(known, model=hint)
    return Kind("boolean" if hint is bool else "integer" if hint is int else "text" if hint is str else "any")


def value_at(tree: Tree, steps: tuple[Step, ...]) -> Any:
    """What stands at a path of a tree; None where nothing does."""
    value: Any = tree
    for step in steps:
        if not isinstance(value, dict):
            return None
        value = value.get(step.name)
        if step.pick is not None:
            value = step.pick.of(value)
    return value


RECORD: type[BaseModel] = CareRecord
