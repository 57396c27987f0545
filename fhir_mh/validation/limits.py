"""How long a text may be and how great a value: ElementDefinition.maxLength, minValue[x] and maxValue[x]."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhir_mh.clock import SystemClock, instant
from fhir_mh.fhirpath import Environment, FHIRPathError, Node
from fhir_mh.fhirpath.moments import Moment
from fhir_mh.fhirpath.operators import order
from fhir_mh.fhirpath.units import Quantity
from fhir_mh.fhirpath.values import system
from fhir_mh.validation.rules import Rule
from fhir_mh.validation.shape import Shape
from fhir_mh.validation.walk import Place, Walk

_MOMENTS = {"date": 10, "dateTime": None, "instant": None}  # with the length of their text, where it is fixed


def limits(child: Shape, type_name: str) -> list[Rule]:
    """The checks of one element's values of a type. See https://hl7.org/fhir/R4/elementdefinition.html"""
    found: list[Rule] = []
    if child.max_length is not None:
        limit, by = child.max_length, child.by.get("max_length", "")

        def length(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
            if isinstance(value, str) and len(value) > limit:
                walk.fail("validate-too-long", place, None, by, name=child.name, max=limit)

        found.append(length)
    return [*found, *(_within(side, bound, type_name, child.by.get("limits", "")) for side, bound in child.limits)]


def _within(side: str, bound: Any, type_name: str, by: str) -> Rule:
    beyond = -1 if side == "min" else 1

    def check(value: Any, sibling: Any, place: Place, walk: Walk) -> None:
        edge = _from_now(bound, beyond, type_name) if type_name in _MOMENTS and isinstance(bound, dict) else bound
        if edge is None:
            return
        try:
            compared = order([Node(value, type_name)], [Node(edge, type_name)], Environment(walk.model, None))
        except FHIRPathError:
            return
        if compared == beyond:
            walk.fail("validate-out-of-range", place, None, by)

    return check


def _from_now(amount: dict[str, Any], sign: int, type_name: str) -> str | None:
    """The moment so long ago, or from now: what a limit given as an amount of time means; None for another amount."""
    quantity = system(Node(amount, "Quantity"))
    now = Moment.parse(instant(SystemClock().now())[: _MOMENTS[type_name]])
    if not isinstance(quantity, Quantity) or quantity.field is None or now is None:
        return None
    moved = now.plus(Decimal(sign) * quantity.value, quantity.field)
    return None if moved is None else moved.text
