"""Agreed terms: a change takes the place of what stood, and the history says what that was and why it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_mh.fhir.urls import ODS_CODE
from fhir_mh.placements.courses import Tree, later, ods_codes, ods_named, same_moment
from fhir_mh.records.base import Words

Mint = Callable[[], str]

PLACED = {
    "level": "level",
    "out_of_area_reason": "out-of-area-reason",
    "placing_commissioner": "placing-commissioner",
    "host_commissioner": "host-commissioner",
    "purposes": "purpose",
    "interventions": "interventions",
}
"""Fields of a placement whose past stands in its history: the field, and the history's name for it."""
KEPT = {"purposes": "purpose", "ward": "ward"}
"""The same of a stay; its date of discharge and length hold their own past."""
DATED = ("estimated_discharge", "length_of_stay")
_COMMISSIONERS = ("placing_commissioner", "host_commissioner")


@dataclass(frozen=True, slots=True)
class Said:
    """Who recorded something, why, and when (an instant)."""

    by: str
    reason: Tree
    at: str


def organisation(tree: Tree, ods: str, mint: Mint, keeps: Callable[[str, Tree], bool]) -> Tree:
    """A reference to the organisation of this code that we keep, which is added to the record where it is not in it.

    keeps: whether an item of a list is ours.
    """
    for item in tree.get("organisations") or ():
        if item.get("ods") == ods and keeps("organisations", item):
            return {"id": item["id"]}
    new = {"id": mint(), "ods": ods}
    tree.setdefault("organisations", []).append(new)
    return {"id": new["id"]}


def _referred(tree: Tree, ods: str, mint: Mint) -> Tree:
    """The same of whoever keeps it: its code stands in the reference."""
    ref = organisation(tree, ods, mint, lambda _field, _item: True)
    return {**ref, "identifier": {"system": ODS_CODE, "value": ods}}


def note(part: Tree, term: str, value: str, said: Said, mint: Mint) -> None:
    """Add to the history of a placement or a stay what one term is from now on."""
    entry = {"id": mint(), "term": term, "value": value, "recorded_at": said.at, "reason": said.reason}
    part.setdefault("history", []).append({**entry, "recorded_by": said.by})


def agree(tree: Tree, part: Tree, told: Mapping[str, Any], names: Mapping[str, str], said: Said, mint: Mint) -> bool:
    """Set the terms that are told and differ, each with its entry in the history; whether any did.

    What stood there before, and no entry says, is noted too, so that it is not lost.
    """
    changed = False
    for field, term in names.items():
        value, before = told.get(field), part.get(field)
        stands = ods_named(before, ods_codes(tree)) if field in _COMMISSIONERS else before
        if value is None or stands == value:
            continue
        after = _referred(tree, value, mint) if field in _COMMISSIONERS else value
        if before and not any(entry["term"] == term for entry in part.get("history") or ()):
            former = Said(said.by, {"text": "As it stood before it was changed."}, said.at)
            note(part, term, _in_words(tree, before), former, mint)
        part[field] = after
        note(part, term, _in_words(tree, after), said, mint)
        changed = True
    return changed


def estimate(stay: Tree, told: Mapping[str, Any], said: Said, mint: Mint) -> bool:
    """Add another date of discharge or length of stay, where the one told is not the one in force; whether any was.

    Which is in force, in_order says.
    """
    changed = False
    for field in DATED:
        value, entries = told.get(field), stay.get(field) or []
        if value is None or (entries and in_order(entries)[-1]["value"] == value):
            continue
        new = {"id": mint(), "value": value, "recorded_at": said.at, "reason": said.reason, "recorded_by": said.by}
        stay[field] = [*entries, new]
        changed = True
    return changed


def in_order(entries: Sequence[Tree]) -> list[Tree]:
    """Dates of discharge or lengths of stay as they were recorded, whenever each arrived: the last is in force.

    Those of which it cannot be told stay as they are; one that does not say when it was recorded keeps its place.
    """
    dated: list[Tree] = []
    for entry in (one for one in entries if one.get("recorded_at")):
        at = len(dated)
        while at and later(dated[at - 1]["recorded_at"], entry["recorded_at"]):
            at -= 1
        dated.insert(at, entry)
    rest = iter(dated)
    return [next(rest) if one.get("recorded_at") else one for one in entries]


def is_told(tree: Tree, part: Tree, told: Mapping[str, Any], names: Mapping[str, str]) -> bool:
    """Whether each of these terms that is told, and each date and length, stands in a part, or once stood there."""
    for field, term in names.items():
        value, held = told.get(field), part.get(field)
        stands = ods_named(held, ods_codes(tree)) if field in _COMMISSIONERS else held
        if value is None or stands == value:
            continue
        if (term, _in_words(tree, value)) not in [(one["term"], one["value"]) for one in part.get("history") or ()]:
            return False
    dated = [(told.get(field), [one["value"] for one in part.get(field) or ()]) for field in DATED]
    return all(value is None or value in said for value, said in dated)


def same_period(one: Tree | None, other: Tree | None) -> bool:
    """Whether two periods are told alike, whatever the zone."""
    return all(same_moment((one or {}).get(name), (other or {}).get(name)) for name in ("start", "end"))


def says_why(entry: Mapping[str, Any] | None, words: Words) -> bool:
    """Whether an entry of a history gives this reason."""
    return ((entry or {}).get("reason") or {}).get("text") == words.text


def _in_words(tree: Tree, value: Any) -> str:
    """A value as a history says it: a code or level as it is, an organisation by its ODS code, concepts in words."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return ods_named(value, ods_codes(tree)) or str(value.get("display") or value.get("reference") or "not named")
    return "; ".join(_concept(one) for one in value) or "none"


def _concept(concept: Mapping[str, Any]) -> str:
    for coding in concept.get("codings") or ():
        said = concept.get("text") or coding.get("display") or coding.get("code")
        if said:
            return str(said)
    return str(concept.get("text") or "not named")
