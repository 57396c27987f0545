"""Deciding conflicts: what a merge left for a person, read with every text and settled in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, NotFound
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.gateway import provenance
from fhir_mh.gateway.choosing import OUTCOMES, change_by, recorded_since
from fhir_mh.gateway.conflict_tasks import task_text
from fhir_mh.gateway.holding import Tree
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.spreading import spread
from fhir_mh.gateway.standing import expect_newest, expect_record, head_of, only_own
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.together import Side, Together
from fhir_mh.gateway.writing import Check, write_record
from fhir_mh.issues import issue
from fhir_mh.mapping.row_paths import list_of, steps, value_at
from fhir_mh.records.base import Ref
from fhir_mh.records.decisions import ConflictDecision
from fhir_mh.store import Store, StoredConflict, Tx

_MOST = 200  # in one list
_SAID = {
    "accepted": "The text from {theirs} was taken",
    "kept": "The text held by {ours} was kept",
    "rewritten": "A third text was written",
    "added": "The text from {theirs} was added as an entry of its own",
    "directive": "A new directive of the person answers this",
}


@dataclass(frozen=True, slots=True)
class ShownConflict:
    """A conflict as whoever decides it sees it. version: the record's ETag. now: what the row says at this moment.

    owner: the Task's, a reference to an item of the record; None: the team's queue. record, path: which record, and
    what it calls the row; of persons who are one that is the one record, which the decision speaks of too, and the
    texts are as their side has them.
    """

    stored: StoredConflict
    record: str
    path: str
    version: int
    now: Any
    owner: Mapping[str, Any] | None


class DecidingUseCases:
    """Conflicts of one organisation's records, for its own systems only: their texts are of every section."""

    def __init__(self, store: Store, home: Organisation, check: Check) -> None:
        self.store, self.home, self.check = store, home, check

    async def waiting(
        self, context: AccessContext, *, record: str | None = None, owner: str | None = None
    ) -> list[ShownConflict]:
        """Those that nobody has decided yet, oldest first, at most 200.

        record: only of one record. owner: only those of one lead, by item id; empty for those of nobody, the team's
        queue. Raises ConsentDenied, and NotFound where there is no such record.
        """
        only_own(context, self.home.ods)

        def find(tx: Tx) -> list[ShownConflict]:
            if record is not None:
                expect_record(tx, record, "record")
            known: dict[str, Together] = {}
            found: list[ShownConflict] = []
            sides = None if record is None else tx.merges.sides(record)
            for one in tx.conflicts.waiting(persons=sides):
                root = tx.merges.root(one.person)
                if root not in known:
                    known[root] = Together(tx, root, self.home.ods)
                shown = _shown(tx, one, known[root])
                if owner is None or ((shown.owner or {}).get("id") or "") == owner:
                    found.append(shown)
                if len(found) == _MOST:
                    break
            return found

        return await self.store.read(find)

    async def read(self, context: AccessContext, name: str) -> ShownConflict:
        """One conflict, decided or not. Raises NotFound, ConsentDenied."""
        only_own(context, self.home.ods)
        return await self.store.read(lambda tx: self._shown(tx, self._held(tx, name)))

    async def decide(
        self, context: AccessContext, name: str, decision: ConflictDecision, *, if_match: int | None
    ) -> ShownConflict:
        """Settle a conflict: the row is written, the Task completed, and a Provenance says who decided.

        The same decision again answers what the first did. Raises NotFound, ConsentDenied, VersionConflict (if_match is
        not the record's newest version), Conflict (decided otherwise, or the row has moved on), InvalidResource.
        Nothing is stored in part.
        """
        only_own(context, self.home.ods)
        return await self.store.write(lambda tx: self._decide(tx, name, decision, if_match))

    def _decide(self, tx: Tx, name: str, decision: ConflictDecision, if_match: int | None) -> ShownConflict:
        held = self._held(tx, name)
        one = Together(tx, held.person, self.home.ods)
        side, given = one.side_of(held.person), decision
        decision = _as_of_side(one, side, held, given)
        said = loads(dumps(decision.model_dump(exclude_unset=True)))
        if held.outcome is not None:
            if held.decision != said:
                raise Conflict(issues=[issue("conflict-decided", "decision")])
            return self._shown(tx, held)
        expect_newest(tx, held.person, if_match)
        before = side.tree
        after = change_by(tx, held, decision, before, answered=_is_answered(tx, one, held, given.directive))
        outcome = OUTCOMES[decision.decision]
        _close(tx, self.home, after, held, decision, value_at(before, held.path))
        written = write_record(tx, self.home, self.check, side.holding, before, after)
        if not written.stored:  # its Task is no longer one; the outcome is an edition all the same
            tx.touch(held.person, self.home.ods)
            spread(tx, self.home, held.person, (), own=True)
        ask_about_ties(tx, self.home, self.check, held.person, {kind for kind, _ in written.stored})
        tx.conflicts.decide(name, outcome, said, edition=tx.edition(held.person, self.home.ods))
        by = decision.by.model_dump(exclude_none=True)
        provenance.of_decision(tx, self.home, side.holding, held, written.stored, by)
        return self._shown(tx, self._held(tx, name))

    def _held(self, tx: Tx, name: str) -> StoredConflict:
        held = tx.conflicts.get(name)
        if held is None:
            raise NotFound(issues=[issue("conflict-not-found", "id")])
        return held

    def _shown(self, tx: Tx, held: StoredConflict) -> ShownConflict:
        return _shown(tx, held, Together(tx, held.person, self.home.ods))


def _shown(tx: Tx, held: StoredConflict, one: Together) -> ShownConflict:
    side = one.side_of(held.person)
    owner = next((task.get("owner") for task in side.tree.get("tasks") or () if task["id"] == held.id), None)
    stored = replace(held, decision=_as_of_one(one, side, held))
    return ShownConflict(
        stored,
        one.kept.person,
        one.path(side, held.path),
        head_of(tx, held.person),
        value_at(side.tree, held.path),
        one.as_shown(side, owner),
    )


# --- of persons who are one


def _as_of_side(one: Together, side: Side, held: StoredConflict, decision: ConflictDecision) -> ConflictDecision:
    """A decision given in the names of the one record, in those of the side that it is about.

    Whom only another side knows is named as people call them there: that side's entries are no part of this one's.
    """
    changes: dict[str, Any] = {}
    if decision.by.id is not None:
        whose, own = one.entry(decision.by.id)
        known = next((each for each in whose.tree.get("professionals") or () if each["id"] == own), None)
        if whose is side or known is None:
            changes["by"] = decision.by.model_copy(update=one.as_said(side, {"id": decision.by.id}))
        else:
            changes["by"] = Ref(display=str(known.get("name") or own))
    if decision.directive is not None:
        changes["directive"] = one.as_said(side, {"id": decision.directive})["id"]
    if decision.item is not None and held.path.endswith("]"):
        whose, path = one.row(f"{one.path(side, list_of(held.path))}[{decision.item}]")
        changes["item"] = steps(path)[-1][0] if whose is side else None
    return decision.model_copy(update=changes)


def _as_of_one(one: Together, side: Side, held: StoredConflict) -> Any:
    """What was decided, in the names of the one record."""
    if held.decision is None:
        return None
    said = {**held.decision, "by": one.as_shown(side, held.decision["by"])}
    if said.get("directive") is not None:
        said["directive"] = one.as_shown(side, {"id": said["directive"]})["id"]
    if said.get("item") is not None and held.path.endswith("]"):
        said["item"] = steps(one.path(side, f"{list_of(held.path)}[{said['item']}]"))[-1][0]
    return said


def _is_answered(tx: Tx, one: Together, held: StoredConflict, directive: str | None) -> bool:
    """Whether a directive of the one record, of whichever side, was recorded since a conflict arose."""
    if directive is None:
        return False
    whose, own = one.entry(directive)
    return recorded_since(tx, whose.holding, held, own)


def _close(
    tx: Tx, home: Organisation, tree: Tree, held: StoredConflict, decision: ConflictDecision, before: Any
) -> None:
    """Complete the Task with what was decided; both texts stay in it, and what else was replaced (before) joins."""
    task = next((one for one in tree.get("tasks") or () if one["id"] == held.id), None)
    if task is None:
        return
    outcome = OUTCOMES[decision.decision]
    sentence = _SAID[outcome].format(ours=home.ods, theirs=held.theirs_by)
    told = {
        "decided": f"{sentence} at {instant(tx.now)} by {_called(tree, decision)}.",
        "held until then": before if before != held.ours and outcome in ("accepted", "rewritten") else None,
        "written": decision.text if outcome == "rewritten" else None,
        "directive": decision.directive,
        "why": decision.why,
    }
    texts = [text for label, value in told.items() if (text := task_text(held.id, label, value)) is not None]
    task["status"] = "completed"
    task["texts"] = [*(task.get("texts") or ()), *texts]


def _called(tree: Tree, decision: ConflictDecision) -> str:
    """Who decides, as people call them."""
    for one in tree.get("professionals") or ():
        if one["id"] == decision.by.id:
            return str(one.get("name") or one["id"])
    return str(decision.by.display)
