"""Line and column of elements in JSON text, all in one pass over it. Runs only once something was found there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from json.decoder import scanstring  # type: ignore[attr-defined]

_SPACE = re.compile(r"[ \t\n\r]*+")
_TEXT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_KEY = re.compile(r'"([^"\\]*+)"[ \t\n\r]*+:[ \t\n\r]*+')  # one without escapes, and the colon
_SCALAR = re.compile(rf"{_TEXT.pattern}|[^][{{}}\",: \t\n\r]++")
_MEMBER_END = re.compile(r"[ \t\n\r]*+,?[ \t\n\r]*+")
_BETWEEN = rf'[^][{{}}"]*+(?:{_TEXT.pattern}[^][{{}}"]*+)*+'
_TO_BRACKET = re.compile(_BETWEEN)
_LEVELS = 16  # of brackets within brackets that one pattern passes: most of what there is


@cache
def _rest() -> re.Pattern[str]:
    """A pattern of what stands within brackets, with the one that closes them."""
    within = _BETWEEN
    for _ in range(_LEVELS):
        within = rf"{_BETWEEN}(?:[{{[]{within}[]}}]{_BETWEEN})*+"
    return re.compile(within + "[]}]")


class _Wanted:
    """A value whose place is asked for, or one around such; at is where it begins, once it was met."""

    __slots__ = ("at", "inner")

    def __init__(self) -> None:
        self.at: int | None = None
        self.inner: dict[str | int, _Wanted] = {}


def positions(text: str, places: Iterable[Sequence[str | int]]) -> list[tuple[int, int]]:
    """(line, column) from 1 of each value that keys lead to; of the nearest one around it where it is not there.

    text: JSON that could be read.
    """
    asked, root = list(places), _Wanted()
    if not asked:
        return []
    for keys in asked:
        here = root
        for key in keys:
            here = here.inner.setdefault(key, _Wanted())
    _look(text, _skip(text, 0), root)
    starts = [_start(keys, root) for keys in asked]
    lines = _lines(text, set(starts))
    return [lines[at] for at in starts]


def _start(keys: Sequence[str | int], root: _Wanted) -> int:
    at, here = root.at or 0, root
    for key in keys:
        here = here.inner[key]
        if here.at is None:
            break
        at = here.at
    return at


def _lines(text: str, starts: set[int]) -> dict[int, tuple[int, int]]:
    found = {}
    line, line_start, before = 1, 0, 0
    for at in sorted(starts):
        line += text.count("\n", before, at)
        line_start = max(line_start, text.rfind("\n", before, at) + 1)
        found[at] = line, at - line_start + 1
        before = at
    return found


def _look(text: str, at: int, wanted: _Wanted) -> int:
    """Note where a value and those wanted inside it begin; returns where it ends."""
    wanted.at = at
    left, first = len(wanted.inner), text[at]
    if not left or first not in "{[":
        return _past(text, at)
    at, index = _skip(text, at + 1), 0
    while left and text[at] not in "}]":
        key: str | int = index
        if first == "{":
            key, at = _key(text, at)
        inner = wanted.inner.get(key)
        if inner is None:
            at = _past(text, at)
        else:
            at, left = _look(text, at, inner), left - 1
        at = _MEMBER_END.match(text, at).end()  # type: ignore[union-attr]
        index += 1
    return _past(text, at, inside=True)


def _key(text: str, at: int) -> tuple[str, int]:
    """A key, and where its value begins."""
    plain = _KEY.match(text, at)
    if plain:
        return plain[1], plain.end()
    name, end = scanstring(text, at + 1, True)
    return name, _skip(text, _skip(text, end) + 1)


def _past(text: str, at: int, *, inside: bool = False) -> int:
    """Where the value that begins here ends; inside: where the object or list around here does."""
    if not inside:
        if text[at] not in "{[":
            match = _SCALAR.match(text, at)
            return match.end() if match else at
        at += 1
    rest = _rest().match(text, at)
    if rest:
        return rest.end()
    depth = 1  # more levels than that
    while True:
        match = _TO_BRACKET.match(text, at)
        at = (match.end() if match else at) + 1
        depth += 1 if text[at - 1] in "{[" else -1
        if not depth:
            return at


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
