"""The functions of FHIRPath on collections; those on text and numbers are in function_values.

Each takes (items, environment, arguments) where an argument is code, or for types their name.
See https://hl7.org/fhirpath/N1/#functions
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_mh.fhirpath import function_values, navigation, operators, types
from fhir_mh.fhirpath.environment import Environment
from fhir_mh.fhirpath.errors import execution
from fhir_mh.fhirpath.function_values import Arguments, Function, Items
from fhir_mh.fhirpath.narrative import html_is_safe
from fhir_mh.fhirpath.values import Node, is_primitive, single, truth, whole

_FOLLOWING = 20  # steps to find what a reference leads to


def _each(items: Items, env: Environment, code: Any) -> list[Items]:
    """What code gives for each item, with $this and $index set to it."""
    outer, position = env.this, env.index
    found = []
    try:
        for env.index, item in enumerate(items):
            env.this = here = [item]
            found.append(code(here, env))
    finally:
        env.this, env.index = outer, position
    return found


def _where(items: Items, env: Environment, arguments: Arguments) -> Items:
    tested = _each(items, env, arguments[0])
    return [item for item, found in zip(items, tested, strict=True) if truth(found, "where()") is True]


def _exists(items: Items, env: Environment, arguments: Arguments) -> Items:
    return [bool(_where(items, env, arguments) if arguments else items)]


def _all(items: Items, env: Environment, arguments: Arguments) -> Items:
    return [all(truth(found, "all()") is True for found in _each(items, env, arguments[0]))]


def _every(wanted: bool, all_of_them: bool) -> Function:
    def test(items: Items, env: Environment, arguments: Arguments) -> Items:
        values = [single([item], "this function") for item in items]
        if any(not isinstance(value, bool) for value in values):
            raise execution("this function works on booleans")
        return [(all if all_of_them else any)(value is wanted for value in values)]

    return test


def _select(items: Items, env: Environment, arguments: Arguments) -> Items:
    return [found for each in _each(items, env, arguments[0]) for found in each]


def _repeat(items: Items, env: Environment, arguments: Arguments) -> Items:
    found: Items = []
    held = operators.Distinct(env)
    layer = items
    while layer:
        layer = [item for each in _each(layer, env, arguments[0]) for item in each if held.add(item)]
        found.extend(layer)
    return found


def _aggregate(items: Items, env: Environment, arguments: Arguments) -> Items:
    outer, position, total = env.this, env.index, env.total
    env.total = arguments[1](items, env) if len(arguments) > 1 else []
    try:
        for env.index, item in enumerate(items):
            env.this = [item]
            env.total = arguments[0]([item], env)
        return env.total
    finally:
        env.this, env.index, env.total = outer, position, total


def _iif(items: Items, env: Environment, arguments: Arguments) -> Items:
    if len(items) > 1:
        raise execution("iif() takes a single value, not several")
    outer = env.this
    env.this = items or outer
    try:
        if truth(arguments[0](items, env), "iif()") is True:
            return list(arguments[1](items, env))
        return list(arguments[2](items, env)) if len(arguments) > 2 else []
    finally:
        env.this = outer


def _subset(items: Items, env: Environment, arguments: Arguments) -> Items:
    other = arguments[0](env.this, env)
    return [all(operators.contains(other, item, env) for item in items)]


def _superset(items: Items, env: Environment, arguments: Arguments) -> Items:
    return [all(operators.contains(items, item, env) for item in arguments[0](env.this, env))]


def _intersect(items: Items, env: Environment, arguments: Arguments) -> Items:
    other = arguments[0](env.this, env)
    return operators.unique([item for item in items if operators.contains(other, item, env)], env)


def _exclude(items: Items, env: Environment, arguments: Arguments) -> Items:
    other = arguments[0](env.this, env)
    return [item for item in items if not operators.contains(other, item, env)]


def _single(items: Items, env: Environment, arguments: Arguments) -> Items:
    if len(items) > 1:
        raise execution("single() found several")
    return items


def _cut(kind: str) -> Function:
    def cut(items: Items, env: Environment, arguments: Arguments) -> Items:
        count = max(whole(arguments[0](env.this, env), f"{kind}()") or 0, 0)
        return items[count:] if kind == "skip" else items[:count]

    return cut


def _not(items: Items, env: Environment, arguments: Arguments) -> Items:
    found = truth(items, "not()")
    return [] if found is None else [not found]


def _extension(items: Items, env: Environment, arguments: Arguments) -> Items:
    url = single(arguments[0](env.this, env), "extension()")
    held = navigation.step("extension", 0, first=False)(items, env)
    return [node for node in held if type(node) is Node and node.value.get("url") == url]


def _has_value(items: Items, env: Environment, arguments: Arguments) -> Items:
    item = items[0] if len(items) == 1 else None
    if type(item) is Node:
        return [is_primitive(item.type) and item.value is not None]
    return [item is not None]


def _get_value(items: Items, env: Environment, arguments: Arguments) -> Items:
    if not _has_value(items, env, ())[0]:
        return []
    return [single(items, "getValue()")]


def _resolve(items: Items, env: Environment, arguments: Arguments) -> Items:
    env.spend(_FOLLOWING * len(items))
    found = []
    for item in items:
        value = item.value if type(item) is Node else item
        url = value.get("reference") if isinstance(value, dict) else value
        target = env.resolve(url) if env.resolve and isinstance(url, str) else None
        if target is not None:
            found.append(target)
    return found


def _html_checks(items: Items, env: Environment, arguments: Arguments) -> Items:
    held = [item.value for item in items if type(item) is Node]
    env.read(sum(len(value) for value in held if isinstance(value, str)))
    return [all(isinstance(value, str) and html_is_safe(value) for value in held)]


def _conforms_to(items: Items, env: Environment, arguments: Arguments) -> Items:
    raise execution("conformsTo() is not available in an expression")


def _plain(run: Callable[[Items, Environment], Items]) -> Function:
    return lambda items, env, arguments: run(items, env)


REGISTRY: dict[str, tuple[int, int, Function]] = {
    "empty": (0, 0, _plain(lambda items, env: [not items])),
    "exists": (0, 1, _exists),
    "all": (1, 1, _all),
    "allTrue": (0, 0, _every(True, True)),
    "anyTrue": (0, 0, _every(True, False)),
    "allFalse": (0, 0, _every(False, True)),
    "anyFalse": (0, 0, _every(False, False)),
    "subsetOf": (1, 1, _subset),
    "supersetOf": (1, 1, _superset),
    "count": (0, 0, _plain(lambda items, env: [len(items)])),
    "distinct": (0, 0, _plain(operators.unique)),
    "isDistinct": (0, 0, _plain(lambda items, env: [len(operators.unique(items, env)) == len(items)])),
    "where": (1, 1, _where),
    "select": (1, 1, _select),
    "repeat": (1, 1, _repeat),
    "aggregate": (1, 2, _aggregate),
    "ofType": (1, 1, lambda items, env, arguments: types.of_type(items, arguments[0], env)),
    "is": (1, 1, lambda items, env, arguments: types.is_type(items, arguments[0], env)),
    # R4's own dom-3 applies as() to many items, so the function form filters; the operator takes one.
    "as": (1, 1, lambda items, env, arguments: types.of_type(items, arguments[0], env)),
    "single": (0, 0, _single),
    "first": (0, 0, _plain(lambda items, env: items[:1])),
    "last": (0, 0, _plain(lambda items, env: items[-1:])),
    "tail": (0, 0, _plain(lambda items, env: items[1:])),
    "skip": (1, 1, _cut("skip")),
    "take": (1, 1, _cut("take")),
    "intersect": (1, 1, _intersect),
    "exclude": (1, 1, _exclude),
    "union": (1, 1, lambda items, env, arguments: operators.unique(items + arguments[0](env.this, env), env)),
    "combine": (1, 1, lambda items, env, arguments: items + arguments[0](env.this, env)),
    "iif": (2, 3, _iif),
    "not": (0, 0, _not),
    "trace": (1, 2, lambda items, env, arguments: items),
    "children": (0, 0, _plain(navigation.children)),
    "descendants": (0, 0, _plain(navigation.descendants)),
    "extension": (1, 1, _extension),
    "hasValue": (0, 0, _has_value),
    "getValue": (0, 0, _get_value),
    "resolve": (0, 0, _resolve),
    "htmlChecks": (0, 0, _html_checks),
    "conformsTo": (1, 1, _conforms_to),
    **function_values.REGISTRY,
}
