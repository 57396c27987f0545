"""Line and column of what a request's body is refused for, worked out from its text once it is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fhir_mh.api.faults import Refused
from fhir_mh.errors import FhirMhError
from fhir_mh.issues import Issue
from fhir_mh.validation.positions import positions

_STEP = re.compile(r"([A-Za-z_]\w*)(?:\[(\d+)\])?")
_TYPED = re.compile(r"ofType\((\w+)\)")


@contextmanager
def placed(text: bytes, body: dict[str, Any]) -> Iterator[None]:
    """What is refused inside says line and column of each place that stands in this text; body is the text, read."""
    try:
        yield
    except (FhirMhError, Refused) as refused:
        refused.issues = with_positions(refused.issues, text, body)
        raise


def with_positions(issues: Sequence[Issue], text: bytes, body: dict[str, Any]) -> tuple[Issue, ...]:
    """The same findings, with line and column where their path leads into the text."""
    led = [None if found.line is not None else _keys(found.path, body) for found in issues]
    at = iter(positions(text.decode("utf-8-sig", "replace"), [keys for keys in led if keys is not None]))
    return tuple(found if keys is None else found.located(*next(at)) for found, keys in zip(issues, led, strict=True))


def _keys(path: str, body: dict[str, Any]) -> list[str | int] | None:
    """The JSON keys and indexes that a path names, as far as they are there; None for a path into something else."""
    steps = path.split(".")
    if steps[0] == body.get("resourceType"):
        steps = steps[1:]
    elif (first := _STEP.fullmatch(steps[0])) is None or first[1] not in body:
        return None
    keys: list[str | int] = []
    here: Any = body
    for number, step in enumerate(steps):
        match = _STEP.fullmatch(step)
        if match is None:  # ofType(...), whose key was taken with the step before it
            continue
        typed = _TYPED.fullmatch(steps[number + 1]) if number + 1 < len(steps) else None
        key = _key(match[1], typed[1] if typed else "", here)
        if key is None:
            break
        keys.append(key)
        here = here[key]
        if match[2] is not None:
            index = int(match[2])
            if not isinstance(here, list) or index >= len(here):
                break
            keys.append(index)
            here = here[index]
    return keys


def _key(name: str, typed: str, here: Any) -> str | None:
    """The key of an element in JSON: a choice has its type in it, an extended primitive an underscore before it."""
    if not isinstance(here, dict):
        return None
    choices = [name + typed[0].upper() + typed[1:]] if typed else []
    return next((key for key in (*choices, name, f"_{name}") if key in here), None)
