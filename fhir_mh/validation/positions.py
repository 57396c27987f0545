"""Line and column of an element in JSON text. Runs only once something was found there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_SPACE = re.compile(r"[ \t\n\r]*")
_decode = json.JSONDecoder(strict=False).raw_decode


def position(text: str, keys: Sequence[str | int]) -> tuple[int, int]:
    """(line, column) from 1 of the value that keys lead to; of the nearest one around it where it is not there."""
    at = _skip(text, 0)
    for key in keys:
        found = _member(text, at, key) if isinstance(key, str) else _entry(text, at, key)
        if found is None:
            break
        at = found
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _member(text: str, at: int, key: str) -> int | None:
    if text[at : at + 1] != "{":
        return None
    at = _skip(text, at + 1)
    while text[at : at + 1] == '"':
        name, end = _decode(text, at)
        value = _skip(text, _skip(text, end) + 1)
        if name == key:
            return value
        at = _next(text, value)
    return None


def _entry(text: str, at: int, index: int) -> int | None:
    if text[at : at + 1] != "[":
        return None
    at = _skip(text, at + 1)
    for _ in range(index):
        if text[at : at + 1] in ("]", ""):
            return None
        at = _next(text, at)
    return at


def _next(text: str, at: int) -> int:
    end = _skip(text, _decode(text, at)[1])
    return _skip(text, end + 1) if text[end : end + 1] == "," else end
