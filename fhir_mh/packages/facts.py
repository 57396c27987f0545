"""What a definition says, without its prose but for what it says of its rules: the parts that checking needs.

The same form serves the R4 base that ships with fhir_mh, our own profiles, and any package a user names, so there
is one reader of definitions. See https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from typing import Any

Facts = dict[str, Any]
Properties = dict[str, dict[str, list[str]]]  # property -> code -> its values
KINDS = ("StructureDefinition", "ValueSet", "CodeSystem", "SearchParameter", "Questionnaire")
_PLAIN = ("id", "path", "sliceName", "min", "max", "contentReference", "maxLength", "isModifier")
_VALUED = ("fixed", "pattern", "minValue", "maxValue")
_MAX_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_ADDITIONAL = {  # R5's ElementDefinition.binding.additional, in R4
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.binding.additional",
    "http://hl7.org/fhir/tools/StructureDefinition/additional-binding",
}
_OBLIGATION = "http://hl7.org/fhir/StructureDefinition/obligation"
_STRUCTURE = ("url", "version", "kind", "abstract", "type", "derivation", "baseDefinition", "contextInvariant")


def facts_of(resource: dict[str, Any]) -> dict[str, Any] | None:
    """The facts of a definition of one of KINDS; None for anything else or without a url."""
    make = {
        "StructureDefinition": _structure,
        "ValueSet": _value_set,
        "CodeSystem": _code_system,
        "SearchParameter": _search_parameter,
        "Questionnaire": _questionnaire,
    }
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or kind not in make or not isinstance(resource.get("url"), str):
        return None
    return {"resourceType": kind, **make[kind](resource)}


def to_ship(facts: dict[str, Any], *, ours: bool) -> dict[str, Any]:
    """The same facts as they are committed: what can be derived again left out, and all prose but our own."""
    facts.pop("snapshot", None)  # derived again from the parent: half the size
    facts.pop("display", None)  # R4's own are a part of their own
    facts.pop("property", None)  # no value set of R4 or ours asks for one
    for element in facts.get("differential", ()):
        element.pop("baseMax", None)
        for rule in () if ours else element.get("constraint", ()):
            rule.pop("human", None)
    if ours and "differential" in facts:  # an element of which only a meaning is told would be checked for nothing
        facts["differential"] = [said for said in facts["differential"] if said.keys() - {"id", "path"}]
    return facts


def _structure(resource: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: resource[name] for name in _STRUCTURE if name in resource}
    if resource.get("context"):
        found["context"] = [{k: c[k] for k in ("type", "expression") if k in c} for c in resource["context"]]
    for part in ("differential", "snapshot"):
        elements = resource.get(part, {}).get("element")
        if elements:
            found[part] = [_element(element) for element in elements]
    return found


def _element(element: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: element[name] for name in _PLAIN if name in element}
    found.update({k: v for k, v in element.items() if k.startswith(_VALUED) and not k.endswith("_")})
    if element.get("type"):
        found["type"] = [_type(entry) for entry in element["type"]]
    if element.get("binding"):
        found["binding"] = _binding(element["binding"])
    if element.get("constraint"):
        found["constraint"] = [
            {k: rule[k] for k in ("key", "severity", "expression", "human") if k in rule}
            for rule in element["constraint"]
        ]
    if element.get("slicing"):
        slicing = element["slicing"]
        found["slicing"] = {k: slicing[k] for k in ("discriminator", "rules", "ordered") if k in slicing}
    obliged = [entry for entry in element.get("extension", ()) if entry.get("url") == _OBLIGATION]
    if obliged:
        found["obligations"] = [_obligation(entry) for entry in obliged]
    if "max" in element.get("base", {}):
        found["baseMax"] = element["base"]["max"]
    return found


def _obligation(extension: dict[str, Any]) -> dict[str, str]:
    """What an actor has to do with an element: code (`SHALL:populate`) and actor, a URL, where it is said."""
    parts = {part.get("url"): part for part in extension.get("extension", ())}
    code, actor = parts.get("code", {}).get("valueCode"), parts.get("actor", {}).get("valueCanonical")
    return {"code": code or "", **({"actor": actor} if actor else {})}


def _type(entry: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {k: entry[k] for k in ("code", "profile", "targetProfile", "aggregation") if k in entry}
    for extension in entry.get("extension", []):
        if extension.get("url", "").endswith("structuredefinition-fhir-type"):
            found["code"] = extension.get("valueUrl") or extension.get("valueUri") or found.get("code")
    if entry.get("versioning") in ("independent", "specific"):  # the third, `either`, asks for nothing
        found["versioning"] = [entry["versioning"]]
    return found


def _binding(binding: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {k: binding[k] for k in ("strength", "valueSet") if k in binding}
    for extension in binding.get("extension", []):
        if extension.get("url") == _MAX_VALUE_SET:
            limit = extension.get("valueCanonical") or extension.get("valueUri")
            if limit:
                found["maxValueSet"] = limit
        if extension.get("url") in _ADDITIONAL:
            parts = {part.get("url"): part for part in extension.get("extension", [])}
            purpose, value_set = (parts.get(name, {}) for name in ("purpose", "valueSet"))
            if "valueCanonical" in value_set and "usage" not in parts:  # a usage says when it binds: beyond us
                more = {"strength": purpose.get("valueCode", ""), "valueSet": value_set["valueCanonical"]}
                found.setdefault("additional", []).append(more)
    return found


def _value_set(resource: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {k: resource[k] for k in ("url", "version") if k in resource}
    compose = resource.get("compose")
    if compose:
        found["compose"] = {
            part: [_include(entry) for entry in compose[part]] for part in ("include", "exclude") if compose.get(part)
        }
    elif resource.get("expansion", {}).get("contains"):
        found["expansion"] = [
            {k: entry[k] for k in ("system", "code") if k in entry}
            for entry in _flat(resource["expansion"]["contains"])
        ]
    return found


def _include(entry: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {k: entry[k] for k in ("system", "valueSet", "filter") if k in entry}
    if entry.get("concept"):
        found["concept"] = [concept["code"] for concept in entry["concept"] if "code" in concept]
    return found


def _flat(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    flat: list[dict[str, Any]] = []
    for entry in entries:
        if "code" in entry and not entry.get("abstract"):
            flat.append(entry)
        flat.extend(_flat(entry.get("contains", [])))
    return flat


def _code_system(resource: dict[str, Any]) -> dict[str, Any]:
    kept = ("url", "version", "content", "caseSensitive", "supplements")
    found: dict[str, Any] = {k: resource[k] for k in kept if k in resource}
    found["concept"] = _concepts(resource.get("concept", []), None)
    found["display"] = _displays(resource.get("concept", []))
    if resource.get("property"):
        known: Properties = {one["code"]: {} for one in resource["property"] if isinstance(one.get("code"), str)}
        found["property"] = known
        _add_properties(resource.get("concept", []), known)
    return found


def _add_properties(concepts: list[dict[str, Any]], known: Properties) -> None:
    """Fill in the values of the properties that are known, as a filter writes them; a Coding is left out."""
    for concept in concepts:
        code = concept.get("code")
        for one in concept.get("property", []):
            name = one.get("code")
            if isinstance(code, str) and isinstance(name, str) and name in known:
                values = [held for key, held in one.items() if key.startswith("value") and not isinstance(held, dict)]
                written = [str(held).lower() if isinstance(held, bool) else str(held) for held in values]
                known[name].setdefault(code, []).extend(written)
        _add_properties(concept.get("concept", []), known)


def _displays(concepts: list[dict[str, Any]]) -> dict[str, list[str]]:
    """code -> the texts that it may be shown by: its display first, then its designations."""
    found: dict[str, list[str]] = {}
    for concept in concepts:
        code, texts = (
            concept.get("code"),
            [concept.get("display"), *(d.get("value") for d in concept.get("designation", []))],
        )
        if isinstance(code, str) and isinstance(texts[0], str):
            found[code] = [text for text in texts if isinstance(text, str)]
        found.update(_displays(concept.get("concept", [])))
    return found


def _questionnaire(resource: dict[str, Any]) -> dict[str, Any]:
    """Its items as they stand: they are asked one by one, whatever they hold."""
    return {k: resource[k] for k in ("url", "version", "item") if k in resource}


def _search_parameter(resource: dict[str, Any]) -> dict[str, Any]:
    return {k: resource[k] for k in ("url", "version", "code", "type") if k in resource}


def _concepts(concepts: list[dict[str, Any]], parent: str | None) -> dict[str, list[str]]:
    """code -> its parents; both nesting and the `subsumedBy` and `parent` properties count."""
    found: dict[str, list[str]] = {}
    for concept in concepts:
        code = concept.get("code")
        if not isinstance(code, str):
            continue
        parents = [parent] if parent else []
        parents += [
            held["valueCode"]
            for held in concept.get("property", [])
            if held.get("code") in ("subsumedBy", "parent") and "valueCode" in held
        ]
        found[code] = parents
        found.update(_concepts(concept.get("concept", []), code))
    return found
