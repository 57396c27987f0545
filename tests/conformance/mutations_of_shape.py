"""Mutations of how a resource is written: its keys, its JSON types and the text of its primitives."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.conformance.spots import Spot

Mutation = Callable[[Spot, random.Random], bool]
_DATE = re.compile(r"\d{4}-\d\d-\d\d.*").fullmatch
_TIME = re.compile(r"\d{4}-\d\d-\d\dT.*").fullmatch
_URI = re.compile(r"(?:https?|urn):\S+").fullmatch
_WORD = re.compile(r"[a-z][a-zA-Z-]*").fullmatch


def is_text(spot: Spot) -> bool:
    return isinstance(spot.value, str) and spot.key != "resourceType"


def is_number(spot: Spot) -> bool:
    return isinstance(spot.value, int | Decimal) and not isinstance(spot.value, bool)


def is_whole(spot: Spot) -> bool:
    return is_number(spot) and isinstance(spot.value, int)


def is_object(spot: Spot) -> bool:
    return isinstance(spot.value, dict)


def is_list(spot: Spot) -> bool:
    return isinstance(spot.value, list)


def is_entry(spot: Spot) -> bool:
    return isinstance(spot.owner, list)


def is_one(spot: Spot) -> bool:
    return spot.member and not is_list(spot) and spot.key != "resourceType"


def is_key(spot: Spot) -> bool:
    return spot.member and spot.key != "resourceType"


def is_plain(spot: Spot) -> bool:
    """A primitive under a key of its own."""
    return is_one(spot) and not is_object(spot)


def like(match: Callable[[str], Any]) -> Callable[[Spot], bool]:
    return lambda spot: is_text(spot) and match(spot.value) is not None


def is_bytes(spot: Spot) -> bool:
    return is_text(spot) and spot.key in ("data", "hash")


def is_id(spot: Spot) -> bool:
    return is_text(spot) and spot.key == "id"


def _drop(spot: Spot, rng: random.Random) -> bool:
    del spot.owner[spot.key]
    return True


def _double(spot: Spot, rng: random.Random) -> bool:
    spot.owner.append(spot.value)
    return True


def _misspell(spot: Spot, rng: random.Random) -> bool:
    at = rng.randrange(len(spot.key))
    return _rename(spot, spot.key[:at] + spot.key[at + 1 :] or "x")


def _rename(spot: Spot, key: str) -> bool:
    spot.owner[key] = spot.owner.pop(spot.key)
    return True


def _beside(value: Any) -> Mutation:
    """Puts a value beside a primitive, where its id and extensions belong."""

    def change(spot: Spot, rng: random.Random) -> bool:
        spot.owner["_" + spot.key] = value
        return True

    return change


def _only_beside(spot: Spot, rng: random.Random) -> bool:
    url = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
    spot.owner["_" + spot.key] = {"extension": [{"url": url, "valueCode": "unknown"}]}
    del spot.owner[spot.key]
    return True


def _swap(spot: Spot, rng: random.Random) -> bool:
    spot.value.reverse()
    return True


def _add(key: str, value: Any) -> Mutation:
    def change(spot: Spot, rng: random.Random) -> bool:
        spot.value[key] = value
        return True

    return change


def _value(change: Callable[[Any], Any]) -> Mutation:
    return lambda spot, rng: spot.put(change(spot.value))


def _where(applies: Callable[[Spot], bool], change: Mutation) -> Mutation:
    return lambda spot, rng: applies(spot) and change(spot, rng)


_DATES: dict[str, Callable[[str], str]] = {
    "a day that does not exist": lambda text: "2021-02-30" + text[10:],
    "a month that does not exist": lambda text: text[:5] + "13" + text[7:],
    "a date written short": lambda text: text[:5] + str(int(text[5:7])) + "-1" + text[10:],
    "a date with slashes": lambda text: text.replace("-", "/"),
    "a year alone": lambda text: text[:4],
    "a date with an hour alone": lambda text: text[:10] + "T10Z",
    "a date with a time": lambda text: text[:10] + "T10:00:00Z",
    "a date with a time and no zone": lambda text: text[:10] + "T10:00:00",
    "a date and a time apart": lambda text: text[:10] + " 10:00:00",
    "the year nought": lambda text: "0000" + text[4:],
}
_TIMES: dict[str, Callable[[str], str]] = {
    "an hour too many": lambda text: text[:11] + "24:00:00Z",
    "no seconds": lambda text: text[:16] + "Z",
    "a zone too far": lambda text: text[:19] + "+15:00",
    "a zone without colon": lambda text: text[:19] + "+0100",
    "a small z": lambda text: text[:19] + "z",
    "a date alone for a time": lambda text: text[:10],
}
_TEXTS: dict[str, Callable[[str], Any]] = {
    "a number for text": lambda text: 7,
    "a boolean for text": lambda text: True,
    "an object for text": lambda text: {"value": text},
    "empty text": lambda text: "",
    "nothing but a space": lambda text: " ",
    "a space before": lambda text: " " + text,
    "a space behind": lambda text: text + " ",
    "two spaces within": lambda text: text[:1] + "  " + text[1:],
    "a line within": lambda text: text[:1] + "\n" + text[1:],
    "a control character": lambda text: text + "\x07",
    "in capitals": str.upper,
}
_URIS: dict[str, Callable[[str], str]] = {
    "a URI with a space": lambda text: text[:8] + " " + text[8:],
    "a URI without its scheme": lambda text: text.partition(":")[2].lstrip("/"),
    "a UUID that is none": lambda text: "urn:uuid:1234",
    "a UUID in capitals": lambda text: "urn:uuid:C757873D-EC9A-4326-A141-556F43239520",
    "an OID that is none": lambda text: "urn:oid:9.x",
}
_NUMBERS: dict[str, Callable[[Any], Any]] = {
    "a number below nought": lambda number: -1 - number,
    "nought": lambda number: 0,
    "a number with a point": lambda number: number + Decimal("0.5"),
    "a number too large": lambda number: 2147483648,
    "a number in quotes": str,
    "a boolean for a number": lambda number: True,
}

MUTATIONS: dict[str, Mutation] = {
    "a key dropped": _where(is_key, _drop),
    "another key dropped": _where(is_key, _drop),
    "an entry dropped": _where(is_entry, _drop),
    "an entry doubled": _where(is_entry, _double),
    "a key misspelt": _where(is_key, _misspell),
    "a key in capitals": _where(is_key, lambda spot, rng: _rename(spot, spot.key.upper())),
    "a key that is unknown": _where(is_object, _add("colour", "red")),
    "a comment": _where(is_object, _add("fhir_comments", ["seen"])),
    "text for an object": _where(is_object, _value(lambda held: "text")),
    "a list for one": _where(is_one, _value(lambda held: [held])),
    "a list of two for one": _where(is_one, _value(lambda held: [held, held])),
    "one for a list": _where(is_list, _value(lambda held: held[0])),
    "a list within a list": _where(is_list, _value(lambda held: [held])),
    "text for a list": _where(is_list, _value(lambda held: "text")),
    "an object for a list": _where(is_list, _value(lambda held: {"value": "text"})),
    "an empty list": _where(is_list, _value(lambda held: [])),
    "a list with an empty object": _where(is_list, _value(lambda held: [*held, {}])),
    "a list with null": _where(is_list, _value(lambda held: [*held, None])),
    "a list the other way round": _where(lambda spot: is_list(spot) and len(spot.value) > 1, _swap),
    "an empty object": _where(is_object, _value(lambda held: {})),
    "null": _where(is_key, _value(lambda held: None)),
    "text for true": _where(lambda spot: isinstance(spot.value, bool), _value(lambda held: str(held).lower())),
    "a number for true": _where(lambda spot: isinstance(spot.value, bool), _value(int)),
    "an id beside a primitive": _where(is_plain, _beside({"id": "a"})),
    "nothing beside a primitive": _where(is_plain, _beside({})),
    "text beside a primitive": _where(is_plain, _beside("text")),
    "a list beside a primitive": _where(is_plain, _beside([{"id": "a"}])),
    "an unknown key beside a primitive": _where(is_plain, _beside({"colour": "red"})),
    "something beside an object": _where(lambda spot: is_one(spot) and is_object(spot), _beside({"id": "a"})),
    "a reason for a primitive's absence": _where(is_plain, _only_beside),
    "base64 cut off": _where(is_bytes, _value(lambda text: text[:-1])),
    "base64 of other letters": _where(is_bytes, _value(lambda text: "*" + text[1:])),
    "base64 over two lines": _where(is_bytes, _value(lambda text: text[:4] + "\n" + text[4:])),
    "an id with a space": _where(is_id, _value(lambda text: text + " 1")),
    "an id too long": _where(is_id, _value(lambda text: (text * 65)[:65])),
    "an id with an underscore": _where(is_id, _value(lambda text: text + "_1")),
    "a key where none is known": _where(is_object, _add("id", "a")),
    **{name: _where(is_text, _value(change)) for name, change in _TEXTS.items()},
    **{name: _where(like(_DATE), _value(change)) for name, change in _DATES.items()},
    **{name: _where(like(_TIME), _value(change)) for name, change in _TIMES.items()},
    **{name: _where(like(_URI), _value(change)) for name, change in _URIS.items()},
    **{name: _where(is_number, _value(change)) for name, change in _NUMBERS.items()},
    "a word with spaces": _where(like(_WORD), _value(lambda text: text + " and  more")),
    "another word": _where(like(_WORD), _value(lambda text: "nonsense")),
    "a word with a capital": _where(like(_WORD), _value(str.capitalize)),
    "a decimal with an exponent": _where(is_number, _value(lambda number: Decimal("1e2"))),
}
