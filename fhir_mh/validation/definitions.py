"""What definitions must be beyond their own shape: a profile narrows its base, an operation agrees with its profiles.

See https://hl7.org/fhir/R4/profiling.html and https://hl7.org/fhir/R4/operationdefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_mh.packages.facts import facts_of
from fhir_mh.packages.model import R4
from fhir_mh.validation.compiler import Compiler, ResourceRule
from fhir_mh.validation.rules import same
from fhir_mh.validation.shape import Shape, narrow
from fhir_mh.validation.shapes import Unresolvable, named, open_slicing
from fhir_mh.validation.slices import Undecidable, parsed
from fhir_mh.validation.walk import Place, Walk, each, shown

# Whatever else is wrong with the form of a definition is told where its shape is checked.
_MALFORMED = (AttributeError, KeyError, TypeError, ValueError)
_CODED = {"code", "Coding", "CodeableConcept", "Quantity", "string", "uri", "url", "canonical", "id", "Extension"}


# --- profiles


def profile_rule(value: dict[str, Any], place: Place, walk: Walk, compiler: Compiler) -> None:
    """The check of a StructureDefinition that constrains another."""
    if value.get("derivation") != "constraint":
        return
    try:
        facts = facts_of(value) or {}
        root = compiler.shapes.of_profile(str(facts.get("baseDefinition"))).copy()
    except Unresolvable as missing:
        at: Place = (place, "baseDefinition", None, "baseDefinition")
        walk.skip(missing.code, at, **missing.told)
        return
    except _MALFORMED:
        return
    slices: dict[str, str] = {}
    differential: Place = (place, "differential", None, "differential")
    for index, element in enumerate(facts.get("differential", ())):
        here: Place = (differential, "element", index, "element")
        try:
            _element(root, element, slices, here, walk, compiler)
        except (Unresolvable, *_MALFORMED):
            continue


def _element(
    root: Shape, element: dict[str, Any], slices: dict[str, str], here: Place, walk: Walk, compiler: Compiler
) -> None:
    """Check what a differential says of one element, and then take it as said."""
    holder, target = compiler.shapes.reach(root, element, slices)
    if target is None:
        if len(holder.types) < 2:  # else it is one of several types that has the element
            walk.fail("validate-definition-path", here, path=shown(element["path"]), base=shown(root.name))
        return
    for what in _widened(element, target):
        walk.fail("validate-definition-widens", here, what=what)
    narrow(target, element)
    codes = {entry.code for entry in target.types}
    if "binding" in element and codes and not any(R4.is_a(code, known) for code in codes for known in _CODED):
        walk.fail("validate-definition-binding", here, types=" or ".join(sorted(codes)))
    slicing = element.get("slicing")
    if slicing:
        around: Place = (here, "slicing", None, "slicing")
        for number, told in enumerate(slicing.get("discriminator", ())):
            if not _leads_somewhere(told.get("path", ""), target):
                at = (around, "discriminator", number, "discriminator")
                walk.fail("validate-definition-discriminator", at, path=shown(told["path"]), element=target.path)
        open_slicing(target, slicing, "")


def _widened(element: dict[str, Any], target: Shape) -> Iterator[str]:
    """In what an element's definition allows more than its base does."""
    least, most = element.get("min"), element.get("max")
    if isinstance(least, int) and least < target.min:
        yield f"min is {least} where the base has {target.min}"
    whole = "sliceName" not in element  # a slice may be said to repeat more often than its list does
    if whole and most is not None and target.max is not None and (most == "*" or int(most) > target.max):
        yield f"max is {most} where the base has {target.max}"
    for key, value in element.items():
        if key.startswith("fixed") and target.fixed and not any(same(value, held) for held in target.fixed):
            yield f"{key} is not the value that the base fixes"
    known = [entry.code for entry in target.types]
    for entry in element.get("type", ()):
        code = str(entry.get("code"))
        own = target.path.endswith(".id") and code in ("string", "id")  # definitions call a resource's id a string
        if known and not own and R4.known(code) and not any(R4.is_a(code, base) for base in known):
            yield f"the type {code} is none of {', '.join(known)}"


def _leads_somewhere(path: str, shape: Shape) -> bool:
    """Whether a discriminator's path names elements that there are; what cannot be followed passes."""
    try:
        steps = parsed(path)
    except Undecidable:
        return False
    types = {named(shape, entry) for entry in shape.types} or {shape.reference}
    for kind, name in steps:
        if kind != "name" or types & {"Resource", "DomainResource"}:
            return True  # which elements there are cannot be told
        types = {form for held in types for _, form in R4.child(held, name) or ()}
        if not types:
            return False
    return True


# --- operations and searches


def operation_rule(value: dict[str, Any], place: Place, walk: Walk, compiler: Compiler) -> None:
    """The check that an OperationDefinition and its profiles on Parameters agree."""
    for use, key in (("in", "inputProfile"), ("out", "outputProfile")):
        url = value.get(key)
        if not isinstance(url, str):
            continue
        here: Place = (place, key, None, key)
        try:
            asked = _asked_of_parameters(compiler, url)
        except Unresolvable as missing:
            walk.skip(missing.code, here, **missing.told)
            continue
        held = value.get("parameter")
        for parameter in held if isinstance(held, list) else ():
            name = parameter.get("name") if isinstance(parameter, dict) else None
            shape = asked.get(name) if isinstance(name, str) else None
            if shape is None or parameter.get("use") != use:
                continue
            for problem in _disagreements(parameter, shape, compiler):
                walk.fail("validate-definition-operation", here, None, url, name=shown(parameter["name"]), what=problem)


def _asked_of_parameters(compiler: Compiler, url: str) -> dict[str, Shape]:
    """The slices of Parameters.parameter by the name that each fixes."""
    shapes = compiler.shapes
    held = shapes.children(shapes.of_profile(url).copy()).get("parameter")
    slices = [one for slicing in held.slicings for one in slicing.slices.values()] if held is not None else []
    found = ((shapes.children(one)["name"].fixed, one) for one in slices)
    return {fixed[0]: one for fixed, one in found if fixed and isinstance(fixed[0], str)}


def _disagreements(parameter: dict[str, Any], shape: Shape, compiler: Compiler) -> Iterator[str]:
    most = "*" if shape.max is None else str(shape.max)
    kind = parameter.get("type")
    if parameter.get("min") != shape.min:
        yield f"min is {shape.min} there"
    if parameter.get("max") != most:
        yield f"max is {most} there"
    if not isinstance(kind, str):
        return  # its parts say what it holds
    parts = compiler.shapes.children(shape)
    types = [entry for name in ("resource", "value") if parts[name].max != 0 for entry in parts[name].types]
    if R4.known(kind) and not any(R4.is_a(kind, entry.code) for entry in types):
        yield f"{kind} is none of the types there"
    yield from (f"{entry.code} is a type there" for entry in types if not R4.is_a(entry.code, kind))
    targets = {url for entry in types for group in entry.targets for url in group}
    said = parameter.get("targetProfile")
    told = {url for url in said if isinstance(url, str)} if isinstance(said, list) else set()
    yield from (f"{shown(url)} is no target there" for url in sorted(told - targets))
    yield from (f"{shown(url)} is a target there" for url in sorted(targets - told))


def search_parameter_rule(value: dict[str, Any], place: Place, walk: Walk, compiler: Compiler) -> None:
    """The check that a composite SearchParameter is composed of something."""
    held = value.get("component")
    if value.get("type") == "composite" and (not isinstance(held, list) or len(held) < 2):
        walk.fail("validate-definition-composite", place)


def capability_rule(value: dict[str, Any], place: Place, walk: Walk, compiler: Compiler) -> None:
    """The check that a CapabilityStatement gives a search parameter the type that its definition does."""
    for rest, here in each(value, "rest", place):
        for resource, within in each(rest, "resource", here):
            for told, at in each(resource, "searchParam", within):
                url = told.get("definition")
                known = compiler.definitions.search_parameter(url) if isinstance(url, str) else None
                if known is not None and "type" in told and told["type"] != known.get("type"):
                    walk.fail(
                        "validate-definition-search", at, type=shown(told["type"]), defined=shown(known.get("type"))
                    )


def measured_rule(value: dict[str, Any], place: Place, walk: Walk, compiler: Compiler) -> None:
    """Says of a MeasureReport that it was not compared with its measure."""
    if "measure" in value:
        walk.skip("validate-unchecked-part", place, what="whether the report agrees with its measure")


RULES: dict[str, ResourceRule] = {
    "CapabilityStatement": capability_rule,
    "StructureDefinition": profile_rule,
    "MeasureReport": measured_rule,
    "OperationDefinition": operation_rule,
    "SearchParameter": search_parameter_rule,
}
