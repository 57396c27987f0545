"""The elements of a snapshot beside the parts of a Shape that stand for them, and where the two differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from fhir_mh.fhirpath.values import is_primitive
from fhir_mh.packages.definitions import TYPE_URL
from fhir_mh.packages.facts import Facts
from fhir_mh.packages.model import type_code
from fhir_mh.validation.shape import Shape
from fhir_mh.validation.shapes import Shapes, Unresolvable

_BY_URL = ((("value", "url"),), "open", False)


class Difference(NamedTuple):
    """part: the property of ElementDefinition, or `element` where only one of the two has such an element."""

    profile: str
    id: str
    part: str
    snapshot: Any
    shape: Any


def differences(facts: Facts, shapes: Shapes) -> Iterator[Difference]:
    """Where the snapshot of a profile, as facts, and its Shape differ."""
    root = shapes.of_profile(facts["url"])
    for element in facts["snapshot"]:
        *around, step = element["id"].split(".")
        outer = _found(root, around[1:], shapes) if around else None
        if outer is not None and step == "value" and _is_primitive(outer):
            continue  # the text of a primitive, which is no member of its own in JSON
        shape = root if outer is None else _found(outer, [step], shapes)
        if shape is None:
            yield Difference(facts["url"], element["id"], "element", True, None)
            continue
        yield from (
            Difference(facts["url"], element["id"], part, wanted, given)
            for part, wanted, given in rows(element, shape if "slicing" in element else _form(shape), shapes)
            if wanted != given
        )
    ids = {element["id"] for element in facts["snapshot"]}
    yield from (Difference(facts["url"], slice_id, "element", None, True) for slice_id in _slices(root, root.path, ids))


def rows(element: Facts, shape: Shape, shapes: Shapes) -> Iterator[tuple[str, Any, Any]]:
    """(property, what a snapshot says, what a Shape says) of one element.

    Of what a Shape gathers on the way from R4 to the profile (value sets bound, fixed values, profiles of a type) the
    last is compared: a snapshot holds no other, and what came before holds as well. A min may be told as the least that
    the slices ask for together. The rules of an element's type and of its
    profiles are checked with these, wherever they are told.
    """
    least = (
        max(sum(held.min for held in slicing.slices.values()) for slicing in shape.slicings) if shape.slicings else 0
    )
    yield "min", element["min"], least if element["min"] == least > shape.min else shape.min
    yield "max", element["max"], "*" if shape.max is None else str(shape.max)
    yield "contentReference", element.get("contentReference", "").rpartition("#")[2], shape.reference
    if "." in element["id"]:  # the root of a snapshot has no type
        yield "type", sorted(_types_said(element)), sorted(_types_held(shape))
    for kind, held in (("fixed", shape.fixed), ("pattern", shape.patterns)):
        yield kind, [value for key, value in element.items() if key.startswith(kind)], list(held[-1:])
    yield "maxLength", element.get("maxLength"), shape.max_length
    if not _is_extension(shape):  # nothing in an Extension itself is coded, and snapshots leave the binding out
        yield from _bindings(element, shape)
    yield "constraint", *_constraints(element, shape, shapes)
    yield "slicing", *_slicings(element, shape)


def _found(here: Shape, steps: list[str], shapes: Shapes) -> Shape | None:
    for step in steps:
        name, _, slice_name = step.partition(":")
        child = shapes.children(_form(here)).get(name.removesuffix("[x]"))
        if child is not None and slice_name:
            child = next((s.slices[slice_name] for s in child.slicings if slice_name in s.slices), None)
        if child is None:
            return None
        here = child
    return here


def _form(shape: Shape) -> Shape:
    """A choice of which one form is left, as most snapshots tell it: as an element of that one type."""
    forms = [held for slicing in shape.slicings for held in slicing.slices.values() if slicing.rules == "closed"]
    return forms[0] if shape.choice and len(forms) == 1 else shape


def _slices(shape: Shape, path: str, known: set[str]) -> Iterator[str]:
    """The ids of the slices of a Shape that are not known."""
    for child in (shape.children or {}).values():
        here = f"{path}.{child.name}{'[x]' if child.choice else ''}"
        yield from _slices(child, here, known)
        for name, held in ((name, held) for slicing in child.slicings for name, held in slicing.slices.items()):
            if f"{here}:{name}" not in known and held is not _form(child):
                yield f"{here}:{name}"
            yield from _slices(held, f"{here}:{name}", known)


def _types_said(element: Facts) -> Iterator[tuple[str, *tuple[list[str], ...]]]:
    for entry in element.get("type", ()):
        said = (sorted(entry.get(name, ())) for name in ("profile", "targetProfile", "aggregation", "versioning"))
        yield type_code(entry["code"]), *said


def _types_held(shape: Shape) -> Iterator[tuple[str, *tuple[list[str], ...]]]:
    closed = [slicing for slicing in shape.slicings if shape.choice and slicing.rules == "closed"]
    left = {entry.code for slicing in closed for held in slicing.slices.values() for entry in held.types}
    for code, *groups in shape.types:
        if closed and code not in left:
            continue  # a form that no slice of the choice has
        yield code, *(sorted(held[-1]) if held else [] for held in groups)


def _is_primitive(shape: Shape) -> bool:
    return len(shape.types) == 1 and is_primitive(shape.types[0].code)


def _is_extension(shape: Shape) -> bool:
    return any(entry.code == "Extension" for entry in shape.types)


def _bindings(element: Facts, shape: Shape) -> Iterator[tuple[str, Any, Any]]:
    said = element.get("binding", {})
    held = [(bound.strength, bound.value_set) for bound in shape.bindings if bound.strength != "maximum"]
    most = [bound.value_set for bound in shape.bindings if bound.strength == "maximum"]
    yield "binding", [(said["strength"], said["valueSet"])] if "valueSet" in said else [], held[-1:]
    yield "maxValueSet", [said["maxValueSet"]] if "maxValueSet" in said else [], most[-1:]


def _constraints(element: Facts, shape: Shape, shapes: Shapes) -> tuple[set[str], set[str]]:
    wanted = {rule["key"] for rule in element.get("constraint", ()) if rule.get("expression")} - {"ele-1"}
    given = {rule.key for rule in shape.invariants}
    for entry in shape.types if "." in element["id"] else ():
        for url in (TYPE_URL + entry.code, *(url for group in entry.profiles for url in group)):
            try:
                of_type = {rule.key for rule in shapes.of_profile(url).invariants}
            except Unresolvable:
                continue
            wanted, given = wanted - of_type, given - of_type
    return wanted, given


def _slicings(element: Facts, shape: Shape) -> tuple[list[Any], list[Any]]:
    """Extensions are sliced by url whether that is said or not."""
    implied = [_BY_URL] if _is_extension(shape) else []
    said = element.get("slicing")
    held = [(slicing.discriminators, slicing.rules, slicing.ordered) for slicing in shape.slicings]
    if not said:
        return implied, held or implied
    by = tuple((entry["type"], entry["path"]) for entry in said.get("discriminator", ()))
    return [(by, said.get("rules"), bool(said.get("ordered")))], held or implied
