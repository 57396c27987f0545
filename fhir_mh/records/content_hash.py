"""The hash of what a plan says, by which two copies of one version can be told to be the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mh.records.called import called_in, of_whom

PLANS = ("care_plans", "crisis_plans")
_BESIDE = frozenset({"version", "content_hash", "unknown", "numbers"})
_NAMING = frozenset({"id", "type", "reference", "identifier", "display"})


def content_hash(plan: Mapping[str, Any], called: Mapping[str, str] | None = None) -> str:
    """The SHA-256, in hexadecimal, of a plan of a record's JSON tree, in whatever form it travelled.

    Of the tree without empty fields, as trees.tree_of gives it: JSON in UTF-8, names in order, no spaces. Left out are
    the version and the hash itself, what other formats keep or call it, and all that names another item beside its id.
    called: what called_in says of the record, for each item stands here by the id that its keeper gives it.
    Signs without an answer stand behind the others, as in a record, wherever the format it was read from has them.
    """
    parts = _said(plan, called or {})
    if "warning_signs" in parts:
        parts["warning_signs"].sort(key=lambda sign: "coping" not in sign)
    said = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


def _said(value: Any, called: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_said(inner, called) for inner in value]
    if not isinstance(value, dict):
        return value
    named = {"id": called.get(value["id"], value["id"])} if "id" in value else {}
    if named and value.keys() <= _NAMING:
        return {"id": of_whom(named["id"])[1]}
    return {name: _said(inner, called) for name, inner in value.items() if name not in _BESIDE} | named


@dataclass(frozen=True, slots=True)
class Sameness:
    """Whether a plan is what its custodian made of it. same: None where no hash came with it."""

    plan: str
    version: int | None
    content_hash: str | None
    same: bool | None


def sameness_of(tree: Mapping[str, Any], lists: Collection[str] = PLANS) -> Iterator[Sameness]:
    """How each plan in these lists of a record's JSON tree stands to the hash that it carries, in their order."""
    called = called_in(tree)
    for plan in (plan for name in lists for plan in tree.get(name) or ()):
        carried = plan.get("content_hash")
        same = None if carried is None else carried == content_hash(plan, called)
        yield Sameness(plan["id"], plan.get("version"), carried, same)
