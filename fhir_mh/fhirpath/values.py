"""What a collection holds: FHIR elements as Nodes, and the values of FHIRPath itself as plain Python.

bool, int, Decimal, str, Moment and Quantity are FHIRPath's own types; a Node is an element with its FHIR type.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhir_mh.fhirpath.errors import execution
from fhir_mh.fhirpath.moments import Moment
from fhir_mh.fhirpath.units import Quantity

_MOMENTS = {"date", "dateTime", "instant", "time"}


class Node:
    """One element: its JSON value, its type (`HumanName`, `Patient.contact`, `code`) and its `_` sibling."""

    __slots__ = ("sibling", "type", "value")

    def __init__(self, value: Any, type: str, sibling: dict[str, Any] | None = None) -> None:
        self.value, self.type, self.sibling = value, type, sibling


def is_primitive(type_name: str) -> bool:
    """FHIR writes primitive types with a small first letter; `xhtml` is one of them."""
    return type_name[:1].islower()


def system(item: Any) -> Any:
    """The FHIRPath value of an item: a primitive's value, a Quantity; else the item itself. None: no value."""
    if type(item) is not Node:
        return item
    value = item.value
    if isinstance(value, dict):
        return _quantity(item) if item.type in _QUANTITIES else item
    if isinstance(value, str) and item.type in _MOMENTS:
        return Moment.parse(value) or value
    if isinstance(value, float):
        return Decimal(repr(value))
    if item.type == "decimal" and type(value) is int:
        return Decimal(value)
    return value


_QUANTITIES = {"Quantity", "Age", "Duration", "Distance", "Count", "SimpleQuantity"}


def _quantity(node: Node) -> Any:
    value, code = node.value.get("value"), node.value.get("code") or node.value.get("unit") or "1"
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not isinstance(code, str):
        return node
    return Quantity(Decimal(repr(value)) if isinstance(value, float) else Decimal(value), code)


def single(items: list[Any], what: str) -> Any:
    """The one system value of a collection, None if it is empty. Raises when there are several."""
    if not items:
        return None
    if len(items) > 1:
        raise execution(f"{what} takes a single value, not several")
    return system(items[0])


def truth(items: list[Any], what: str = "a condition") -> bool | None:
    """A collection as a boolean: None if empty; a single item that is no boolean counts as true."""
    if not items:
        return None
    if len(items) > 1:
        raise execution(f"{what} takes a single value, not several")
    item = items[0]
    if type(item) is Node:
        item = item.value
    return item if type(item) is bool else True


def text(items: list[Any], what: str) -> str | None:
    """The one string of a collection, None if empty. Raises when it is no string."""
    value = single(items, what)
    if isinstance(value, Moment) and items and type(items[0]) is Node:
        value = items[0].value
    if value is None or isinstance(value, str):
        return value
    raise execution(f"{what} works on text")


def whole(items: list[Any], what: str) -> int | None:
    """The one integer of a collection, None if empty. Raises when it is none."""
    value = single(items, what)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise execution(f"{what} takes a whole number")
