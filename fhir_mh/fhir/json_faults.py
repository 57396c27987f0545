"""Where and why a text is not the JSON that FHIR asks for. Slow and exact: it runs only once a fault is known."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from json.decoder import scanstring  # type: ignore[attr-defined]

from fhir_mh.issues import Issue, issue

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"true|false|null")
LONE = re.compile("[\ud800-\udfff]")


class _Fault(Exception):
    def __init__(self, code: str, at: int, path: str, **values: object) -> None:
        self.code, self.at, self.path, self.values = code, at, path, values


def _broken(at: int, problem: str) -> _Fault:
    """What is no JSON has places in its text alone: nothing in it has a path yet."""
    return _Fault("json-unreadable", at, "", problem=problem)


def unreadable() -> Issue:
    """The finding for text whose fault could not be placed."""
    return issue("json-unreadable", "", problem="it could not be read")


def not_utf8(raw: bytes, fault: UnicodeDecodeError) -> Issue:
    """The finding for bytes that are not UTF-8, at the first such byte."""
    before = raw[: fault.start]
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    return issue("json-encoding", "", line=line, column=column)


def locate(text: str, max_depth: int) -> Issue | None:
    """The first fault of text, with line and column, and a path where it is JSON; None where there is none."""
    try:
        end = _value(text, _skip(text, 0), "$", max_depth)
        end = _skip(text, end)
        if end != len(text):
            raise _broken(end, "something follows the end of the value")
    except _Fault as fault:
        line = text.count("\n", 0, fault.at) + 1
        column = fault.at - text.rfind("\n", 0, fault.at)
        return issue(fault.code, fault.path, line=line, column=column, **fault.values)  # type: ignore[arg-type]
    return None


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _value(text: str, at: int, path: str, depth: int) -> int:
    first = text[at : at + 1]
    if first in ("{", "["):
        if depth == 0:
            raise _Fault("json-too-deep", at, "$", limit=path.count(".") + path.count("["))
        return _members(text, at + 1, path, depth - 1) if first == "{" else _entries(text, at + 1, path, depth - 1)
    if first == '"':
        return _string(text, at)[1]
    match = _NUMBER.match(text, at)
    if match:
        _held(match.group(), at)
    match = match or _WORD.match(text, at)
    if not match:
        raise _broken(at, "a value is missing here" if first else "the text ends too early")
    return match.end()


def _held(number: str, at: int) -> None:
    try:
        Decimal(number)
    except InvalidOperation:
        raise _broken(at, "no number of so many places can be held") from None


def _string(text: str, at: int) -> tuple[str, int]:
    try:
        value, end = scanstring(text, at + 1, True)
    except ValueError as fault:
        where = getattr(fault, "pos", at)
        raise _broken(where, "this text in quotes is not well formed") from None
    if LONE.search(value):
        raise _broken(at, "half of a surrogate pair is no character")
    return value, end


def _members(text: str, at: int, path: str, depth: int) -> int:
    seen: set[str] = set()
    at = _skip(text, at)
    if text[at : at + 1] == "}":
        return at + 1
    while True:
        if text[at : at + 1] != '"':
            raise _broken(at, "a key in double quotes is expected here")
        key, end = _string(text, at)
        if key in seen:
            raise _Fault("json-duplicate-key", at, f"{path}.{key}", key=key)
        seen.add(key)
        end = _skip(text, end)
        if text[end : end + 1] != ":":
            raise _broken(end, "a colon is missing here")
        at = _skip(text, _value(text, _skip(text, end + 1), f"{path}.{key}", depth))
        if text[at : at + 1] == "}":
            return at + 1
        if text[at : at + 1] != ",":
            raise _broken(at, "a comma or the end of the object is missing here")
        at = _skip(text, at + 1)


def _entries(text: str, at: int, path: str, depth: int) -> int:
    at, index = _skip(text, at), 0
    if text[at : at + 1] == "]":
        return at + 1
    while True:
        at = _skip(text, _value(text, at, f"{path}[{index}]", depth))
        if text[at : at + 1] == "]":
            return at + 1
        if text[at : at + 1] != ",":
            raise _broken(at, "a comma or the end of the list is missing here")
        at, index = _skip(text, at + 1), index + 1
