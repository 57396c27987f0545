"""The members of an object: which must stand, which may, and what is said of one that nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from fhir_mh.packages.model import form_key
from fhir_mh.validation.fields import Handler, Item
from fhir_mh.validation.rules import Rule
from fhir_mh.validation.shape import Shape, Slicing
from fhir_mh.validation.walk import Place, Walk


class Required(NamedTuple):
    """A member that must stand: its name, the keys that say it, how often, and which profile asks for it."""

    name: str
    keys: frozenset[str]
    least: int
    by: str
    slice: str = ""


def by_type(slicing: Slicing) -> bool:
    """Whether the slices of a choice are its types."""
    return slicing.discriminators in ((), (("type", "$this"),))


def demands(shape: Shape) -> bool:
    """Whether something must stand in an element, be it a slice."""
    return any(
        child.min or any(held.min for slicing in child.slicings for held in slicing.slices.values())
        for child in (shape.children or {}).values()
    )


def required_slices(child: Shape, keys: frozenset[str]) -> list[Required]:
    """The slices that must stand, told where nothing of their element does; of value[x], the forms that must.

    keys: the members that say the element. Where it stands, the check of its slicing says which slices do not.
    """
    found = []
    for slicing in child.slicings:
        for name, held in slicing.slices.items():
            if not held.min:
                continue
            by = held.by.get("min", "")
            if child.choice and by_type(slicing):
                names = [form_key(child.name, entry.code) for entry in held.types]
                forms = frozenset(key for form in names for key in (form, "_" + form))
                found.append(Required(" or ".join(names), forms, held.min, by))
            elif not child.min:  # else what is missing is told already
                found.append(Required(child.name, keys, held.min, by, f" in slice {name}"))
    return found


def nothing(held: Any, owner: dict[str, Any], place: Place, walk: Walk) -> None:
    """resourceType is read before the walk begins."""


def object_check(
    table: dict[str, Handler],
    required: tuple[Required, ...],
    after: tuple[Rule, ...],
    type_name: str,
    other: Callable[[Any, dict[str, Handler], str, Place, Walk], None],
) -> Item:
    """The check of one object. table: JSON key -> the check of its value. other: what is done with another key."""
    handlers = table.get

    def check(value: Any, place: Place, walk: Walk) -> None:
        for key, held in value.items():
            handler = handlers(key)
            if handler is not None:
                handler(held, value, place, walk)
            else:
                other(key, table, type_name, place, walk)
        for name, names, least, by, slice_name in required:
            if names.isdisjoint(value):
                said = f"{type_name}.{name}"
                walk.fail("validate-required", place, None, by, name=said, min=least, slice=slice_name)
        for rule in after:
            rule(value, None, place, walk)

    return check


def passed_over(key: Any, table: dict[str, Handler], type_name: str, place: Place, walk: Walk) -> None:
    """What is no part of a partial check."""
