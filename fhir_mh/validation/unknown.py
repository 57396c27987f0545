"""Members that an object does not have: what was meant, and how that is written."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from fhir_mh.packages.model import R4
from fhir_mh.validation.walk import Place, Walk, shown

_LISTED = 12  # forms of a choice that a message names


def unknown_member(key: Any, known: Iterable[str], type_name: str, place: Place, walk: Walk) -> None:
    """Tell of a member that an object of this type does not have. known: those that it may."""

    def guess() -> str:
        near = get_close_matches(str(key), [name for name in known if name[:1] != "_"], n=1, cutoff=0.75)
        return f" Did you mean '{near[0]}'?" if near else ""

    named = shown(key) if isinstance(key, str) and key.replace("_", "").isalnum() else "A key not shown here"
    walk.fail(
        "validate-element-unknown",
        place,
        at=(place, str(key), None, key),
        name=named,
        type=type_name,
        guess=guess,
        mend=lambda: _mend(str(key), type_name),
    )


def _mend(key: str, type_name: str) -> str:
    """As one of the forms of value[x], where it is none of them; else it can only go."""
    for name in R4.children(type_name):
        forms = [form for form, _ in R4.child(type_name, name) or ()]
        if name not in forms and key.startswith(name) and key[len(name) :][:1].isupper() and len(forms) <= _LISTED:
            return f"Write {' or '.join(forms)}."
    return "Remove it, or carry it as an extension."
