"""A JSON file as its value, and the line and column of the places that faults name."""

from __future__ import annotations

from collections.abc import Collection
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from fhir_mh.fhir.json import dumps, load_object


class JsonText:
    """How JSON files are read and written."""

    def load(self, raw: bytes) -> dict[str, Any]:
        """The object. Raises InvalidResource where it is not JSON, or not an object."""
        return load_object(raw)

    def dump(self, document: Any) -> bytes:
        return dumps(document if isinstance(document, dict) else {}, indent=True) + b"\n"

    def place(self, path: str) -> str:
        return f"$.{path}" if path and path != "$" else "$"


def lines_of(raw: bytes, wanted: Collection[str]) -> dict[str, tuple[int, int]]:
    """(line, column) of each wanted path, as `$.a.b[2]`, of a text that is known to be well-formed JSON."""
    text = raw.decode("utf-8-sig")
    found: dict[str, tuple[int, int]] = {}
    _walk(text, _skip(text, 0), "$", set(wanted), found)
    return found


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n:,":
        at += 1
    return at


def _walk(text: str, at: int, path: str, wanted: set[str], found: dict[str, tuple[int, int]]) -> int:
    if path in wanted:
        found[path] = (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
    first = text[at]
    if first == '"':
        end: int = scanstring(text, at + 1, True)[1]
        return end
    if first not in "{[":
        while at < len(text) and text[at] not in ",]} \t\r\n":
            at += 1
        return at
    at, index = _skip(text, at + 1), 0
    while text[at] not in "]}":
        inner = f"{path}[{index}]"
        if first == "{":
            key, at = scanstring(text, at + 1, True)
            inner, at = f"{path}.{key}", _skip(text, at)
        at = _skip(text, _walk(text, at, inner, wanted, found))
        index += 1
    return at + 1
