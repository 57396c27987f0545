"""What an element must look like: the facts of a type or profile as a tree, ready to be compiled.

A Shape describes one element. Its children stand for the parts it names itself; where it has none, the type says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fhir_mh.packages.model import is_a, type_code

_STRENGTHS = ("example", "preferred", "extensible", "required")


class TypeRef(NamedTuple):
    """profiles and targets are groups: a value must meet one profile of every group.

    modes: groups too, of how a Reference may lead to its target (ElementDefinition.type.aggregation).
    versions: groups of `specific` or `independent`: whether it must, or must not, name a version (type.versioning).
    """

    code: str
    profiles: tuple[tuple[str, ...], ...] = ()
    targets: tuple[tuple[str, ...], ...] = ()
    modes: tuple[tuple[str, ...], ...] = ()
    versions: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """strength as in FHIR; `maximum` for the limit of an extensible binding. by: the profile that binds."""

    strength: str
    value_set: str
    by: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Invariant:
    """One rule in FHIRPath. human: what its definition says of it, where that is at hand. by: the profile it is of."""

    key: str
    severity: str
    expression: str
    human: str = field(default="", compare=False)
    by: str = field(default="", compare=False)


@dataclass(slots=True)
class Slicing:
    """discriminators: (type, path). A slice's shape is the whole element as that slice must look. by: its profile."""

    discriminators: tuple[tuple[str, str], ...]
    rules: str = "open"
    ordered: bool = False
    slices: dict[str, Shape] = field(default_factory=dict)
    by: str = field(default="", compare=False)

    def copy(self) -> Slicing:
        slices = {name: held.copy() for name, held in self.slices.items()}
        return Slicing(self.discriminators, self.rules, self.ordered, slices, self.by)


@dataclass(slots=True)
class Shape:
    """One element. path is the path in its definition; array whether JSON holds a list, by the base definition.

    obligations: (what, of whom, the profile that says so) of each thing that an actor must do with it.
    by: which profile asks for its min, max, types, fixed, patterns, limits and max_length, where one does.
    """

    name: str
    path: str
    min: int = 0
    max: int | None = None
    array: bool = False
    choice: bool = False
    types: tuple[TypeRef, ...] = ()
    children: dict[str, Shape] | None = None
    reference: str = ""
    bindings: tuple[Binding, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    fixed: tuple[Any, ...] = ()
    patterns: tuple[Any, ...] = ()
    slicings: list[Slicing] = field(default_factory=list)
    max_length: int | None = None
    limits: tuple[tuple[str, Any], ...] = ()
    obligations: tuple[tuple[str, str, str], ...] = ()
    by: dict[str, str] = field(default_factory=dict, compare=False)

    def copy(self) -> Shape:
        """A copy that can be narrowed without touching this one."""
        children = None if self.children is None else {name: child.copy() for name, child in self.children.items()}
        return Shape(
            self.name,
            self.path,
            self.min,
            self.max,
            self.array,
            self.choice,
            self.types,
            children,
            self.reference,
            self.bindings,
            self.invariants,
            self.fixed,
            self.patterns,
            [s.copy() for s in self.slicings],
            self.max_length,
            self.limits,
            self.obligations,
            self.by,
        )


_SOURCED = ("min", "max", "types", "fixed", "patterns", "limits", "max_length")


def narrow(shape: Shape, element: dict[str, Any], by: str = "") -> None:
    """Apply the facts of one ElementDefinition to a shape: what it says may only narrow. by: the profile it is of."""
    before = [getattr(shape, name) for name in _SOURCED]
    _apply(shape, element, by)
    if by:
        changed = [name for name, held in zip(_SOURCED, before, strict=True) if getattr(shape, name) != held]
        shape.by = {**shape.by, **dict.fromkeys(changed, by)}


def _apply(shape: Shape, element: dict[str, Any], by: str) -> None:
    shape.min = max(shape.min, element.get("min", 0))
    if element.get("max", "*") != "*":
        limit = int(element["max"])
        shape.max = limit if shape.max is None else min(shape.max, limit)
    codes = [type_code(entry["code"]) for entry in element.get("type", ()) if "code" in entry]
    if codes and not (codes == ["string"] and [held.code for held in shape.types] == ["id"]):
        shape.types = tuple(_type_ref(entry, shape) for entry in element["type"] if "code" in entry)
    if "binding" in element:
        shape.bindings = _bound(shape.bindings, element["binding"], by)
    for rule in element.get("constraint", ()):
        if rule.get("expression") and rule.get("key") != "ele-1":
            one = Invariant(rule["key"], rule.get("severity", "error"), rule["expression"], rule.get("human", ""), by)
            shape.invariants = _once(shape.invariants, one)
    for key, value in element.items():
        if key.startswith("fixed"):
            shape.fixed = _once(shape.fixed, value)
        elif key.startswith("pattern"):
            shape.patterns = _once(shape.patterns, value)
        elif key.startswith(("minValue", "maxValue")):
            shape.limits = _once(shape.limits, (key[:3], value))
    for one in element.get("obligations", ()):
        shape.obligations = _once(shape.obligations, (one["code"], one.get("actor", ""), by))
    if "maxLength" in element:
        shape.max_length = min(element["maxLength"], shape.max_length or element["maxLength"])


def _bound(held: tuple[Binding, ...], said: dict[str, Any], by: str) -> tuple[Binding, ...]:
    """The bindings with what an element says of its own: one of a value set already bound can only be strengthened.

    A strength alone is said of the value set bound before. See https://hl7.org/fhir/R4/profiling.html#binding
    """
    before = [bound for bound in held if bound.strength in _STRENGTHS]
    url, strength = said.get("valueSet", before[-1].value_set if before else None), said.get("strength")
    if url and strength in _STRENGTHS:
        alike = [bound for bound in before if bound.value_set == url]
        if not any(_STRENGTHS.index(bound.strength) >= _STRENGTHS.index(strength) for bound in alike):
            held = (*without(held, tuple(alike)), Binding(strength, url, by))
    more = [Binding(one["strength"], one["valueSet"], by) for one in said.get("additional", ())]
    if "maxValueSet" in said:
        more.append(Binding("maximum", said["maxValueSet"], by))
    for one in more:
        held = _once(held, one)
    return held


def _once(held: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    return held if value in held else (*held, value)


def _type_ref(entry: dict[str, Any], shape: Shape) -> TypeRef:
    code = type_code(entry["code"])
    before = next((known for known in shape.types if known.code == code), TypeRef(code))
    said = [tuple(entry.get(name, ())) for name in ("profile", "targetProfile", "aggregation", "versioning")]
    groups = [_once(held, one) if one else held for held, one in zip(before[1:], said, strict=True)]
    return TypeRef(code, *groups)


def merge(left: Shape, right: Shape) -> Shape:
    """Both at once: what meets the result meets left and right. Their children must be spelled out alike."""
    merged = left.copy()
    merged.min = max(left.min, right.min)
    limits = [limit for limit in (left.max, right.max) if limit is not None]
    merged.max = min(limits) if limits else None
    merged.types = _common(left.types, right.types) if left.types and right.types else left.types or right.types
    if not merged.types and not left.choice:
        merged.types = left.types  # they contradict each other: of one type a value is all the same
    merged.bindings = _union(left.bindings, right.bindings)
    merged.invariants = _union(left.invariants, right.invariants)
    merged.fixed = _union(left.fixed, right.fixed)
    merged.patterns = _union(left.patterns, right.patterns)
    merged.limits = _union(left.limits, right.limits)
    merged.obligations = _union(left.obligations, right.obligations)
    lengths = [length for length in (left.max_length, right.max_length) if length is not None]
    merged.max_length = min(lengths) if lengths else None
    theirs = [name for name in _SOURCED if getattr(merged, name) != getattr(left, name) and name in right.by]
    merged.by = {**left.by, **{name: right.by[name] for name in theirs}}
    merged.slicings = [*merged.slicings, *(s.copy() for s in right.slicings if s not in left.slicings)]
    if merged.children is None:
        merged.children = right.copy().children
    elif right.children is not None:
        for name, child in right.children.items():
            mine = merged.children.get(name)
            merged.children[name] = child.copy() if mine is None else merge(mine, child)
    return merged


def _common(left: tuple[TypeRef, ...], right: tuple[TypeRef, ...]) -> tuple[TypeRef, ...]:
    """The types that both allow: of one and what derives from it, the latter."""
    found = []
    for mine in left:
        for theirs in right:
            if is_a(mine.code, theirs.code) or is_a(theirs.code, mine.code):
                code = mine.code if is_a(mine.code, theirs.code) else theirs.code
                found.append(TypeRef(code, *map(_union, mine[1:], theirs[1:])))
    return tuple(found)


def _union(left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*left, *without(right, left))


def without(held: tuple[Any, ...], known: tuple[Any, ...]) -> tuple[Any, ...]:
    """What is held and not yet known."""
    return tuple(value for value in held if value not in known)
