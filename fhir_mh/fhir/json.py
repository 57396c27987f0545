"""Lossless JSON: what comes in goes out with the same tokens.

Numbers that Python would rewrite (1.50, 1E3, -0, integers beyond 64 bits) become Number, a Decimal that
remembers how it was written; other integers are int. Serialise with dumps(), never with json.dumps, which
refuses a Decimal rather than rounding it. Only white space and the way a character is escaped may change.
See https://hl7.org/fhir/R4/json.html#primitive
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json_faults import LONE, locate, not_utf8, unreadable

MAX_DEPTH = 200
_INT64 = 19  # digits: anything longer is kept as written


class Number(Decimal):
    """A JSON number that is written back exactly as it was read; compares as its Decimal value."""

    token: str

    def __new__(cls, token: str) -> Number:
        self = super().__new__(cls, token)
        self.token = token
        return self

    def __str__(self) -> str:
        return self.token

    def __repr__(self) -> str:
        return f"Number({self.token!r})"

    def __reduce__(self) -> tuple[type[Number], tuple[str]]:
        return Number, (self.token,)

    def __copy__(self) -> Number:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Number:
        return self


class _Duplicate(ValueError):
    """Raised inside the decoder; the place is worked out afterwards."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Duplicate
    return found


def _integer(token: str) -> int | Number:
    return Number(token) if token == "-0" or len(token) >= _INT64 else int(token)


def _constant(token: str) -> NoReturn:
    raise ValueError(token)


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=Number, parse_int=_integer, parse_constant=_constant)


def loads(text: str | bytes) -> Any:
    """The JSON value in text: dict, list, str, int, Number, bool or None.

    Raises InvalidResource with one Issue that names line, column and path: for text that is not UTF-8 or not
    JSON, a key that stands twice in one object, a lone surrogate, a number of more than 10^18 places, or nesting
    beyond MAX_DEPTH.
    """
    if isinstance(text, bytes):
        raw = text
        if (read := _quickly(raw)) is not None:
            return read
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as fault:
            raise InvalidResource(issues=[not_utf8(raw, fault)]) from None
    elif text.startswith("\ufeff"):
        text = text[1:]
    try:
        value = _decoder.decode(text)
    except (ValueError, RecursionError, InvalidOperation):
        raise InvalidResource(issues=[locate(text, MAX_DEPTH) or unreadable()]) from None
    deep = text.count("[") + text.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH
    if deep or (("\\ud" in text or "\\uD" in text) and _half_a_pair(value)):
        found = locate(text, MAX_DEPTH)
        if found is not None:
            raise InvalidResource(issues=[found])
    return value


def _quickly(raw: bytes) -> Any:
    """The value of text as our own dumps() writes it, as gateways send it to each other; None for any other text.

    What the quick reader would write as it came has no key twice, no white space and no odd escapes.
    """
    if raw[:1] not in (b"{", b"[") or b'": ' in raw or _lost(raw):
        return None
    try:
        value = orjson.loads(raw)
        if orjson.dumps(value) != raw:
            return None
    except (ValueError, TypeError):
        return None
    deep = raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH
    return None if deep else value


_AROUND = frozenset([dict, list])


def _depth(value: Any) -> int:
    """How many objects and lists stand inside one another."""
    depth, layer = 0, [value] if type(value) in _AROUND else []
    while layer:
        depth += 1
        layer = [
            inner
            for outer in layer
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _AROUND
        ]
    return depth


def _half_a_pair(value: Any) -> bool:
    """Whether some text holds a lone surrogate; most that is escaped as one is half of a pair, and a character."""
    waiting = [value]
    while waiting:
        held = waiting.pop()
        if isinstance(held, str):
            if not held.isascii() and LONE.search(held):
                return True
        elif isinstance(held, dict):
            waiting.extend(held)
            waiting.extend(held.values())
        elif isinstance(held, list):
            waiting.extend(held)
    return False


def load_object(text: str | bytes) -> dict[str, Any]:
    """As loads(), for text that must hold one JSON object."""
    from fhir_mh.issues import issue

    value = loads(text)
    if not isinstance(value, dict):
        raise InvalidResource(issues=[issue("json-not-an-object", "$", line=1, column=1)])
    return value


def load_last(text: str | bytes) -> Any:
    """The value of text in which a key may stand twice and the last one counts: to tell where that is, and no more.

    None for what cannot be read.
    """
    try:
        return orjson.loads(
            text.removeprefix("\ufeff") if isinstance(text, str) else text.removeprefix(b"\xef\xbb\xbf")
        )
    except ValueError:
        return None


_LOST = tuple(re.compile(before + rb"(?:-0|-?\d+[.eE]|-?\d{18})").search for before in (rb'":', rb",", rb"\["))
"""What may be a number that a quick reader would write otherwise; inside a text it costs a slower reading, no more.

Each begins with one character, for `re` finds that several times as quickly as any of three.
"""


def _lost(text: bytes) -> bool:
    value, member, item = _LOST
    return bool(value(text) or member(text) or item(text))


def load_kept(text: bytes) -> dict[str, Any]:
    """As load_object(), for text that dumps() has written, compact: nothing that loads() refuses is looked for."""
    kept: dict[str, Any] = load_object(text) if _lost(text) else orjson.loads(text)
    return kept


def _as_written(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is not JSON")


def dumps(value: Any, *, indent: bool = False) -> bytes:
    """UTF-8 JSON, compact unless indent; Numbers as they were written. Raises TypeError for what is not JSON."""
    return orjson.dumps(value, default=_as_written, option=orjson.OPT_INDENT_2 if indent else 0)
