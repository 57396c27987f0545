"""An expression by itself: compiled once, evaluated on the JSON of FHIR R4 resources."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fhir_mh.fhirpath.compiler import code_of
from fhir_mh.fhirpath.environment import Environment
from fhir_mh.fhirpath.errors import execution, limit
from fhir_mh.fhirpath.parser import parse
from fhir_mh.fhirpath.plain import element, items, plain, resolver
from fhir_mh.fhirpath.values import Node
from fhir_mh.packages.model import R4

Items = list[Any]
_SURROUNDINGS = ("resource", "rootResource", "context")


class Expression:
    """One compiled expression; safe to share between threads."""

    __slots__ = ("_code", "text", "tree")

    def __init__(self, text: str) -> None:
        """See compile()."""
        self.text = text
        try:
            self.tree = parse(text)
            self._code = code_of(self.tree)
        except RecursionError:
            raise limit("the expression is nested too deeply") from None

    def evaluate(self, resource: dict[str, Any] | Node | None, environment: Mapping[str, Any] | None = None) -> Items:
        """What the expression gives on a resource; see evaluate() of this module."""
        given = environment or {}
        node = None if resource is None else element(resource, R4)
        here = {name: element(given[name], R4) for name in _SURROUNDINGS if name in given}
        around = Environment(
            R4,
            here.get("context", node),
            resource=here.get("resource"),
            root=here.get("rootResource"),
            variables={name: items(value, R4) for name, value in given.items() if name not in here},
        )
        around.this = [] if node is None else [node]
        if around.root is not None and isinstance(around.root.value, dict):
            around.resolve = resolver(around.root.value, R4)
        return [plain(item) for item in self.run(around.this, around)]

    def run(self, start: Items, around: Environment) -> Items:
        """The collection of Nodes and plain values that it gives, in surroundings made by the caller.

        Raises FHIRPathError.
        """
        try:
            return self._code(start, around)
        except RecursionError:
            raise limit("the expression, or what it looks at, is nested too deeply") from None
        except (ArithmeticError, ValueError) as fault:  # ValueError: Python writes no number of 5,000 digits
            raise execution(f"the expression cannot be worked out ({type(fault).__name__})") from None


_KEPT = 2000  # characters: more would let whoever sends expressions fill the memory with them
_lock = threading.Lock()


def compile(expression: str) -> Expression:  # noqa: A001 - what re calls it too
    """An expression; those of ordinary length are compiled once and kept.

    Raises FHIRPathError: syntax, with the position, where it is none; limit, where it is too long or too deep.
    """
    return _kept(expression) if len(expression) <= _KEPT else Expression(expression)


@lru_cache(maxsize=1024)
def _kept(expression: str) -> Expression:
    with _lock:
        return Expression(expression)


def evaluate(
    resource: dict[str, Any] | Node | None, expression: str, environment: Mapping[str, Any] | None = None
) -> Items:
    """What a FHIRPath expression gives on a FHIR R4 resource, as a list of plain Python values.

    resource: the JSON of a resource, as json.loads or fhir_mh.fhir.json.loads gives it (the latter keeps decimals as
    they were written); of another element, Node(json, "HumanName"); None for no input. It is not changed, nor copied.
    environment: the values of %variables by name: str, int, bool, Decimal, the JSON of a resource, a Node, a Moment or
    a Quantity, or a list of these. %resource, %rootResource and %context are the resource unless it says otherwise.

    Elements come back as they stand in the JSON (a date as its text, a Quantity as its dict, a number with a point as
    a Decimal), None for a primitive that has only an id or extensions. What the expression makes itself is str, int,
    bool, Decimal, Moment (dates and times, as precise as they are known) or Quantity; str() writes the last two.
    resolve() follows references to what the resource contains, or to entries of the Bundle it is, and no others.

    Raises FHIRPathError, of kind syntax, semantic, execution or limit: an evaluation ends within a bounded number of
    steps, whatever the expression. See https://hl7.org/fhirpath/N1/ and https://hl7.org/fhir/R4/fhirpath.html
    """
    return compile(expression).evaluate(resource, environment)
