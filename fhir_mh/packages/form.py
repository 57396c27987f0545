"""Whether the facts of a definition are formed as FHIR says, so that whoever reads them need not ask at each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhir_mh.packages.facts import Facts

# A form is a test of one value, a list of one form for each entry, or a dict of the forms of those keys that are there.
Form = Callable[[Any], bool] | list[Any] | dict[str, Any]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _count(value: Any) -> bool:
    return type(value) is int


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _most(value: Any) -> bool:
    """Text, or as some write it a number."""
    return _count(value) or (isinstance(value, str) and (value == "*" or (value.isascii() and value.isdigit())))


def _parents(value: Any) -> bool:
    return isinstance(value, dict) and all(_formed(parents, [_text]) for parents in value.values())


_ELEMENT: Form = {
    **dict.fromkeys(("id", "path", "sliceName", "contentReference"), _text),
    "min": _count,
    "max": _most,
    "maxLength": _count,
    "type": [
        {"code": _text, "profile": [_text], "targetProfile": [_text], "aggregation": [_text], "versioning": [_text]}
    ],
    "binding": {
        **dict.fromkeys(("strength", "valueSet", "maxValueSet"), _text),
        "additional": [{"strength": _text, "valueSet": _text}],
    },
    "obligations": [{"code": _text, "actor": _text}],
    "constraint": [{"key": _text, "severity": _text, "expression": _text, "human": _text}],
    "slicing": {"discriminator": [{"type": _text, "path": _text}], "rules": _text, "ordered": _flag},
}
_INCLUDES: Form = [
    {"system": _text, "valueSet": [_text], "concept": [_text], "filter": [dict.fromkeys(("op", "property"), _text)]}
]
_FORM: Form = {
    **dict.fromkeys(("url", "version", "kind", "type", "derivation", "baseDefinition"), _text),
    "context": [{"type": _text, "expression": _text}],
    "contextInvariant": [_text],
    "differential": [_ELEMENT],
    "snapshot": [_ELEMENT],
    "compose": {"include": _INCLUDES, "exclude": _INCLUDES},
    "expansion": [{"system": _text, "code": _text}],
    "caseSensitive": _flag,
    "content": _text,
}


def well_formed(facts: Facts) -> bool:
    """Whether each part is of the kind of JSON value it must be, and what nothing can do without is there."""
    elements = [element for part in ("differential", "snapshot") for element in facts.get(part, ())]
    return (
        _formed(facts, _FORM)
        and (facts["resourceType"] != "CodeSystem" or _parents(facts["concept"]))
        and all("path" in element for element in elements)
        and all("key" in rule for element in elements for rule in element.get("constraint", ()))
        and all("code" in entry for element in elements for entry in element.get("type", ()))
    )


def _formed(value: Any, form: Form) -> bool:
    if isinstance(form, dict):
        return isinstance(value, dict) and all(_formed(value[key], form[key]) for key in form.keys() & value.keys())
    if isinstance(form, list):
        return isinstance(value, list) and all(_formed(entry, form[0]) for entry in value)
    return form(value)
