"""is, as and ofType: testing an item against a FHIR type or one of FHIRPath's own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhir_mh.fhirpath.environment import Environment
from fhir_mh.fhirpath.errors import execution
from fhir_mh.fhirpath.moments import Moment
from fhir_mh.fhirpath.units import Quantity
from fhir_mh.fhirpath.values import Node

Items = list[Any]
_SYSTEM = {"Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity"}


def system_type(value: Any) -> str:
    """The FHIRPath type of a plain value."""
    if isinstance(value, Moment):
        return {"date": "Date", "dateTime": "DateTime", "time": "Time"}[value.kind]
    if isinstance(value, bool):
        return "Boolean"
    for kind, name in ((str, "String"), (int, "Integer"), (Decimal, "Decimal"), (Quantity, "Quantity")):
        if isinstance(value, kind):
            return name
    return "Any"


def has_type(item: Any, named: str, env: Environment) -> bool:
    """Whether an item is of the type, or of one derived from it. Raises for a type that does not exist."""
    space, _, name = named.rpartition(".")
    if type(item) is Node:
        if space == "System":
            return False
        if not env.model.known(name):
            if name in _SYSTEM:
                return item.type == name[:1].lower() + name[1:]  # base invariants write `is Boolean` for a boolean
            raise execution(f"there is no type {name}")
        return env.model.is_a(item.type, name)
    if space == "FHIR":
        return False
    return system_type(item) == name


def is_type(items: Items, named: str, env: Environment) -> Items:
    """Whether the single item is of the type; empty for an empty collection."""
    if len(items) > 1:
        raise execution("is() takes a single value, not several")
    return [has_type(items[0], named, env)] if items else []


def exactly(item: Any, named: str, env: Environment) -> bool:
    """As has_type(), but primitives only by their own type: a code is not taken for a string."""
    if not has_type(item, named, env):
        return False
    name = named.rpartition(".")[2]
    return not (type(item) is Node and name[:1].islower() and item.type != name)


def as_type(items: Items, named: str, env: Environment) -> Items:
    """The single item if it is of the type."""
    if len(items) > 1:
        raise execution("as takes a single value, not several")
    return [item for item in items if exactly(item, named, env)]


def of_type(items: Items, named: str, env: Environment) -> Items:
    """The items of the type."""
    return [item for item in items if exactly(item, named, env)]
