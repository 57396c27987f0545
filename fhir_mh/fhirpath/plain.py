"""Between FHIRPath's items and plain Python: what callers give, and what they get back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, TypeGuard

from fhir_mh.fhirpath.environment import Model
from fhir_mh.fhirpath.errors import execution
from fhir_mh.fhirpath.moments import Moment
from fhir_mh.fhirpath.references import BundleIndex, all_contained
from fhir_mh.fhirpath.units import Quantity
from fhir_mh.fhirpath.values import Node


def plain(item: Any) -> Any:
    """An item as Python: an element is its JSON value, None where it has only an id or extensions."""
    value = item.value if type(item) is Node else item
    return Decimal(repr(value)) if isinstance(value, float) else value


def element(value: Any, model: Model) -> Node:
    """A resource's JSON as FHIRPath sees it; a Node is one already. Raises FHIRPathError where it is neither."""
    if isinstance(value, Node):
        return value
    kind = value.get("resourceType") if isinstance(value, dict) else None
    if not _is_resource(kind, model):
        raise execution("this is no resource of FHIR R4")
    return Node(value, kind)


def _is_resource(kind: Any, model: Model) -> TypeGuard[str]:
    return isinstance(kind, str) and model.known(kind) and model.is_a(kind, "Resource")


def items(value: Any, model: Model) -> list[Any]:
    """The collection that a value of the environment stands for. Raises FHIRPathError where it is none."""
    return [_item(held, model) for held in (value if isinstance(value, list) else [value]) if held is not None]


def _item(value: Any, model: Model) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, str | int | Decimal | Moment | Quantity):
        return value
    return element(value, model)


def resolver(root: dict[str, Any], model: Model) -> Callable[[str], Node | None]:
    """What resolve() follows within one resource: what it contains, and the entries of a Bundle.

    `#id` in a Bundle is what one of its entries contains; where several contain one of this id, it leads nowhere.
    """

    @cache
    def entries() -> BundleIndex:
        return BundleIndex(root)

    @cache
    def fragments() -> dict[str, dict[str, Any] | None]:
        found: dict[str, dict[str, Any] | None] = {}
        for resource in entries().by_place if root.get("resourceType") == "Bundle" else [root]:
            for held in all_contained(resource):
                name = f"#{held.get('id')}"
                found[name] = None if name in found else held
        return found

    def resolve(reference: str) -> Node | None:
        if reference == "#":
            found: dict[str, Any] | None = root
        elif reference.startswith("#"):
            found = fragments().get(reference)
        else:
            found = entries().find(reference.split("#", maxsplit=1)[0])
        kind = found.get("resourceType") if found else None
        return Node(found, kind) if _is_resource(kind, model) else None

    return resolve
