"""Two persons held here who are one: looked at beforehand, asked for by one, made by two, undone by one.

A merge writes into no record but the links of our own Patients: it is what store/merges.py says of two persons, and
what the rest of the gateway makes of it (docs/sync-protocol.md, Identity).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, ConsentDenied, InvalidResource, NotFound
from fhir_mh.exchange.messages import read_message
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.auditing import needed, note_act
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.links import link
from fhir_mh.gateway.merge_faults import differing, faults
from fhir_mh.gateway.merge_notices import tell
from fhir_mh.gateway.setting_aside import people_said_to_be_one, raise_task
from fhir_mh.gateway.spreading import look_anew, partners_of
from fhir_mh.gateway.standing import expect_kept, expect_record
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.together import Together
from fhir_mh.gateway.undoing import Answer, Undone, undo
from fhir_mh.gateway.writing import Check
from fhir_mh.gateway.written_since import Written, written_since
from fhir_mh.issues import Issue, issue
from fhir_mh.store import PersonMerge, Store, Tx

ROLE = "merges"
GOOD_FOR = timedelta(hours=24)
"""How long somebody else may take to approve: the two look at it together."""
_DOUBT = "sync-identity"
_MANY = 100_000


@dataclass(frozen=True, slots=True)
class SideSeen:
    """How much is held of one side. entries: how many of each list. The others: how many wait, about this person."""

    person: str
    version: int
    entries: Mapping[str, int]
    lanes: Sequence[str]
    conflicts: int
    proposals: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What would come of a merge, and nothing that a record says. refused: why it cannot be made; differ: rows of the
    person that would become conflicts."""

    kept: SideSeen
    superseded: SideSeen
    refused: Sequence[Issue]
    differ: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Whom a snapshot that was set aside says to be one. waits: whether people have still to look at it."""

    persons: set[str]
    waits: bool


@dataclass(frozen=True, slots=True)
class ShownMerge:
    """A merge. written: while it is in force, what would be asked about if it were undone."""

    merge: PersonMerge
    written: Sequence[Written] = ()


class MergeUseCases:
    """Merging persons, for this organisation's clients with the role `merges`."""

    def __init__(self, store: Store, home: Organisation, check: Check) -> None:
        self.store, self.home, self.check = store, home, check

    # --- beforehand

    async def preview(self, context: AccessContext, kept: str, superseded: str) -> Preview:
        """What would come of a merge of the persons of two records. Raises ConsentDenied, NotFound, Conflict."""
        self._only(context)

        def look(tx: Tx) -> Preview:
            ours, theirs = self._both(tx, kept, superseded)
            rows = [path for path, _, _ in differing(ours.kept, theirs.kept)]
            return Preview(_seen(tx, ours), _seen(tx, theirs), faults(tx, ours, theirs), rows)

        return await self.store.read(look)

    async def listed(self, context: AccessContext) -> list[PersonMerge]:
        """Every merge that was ever asked for, oldest first. Raises ConsentDenied."""
        self._only(context)
        return await self.store.read(lambda tx: tx.merges.all())

    async def read(self, context: AccessContext, name: str) -> ShownMerge:
        """One, with what was written since it was made. Raises ConsentDenied, NotFound."""
        self._only(context)
        return await self.store.read(lambda tx: self._shown(tx, _found(tx, name)))

    # --- asking, approving

    async def ask(self, context: AccessContext, kept: str, superseded: str, reason: str) -> ShownMerge:
        """Ask for a merge: the record `kept` stays in use. It is made once another client approves.

        Raises ConsentDenied, also for a client without a name, NotFound, InvalidResource without a reason, Conflict
        where something speaks against it.
        """
        client = self._named(context)
        needed(reason)

        def work(tx: Tx) -> ShownMerge:
            self._expect_none(tx, kept, superseded)
            made = tx.merges.ask(kept, superseded, client, reason)
            for person in (kept, superseded):
                note_act(tx, self.home, context, person, "merge", "ask", f"merge {made}", reason)
            return self._shown(tx, _found(tx, made))

        return await self.store.write(work)

    async def approve(self, context: AccessContext, name: str, reason: str) -> ShownMerge:
        """Approve of a merge that another client asked for within the last day: it is made, whole, in one transaction.

        Raises ConsentDenied (also where it was asked for by this client, or too long ago), NotFound, InvalidResource
        without a reason, Conflict where it was made already or something speaks against it by now.
        """
        client = self._named(context)
        needed(reason)

        def work(tx: Tx) -> ShownMerge:
            asked = _found(tx, name)
            if asked.state != "asked":
                raise Conflict(issues=[issue("merge-state", "id")])
            if asked.asked_by == client or asked.asked < tx.now - GOOD_FOR:
                raise ConsentDenied(issues=[issue("merge-second-person", "")])
            self._make(tx, asked, client)
            for person in (asked.kept, asked.superseded):
                note_act(tx, self.home, context, person, "merge", "make", f"merge {name}", reason)
            return self._shown(tx, _found(tx, name))

        return await self.store.write(work)

    def _make(self, tx: Tx, asked: PersonMerge, by: str) -> None:
        kept, superseded = asked.kept, asked.superseded
        for person in sorted((kept, superseded)):  # nobody else changes either before this is done
            tx.merges.raise_head(person, tx.record_head(person) + 1)
        ours, theirs = self._expect_none(tx, kept, superseded)
        sides = [side.person for held in (ours, theirs) for side in held.sides]
        before: dict[str, Any] = {
            "sides": {"kept": [side.person for side in ours.sides], "other": [side.person for side in theirs.sides]},
            "proposals": [one.id for side in sides for one in tx.proposals.find(side, direction="sent")],
        }
        before["asked"] = self._two_places(tx, asked, ours, theirs)
        before["links"] = link(tx, self.home, kept, superseded)
        before["heads"] = {side: tx.merges.heads(side) for side in sides}
        before["conflicts"] = self._conflicts(tx, ours, theirs)
        are_open = all(lane.state == "open" for side in sides for lane in tx.lanes.find(person=side))
        doubts = [] if are_open else _doubts(tx)
        tx.merges.make(asked.id, by, dumps(before).decode())
        _settle_lanes(tx, ours, theirs, doubts)
        tell(tx, self.home, sides, "patient-merged", kept, superseded)
        for side in sides:
            look_anew(tx, self.home, side, partners_of(tx, self.home))
        ask_about_ties(tx, self.home, self.check, kept)

    def _conflicts(self, tx: Tx, ours: Together, theirs: Together) -> list[str]:
        """Have people decide what the two say differently of who they are; the ids of the conflicts."""
        made = []
        for path, kept, other in differing(ours.kept, theirs.kept):
            name = tx.new_id()
            tx.conflicts.add(
                name, person=ours.kept.person, path=path, reason="two-persons", theirs_by=self.home.ods,
                base=None, ours=kept, theirs=other,
            )  # fmt: skip
            made.append(name)
        return made

    def _two_places(self, tx: Tx, asked: PersonMerge, ours: Together, theirs: Together) -> str | None:
        """Have people find out where somebody is whom the two records show in two places; the Task's name."""
        there = {one.provider for held in (ours, theirs) for one in held.courses if one.there}
        if len(there) < 2:
            return None
        said = "Two records that are one person's show stays in two places. Find out where the person is."
        raise_task(tx, self.home, self.check, asked.kept, f"{asked.id}/places", "identity", said)
        return f"{asked.id}/places"

    # --- undoing

    async def undo(self, context: AccessContext, name: str, reason: str, answers: Sequence[Answer]) -> Undone:
        """Part the persons of a merge again. answers: whose each entry is that was written since.

        Raises ConsentDenied, NotFound, Conflict where it is not in force or a later one rests on it, InvalidResource
        without a reason, or where an entry has no answer that it can be given. Nothing is done in part.
        """
        client = self._named(context)
        needed(reason)

        def work(tx: Tx) -> Undone:
            merge = _found(tx, name)
            done = undo(tx, self.home, self.check, merge, client, reason, answers)
            for person in (merge.kept, merge.superseded):
                note_act(tx, self.home, context, person, "merge", "undo", f"merge {name}", reason)
            return done

        return await self.store.write(work)

    # --- what all of them need

    def _only(self, context: AccessContext) -> None:
        if context.organisation != self.home.ods or context.role != ROLE:
            raise ConsentDenied(issues=[issue("merge-role", "")])

    def _named(self, context: AccessContext) -> str:
        self._only(context)
        if context.client is None:
            raise ConsentDenied(issues=[issue("merge-unnamed", "")])
        return context.client

    def _both(self, tx: Tx, kept: str, superseded: str) -> tuple[Together, Together]:
        for name, person in (("kept", kept), ("superseded", superseded)):
            expect_record(tx, person, name)
            expect_kept(tx, person, name)
        return Together(tx, kept, self.home.ods), Together(tx, superseded, self.home.ods)

    def _expect_none(self, tx: Tx, kept: str, superseded: str) -> tuple[Together, Together]:
        both = self._both(tx, kept, superseded)
        found = faults(tx, *both)
        if found:
            raise Conflict(issues=found)
        return both

    def _shown(self, tx: Tx, merge: PersonMerge) -> ShownMerge:
        return ShownMerge(merge, written_since(tx, self.home, merge) if merge.state == "made" else ())


def _found(tx: Tx, name: str) -> PersonMerge:
    found = tx.merges.get(name)
    if found is None:
        raise NotFound(issues=[issue("merge-not-found", "id")])
    return found


def _doubts(tx: Tx) -> list[_Doubt]:
    """Whom the snapshots that were set aside for it say to be one, of those who are not one yet."""
    found = []
    for held in tx.quarantine.find(state=None, limit=_MANY):
        if _DOUBT in held.issues and held.state != "sealed":
            try:
                message = read_message(load_object(held.text))
            except InvalidResource:  # what is no message names nobody
                continue
            if message.verb == "snapshot":
                found.append(_Doubt({*people_said_to_be_one(tx, message)}, held.state == "held"))
    return found


def _settle_lanes(tx: Tx, ours: Together, theirs: Together, doubts: Sequence[_Doubt]) -> None:
    """Let the lanes pass again that were halted because the two were said to be one, and for nothing else."""
    kept, other = ({side.person for side in held.sides} for held in (ours, theirs))
    for person in (*kept, *other):
        named = [one for one in doubts if person in one.persons]
        waits = any(one.waits and not one.persons <= kept | other for one in named)
        if waits or not any(one.persons & kept and one.persons & other for one in named):
            continue
        for lane in tx.lanes.find(person=person):
            if not tx.outbox.find(partner=lane.partner, person=person, state="dead", error=_DOUBT, limit=1):
                tx.lanes.settled(lane.partner, person, _DOUBT)


def _seen(tx: Tx, held: Together) -> SideSeen:
    person = held.kept.person
    sides = [side.person for side in held.sides]
    entries = {name: len(value) for name, value in sorted(held.tree.items()) if isinstance(value, list)}
    lanes = sorted({lane.partner for side in sides for lane in tx.lanes.find(person=side) if lane.state != "ended"})
    return SideSeen(
        person,
        sum(tx.record_head(side) for side in sides),
        entries,
        lanes,
        len(tx.conflicts.waiting(persons=sides)),
        sum(len(tx.proposals.find(side, state="pending")) for side in sides),
        sum(len(tx.quarantine.find(person=side, limit=10_000)) for side in sides),
    )
