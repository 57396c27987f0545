"""Mutations of what a resource says: its codes, references, extensions, narratives, contained resources and entries."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

from tests.conformance.spots import Spot

Mutation = Callable[[Spot, random.Random], bool]
NOWHERE = "urn:uuid:00000000-0000-4000-8000-000000000000"
UNKNOWN = "https://vendor.example/fhir/StructureDefinition/unknown"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'
_CHOICE = re.compile(
    r"(value|effective|onset|abatement|deceased|multipleBirth|occurrence|performed|medication|product|scheduled|asNeeded|"
    r"occurred|allowed|defaultValue|start|due|timing|asserted|rate|dose|age|born|subject|source|content|item|entity)"
    r"([A-Z]\w+)"
).fullmatch
_OF_AN_ENTRY = {"fullUrl", "resource", "request", "response"}
_FORMS: dict[str, Any] = {
    "String": "text",
    "Boolean": True,
    "DateTime": "2026-01-01",
    "Period": {"start": "2026-01-01"},
    "Integer": 3,
    "CodeableConcept": {"text": "text"},
    "Quantity": {"value": 1},
    "Reference": {"display": "text"},
}


def _set(key: str, value: Any) -> Mutation:
    def change(spot: Spot, rng: random.Random) -> bool:
        spot.value[key] = value
        return True

    return change


def _append(key: str, value: Any) -> Mutation:
    def change(spot: Spot, rng: random.Random) -> bool:
        held = spot.value.get(key)
        spot.value[key] = [*held, value] if isinstance(held, list) else [value]
        return True

    return change


def _without(key: str) -> Mutation:
    return lambda spot, rng: key in spot.value and bool(spot.value.pop(key))


def _where(applies: Callable[[Spot], bool], change: Mutation) -> Mutation:
    return lambda spot, rng: applies(spot) and change(spot, rng)


def _put(value: Any) -> Mutation:
    return lambda spot, rng: spot.put(value)


def _object(spot: Spot) -> bool:
    return isinstance(spot.value, dict)


def _has(*keys: str) -> Callable[[Spot], bool]:
    return lambda spot: _object(spot) and all(key in spot.value for key in keys)


def _named(*names: str) -> Callable[[Spot], bool]:
    return lambda spot: _object(spot) and spot.name in names


def _root(change: Mutation) -> Mutation:
    """A mutation of the whole resource: of what holds its type."""
    return lambda spot, rng: spot.key == "resourceType" and change(Spot(None, "", spot.owner, ""), rng)


def _narrative(div: str) -> Mutation:
    return _root(_set("text", {"status": "generated", "div": div}))


def _entry(change: Mutation) -> Mutation:
    """A mutation of an entry of a Bundle."""
    return _where(lambda spot: _object(spot) and not spot.member and bool(_OF_AN_ENTRY & spot.value.keys()), change)


# --- codes, units and choices


def _second_form(spot: Spot, rng: random.Random) -> bool:
    return _form(spot, rng, keep=True)


def _other_form(spot: Spot, rng: random.Random) -> bool:
    return _form(spot, rng, keep=False)


def _form(spot: Spot, rng: random.Random, *, keep: bool) -> bool:
    found = _CHOICE(spot.key) if isinstance(spot.key, str) else None
    if found is None:
        return False
    form = rng.choice([name for name in _FORMS if name != found[2]])
    spot.owner[found[1] + form] = _FORMS[form]
    if not keep:
        del spot.owner[spot.key]
    return True


def _ends_swapped(spot: Spot, rng: random.Random) -> bool:
    for one, other in (("start", "end"), ("low", "high")):
        if one in spot.value and other in spot.value:
            spot.value[one], spot.value[other] = spot.value[other], spot.value[one]
            return True
    return False


# --- references


def _reference(change: Callable[[str], str]) -> Mutation:
    def changed(spot: Spot, rng: random.Random) -> bool:
        return spot.put(change(spot.value))

    return _where(lambda spot: spot.key == "reference" and isinstance(spot.value, str), changed)


# --- extensions


def _is_extension(spot: Spot) -> bool:
    return _object(spot) and spot.name in ("extension", "modifierExtension") and "url" in spot.value


def _value_key(held: dict[str, Any]) -> str:
    return next((key for key in held if key.startswith("value")), "")


def _no_value(spot: Spot, rng: random.Random) -> bool:
    key = _value_key(spot.value)
    return bool(key) and bool(spot.value.pop(key) or True)


def _another_value(spot: Spot, rng: random.Random) -> bool:
    key = _value_key(spot.value)
    if not key:
        return False
    form = rng.choice([name for name in _FORMS if "value" + name != key])
    del spot.value[key]
    spot.value["value" + form] = _FORMS[form]
    return True


# --- contained


def _contain(held: dict[str, Any], *, referred: bool = True) -> Mutation:
    def change(spot: Spot, rng: random.Random) -> bool:
        if spot.value["resourceType"] in ("Bundle", "Parameters", "Binary"):
            return False
        spot.value["contained"] = [*spot.value.get("contained", ()), held]
        if referred:
            url, to = "https://vendor.example/fhir/StructureDefinition/to", {"reference": f"#{held.get('id', 'held')}"}
            spot.value["extension"] = [*spot.value.get("extension", ()), {"url": url, "valueReference": to}]
        return True

    return _root(change)


# --- entries of a Bundle


def _doubled_url(spot: Spot, rng: random.Random) -> bool:
    urls = [entry.get("fullUrl") for entry in spot.owner if isinstance(entry, dict)]
    others = [url for url in urls if url and url != spot.value.get("fullUrl")]
    if not others:
        return False
    spot.value["fullUrl"] = rng.choice(others)
    return True


_PATIENT = {"resourceType": "Patient", "id": "held", "gender": "unknown"}
_EXTENSION = {"url": UNKNOWN, "valueString": "text"}
_BIRTH_PLACE = {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress": {"text": "a"}}
_ABSENT = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}

_CODES: dict[str, Mutation] = {
    "a code of no list": _where(lambda spot: spot.key == "code" and isinstance(spot.value, str), _put("nonsense")),
    "a code without its system": _where(_has("code", "system"), _without("system")),
    "a system without its code": _where(_has("code", "system"), _without("code")),
    "a code of another system": _where(_has("code", "system"), _set("system", "https://vendor.example/codes")),
    "a code of a system of FHIR": _where(_has("code", "system"), _set("system", "http://hl7.org/fhir/task-status")),
    "a display that is another": _where(_has("code", "system"), _set("display", "Something else")),
    "a coding without code": _where(_has("coding"), _set("coding", [{"display": "text"}])),
    "text alone for a code": _where(_has("coding"), lambda spot, rng: spot.put({"text": "text"})),
    "a second coding": _where(_has("coding"), _append("coding", {"system": "https://vendor.example/c", "code": "a"})),
    "a unit without its system": _where(_has("value", "unit"), _set("code", "kg")),
    "a comparator that does not exist": _where(_has("value", "unit"), _set("comparator", "about")),
    "a use that does not exist": _where(_has("use"), _set("use", "nonsense")),
    "a language that does not exist": _root(_set("language", "english_UK")),
    "a second form of a choice": _second_form,
    "another form of a choice": _other_form,
    "ends swapped": _where(_object, _ends_swapped),
    "an attachment of another size": _where(_has("contentType", "data"), _set("size", 3)),
    "data of no type": _where(_has("contentType"), _without("contentType")),
}
_REFERENCES: dict[str, Mutation] = {
    "a reference to another type": _reference(lambda text: "Substance/1"),
    "a reference to a practitioner": _reference(lambda text: "Practitioner/1"),
    "an absolute reference to another type": _reference(lambda text: "https://vendor.example/fhir/Substance/1"),
    "a reference to a type that does not exist": _reference(lambda text: "Nonsense/1"),
    "a reference without an id": _reference(lambda text: "Patient"),
    "a reference that is text": _reference(lambda text: "the co-ordinator"),
    "a reference to nothing contained": _reference(lambda text: "#nothing"),
    "a reference to itself": _reference(lambda text: "#"),
    "a urn that leads nowhere": _reference(lambda text: NOWHERE),
    "a reference to a version": _reference(lambda text: text + "/_history/1"),
    "a reference with a fragment": _reference(lambda text: text + "#a"),
    "a conditional reference": _reference(lambda text: "Patient?identifier=x|1"),
    "a type beside a reference": _where(_has("reference"), _set("type", "Substance")),
    "a type that does not exist beside a reference": _where(_has("reference"), _set("type", "Nonsense")),
    "a reference by identifier alone": _where(
        _has("reference"), lambda spot, rng: spot.put({"identifier": {"value": "1"}, "type": "Substance"})
    ),
    "a reference by words alone": _where(_has("reference"), lambda spot, rng: spot.put({"display": "text"})),
}
_EXTENSIONS: dict[str, Mutation] = {
    "an unknown extension": _where(_object, _append("extension", _EXTENSION)),
    "an extension of persons": _where(_object, _append("extension", _BIRTH_PLACE)),
    "an extension without url": _where(_object, _append("extension", {"valueString": "text"})),
    "an extension of a relative url": _where(_object, _append("extension", {"url": "unknown", "valueString": "text"})),
    "an extension of value and parts": _where(
        _object, _append("extension", {**_EXTENSION, "extension": [{"url": "part", "valueString": "text"}]})
    ),
    "an extension of neither": _where(_object, _append("extension", {"url": UNKNOWN})),
    "an extension of two values": _where(_object, _append("extension", {**_EXTENSION, "valueBoolean": True})),
    "a modifier extension": _where(_object, _append("modifierExtension", _EXTENSION)),
    "a reason for absence": _where(_object, _append("extension", _ABSENT)),
    "an extension's value dropped": _where(_is_extension, _no_value),
    "an extension's value of another type": _where(_is_extension, _another_value),
    "an extension's url dropped": _where(_is_extension, _without("url")),
    "an extension's url changed": _where(_is_extension, _set("url", UNKNOWN)),
    "an extension misplaced": _where(_is_extension, _append("extension", _BIRTH_PLACE)),
    "an extension twice": _where(
        lambda spot: _is_extension(spot) and isinstance(spot.key, int),
        lambda spot, rng: spot.owner.append(spot.value) is None,
    ),
}
_NARRATIVES: dict[str, Mutation] = {
    "a narrative without div": _root(_set("text", {"status": "generated"})),
    "a narrative without status": _root(_set("text", {"div": DIV + "text</div>"})),
    "a narrative of another status": _root(_set("text", {"status": "made", "div": DIV + "text</div>"})),
    "a narrative without namespace": _narrative("<div>text</div>"),
    "a narrative of text": _narrative("text"),
    "a narrative that is broken": _narrative(DIV + "<p>text</div>"),
    "a narrative that is empty": _narrative(DIV + " </div>"),
    "a narrative with a script": _narrative(DIV + "<script>x</script></div>"),
    "a narrative with a form": _narrative(DIV + "<form>x</form></div>"),
    "a narrative with an event": _narrative(DIV + '<p onclick="x">x</p></div>'),
    "a narrative with a script to click": _narrative(DIV + '<a href="javascript:x">x</a></div>'),
    "a narrative with an entity": _narrative(DIV + "a&nbsp;b</div>"),
    "a narrative with an unknown entity": _narrative(DIV + "a&what;b</div>"),
}
_CONTAINED: dict[str, Mutation] = {
    "contained": _contain(_PATIENT),
    "contained and not referred to": _contain(_PATIENT, referred=False),
    "contained without id": _contain({"resourceType": "Patient", "gender": "unknown"}),
    "contained twice": _contain({**_PATIENT, "contained": [{**_PATIENT, "id": "inner"}]}),
    "contained with a version": _contain({**_PATIENT, "meta": {"versionId": "1"}}),
    "contained with a label": _contain({**_PATIENT, "meta": {"security": [{"code": "R"}]}}),
    "contained with a narrative": _contain({**_PATIENT, "text": {"status": "generated", "div": DIV + "text</div>"}}),
    "contained of no type": _contain({"id": "held", "gender": "unknown"}),
    "contained that is wrong": _contain({**_PATIENT, "gender": "nonsense"}),
}
_RESOURCES: dict[str, Mutation] = {
    "a type that does not exist": _where(lambda spot: spot.key == "resourceType", _put("Nonsense")),
    "another type": _where(lambda spot: spot.key == "resourceType", _put("Basic")),
    "no type": _where(lambda spot: spot.key == "resourceType", lambda spot, rng: bool(spot.owner.pop(spot.key))),
    "an unknown profile": _root(_set("meta", {"profile": ["https://vendor.example/fhir/StructureDefinition/none"]})),
    "a profile of another type": _root(_set("meta", {"profile": ["http://hl7.org/fhir/StructureDefinition/bmi"]})),
    "a tag of no system": _root(_set("meta", {"tag": [{"code": "a"}]})),
    "implicit rules": _root(_set("implicitRules", "https://vendor.example/rules")),
}
_BUNDLES: dict[str, Mutation] = {
    "another's fullUrl": _entry(_doubled_url),
    "no fullUrl": _entry(_without("fullUrl")),
    "a fullUrl of another id": _entry(_set("fullUrl", "https://vendor.example/fhir/Patient/another")),
    "a fullUrl that is relative": _entry(_set("fullUrl", "Patient/1")),
    "a fullUrl with a version": _entry(_set("fullUrl", "https://vendor.example/fhir/Patient/1/_history/1")),
    "an entry without request": _entry(_without("request")),
    "an entry without response": _entry(_without("response")),
    "an entry with a request": _entry(_set("request", {"method": "POST", "url": "Patient"})),
    "an entry with a response": _entry(_set("response", {"status": "200"})),
    "an entry without resource": _entry(_without("resource")),
    "an entry with search": _entry(_set("search", {"mode": "match"})),
    "an entry doubled whole": _entry(lambda spot, rng: spot.owner.append(spot.value) is None),
    "another type of Bundle": _where(
        lambda spot: spot.key == "type" and spot.owner.get("resourceType") == "Bundle",
        lambda spot, rng: spot.put(rng.choice(["document", "searchset", "transaction", "history", "message", "batch"])),
    ),
    "a total": _where(
        lambda spot: spot.key == "entry" and spot.owner.get("resourceType") == "Bundle",
        lambda spot, rng: spot.owner.update(total=5) is None,
    ),
}

MUTATIONS: dict[str, Mutation] = {
    **_CODES,
    **_REFERENCES,
    **_EXTENSIONS,
    **_NARRATIVES,
    **_CONTAINED,
    **_RESOURCES,
    **_BUNDLES,
}
