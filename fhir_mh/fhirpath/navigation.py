"""From an element to its children by name, over FHIR's JSON: choice elements, `_` siblings, contained resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_mh.fhirpath.environment import Environment, Model
from fhir_mh.fhirpath.errors import FHIRPathError
from fhir_mh.fhirpath.values import Node, is_primitive, system

Items = list[Any]
Forms = tuple[tuple[str, str], ...]
_OF_PRIMITIVES: dict[str, Forms] = {"id": (("id", "string"),), "extension": (("extension", "Extension"),)}
_LOOKING = 10  # steps to look through an element for all that it may hold


def step(name: str, at: int, *, first: bool) -> Callable[[Items, Environment], Items]:
    """Code that goes to the children called name. first: a type's name may stand for the context itself."""
    forms_of: dict[tuple[int, str], Forms | None] = {}
    names_type = first and name[:1].isupper()

    def move(items: Items, env: Environment) -> Items:
        out: Items = []
        for item in items:
            if type(item) is not Node:
                continue
            if names_type and env.model.is_a(item.type, name):
                out.append(item)
                continue
            key = (id(env.model), item.type)
            try:
                forms = forms_of[key]
            except KeyError:
                forms = forms_of[key] = _forms(item, name, env)
            if forms is None:
                if env.strict:
                    raise FHIRPathError("semantic", f"{item.type} has no element {name}", at)
                continue
            _collect(item, forms, out, name, env.model)
        return out

    return move


def _forms(item: Node, name: str, env: Environment) -> Forms | None:
    if is_primitive(item.type):
        return (("value", item.type),) if name == "value" else _OF_PRIMITIVES.get(name)
    return env.model.child(item.type, name)


def _collect(item: Node, forms: Forms, out: Items, name: str, model: Model) -> None:
    held = item.value
    if not isinstance(held, dict):
        if name == "value" and is_primitive(item.type):
            value = system(item)
            if value is not None:
                out.append(value)
            return
        held = item.sibling
        if held is None:
            return
    for key, type_name in forms:
        value = held.get(key)
        if is_primitive(type_name):
            _primitives(value, held.get("_" + key), type_name, out)
        elif value is not None:
            for entry in value if isinstance(value, list) else (value,):
                if isinstance(entry, dict):
                    kind = entry.get("resourceType") if type_name in ("Resource", "DomainResource") else None
                    out.append(Node(entry, kind if isinstance(kind, str) and model.known(kind) else type_name))


def _primitives(value: Any, sibling: Any, type_name: str, out: Items) -> None:
    if sibling is None:
        if isinstance(value, list):
            out.extend([Node(entry, type_name) for entry in value if entry is not None])
        elif value is not None:
            out.append(Node(value, type_name))
        return
    values = value if isinstance(value, list) else [value]
    siblings = sibling if isinstance(sibling, list) else [sibling]
    for position in range(max(len(values), len(siblings))):
        here = values[position] if position < len(values) else None
        beside = siblings[position] if position < len(siblings) else None
        beside = beside if isinstance(beside, dict) else None
        if here is not None or beside is not None:
            out.append(Node(here, type_name, beside))


def children(items: Items, env: Environment) -> Items:
    """Every direct child of the items."""
    out: Items = []
    steps = 0
    for item in items:
        if type(item) is not Node:
            continue
        if is_primitive(item.type):
            steps += 1
            for name, forms in _OF_PRIMITIVES.items():
                _collect(item, forms, out, name, env.model)
        else:
            steps += _LOOKING
            for name in env.model.children(item.type):
                held = env.model.child(item.type, name)
                if held:
                    _collect(item, held, out, name, env.model)
    env.spend(steps + len(out))
    return out


def descendants(items: Items, env: Environment) -> Items:
    """Every child, and the children of those, and so on."""
    found: Items = []
    layer = items
    while layer:
        layer = children(layer, env)
        found.extend(layer)
    return found
