"""What a merge leaves for a person: a Task in the record with both texts, and beside it the conflict to be decided."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from itertools import count
from typing import Any

from fhir_mh.clock import instant
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway.holding import is_taken
from fhir_mh.gateway.identity import Organisation
from fhir_mh.mapping.merge import Conflict
from fhir_mh.mapping.row_paths import item_at_head
from fhir_mh.profiles.bundle import TABLES
from fhir_mh.records.base import WORD_FIELDS
from fhir_mh.store import Tx

Tree = dict[str, Any]
Raised = list[tuple[str, Conflict]]
"""Ids of Tasks, each with the row that it is about."""

_NAMESPACE = uuid.UUID("3f6a2f0e-93a1-5f0e-8a1d-5e6a0c9b7d42")
_DESCRIPTIONS = {
    "both-changed": "Both sides changed this since the copy was sent. Both texts are kept; choose or combine them.",
    "never-merged": "A decision of the person was changed elsewhere. Nothing was changed here: ask the person.",
    "unclear-item": "It is not clear which entry this belongs to. Nothing was changed.",
    "read-only": "A decision of the person came back that is not known here. Nothing was changed: ask the person.",
    "late": "This came from somebody who does not care for the person now. Nothing was changed: look at it.",
    "gone": "This entry was changed elsewhere, and is no longer here. Nothing was changed.",
}
_REMOVED = "One side removed this and the other changed it since the copy was sent. Nothing was removed; choose."


def add_tasks(
    tx: Tx, home: Organisation, person: str, tree: Tree, conflicts: Sequence[Conflict], theirs: str
) -> Raised:
    """Put a Task into the record for each row a person must look at, with both texts.

    The owner is the lead of our own active episode; where there is none, the organisation's queue. What waits to be
    decided already is not asked twice; what was decided and came again is.
    """
    raised: Raised = []
    known = {task["id"] for task in tree.get("tasks") or ()}
    for conflict in conflicts:
        task_id = _task_id(tx, person, conflict, known)
        if task_id not in known:
            known.add(task_id)
            tree.setdefault("tasks", []).append(_task(tx, home, tree, conflict, theirs, task_id))
        raised.append((task_id, conflict))
    return raised


def _task_id(tx: Tx, person: str, conflict: Conflict, known: set[str]) -> str:
    """The id of the Task that asks this already and is not answered, else of one that there is not yet."""
    for turn in count():
        name = dumps([person, conflict.path, conflict.reason, as_text(conflict.theirs), turn]).decode()
        task_id = str(uuid.uuid5(_NAMESPACE, name))
        held = tx.conflicts.get(task_id)
        if held is not None and held.outcome is None:
            return task_id
        if held is None and task_id not in known and not is_taken(tx, person, task_id):
            return task_id
    raise AssertionError("turns do not end")


def keep_conflicts(tx: Tx, person: str, raised: Raised, theirs: str, proposal: str | None = None) -> int:
    """Keep what the Tasks ask, once they are stored; how many are new. proposal: the one that it would answer."""
    new = 0
    for task_id, conflict in raised:
        if tx.conflicts.get(task_id) is None:
            tx.conflicts.add(
                task_id, person=person, path=conflict.path, reason=conflict.reason, theirs_by=theirs,
                base=conflict.shown, ours=conflict.ours, theirs=conflict.theirs,
            )  # fmt: skip
            new += 1
        if proposal is not None:
            tx.conflicts.answers(task_id, proposal)
    return new


def _task(tx: Tx, home: Organisation, tree: Tree, conflict: Conflict, theirs: str, task_id: str) -> Tree:
    removed = conflict.reason == "both-changed" and (conflict.ours is None or conflict.theirs is None)
    task: Tree = {
        "id": task_id,
        "kind": "unclear-item" if conflict.reason == "unclear-item" else "conflict",
        "status": "requested",
        "field": conflict.path,
        "description": _REMOVED if removed else _DESCRIPTIONS[conflict.reason],
        "raised_at": instant(tx.now),
        "texts": [
            text
            for label, value in ((f"held by {home.ods}", conflict.ours), (f"from {theirs}", conflict.theirs))
            if (text := task_text(task_id, label, value)) is not None
        ],
    }
    about = _about(tree, conflict.path)
    if about is not None:
        task["about"] = about
    owner = lead_of(tree, home.ods)
    if owner is not None:
        task["owner"] = owner
    return task


def task_text(task_id: str, label: str, value: Any) -> Tree | None:
    """One of the texts of a Task, with whose it is; None where there is no text."""
    words = as_words(value)
    if words is None:
        return None
    return {"id": str(uuid.uuid5(_NAMESPACE, f"{task_id}/{label}")), "label": label, "words": words}


def as_words(value: Any) -> Tree | None:
    """What a row says, as a text to be shown; None for a row that says nothing."""
    if value is None:
        return None
    # a code has a text too, and codings: it is shown as JSON
    if isinstance(value, dict) and isinstance(value.get("text"), str) and value.keys() <= WORD_FIELDS:
        return dict(value)
    return {"text": as_text(value)}


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value).decode()


def _about(tree: Tree, path: str) -> Tree | None:
    """The item at the head of a row's path, as a reference."""
    head, item_id = item_at_head(path)
    kind = next((table.kind for table in TABLES if table.field == head and table.primary), None)
    if kind is None or item_id is None or not any(item["id"] == item_id for item in tree.get(head) or ()):
        return None
    return {"id": item_id} if kind == "CarePlan" else {"id": item_id, "type": kind}


def lead_of(tree: Tree, ods: str) -> Tree | None:
    """The lead of an organisation's active episode, as a reference."""
    ours = {item["id"] for item in tree.get("organisations") or () if item.get("ods") == ods}
    for episode in tree.get("episodes") or ():
        organisation = (episode.get("organisation") or {}).get("id")
        if episode.get("status") == "active" and episode.get("lead") and organisation in ours:
            return dict(episode["lead"])
    return None
