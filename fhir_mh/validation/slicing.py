"""The check of a sliced list: each item against the slice it belongs to, and how often each slice stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fhir_mh.fhirpath.values import is_primitive
from fhir_mh.validation.compiler import Compiler
from fhir_mh.validation.fields import Item, SliceCheck
from fhir_mh.validation.shape import Shape, Slicing
from fhir_mh.validation.shapes import Unresolvable
from fhir_mh.validation.slices import Discriminator, Undecidable
from fhir_mh.validation.walk import Place, Walk

_DEFAULT = "@default"  # the name of a slice for all that belongs to no other
_TOLD = 8  # slices of which a message says why each is not meant
_POSITION = (("position", "$this"),)
_Belongs = Callable[[int, Any, Walk], int | None]  # how many stand before it, the item: which slice takes it
_Judge = Callable[[list[Any], Sequence[int], Place, Walk], None]  # a list, which of its items are judged, place, walk


class _Slice:
    """One slice, ready for use. within: the checks of the slices that it is sliced into again."""

    def __init__(
        self,
        name: str,
        shape: Shape,
        discriminators: list[Discriminator],
        item: Item | None,
        within: Sequence[_Judge] = (),
    ) -> None:
        self.name, self.shape, self.discriminators, self.item, self.within = name, shape, discriminators, item, within

    def takes(self, value: Any, walk: Walk) -> bool:
        for entry in self.discriminators:  # noqa: SIM110 - a generator takes longer
            if not entry.test(value, walk):
                return False
        return True

    def refusal(self, value: Any, walk: Walk) -> str:
        """Which discriminator failed, what it wanted and what it saw."""
        for entry in self.discriminators:
            if not entry.test(value, walk):
                return f"{self.name} wants {entry.path} to be {entry.wants}, it is {entry.seen(value, walk)}"
        return f"{self.name} fits"


class _Slices(NamedTuple):
    """What a list is cut into. default: the number of the slice for the rest, where there is one.

    needed: the numbers of those that must stand. idle: of so few items, nothing can be said.
    """

    slices: list[_Slice]
    belongs: _Belongs
    default: int | None
    needed: list[int]
    idle: float


def slicing_check(slicing: Slicing, child: Shape, label: str, key: str, compiler: Compiler) -> SliceCheck:
    """The check of one slicing, compiled when a list is first met."""
    judge = _judge(slicing, child, label, key, compiler)
    return lambda held, place, walk: judge(held, range(len(held)), place, walk)


def _judge(slicing: Slicing, child: Shape, label: str, key: str, compiler: Compiler) -> _Judge:
    compiled: list[_Slices | None] = []

    def check(held: list[Any], judged: Sequence[int], place: Place, walk: Walk) -> None:
        if not compiled:
            compiled.append(_compiled(slicing, child, label, key, compiler))
        cut = compiled[0]
        if cut is None:
            walk.skip("validate-unchecked-slice", (place, label, None, key), name=child.name)
            return
        if len(judged) <= cut.idle:
            return
        try:
            _apply(cut, held, judged, place, walk)
        except Undecidable:
            walk.skip("validate-unchecked-slice", (place, label, None, key), name=child.name)
        except Unresolvable as missing:
            walk.skip(missing.code, (place, label, None, key), **missing.told)

    def _apply(cut: _Slices, held: list[Any], judged: Sequence[int], place: Place, walk: Walk) -> None:
        taken: dict[int, list[int]] = {}
        unmatched: list[Any] = []
        last = 0
        for before, index in enumerate(judged):
            value = held[index]
            position = cut.belongs(before, value, walk)
            if position is None:
                unmatched.append(value)
                if cut.default is None:
                    if slicing.rules == "closed":
                        here = (place, label, index if child.array else None, key)
                        _in_none(cut.slices, slicing, child, value, here, walk)
                    continue
                position = cut.default
            elif (slicing.ordered and position < last) or (slicing.rules == "openAtEnd" and unmatched):
                here = (place, label, index if child.array else None, key)
                walk.fail("validate-slice-order", here, None, slicing.by, name=child.name)
            last = max(last, position)
            taken.setdefault(position, []).append(index)
            item = cut.slices[position].item
            if item is not None and type(value) is dict:
                item(value, (place, label, index if child.array else None, key), walk)
        _how_often(cut, taken, unmatched, (place, label, None, key), walk)
        for position, items in taken.items():
            for judge in cut.slices[position].within:
                judge(held, items, place, walk)

    return check


def _how_often(cut: _Slices, taken: dict[int, list[int]], unmatched: list[Any], place: Place, walk: Walk) -> None:
    """Tell of slices that stand too seldom or too often."""
    for position in cut.needed:
        if len(taken.get(position, ())) < cut.slices[position].shape.min:
            _too_few(cut.slices[position], unmatched, place, walk)
    for position, items in taken.items():
        entry = cut.slices[position]
        if entry.shape.max is not None and len(items) > entry.shape.max:
            _too_many(entry, len(items), place, walk)


def _in_none(slices: list[_Slice], slicing: Slicing, child: Shape, value: Any, here: Place, walk: Walk) -> None:
    """Tell of an item for which a closed slicing has no slice."""

    def reason() -> str:
        more = f"; and {len(slices) - _TOLD} slices more" if len(slices) > _TOLD else ""
        return "; ".join(entry.refusal(value, walk) for entry in slices[:_TOLD]) + more or "none is allowed"

    names = ", ".join(entry.name for entry in slices[:_TOLD]) or "(none)"
    walk.fail("validate-slice-none", here, None, slicing.by, name=child.name, slices=names, reason=reason)


def _belonging(slices: list[_Slice], discriminators: tuple[tuple[str, str], ...]) -> _Belongs:
    """The number of the first slice that takes an item, as a function; None where none does."""
    if discriminators == _POSITION:
        return lambda before, value, walk: before if before < len(slices) else None

    def first(before: int, value: Any, walk: Walk) -> int | None:
        for at, entry in enumerate(slices):
            if entry.takes(value, walk):
                return at
        return None

    keys = {entry.discriminators[0].key if len(entry.discriminators) == 1 else "" for entry in slices}
    key = keys.pop() if len(keys) == 1 else ""
    if not key:
        return first
    by_text: dict[str, int] = {}
    for at, entry in enumerate(slices):
        for text in entry.discriminators[0].texts:
            by_text.setdefault(text, at)

    def named(before: int, value: Any, walk: Walk) -> int | None:
        text = value.get(key) if type(value) is dict else None
        return by_text.get(text) if type(text) is str else first(before, value, walk)

    return named


def _too_few(entry: _Slice, unmatched: list[Any], place: Place, walk: Walk) -> None:
    shape, by = entry.shape, entry.shape.by.get("min", "")
    why = "; ".join(dict.fromkeys(entry.refusal(value, walk) for value in unmatched[:5]))
    said = f" in slice {entry.name}" + (f" ({why})" if why else "")
    walk.fail("validate-required", place[0], None, by, place, name=shape.name, min=shape.min, slice=said)


def _too_many(entry: _Slice, count: int, place: Place, walk: Walk) -> None:
    shape, by = entry.shape, entry.shape.by.get("max", "")
    more = {"name": shape.name, "count": count, "max": shape.max, "slice": f" in slice {entry.name}"}
    walk.fail("validate-too-many", place[0], None, by, place, **more)


def _compiled(slicing: Slicing, child: Shape, label: str, key: str, compiler: Compiler) -> _Slices | None:
    """The slices ready for use; None where they cannot be told apart."""
    found: list[_Slice] = []
    default: _Slice | None = None
    for name, shape in slicing.slices.items():
        entry = shape.types[0] if shape.types else None
        within = [_judge(inner, shape, label, key, compiler) for inner in shape.slicings if inner.slices]
        try:
            told = name != _DEFAULT and slicing.discriminators != _POSITION
            tests = compiler.discriminators.of(slicing.discriminators, shape) if told else []
            item = None if entry is None or is_primitive(entry.code) else compiler.addition(shape, child, entry)
        except (Undecidable, Unresolvable):
            return None
        made = _Slice(name, shape, tests, item, within)
        if name == _DEFAULT:
            default = made
        else:
            found.append(made)
    slices = [*found, default] if default else found
    needed = [at for at, one in enumerate(slices) if one.shape.min]
    belongs = _belonging(found, slicing.discriminators)
    cut = _Slices(slices, belongs, len(found) if default else None, needed, idle=0)
    return cut._replace(idle=_idle(cut, slicing))


def _idle(cut: _Slices, slicing: Slicing) -> float:
    """The length up to which a list passes whatever stands in it: where all that is asked is how often a slice may."""
    told = all(len(entry.discriminators) == 1 and entry.discriminators[0].key for entry in cut.slices)
    if slicing.ordered or slicing.rules != "open" or cut.needed or not told:
        return 0
    if any(entry.item or entry.within for entry in cut.slices):
        return 0
    return min((math.inf if entry.shape.max is None else entry.shape.max for entry in cut.slices), default=math.inf)
