"""In which part a value is not what a profile fixes or asks for, and what may be said of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_TOLD = {"system", "code", "url", "reference", "use", "type"}  # parts of which the value may be told
_SHORT = 80


def innermost(wanted: Any, seen: Any, fits: Callable[[Any, Any], bool]) -> tuple[str, Any, Any]:
    """(path, what is wanted there, what is there) of the innermost part of a value that is not as it should be."""
    if isinstance(wanted, dict) and isinstance(seen, dict):
        differing = [key for key in wanted if key not in seen or not fits(wanted[key], seen[key])]
        more = [key for key in seen if key not in wanted]
        for key in (*differing, *more)[:1]:
            inner, asked, held = innermost(wanted.get(key), seen.get(key), fits)
            return f".{key}{inner}", asked, held
    if isinstance(wanted, list) and isinstance(seen, list) and len(wanted) == len(seen) == 1:
        return innermost(wanted[0], seen[0], fits)
    return "", wanted, seen


def may_be_told(path: str) -> bool:
    """Whether what a resource has at this path of a value may stand in a message, as described() says it."""
    return not path or path.rpartition(".")[2] in _TOLD


def quoted(wanted: Any) -> str:
    """A text that a profile asks for, if it is short: that is nobody's."""
    return f"'{wanted}'" if isinstance(wanted, str) and wanted.isprintable() and len(wanted) <= _SHORT else ""
