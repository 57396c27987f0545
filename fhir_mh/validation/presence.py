"""Invariants that turn on which elements are there, answered from the JSON keys alone.

Most of R4's rules read `a.exists() or b.empty()`. What of a rule is of that kind is compiled to tests of keys; where
those do not decide it the answer is None, and FHIRPath is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_mh.fhirpath.environment import Model
from fhir_mh.fhirpath.operators import logic
from fhir_mh.fhirpath.syntax import Binary, Call, Expr, Name

Answer = Callable[[dict[str, Any]], bool | None]


def presence(tree: Expr, type_name: str, model: Model) -> Answer | None:
    """A test of an object's keys that agrees with the expression wherever it is not None; None if it never decides."""
    if isinstance(tree, Binary):
        return _binary(tree, type_name, model)
    if not isinstance(tree, Call) or tree.arguments or tree.source is None:
        return None
    if tree.name == "not":
        inner = presence(tree.source, type_name, model)
        return None if inner is None else lambda value: None if (found := inner(value)) is None else not found
    if (
        tree.name not in ("exists", "empty", "hasValue")
        or not isinstance(tree.source, Name)
        or tree.source.source is not None
    ):
        return None
    forms = model.child(type_name, tree.source.name)
    if forms is None or tree.source.name[:1].isupper():
        return None
    return _keys(forms, wanted=tree.name != "empty")


def _keys(forms: tuple[tuple[str, str], ...], *, wanted: bool) -> Answer:
    plain = [key for key, _ in forms]
    beside = [f"_{key}" for key, code in forms if code[:1].islower()]
    if len(plain) == 1 and not beside:
        only = plain[0]
        return lambda value: (only in value) is wanted
    every = frozenset(plain)
    others = frozenset(beside)

    def look(value: dict[str, Any]) -> bool | None:
        if not every.isdisjoint(value):
            return wanted
        return None if not others.isdisjoint(value) else not wanted

    return look


def _binary(tree: Binary, type_name: str, model: Model) -> Answer | None:
    operator = tree.operator
    left, right = presence(tree.left, type_name, model), presence(tree.right, type_name, model)
    if operator in ("=", "!="):
        if left is None or right is None:
            return None
        first, second = left, right
        return lambda value: _compared(first(value), second(value), operator == "=")
    if operator not in ("and", "or", "implies", "xor") or (left is None and right is None):
        return None

    def decide(value: dict[str, Any]) -> bool | None:
        return logic(operator, left(value) if left else None, right(value) if right else None)

    return decide


def _compared(left: bool | None, right: bool | None, equal: bool) -> bool | None:
    return None if left is None or right is None else (left is right) is equal
