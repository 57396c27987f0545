"""What its keeper calls an item that a record shows by another id: whoever reads may count its own items alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fhir_mh import ods

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OF_ANOTHER = re.compile(rf"({ods.FORM})\.\.(.+)")
_LONGEST = 64
CALLED = "~called"
"""Where the residue of each of its resources says so."""


def is_uuid(name: str) -> bool:
    """Whether an id is a UUID as such are written. Any other is counted by one system for itself."""
    return _UUID.fullmatch(name) is not None


def named_of(keeper: str, called: str) -> str:
    """How an item of a keeper's is referred to where it is not shown: a counted id behind the ODS code of whose it is.

    One that is too long for that is alone what it is.
    """
    name = f"{keeper}..{called}"
    return called if is_uuid(called) or len(name) > _LONGEST else name


def of_whom(name: str) -> tuple[str | None, str]:
    """(whose item it is, what that keeper calls it) by such a name; None where it does not say."""
    found = _OF_ANOTHER.fullmatch(name)
    return (found[1], found[2]) if found is not None else (None, name)


def called_by_keeper(item: Mapping[str, Any]) -> str | None:
    """What its keeper calls an item; None where it is shown by that."""
    residues = (item.get("unknown") or {}).values()
    return next((rest[CALLED] for rest in residues if isinstance(rest, dict) and CALLED in rest), None)


def called_in(tree: Mapping[str, Any]) -> dict[str, str]:
    """The id by which a record's JSON tree shows an item -> what its keeper calls it, of each where that is another."""
    listed = (item for value in tree.values() if isinstance(value, list) for item in value)
    return {item["id"]: called for item in listed if (called := called_by_keeper(item)) is not None}
