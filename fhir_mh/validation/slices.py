"""Slicing: telling which slice each item of a list belongs to, and saying why it belongs to none.

See https://hl7.org/fhir/R4/profiling.html#slicing
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from fhir_mh.packages.model import R4, form_key, is_a
from fhir_mh.terminology.expansion import Terminology
from fhir_mh.validation.references import target_type
from fhir_mh.validation.rules import described, equal_to, matcher, says_a_code
from fhir_mh.validation.shape import Shape
from fhir_mh.validation.shapes import Shapes, Unresolvable
from fhir_mh.validation.walk import Walk, shown

Test = Callable[[Any, Walk], bool]
_STEP = re.compile(r"extension\('([^']+)'\)|ofType\((\w+)\)|resolve\(\)|\$this|([A-Za-z]\w*)(?:\[x\])?")
Conforms = Callable[[str, Any, Walk], bool]


class Discriminator(NamedTuple):
    """One test of one slice: path and what it wants, in words, and what it saw of an item.

    texts: where an item belongs that says one of these by key; whatever is no text is for the test.
    """

    path: str
    wants: str
    test: Test
    seen: Callable[[Any, Walk], str]
    key: str = ""
    texts: frozenset[str] = frozenset()


class Undecidable(Exception):
    """A discriminator of a kind that cannot be evaluated."""


class Discriminators:
    """Makes the tests of slices from their shapes."""

    def __init__(self, shapes: Shapes, terminology: Terminology, conforms: Conforms) -> None:
        self._shapes, self._terminology, self._conforms = shapes, terminology, conforms

    def of(self, discriminators: tuple[tuple[str, str], ...], slice_shape: Shape) -> list[Discriminator]:
        """The tests an item must pass to belong to a slice. Raises Undecidable."""
        if not discriminators:
            raise Undecidable
        return [self._one(kind, path, slice_shape) for kind, path in discriminators]

    def _one(self, kind: str, path: str, shape: Shape) -> Discriminator:
        steps = parsed(path)
        if kind == "exists":
            return self._exists(path, steps, shape)
        if kind == "type":
            return self._typed(path, steps, shape)
        if kind == "profile":
            return self._profiled(path, steps, shape)
        return self._valued(path, steps, shape)

    def _valued(self, path: str, steps: list[tuple[str, str]], shape: Shape) -> Discriminator:
        if steps == [("name", "url")] and shape.types and shape.types[0].profiles:
            urls = frozenset(url.split("|")[0] for group in shape.types[0].profiles for url in group)

            def of_them(item: Any, walk: Walk) -> bool:
                url = item.get("url") if isinstance(item, dict) else None
                return isinstance(url, str) and url in urls

            return Discriminator(path, " or ".join(sorted(urls)), of_them, _seen(steps, "uri"), "url", urls)
        target = self._target(steps, shape)
        test, wants = self._wanted(target)

        def passes(item: Any, walk: Walk) -> bool:
            for value in _values(item, steps, walk) if steps else (item,):  # noqa: SIM110 - a generator takes longer
                if test(value):
                    return True
            return False

        seen = _seen(steps, target.types[0].code if target.types else "")
        fixed = target.fixed[0] if target.fixed else None
        if len(steps) == 1 and steps[0][0] == "name" and isinstance(fixed, str):
            return Discriminator(path, wants, passes, seen, steps[0][1], frozenset([fixed]))
        return Discriminator(path, wants, passes, seen)

    def _wanted(self, target: Shape) -> tuple[Callable[[Any], bool], str]:
        """A test of one value from the fixed value, pattern or binding of an element, or of its parts."""
        if target.fixed:
            fixed = target.fixed[0]
            return equal_to(fixed), described(fixed)
        if target.patterns:
            pattern = target.patterns[0]
            return matcher(pattern), described(pattern)
        parts = {
            name: self._wanted(child)
            for name, child in (target.children or {}).items()
            if child.name not in ("id", "extension") and _constrained(child)
        }
        if parts:
            return lambda value: _all_parts(value, parts), ", ".join(
                f"{name} {wants}" for name, (_, wants) in parts.items()
            )
        bindings = [bound for bound in target.bindings if bound.strength == "required"]
        expansions = [self._terminology.expand(bound.value_set) for bound in bindings]
        listed = [held for held in expansions if held is not None and held.enumerable]
        if not listed or len(listed) < len(expansions):
            raise Undecidable
        wants = " and of ".join(bound.value_set for bound in bindings)
        return lambda value: all(_bound(value, held) for held in listed), f"a code of {wants}"

    def _exists(self, path: str, steps: list[tuple[str, str]], shape: Shape) -> Discriminator:
        wanted = self._target(steps, shape).max != 0
        return Discriminator(
            path,
            "to be present" if wanted else "to be absent",
            lambda item, walk: bool(_values(item, steps, walk)) is wanted,
            _seen(steps, "string"),
        )

    def _typed(self, path: str, steps: list[tuple[str, str]], shape: Shape) -> Discriminator:
        target = self._target(steps, shape)
        names = tuple(entry.code for entry in target.types)
        if steps and steps[-1] == ("resolve", ""):
            names = self._types_led_to(target)
        if not names:
            raise Undecidable

        def kinds(item: Any, walk: Walk) -> list[str]:
            if steps and steps[-1] == ("resolve", ""):
                found = [target_type(held, walk) for held in _values(item, steps[:-1], walk) if isinstance(held, dict)]
                if None in found:
                    raise Undecidable  # where it leads cannot be told from here
                return [name for name in found if name is not None]
            if steps and steps[-1][0] == "name" and target.choice:
                return _forms_of(steps[-1][1], _values(item, steps[:-1], walk), names)
            return [
                held["resourceType"]
                for held in _values(item, steps, walk)
                if isinstance(held, dict) and isinstance(held.get("resourceType"), str)
            ]

        return Discriminator(
            path,
            "type " + " or ".join(names),
            lambda item, walk: any(is_a(kind, name) for kind in kinds(item, walk) for name in names),
            lambda item, walk: "type " + (" and ".join(shown(k) for k in kinds(item, walk)) or "unknown"),
        )

    def _profiled(self, path: str, steps: list[tuple[str, str]], shape: Shape) -> Discriminator:
        target = self._target(steps, shape)
        groups = [group for entry in target.types for group in (entry.profiles or entry.targets)]
        if not groups:
            raise Undecidable

        def fits(held: Any, walk: Walk) -> bool:
            return all(any(self._conforms(url, held, walk) for url in group) for group in groups)

        def passes(item: Any, walk: Walk) -> bool:
            return any(fits(held, walk) for held in _values(item, steps, walk))

        return Discriminator(
            path, "profile " + " or ".join(groups[-1]), passes, lambda item, walk: "something that does not follow it"
        )

    def _types_led_to(self, target: Shape) -> tuple[str, ...]:
        """The types of what a Reference may lead to, by the narrowest that is said of it."""
        urls = [url for entry in target.types for url in (entry.targets[-1] if entry.targets else ())]
        try:
            return tuple(self._shapes.of_profile(url).types[0].code for url in urls)
        except Unresolvable:
            raise Undecidable from None

    def _target(self, steps: list[tuple[str, str]], shape: Shape) -> Shape:
        """The element a discriminator's path leads to within a slice."""
        try:
            for kind, name in steps:
                if kind in ("resolve", "type"):
                    continue
                if kind == "extension":
                    shape = _extension(self._shapes, shape, name)
                    continue
                shape = self._shapes.children(shape if shape.children is not None else shape.copy())[name]
        except (KeyError, Unresolvable):
            raise Undecidable from None
        return shape


def _extension(shapes: Shapes, shape: Shape, url: str) -> Shape:
    held = shapes.children(shape)["extension"]
    for slicing in held.slicings:
        for found in slicing.slices.values():
            if any(url in group for entry in found.types for group in entry.profiles):
                return found
    return shapes.of_profile(url)


def parsed(path: str) -> list[tuple[str, str]]:
    """(kind, name) of each step of a discriminator's path: name, extension, type or resolve. Raises Undecidable."""
    steps, rest = [], path
    while rest:
        match = _STEP.match(rest)
        if match is None:
            raise Undecidable
        whole, (url, form, name) = match.group(), match.groups()
        if url:
            steps.append(("extension", url))
        elif form:
            steps.append(("type", form))
        elif whole == "resolve()":
            steps.append(("resolve", ""))
        elif name:
            steps.append(("name", name))
        rest = rest[match.end() :]
        if rest[:1] not in ("", "."):
            raise Undecidable
        rest = rest[1:]
    return steps


def _values(item: Any, steps: list[tuple[str, str]], walk: Walk) -> list[Any]:
    held = [item]
    for kind, name in steps:
        found: list[Any] = []
        for value in held:
            if kind == "type":
                found.append(value)
            elif kind == "resolve":
                must, target = walk.local(str(value.get("reference"))) if isinstance(value, dict) else (True, None)
                if target is None and not must:
                    raise Undecidable  # it leads outside, and cannot be looked at
                found.extend([target] if target is not None else [])
            elif isinstance(value, dict):
                found.extend(_child(value, kind, name))
        held = found
    return held


def _child(value: dict[str, Any], kind: str, name: str) -> list[Any]:
    if kind == "extension":
        held = value.get("extension")
        return [e for e in held if isinstance(e, dict) and e.get("url") == name] if isinstance(held, list) else []
    found = value.get(name)
    if found is None:  # value[x] in one of its forms
        found = next((held for key, held in value.items() if _is_form(key, name)), None)
    return found if isinstance(found, list) else [] if found is None else [found]


def _is_form(key: str, name: str) -> bool:
    """Whether a member is one of the forms of a choice: `valueQuantity` of value, but not frequencyMax of frequency."""
    kind = key[len(name) :]
    return key.startswith(name) and kind[:1].isupper() and (R4.known(kind) or R4.known(kind[:1].lower() + kind[1:]))


def _forms_of(name: str, around: list[Any], names: tuple[str, ...]) -> list[str]:
    """Of these types, those whose form of a choice is there."""
    keys = {key for held in around if isinstance(held, dict) for key in held}
    return [code for code in names if form_key(name, code) in keys]


def _seen(steps: list[tuple[str, str]], type_name: str) -> Callable[[Any, Walk], str]:
    def seen(item: Any, walk: Walk) -> str:
        held = _values(item, steps, walk)
        return " and ".join(described(value, type_name) for value in held[:3]) if held else "nothing"

    return seen


def _constrained(shape: Shape) -> bool:
    return bool(shape.fixed or shape.patterns) or any(
        _constrained(child) for child in (shape.children or {}).values() if child.name not in ("id", "extension")
    )


def _all_parts(value: Any, parts: dict[str, tuple[Callable[[Any], bool], str]]) -> bool:
    return isinstance(value, dict) and all(
        any(test(held) for held in _child(value, "name", name)) for name, (test, _) in parts.items()
    )


def _bound(value: Any, expansion: Any) -> bool:
    if isinstance(value, str):
        return expansion.holds(None, value) is True
    if not isinstance(value, dict):
        return False
    codings = value["coding"] if isinstance(value.get("coding"), list) else [value]
    return any(says_a_code(c) and expansion.holds(c.get("system", ""), c["code"]) is True for c in codings)
