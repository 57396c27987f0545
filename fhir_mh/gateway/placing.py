"""A step of a placement: its record is changed, and all that follows is stored and queued, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.gateway.answering import end_askings
from fhir_mh.gateway.holding import Tree
from fhir_mh.gateway.identity import Organisation, local_identifiers_of, nhs_number_of
from fhir_mh.gateway.spreading import partners_of
from fhir_mh.gateway.standing import (
    expect_kept,
    expect_newest,
    expect_record,
    head_of,
    merged_notes,
    now_of,
    only_own,
    standing,
)
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.together import Side, Together, beside
from fhir_mh.gateway.writing import Check, Outcome, write_record
from fhir_mh.issues import Issue, issue
from fhir_mh.placements import Course, Shown, Situation, Step, ods_codes, ods_named, stands_at, take
from fhir_mh.store import Store, Tx

_SHARING = ("open", "confirm", "transfer", "reopen")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a step. record, version: of the record. placement: the id of the one it is about.

    repeated: the step had been recorded before, and nothing changed. proposed: ids of proposals to who keeps what
    changed. tasks: how many questions it raised.
    """

    record: str
    version: int
    placement: str
    repeated: bool
    proposed: list[str]
    tasks: int
    warnings: list[Issue]


class PlacementUseCases:
    """The steps of placements, for this organisation's own systems."""

    def __init__(self, store: Store, home: Organisation, check: Check) -> None:
        self.store, self.home, self.check = store, home, check

    async def record(
        self, context: AccessContext, record_id: str, placement: str | None, step: Step, if_match: int | None = None
    ) -> Recorded:
        """Record a step of a placement; placement is None for one that opens it.

        Raises NotFound, ConsentDenied (somebody else's to record), Conflict (not possible in its state, or recorded
        before with other facts), VersionConflict, InvalidResource. Nothing is stored in part.
        """
        only_own(context, self.home.ods)
        return await self.store.write(lambda tx: self.record_now(tx, record_id, placement, step, if_match))

    def record_now(
        self, tx: Tx, record_id: str, placement: str | None, step: Step, if_match: int | None = None
    ) -> Recorded:
        """The same in a transaction that is under way."""
        expect_record(tx, record_id)
        expect_kept(tx, record_id, "id")
        expect_newest(tx, record_id, if_match)
        held = Together(tx, record_id, self.home.ods)
        one = Situation(held.tree, self.home.ods, held.keepers, instant(tx.now), tx.new_id)
        name, course = stands_at(one, placement, step)
        side, at = (held.kept, None) if name is None else held.entry(name)
        others = beside(tx, side.holding, side.tree, {})
        there = replace(one, tree=side.tree, keepers=side.holding.keepers, beside=others)
        taken = take(there, at, step, _shown(held, side, course))
        written = Outcome()
        if not taken.repeated:
            written = write_record(tx, self.home, self.check, side.holding, side.tree, taken.tree)
            if step.step == "decline" and course is not None and course.provider:
                # who claimed that the person is with it may have asked for their plan: nothing more is sent for that
                end_askings(tx, self.home, side.person, course.provider)
        ask_about_ties(tx, self.home, self.check, side.person, {kind for kind, _ in written.stored})
        shown = held.name(side, taken.id)
        asked = [kind for kind, _ in written.stored if kind == "Task"]
        notes = merged_notes(tx, record_id, "id")
        warnings = [*written.warnings, *notes, *self._not_shared(tx, record_id, shown, step)]
        head = head_of(tx, record_id)
        return Recorded(record_id, head, shown, taken.repeated, written.proposals, len(asked), warnings)

    def _not_shared(self, tx: Tx, person: str, placement: str, step: Step) -> list[Issue]:
        """Why the provider is sent nothing, where it is the step that was to begin it."""
        each = Together(tx, person, self.home.ods).courses
        found = next((one for one in each if one.id == placement), None)
        if step.step not in _SHARING or found is None:
            return []
        return not_shared(tx, self.home, person, found.provider, "provider")


def not_shared(tx: Tx, home: Organisation, person: str, provider: str, path: str) -> list[Issue]:
    """Why the provider of a placement is sent nothing, as a warning; none where it is sent something, or is us."""
    if provider == home.ods:
        return []
    reason = ""
    if not provider:
        reason = "the placement names no organisation by an ODS code."
    elif provider not in partners_of(tx, home):
        reason = "it is no partner of this gateway."
    elif nhs_number_of(tx, person) is None and not local_identifiers_of(tx, person):
        reason = "no NHS number is known here, and nothing that a system of a provider calls the person."
    else:
        decision = standing(tx, person, home.ods).may_be_sent(provider, now_of(tx))
        reason = decision.sentence if decision.nothing else ""
    if not reason:
        return []
    return [issue("placement-not-shared", path, organisation=provider or "The provider", reason=reason)]


def placed_unshared(tx: Tx, home: Organisation, person: str, held: Together, after: Tree) -> list[Issue]:
    """The same of each placement of ours that a change of the record has made active, or given another provider.

    held: the record before it.
    """
    before, found = _placed_with(held.tree), list[Issue]()
    for name, provider in _placed_with(after).items():
        if before.get(name) != provider and held.keepers.get(("placements", name), home.ods) == home.ods:
            found += not_shared(tx, home, person, provider, f"placements[{name}].provider")
    return found


def _placed_with(tree: Tree) -> dict[str, str]:
    """Whom each active placement of a record is with, by its id: ODS code, empty where none is named."""
    codes, placements = ods_codes(tree), tree.get("placements") or ()
    active = (one for one in placements if one.get("status", "active") == "active")
    return {one["id"]: ods_named(one.get("provider"), codes) for one in active}


def _shown(held: Together, side: Side, course: Course | None) -> Shown | None:
    """A course of the one record, as a side calls what is of it."""
    if course is None:
        return None
    placement, stay = (None if one is None else held.entry(one["id"]) for one in (course.placement, course.stay))
    return Shown(course.state, *(None if one is None or one[0] is not side else one[1] for one in (placement, stay)))
