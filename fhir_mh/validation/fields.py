"""The checks of one member of an object: how it is written, how often it stands, and each of its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fhir_mh.validation.explanations import explain
from fhir_mh.validation.limits import limits
from fhir_mh.validation.primitives import BLANK, MAX_TEXT, TESTS, Test
from fhir_mh.validation.rules import Rule
from fhir_mh.validation.shape import Shape
from fhir_mh.validation.walk import Place, Walk

Item = Callable[[Any, Place, Walk], None]
Handler = Callable[[Any, dict[str, Any], Place, Walk], None]  # value, the object around, its place, walk
SliceCheck = Callable[[list[Any], Place, Walk], None]


class Field(NamedTuple):
    """A JSON key, the check of its value, and for primitives that of its `_` sibling."""

    key: str
    handler: Handler
    sibling: Handler | None


def complex_field(
    child: Shape, key: str, label: str, type_name: str, items: tuple[Item, ...], slicings: tuple[SliceCheck, ...]
) -> Handler:
    """The check of a member whose values are objects."""
    item, allowed = together(items), child.max != 0
    if not child.array:

        def one(held: Any, owner: dict[str, Any], place: Place, walk: Walk) -> None:
            here = (place, label, None, key)
            if type(held) is list:
                walk.fail("validate-not-repeating", here, name=child.name)
                return
            if not allowed:
                _too_many(child, 1, here, walk)
                return
            if type(held) is dict and held:
                if len(held) == 1 and "id" in held:
                    only_an_id(here, walk)
                item(held, here, walk)
            else:
                _not_an_object(held, child.name, type_name, here, walk)
            for check in slicings:
                check([held], place, walk)

        return one
    count = counter(child, key, label)
    least, most = child.min, math.inf if child.max is None else child.max

    def many(held: Any, owner: dict[str, Any], place: Place, walk: Walk) -> None:
        if type(held) is not list or not held:
            _not_a_list(held, child.name, (place, label, None, key), walk)
            return
        if not least <= len(held) <= most:
            count(len(held), place, walk)
        index = 0
        for entry in held:
            if type(entry) is dict and entry:
                if len(entry) == 1 and "id" in entry:
                    only_an_id((place, label, index, key), walk)
                item(entry, (place, label, index, key), walk)
            else:
                _not_an_object(entry, child.name, type_name, (place, label, index, key), walk)
            index += 1
        for check in slicings:
            check(held, place, walk)

    return many


def together(items: Sequence[Item], rules: Sequence[Rule] = ()) -> Item:
    """All these checks of one value, and then its rules, as one check."""
    if len(items) == 1 and not rules:
        return items[0]

    def check(value: Any, place: Place, walk: Walk) -> None:
        for item in items:
            item(value, place, walk)
        for rule in rules:
            rule(value, None, place, walk)

    return check


def only_an_id(place: Place, walk: Walk) -> None:
    """Tell of an element that has an id and nothing else: ele-1 of R4."""
    wrong, mend = explain("Element", "ele-1", "", "hasValue() or (children().count() > id.count())")
    walk.fail("validate-invariant", place, "error", "", wrong=wrong, mend=mend, key="ele-1")


def counter(child: Shape, key: str, label: str) -> Callable[[int, Place, Walk], None]:
    """The check of how often a repeating element stands."""

    def count(found: int, place: Place, walk: Walk) -> None:
        if child.max is not None and found > child.max:
            _too_many(child, found, (place, label, None, key), walk)
        elif found < child.min:
            by, at = child.by.get("min", ""), (place, label, None, key)
            name = f"Another {child.name}"
            walk.fail("validate-required", place, None, by, at, name=name, min=child.min, slice="")

    return count


def primitive_field(
    child: Shape,
    key: str,
    label: str,
    type_name: str,
    test: Test,
    rules: tuple[Rule, ...],
    slicings: tuple[SliceCheck, ...],
    listed: Callable[[], frozenset[str]] | None = None,
) -> Handler:
    """The check of a member whose values are primitives.

    listed: texts against which neither the test nor a rule can say anything.
    """
    rules = (*rules, *limits(child, type_name))
    beside = "_" + key

    def value_at(value: Any, sibling: Any, here: Place, walk: Walk) -> None:
        fault = test(value)
        if fault is not None:
            _bad_primitive(value, type_name, fault, child.name, here, walk)
            if fault is not BLANK:
                return
        for rule in rules:
            rule(value, sibling, here, walk)

    if not child.array:

        def one(held: Any, owner: dict[str, Any], place: Place, walk: Walk) -> None:
            value_at(held, owner.get(beside), (place, label, None, key), walk)

        if child.max == 0:
            return _ruled_out(child, key, label)
        if listed is not None and len(rules) == 1:
            return _listed(listed, one)
        return one if rules else _plain(test, one)
    count = counter(child, key, label)

    def many(held: Any, owner: dict[str, Any], place: Place, walk: Walk) -> None:
        if type(held) is not list or not held:
            _not_a_list(held, child.name, (place, label, None, key), walk)
            return
        siblings = owner.get(beside)
        if type(siblings) is not list:
            siblings = ()
        elif len(siblings) != len(held):
            walk.fail(
                "validate-primitive-siblings",
                (place, label, None, key),
                name=child.name,
                problem="they differ in length",
            )
        count(len(held), place, walk)
        for index, value in enumerate(held):
            sibling = siblings[index] if index < len(siblings) else None
            if value is None and type(sibling) is dict:
                continue
            value_at(value, sibling, (place, label, index, key), walk)
        for check in slicings:
            check(held, place, walk)

    return many


def _ruled_out(child: Shape, key: str, label: str) -> Handler:
    def refuse(held: Any, owner: dict[str, Any], place: Place, walk: Walk) -> None:
        _too_many(child, 1, (place, label, None, key), walk)

    return refuse


def _listed(listed: Callable[[], frozenset[str]], otherwise: Handler) -> Handler:
    texts: frozenset[str] | None = None

    def check(held: Any, owner: dict[str, Any], place: Place, walk: Walk) -> None:
        nonlocal texts
        if texts is None:
            texts = listed()
        if type(held) is not str or held not in texts:
            otherwise(held, owner, place, walk)

    return check


def _plain(test: Test, otherwise: Handler) -> Handler:
    """Where no rule stands: what the test, or for most texts a quicker one, has nothing to say of is done with."""

    def text(held: Any, owner: dict[str, Any], place: Place, walk: Walk) -> None:
        if type(held) is not str or not held.isprintable() or not held.strip() or len(held) > MAX_TEXT:
            check(held, owner, place, walk)

    def check(held: Any, owner: dict[str, Any], place: Place, walk: Walk) -> None:
        if test(held) is not None:
            otherwise(held, owner, place, walk)

    return text if test is TESTS["string"] else check


def sibling_field(child: Shape, key: str, label: str, items: tuple[Item, ...]) -> Handler:
    """The check of `_name`, which holds the id and extensions of a primitive."""

    def each(held: Any, here: Place, walk: Walk) -> None:
        if type(held) is dict and held:
            for item in items:
                item(held, here, walk)
        else:
            _not_an_object(held, "_" + child.name, "Element", here, walk)

    count = counter(child, "_" + key, label)

    def one(held: Any, owner: dict[str, Any], place: Place, walk: Walk) -> None:
        if child.max == 0:
            _too_many(child, 1, (place, label, None, "_" + key), walk)
        each(held, (place, label, None, "_" + key), walk)
        if type(held) is dict and len(held) == 1 and "id" in held and key not in owner:
            only_an_id((place, label, None, "_" + key), walk)

    def many(held: Any, owner: dict[str, Any], place: Place, walk: Walk) -> None:
        if type(held) is not list or not held:
            _not_a_list(held, "_" + child.name, (place, label, None, "_" + key), walk)
            return
        if key not in owner:
            count(len(held), place, walk)
        values = owner.get(key)
        for index, entry in enumerate(held):
            if entry is not None:
                each(entry, (place, label, index, "_" + key), walk)
                lacking = type(values) is not list or index >= len(values) or values[index] is None
                if lacking and type(entry) is dict and len(entry) == 1 and "id" in entry:
                    only_an_id((place, label, index, "_" + key), walk)
            elif key not in owner:
                walk.fail("validate-null", (place, label, index, "_" + key))

    return many if child.array else one


def forbidden(name: str, key: str, code: str, allowed: tuple[str, ...], by: str) -> Handler:
    """The check of a form of value[x] that a profile has ruled out."""

    def refuse(held: Any, owner: dict[str, Any], place: Place, walk: Walk) -> None:
        label = f"{name}.ofType({code})"
        walk.fail(
            "validate-type-not-allowed",
            (place, label, None, key),
            None,
            by,
            name=name,
            type=code,
            allowed=" or ".join(allowed) or "nothing",
        )

    return refuse


def choice_counter(name: str, keys: tuple[str, ...]) -> Rule:
    """The check that value[x] is given in one form only."""
    forms = frozenset(key for form in keys for key in (form, "_" + form))

    def check(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
        if len(value) < 2:
            return
        stand = forms.intersection(value)
        if len(stand) > 1 and len({key.removeprefix("_") for key in stand}) > 1:
            walk.fail("validate-choice-twice", place, name=f"{name}[x]")

    return check


def _too_many(child: Shape, count: int, place: Place, walk: Walk) -> None:
    """What stands too often is told of the object that holds it, as what is missing is."""
    by = child.by.get("max", "")
    walk.fail("validate-too-many", place[0], None, by, place, name=child.name, count=count, max=child.max, slice="")


def _not_a_list(held: Any, name: str, place: Place, walk: Walk) -> None:
    if held == []:
        walk.fail("validate-empty", place, name=name)
    elif held is None:
        walk.fail("validate-null", place)
    else:
        walk.fail("validate-not-a-list", place, name=name)


def _not_an_object(held: Any, name: str, type_name: str, place: Place, walk: Walk) -> None:
    if held == {}:
        walk.fail("validate-empty", place, name=name)
    elif held is None:
        walk.fail("validate-null", place)
    else:
        walk.fail("validate-not-an-object", place, name=name, type=type_name)


def _bad_primitive(value: Any, type_name: str, fault: str, name: str, place: Place, walk: Walk) -> None:
    if value is None:
        walk.fail("validate-null", place)
    elif value == "":
        walk.fail("validate-empty", place, name=name)
    elif type(value) is list:
        walk.fail("validate-not-repeating", place, name=name)
    else:
        walk.fail("validate-primitive", place, "warning" if fault is BLANK else None, type=type_name, rule=fault)
