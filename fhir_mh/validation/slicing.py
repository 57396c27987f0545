"""The check of a sliced list: each item against the slice it belongs to, and how often each slice stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_mh.fhirpath.values import is_primitive
from fhir_mh.validation.compiler import Compiler
from fhir_mh.validation.fields import Item, SliceCheck
from fhir_mh.validation.shape import Shape, Slicing
from fhir_mh.validation.shapes import Unresolvable
from fhir_mh.validation.slices import Discriminator, Undecidable
from fhir_mh.validation.walk import Place, Walk

DEFAULT = "@default"
_Belongs = Callable[[Any, Walk], int | None]


class _Slice:
    def __init__(self, name: str, shape: Shape, discriminators: list[Discriminator], item: Item | None) -> None:
        self.name, self.shape, self.discriminators, self.item = name, shape, discriminators, item

    def takes(self, value: Any, walk: Walk) -> bool:
        return all(entry.test(value, walk) for entry in self.discriminators)

    def refusal(self, value: Any, walk: Walk) -> str:
        """Which discriminator failed, what it wanted and what it saw."""
        for entry in self.discriminators:
            if not entry.test(value, walk):
                return f"{self.name} wants {entry.path} to be {entry.wants}, it is {entry.seen(value, walk)}"
        return f"{self.name} fits"


def slicing_check(slicing: Slicing, child: Shape, label: str, key: str, compiler: Compiler) -> SliceCheck:
    """The check of one slicing, compiled when a list is first met."""
    compiled: list[tuple[list[_Slice], _Belongs] | None] = []

    def check(held: list[Any], place: Place, walk: Walk) -> None:
        if not compiled:
            found = _compiled(slicing, child, compiler)
            compiled.append(None if found is None else (found, _belonging(found)))
        if compiled[0] is None:
            walk.skip("validate-unchecked-slice", (place, label, None, key), name=child.name)
            return
        try:
            _apply(*compiled[0], held, place, walk)
        except Unresolvable as missing:
            walk.skip("validate-unchecked-profile", (place, label, None, key), profile=missing)

    def _apply(slices: list[_Slice], belongs: _Belongs, held: list[Any], place: Place, walk: Walk) -> None:
        counts = dict.fromkeys((entry.name for entry in slices), 0)
        last = 0
        unmatched: list[Any] = []
        for index, value in enumerate(held):
            here = (place, label, index if child.array else None, key)
            position = belongs(value, walk)
            if position is None:
                unmatched.append(value)
                if slicing.rules == "closed":
                    reason = "; ".join(entry.refusal(value, walk) for entry in slices)
                    names = ", ".join(counts)
                    walk.fail(
                        "validate-slice-none",
                        here,
                        None,
                        slicing.by,
                        name=child.name,
                        slices=names or "(none)",
                        reason=reason or "none is allowed",
                    )
                continue
            entry = slices[position]
            counts[entry.name] += 1
            if entry.item is not None and type(value) is dict:
                entry.item(value, here, walk)
            if slicing.ordered and position < last:
                walk.fail("validate-slice-order", here, None, slicing.by, name=child.name)
            last = max(last, position)
        for entry in slices:
            _count(entry, counts[entry.name], unmatched, (place, label, None, key), walk)

    return check


def _belonging(slices: list[_Slice]) -> _Belongs:
    """The number of the first slice that takes an item, as a function; None where none does."""

    def first(value: Any, walk: Walk) -> int | None:
        return next((at for at, entry in enumerate(slices) if entry.takes(value, walk)), None)

    keys = {entry.discriminators[0].key if len(entry.discriminators) == 1 else "" for entry in slices}
    key = keys.pop() if len(keys) == 1 else ""
    if not key:
        return first
    by_text: dict[str, int] = {}
    for at, entry in enumerate(slices):
        for text in entry.discriminators[0].texts:
            by_text.setdefault(text, at)

    def named(value: Any, walk: Walk) -> int | None:
        text = value.get(key) if type(value) is dict else None
        return by_text.get(text) if type(text) is str else first(value, walk)

    return named


def _count(entry: _Slice, count: int, unmatched: list[Any], place: Place, walk: Walk) -> None:
    shape = entry.shape
    if count < shape.min:
        why = "; ".join(dict.fromkeys(entry.refusal(value, walk) for value in unmatched[:5]))
        said = f" in slice {entry.name}" + (f" ({why})" if why else "")
        by = shape.by.get("min", "")
        walk.fail("validate-required", place[0], None, by, place, name=shape.name, min=shape.min, slice=said)
    elif shape.max is not None and count > shape.max:
        said, by = f" in slice {entry.name}", shape.by.get("max", "")
        more = {"name": shape.name, "count": count, "max": shape.max, "slice": said}
        walk.fail("validate-too-many", place[0], None, by, place, **more)


def _compiled(slicing: Slicing, child: Shape, compiler: Compiler) -> list[_Slice] | None:
    """The slices ready for use; None where they cannot be told apart."""
    found = []
    for name, shape in slicing.slices.items():
        if name == DEFAULT or "/" in name:
            return None
        try:
            tests = compiler.discriminators.of(slicing.discriminators, shape)
            entry = shape.types[0] if shape.types else None
            item = None if entry is None or is_primitive(entry.code) else compiler.addition(shape, child, entry)
        except (Undecidable, Unresolvable):
            return None
        found.append(_Slice(name, shape, tests, item))
    return found
