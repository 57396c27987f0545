"""The hash of what a plan says, by which two copies of one version can be told to be the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PLANS = ("care_plans", "crisis_plans")
_BESIDE = frozenset({"version", "content_hash", "unknown", "numbers"})
_NAMING = frozenset({"id", "type", "reference", "identifier", "display"})


def content_hash(plan: Mapping[str, Any]) -> str:
    """The SHA-256, in hexadecimal, of a plan of a record's JSON tree, in whatever form it travelled.

    Of the tree without empty fields, as trees.tree_of gives it: JSON in UTF-8, names in order, no spaces. Left out are
    the version and the hash itself, what other formats keep or call it, and all that names another item beside its id.
    Signs without an answer stand behind the others, as in a record, wherever the format it was read from has them.
    """
    parts = _said(plan)
    if "warning_signs" in parts:
        parts["warning_signs"].sort(key=lambda sign: "coping" not in sign)
    said = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


def _said(value: Any) -> Any:
    if isinstance(value, list):
        return [_said(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if "id" in value and value.keys() <= _NAMING:
        return {"id": value["id"]}
    return {name: _said(inner) for name, inner in value.items() if name not in _BESIDE}


@dataclass(frozen=True, slots=True)
class Sameness:
    """Whether a plan is what its custodian made of it. same: None where no hash came with it."""

    plan: str
    version: int | None
    content_hash: str | None
    same: bool | None


def sameness_of(tree: Mapping[str, Any]) -> Iterator[Sameness]:
    """How each plan of a record's JSON tree stands to the hash that it carries, in the record's order."""
    for plan in (plan for name in PLANS for plan in tree.get(name) or ()):
        carried = plan.get("content_hash")
        same = None if carried is None else carried == content_hash(plan)
        yield Sameness(plan["id"], plan.get("version"), carried, same)
