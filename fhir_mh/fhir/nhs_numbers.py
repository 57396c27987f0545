"""Ten digits that may be somebody's NHS number, found in text that others wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fhir_mh.issues import Issue

_UUID = (
    r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[1-8][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}"
    r"(?![0-9A-Za-z])"
)
_NUMBER = r"(?<!\d)\d{3}[ +-]?\d{3}[ +-]?\d{4}(?!\d)"
_EITHER = re.compile(f"(?P<uuid>{_UUID})|{_NUMBER}")


def ten_digits_in(text: str) -> Iterator[str]:
    """Each run of just ten digits, written with or without spaces, hyphens or plus signs; as digits alone.

    Those inside a UUID (RFC 9562) are part of a name that was drawn by lot, and nobody's number.
    """
    for found in _EITHER.finditer(text):
        if found["uuid"] is None:
            yield re.sub(r"\D", "", found[0])


def discreet(found: Issue) -> Issue:
    """The issue without them: keys and names of a faulty text come from its sender."""
    path, message, fix = map(without_numbers, (found.path, found.message, found.fix))
    return replace(found, path=path, message=message, fix=fix)


def without_numbers(text: str) -> str:
    """The text with `[number]` for each of them, whatever its check digit: a mistyped number is still somebody's."""
    return _EITHER.sub(lambda found: found[0] if found["uuid"] is not None else "[number]", text)
