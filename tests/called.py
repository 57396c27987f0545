"""Tests speak of an item by what its keeper calls it, wherever one item alone is called so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from fhir_mh.records.called import called_in

_PATH = re.compile(r"\[([^\[\]]+)\]")
Names = Mapping[str, str]
"""The id by which a record shows an item -> what its keeper calls it."""


def names_in(tree: Mapping[str, Any]) -> Names:
    """Those of a record that leave no doubt which item is meant."""
    called = called_in(tree)
    shown = [item["id"] for value in tree.values() if isinstance(value, list) for item in value]
    meant = Counter(called.get(name, name) for name in set(shown))
    return {name: one for name, one in called.items() if meant[one] == 1}


def by_keeper(value: Any, names: Names) -> Any:
    """What a gateway says, with each item named as its keeper calls it."""
    if not names or value is None:
        return value
    if isinstance(value, str):
        return names.get(value) or _PATH.sub(lambda found: f"[{names.get(found[1], found[1])}]", value)
    if isinstance(value, list | tuple):
        return type(value)(by_keeper(inner, names) for inner in value)
    if isinstance(value, Mapping):
        return {by_keeper(key, names): by_keeper(inner, names) for key, inner in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        said = {one.name: by_keeper(getattr(value, one.name), names) for one in fields(value) if one.init}
        return replace(value, **said)
    return value


def as_shown(value: Any, names: Names) -> Any:
    """What a test says, with each item named as the record shows it that it is sent to."""
    shown = {called: name for name, called in names.items()}

    def said(inner: Any) -> Any:
        if isinstance(inner, str):
            return _PATH.sub(lambda found: f"[{shown.get(found[1], found[1])}]", inner)
        if isinstance(inner, list | tuple):
            return type(inner)(said(one) for one in inner)
        if isinstance(inner, dict):
            return {key: shown.get(one, one) if key == "id" else said(one) for key, one in inner.items()}
        return inner

    return said(value) if shown else value
