"""A step of a placement: its record is changed, and all that follows is stored and queued, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.gateway.answering import end_askings
from fhir_mh.gateway.holding import hold
from fhir_mh.gateway.identity import Organisation, nhs_number_of
from fhir_mh.gateway.pending import effective
from fhir_mh.gateway.spreading import partners_of
from fhir_mh.gateway.standing import expect_newest, expect_record, now_of, only_own, standing
from fhir_mh.gateway.writing import Check, Outcome, write_record
from fhir_mh.issues import Issue, issue
from fhir_mh.placements import Situation, Step, courses, take
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
        expect_newest(tx, record_id, if_match)
        holding = hold(tx, record_id, self.home.ods)
        held, _ = effective(tx, holding)
        taken = take(Situation(held, self.home.ods, holding.keepers, instant(tx.now), tx.new_id), placement, step)
        written = Outcome()
        if not taken.repeated:
            written = write_record(tx, self.home, self.check, holding, held, taken.tree)
            if step.step == "decline":
                self._declined(tx, record_id, taken.id)
        asked = [kind for kind, _ in written.stored if kind == "Task"]
        warnings = [*written.warnings, *self._not_shared(tx, record_id, taken.id, step)]
        head = tx.record_head(record_id)
        return Recorded(record_id, head, taken.id, taken.repeated, written.proposals, len(asked), warnings)

    def _declined(self, tx: Tx, person: str, placement: str) -> None:
        """Whoever claimed that the person is with it may have asked for their plan: nothing more is sent for that."""
        for course in courses(hold(tx, person, self.home.ods).tree):
            if course.id == placement and course.provider:
                end_askings(tx, self.home, person, course.provider)

    def _not_shared(self, tx: Tx, person: str, placement: str, step: Step) -> list[Issue]:
        """Why the provider is sent nothing, where it is the step that was to begin it."""
        found = next((one for one in courses(hold(tx, person, self.home.ods).tree) if one.id == placement), None)
        if step.step not in _SHARING or found is None or found.provider in ("", self.home.ods):
            return []
        reason = ""
        if found.provider not in partners_of(tx, self.home):
            reason = "it is no partner of this gateway."
        elif nhs_number_of(tx, person) is None:
            reason = "no NHS number is known here."
        else:
            decision = standing(tx, person, self.home.ods).may_be_sent(found.provider, now_of(tx))
            reason = decision.sentence if decision.nothing else ""
        if not reason:
            return []
        return [issue("placement-not-shared", "provider", organisation=found.provider, reason=reason)]
