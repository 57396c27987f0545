"""Invariants that nearly every resource, or entry of a Bundle, carries: said in Python, for they are asked so often.

Each gives what FHIRPath would (or the rule's own words, where FHIRPath has nothing to say), or None where that must be
asked. DIRECT: key -> (how its expression begins, the test).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_mh.fhir.parts import objects_in
from fhir_mh.fhirpath.values import is_primitive
from fhir_mh.packages.model import form_key, open_types
from fhir_mh.validation.primitives import ordered

Direct = Callable[[dict[str, Any]], bool | None]
_PARTS = ("resource", "request", "response")
# The forms of an extension's value, and whether each is an object.
_VALUES = {form_key("value", code): not is_primitive(code) for code in open_types()}


def _contained_lack(*keys: str) -> Direct:
    """Whether no contained resource has what keys lead to."""

    def check(value: dict[str, Any]) -> bool | None:
        for held in objects_in(value["contained"]) if "contained" in value else ():
            found: Any = held
            for key in keys:
                found = found.get(key) if isinstance(found, dict) else None
            if found:
                return False
        return True

    return check


def _contained_are_used(value: dict[str, Any]) -> bool | None:
    """dom-3: each contained resource is referred to, or refers to what contains it. Any `#` text counts as one.

    Where one of them contains others, dom-2 refuses that; looking through all that is nested would never end.
    """
    contained = objects_in(value.get("contained"))
    if not contained or any("contained" in held for held in contained):
        return True
    used = _fragments(value)
    return all((isinstance(c.get("id"), str) and f"#{c['id']}" in used) or "#" in _fragments(c) for c in contained)


def _fragments(value: Any) -> set[str]:
    found: set[str] = set()
    layer = [value]
    while layer:
        item = layer.pop()
        for inner in item.values() if isinstance(item, dict) else item:
            if isinstance(inner, str):
                if inner.startswith("#"):
                    found.add(inner)
            elif isinstance(inner, dict | list):
                layer.append(inner)
    return found


def _narrative_given(value: dict[str, Any]) -> bool | None:
    held = value.get("text")
    return isinstance(held, dict) and "div" in held


def _value_or_parts(value: dict[str, Any]) -> bool | None:
    """ext-1: an extension has a value or parts, not both and not neither."""
    parts = said = False
    for key, held in value.items():
        if key == "extension":
            if type(held) is not list or not held or not all(type(part) is dict for part in held):
                return None
            parts = True
        elif key in _VALUES:
            if held in (None, "", {}) or type(held) is list or (type(held) is dict) is not _VALUES[key]:
                return None
            said = True
        elif key not in ("url", "id"):
            if type(held) is not dict or _VALUES.get(key[1:], True):
                return None
            said = True  # by the extensions of a primitive
    return parts is not said


def _in_order(value: dict[str, Any]) -> bool | None:
    """per-1: the start of a period is not after its end. Decided where both are plain (see primitives.ordered)."""
    start, end = value.get("start"), value.get("end")
    if start is None or end is None:
        return None if "_start" in value or "_end" in value else True
    return ordered(start, end)


def _entries(bundle: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The entries of a Bundle whose type is told; None where they are not all objects."""
    held = bundle.get("entry", [])
    plain = isinstance(held, list) and all(isinstance(entry, dict) for entry in held)
    return held if plain and isinstance(bundle.get("type"), str) and "_type" not in bundle else None


def _said_where(part: str, *kinds: str) -> Direct:
    """bdl-3 and bdl-4: all entries of a Bundle of these types have this part, and none of any other."""

    def check(value: dict[str, Any]) -> bool | None:
        entries = _entries(value)
        parts = [entry[part] for entry in entries or () if part in entry]
        if entries is None or not all(isinstance(held, dict) and held for held in parts):
            return None
        asked = value["type"] in kinds
        return all((part in entry) is asked for entry in entries)

    return check


def _apart(value: dict[str, Any]) -> bool | None:
    """bdl-7: no two entries have the same fullUrl and version, but in a history."""
    entries = _entries(value)
    if entries is None:
        return None
    if value["type"] == "history":
        return True
    seen: set[str] = set()
    for entry in entries:
        if "_fullUrl" in entry:
            return None
        url, resource = entry.get("fullUrl"), entry.get("resource", {})
        meta = resource.get("meta", {}) if isinstance(resource, dict) else None
        if url is None:
            continue
        if not isinstance(url, str) or not isinstance(meta, dict) or "_versionId" in meta:
            return None
        version = meta.get("versionId", "")
        if not isinstance(version, str):
            return None
        if url + version in seen:
            return False
        seen.add(url + version)
    return True


def _says_something(value: dict[str, Any]) -> bool | None:
    """bdl-5: an entry has a resource, a request or a response."""
    return True if any(isinstance(value.get(part), dict) and value[part] for part in _PARTS) else None


def _of_no_version(value: dict[str, Any]) -> bool | None:
    """bdl-8: a fullUrl is that of no single version."""
    url = value.get("fullUrl")
    if url is None:
        return None if "_fullUrl" in value else True
    return "/_history/" not in url if isinstance(url, str) else None


def _begins_with(bundle_type: str, first: str) -> Direct:
    """bdl-11 and bdl-12: a Bundle without entries lacks its first as well, of which FHIRPath has nothing to say."""

    def check(value: dict[str, Any]) -> bool | None:
        if value.get("type") != bundle_type:
            return True
        entries = value.get("entry")
        entry = entries[0] if isinstance(entries, list) and entries else None
        resource = entry.get("resource") if isinstance(entry, dict) else None
        return isinstance(resource, dict) and resource.get("resourceType") == first

    return check


DIRECT: dict[str, tuple[str, Direct]] = {
    "dom-2": ("contained.contained.empty()", _contained_lack("contained")),
    "dom-3": ("contained.where((", _contained_are_used),
    "dom-4": (
        "contained.meta.versionId",
        lambda value: _contained_lack("meta", "versionId")(value) and _contained_lack("meta", "lastUpdated")(value),
    ),
    "dom-5": ("contained.meta.security", _contained_lack("meta", "security")),
    "dom-6": ("text.`div`.exists()", _narrative_given),
    "ext-1": ("extension.exists() != value.exists()", _value_or_parts),
    "bdl-3": ("entry.all(request.exists() = (", _said_where("request", "batch", "transaction", "history")),
    "bdl-4": (
        "entry.all(response.exists() = (",
        _said_where("response", "batch-response", "transaction-response", "history"),
    ),
    "bdl-5": ("resource.exists() or request.exists() or response.exists()", _says_something),
    "bdl-11": (
        "type = 'document' implies entry.first().resource.is(Composition)",
        _begins_with("document", "Composition"),
    ),
    "bdl-12": (
        "type = 'message' implies entry.first().resource.is(MessageHeader)",
        _begins_with("message", "MessageHeader"),
    ),
    "bdl-7": ("(type = 'history') or entry.where(fullUrl.exists()).select(", _apart),
    "bdl-8": ("fullUrl.contains('/_history/').not()", _of_no_version),
    "per-1": ("start.hasValue().not() or end.hasValue().not() or (start <= end)", _in_order),
}
