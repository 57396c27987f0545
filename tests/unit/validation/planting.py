"""One fault planted in a valid resource, and the finding that must come of it."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.unit.validation.valid_resources import Made, Spot, bound, codes, demanded, most, type_of


class Planted(NamedTuple):
    """A resource with one fault: where it stands, and the code that tells of it."""

    resource: dict[str, Any]
    code: str
    path: str


_STEP = re.compile(r"\.[A-Za-z]+(\[\d+\]|\.ofType\(\w+\))?$")
_BAD = {
    "boolean": "yes", "integer": 1.5, "unsignedInt": -1, "positiveInt": 0, "decimal": "1.0", "date": "2026-02-30",
    "dateTime": "2026-01-01T09:30", "instant": "2026-01-01", "time": "25:00:00", "code": " a", "id": "a b",
    "uri": "a b", "url": "a b", "canonical": " ", "oid": "1.2.3", "uuid": "urn:uuid:x", "string": 5, "markdown": True,
    "base64Binary": "*",
}  # fmt: skip
_FORMS = {
    "string": "x", "boolean": True, "dateTime": "2026", "integer": 1, "date": "2026", "uri": "urn:x",
    "Age": {"value": 1}, "Period": {"start": "2026"}, "CodeableConcept": {"text": "x"}, "Quantity": {"value": 1},
    "Range": {"low": {"value": 1}}, "Reference": {"reference": "Patient/x"},
}  # fmt: skip


def _at(held: Any, keys: tuple[str | int, ...]) -> Any:
    for key in keys:
        held = held[key]
    return held


def _around(spot: Spot) -> str:
    return _STEP.sub("", spot.path)


def _listed(spot: Spot) -> bool:
    return isinstance(spot.keys[-1], int)


def _of_list(spot: Spot) -> str:
    return spot.path.rpartition("[")[0]


def _put(made: Made, keys: tuple[str | int, ...], value: Any, code: str, path: str) -> Planted:
    held = copy.deepcopy(made.resource)
    _at(held, keys[:-1])[keys[-1]] = value
    return Planted(held, code, path)


def unknown(made: Made) -> Iterator[Planted]:
    for spot in made.spots:
        if isinstance(_at(made.resource, spot.keys), dict):
            yield _put(made, (*spot.keys, "nonsense"), 1, "validate-element-unknown", spot.path)


def missing(made: Made) -> Iterator[Planted]:
    for spot in made.spots:
        keys = spot.keys[:-1] if _listed(spot) else spot.keys
        held = copy.deepcopy(made.resource)
        around = _at(held, keys[:-1])
        if spot.base.get("min") and len(around) > 1:
            del around[keys[-1]]
            yield Planted(held, "validate-required", _around(spot))


def wrong_type(made: Made) -> Iterator[Planted]:
    for spot in made.spots:
        value = _at(made.resource, spot.keys)
        if isinstance(value, dict):
            yield _put(made, spot.keys, "text", "validate-not-an-object", spot.path)
        else:
            yield _put(made, spot.keys, {"a": 1}, "validate-primitive", spot.path)
        if _listed(spot):
            yield _put(made, spot.keys[:-1], {"a": 1}, "validate-not-a-list", _of_list(spot))
        else:
            yield _put(made, spot.keys, [value], "validate-not-repeating", spot.path)


def bad_primitive(made: Made) -> Iterator[Planted]:
    for spot in made.spots:
        if spot.code in _BAD:
            yield _put(made, spot.keys, _BAD[spot.code], "validate-primitive", spot.path)


def no_such_code(made: Made) -> Iterator[Planted]:
    for spot in made.spots:
        listed = codes(bound(spot.base, spot.said) or "")
        if not listed:
            continue
        coding = {"system": listed[0][0], "code": "no-such-code"}
        forms = {"code": "no-such-code", "Coding": coding, "CodeableConcept": {"coding": [coding]}}
        if spot.code in forms:
            yield _put(made, spot.keys, forms[spot.code], "validate-binding", spot.path)


def too_many(made: Made) -> Iterator[Planted]:
    for spot in made.spots:
        limit = most({}, spot.said)
        if spot.sliced and limit < 5:
            several = [*_at(made.resource, spot.keys[:-1]), *[_at(made.resource, spot.keys)] * limit]
            yield _put(made, spot.keys[:-1], several, "validate-too-many", _around(spot))


def wrong_target(made: Made) -> Iterator[Planted]:
    for spot in made.spots:
        targets = [
            url.rpartition("/")[2] for entry in spot.base.get("type", ()) for url in entry.get("targetProfile", ())
        ]
        if spot.code == "Reference" and targets and not {"Resource", "Binary"} & set(targets):
            yield _put(made, spot.keys, {"reference": "Binary/x"}, "validate-reference-type", spot.path)


def another_value(made: Made) -> Iterator[Planted]:
    """Another value than is fixed; not where it would only make another slice of its element."""
    sliced = [spot.keys for spot in made.spots if spot.sliced]
    coding = {"system": "https://example.org/other", "code": "other"}
    forms: dict[str, Any] = {
        "CodeableConcept": {"coding": [coding]},
        "Coding": coding,
        "code": "other",
        "uri": "urn:other",
    }
    for spot in made.spots:
        within = any(spot.keys[: len(keys)] == keys for keys in sliced)
        if demanded(spot.said) is not None and not within and spot.code in forms:
            fixed = any(key.startswith("fixed") for element in spot.said.elements for key in element)
            code = "validate-fixed" if fixed else "validate-pattern"
            yield _put(made, spot.keys, forms[spot.code], code, spot.path)


def two_forms(made: Made) -> Iterator[Planted]:
    for spot in made.spots:
        if not spot.base["path"].endswith("[x]"):
            continue
        stem = spot.base["path"].rpartition(".")[2].removesuffix("[x]")
        others = {type_of(entry["code"]) for entry in spot.base["type"]} & _FORMS.keys() - {spot.code}
        if others:
            code = min(others)
            key = stem + code[:1].upper() + code[1:]
            yield _put(made, (*spot.keys[:-1], key), _FORMS[code], "validate-choice-twice", _around(spot))


def empty(made: Made) -> Iterator[Planted]:
    for spot in made.spots:
        value = _at(made.resource, spot.keys)
        if isinstance(value, dict | str):
            yield _put(made, spot.keys, {} if isinstance(value, dict) else "", "validate-empty", spot.path)
        if _listed(spot):
            yield _put(made, spot.keys[:-1], [], "validate-empty", _of_list(spot))


def null(made: Made) -> Iterator[Planted]:
    for spot in made.spots:
        yield _put(made, spot.keys, None, "validate-null", spot.path)


FAULTS: dict[str, Callable[[Made], Iterator[Planted]]] = {
    fault.__name__: fault
    for fault in (
        unknown, missing, wrong_type, bad_primitive, no_such_code, too_many, wrong_target, another_value, two_forms,
        empty, null,
    )
}  # fmt: skip
# Faults that few resources have room for, and the profiles whose every resource has.
OF_PROFILES = {"too_many", "another_value"}
ROOMY = ("mh-crisis-plan", "mh-advance-wishes", "mh-advance-statement", "mh-nomination", "mh-recorded-refusal")
