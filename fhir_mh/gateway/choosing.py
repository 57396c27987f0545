"""What each decision makes of a record: which are open for a conflict, and the change that each is."""

from __future__ import annotations

from typing import Any

from fhir_mh.errors import Conflict, InvalidResource
from fhir_mh.fhir.parts import copied
from fhir_mh.gateway.holding import Holding, Tree
from fhir_mh.issues import issue
from fhir_mh.mapping.merge import merge
from fhir_mh.mapping.row_paths import holder_of, item_at_head, list_of, record_saying, value_at
from fhir_mh.records.append_only import APPEND_ONLY
from fhir_mh.records.decisions import DESCRIBED, ConflictDecision
from fhir_mh.records.partial import read_partial
from fhir_mh.store import StoredConflict, Tx

OUTCOMES = {"accept": "accepted", "keep": "kept", "write": "rewritten", "add": "added", "directive": "directive"}


def choices(held: StoredConflict) -> tuple[str, ...]:
    """The decisions that are open for a conflict.

    Of what the person decided themselves nobody takes another's text. A whole entry is taken or left; of a list of
    values in which it is not clear what was changed, somebody writes how it is to be.
    """
    if _is_persons_own(held):
        return ("keep", "directive")
    if held.reason == "unclear-item":
        return ("accept", "add", "keep") if held.path.endswith("]") else ("keep", "write")
    return ("accept", "keep") if held.reason == "gone" else ("accept", "keep", "write")


def _is_persons_own(held: StoredConflict) -> bool:
    """Whether a row is of a decision of the person's, whatever is in doubt about it, or is set aside as one is."""
    return held.reason in ("never-merged", "read-only") or item_at_head(held.path)[0] in APPEND_ONLY


def change_by(tx: Tx, held: StoredConflict, decision: ConflictDecision, tree: Tree, *, answered: bool) -> Tree:
    """The record after a decision: tree, what is shown, with the row as it was decided.

    answered: whether the person recorded the directive that it names since the conflict arose.

    Raises InvalidResource where a decision is not open for this conflict or does not say what it needs, Conflict where
    the row has moved on and the decision does not say that this was seen.
    """
    _check_decider(decision, tree)
    if decision.decision not in choices(held):
        code = "conflict-ask-person" if _is_persons_own(held) else "conflict-choice"
        raise _refused(code, "decision", held)
    if _is_persons_own(held):
        _check_asked(decision, answered)
    if decision.decision in ("keep", "directive"):
        same: Tree = copied(tree)
        return same
    _check_seen(held, decision, tree)
    change = _change(tx, held, decision, tree)
    merged = merge(tree, tree, change, mint=tx.new_id)
    if merged.conflicts:
        raise _refused("conflict-choice", "decision", held)
    return merged.tree


def _change(tx: Tx, held: StoredConflict, decision: ConflictDecision, tree: Tree) -> Tree:
    """The decision as a record that says one row."""
    if decision.decision == "write":
        if "text" not in decision.model_fields_set:
            raise _missing("text")
        return _written(held.path, decision.text)
    if decision.decision == "add":
        return record_saying(f"{list_of(held.path)}[{tx.new_id()}]", copied(held.theirs))
    if held.reason != "unclear-item":
        return record_saying(held.path, held.theirs)
    if "item" not in decision.model_fields_set:
        raise _missing("item")
    path = f"{list_of(held.path)}[{decision.item}]"
    if decision.item is None or value_at(tree, path) is None:
        raise _refused("conflict-choice", "item", held)
    return record_saying(path, held.theirs)


def _written(path: str, text: Any) -> Tree:
    try:
        return read_partial(record_saying(path, text))
    except InvalidResource as fault:
        raise InvalidResource(issues=[one.at("text") for one in fault.issues]) from None


def _check_decider(decision: ConflictDecision, tree: Tree) -> None:
    known = {one["id"] for one in tree.get("professionals") or ()}
    if decision.by.id not in known if decision.by.id is not None else not decision.by.display:
        raise InvalidResource(issues=[issue("conflict-decider", "by")])


def _check_asked(decision: ConflictDecision, answered: bool) -> None:
    """Raises InvalidResource unless the person was asked, or has recorded a new directive."""
    if decision.decision == "keep":
        if not decision.asked_person:
            raise InvalidResource(issues=[issue("conflict-ask-person", "asked_person")])
    elif not answered:
        raise InvalidResource(issues=[issue("conflict-no-directive", "directive")])


def recorded_since(tx: Tx, holding: Holding, held: StoredConflict, directive: str) -> bool:
    """Whether a directive of this id, kept by whomever, is held and came there after the conflict arose."""
    for found in holding.reading.taken:
        if found.table is not None and found.table.primary and found.table.field in APPEND_ONLY:
            first = tx.get_version(found.table.kind, found.entry.resource["id"], 1)
            if found.item_id == directive and first is not None and first.updated > held.raised:
                return True
    return False


def _check_seen(held: StoredConflict, decision: ConflictDecision, tree: Tree) -> None:
    """Raises Conflict where the row changed since the conflict arose, and who decides does not show to know it."""
    holder = holder_of(held.path)
    now = value_at(tree, held.path)
    gone = holder is not None and value_at(tree, holder) is None
    named = "instead_of" in decision.model_fields_set and _is_same(held.path, decision.instead_of, now)
    if gone or not (now == held.ours or named):
        raise Conflict(issues=[issue("conflict-moved-on", "instead_of")])


def _is_same(path: str, said: Any, now: Any) -> bool:
    """Whether a row says this, which may be written as in a record: a text as a plain string."""
    if said == now:
        return True
    if path.endswith("]") and not isinstance(said, dict):  # of an entry
        return False
    try:
        return bool(value_at(_written(path, said), path) == now)
    except InvalidResource:
        return False


def _missing(name: str) -> InvalidResource:
    """The decision is open, and does not say what it needs."""
    found = issue("map-invalid-record", name, problem="This is missing", described=DESCRIBED)
    return InvalidResource(issues=[found])


def _refused(code: str, path: str, held: StoredConflict) -> InvalidResource:
    return InvalidResource(issues=[issue(code, path, allowed=", ".join(choices(held)))])
