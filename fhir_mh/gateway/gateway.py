"""One organisation's gateway: what it can be asked to do, by whoever asks over HTTP, on a command line or in a test."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fhir_mh.clock import Clock, SystemClock
from fhir_mh.consent import AccessContext, asked_by_law, laws
from fhir_mh.errors import InvalidResource, NotFound
from fhir_mh.gateway.concerns import ConcernUseCases
from fhir_mh.gateway.conflict_tasks import Raised, add_tasks, keep_conflicts
from fhir_mh.gateway.currency import CurrencyUseCases, pulled_by
from fhir_mh.gateway.deciding import DecidingUseCases
from fhir_mh.gateway.exchange import GatewayExchange
from fhir_mh.gateway.finding import FindingUseCases
from fhir_mh.gateway.holding import Holding, Tree
from fhir_mh.gateway.identity import Organisation, find_by_record, find_person, known_as
from fhir_mh.gateway.leading_nowhere import unknown_entries, unknown_references
from fhir_mh.gateway.marking import mark_opened
from fhir_mh.gateway.merges import MergeUseCases
from fhir_mh.gateway.pending import Pending
from fhir_mh.gateway.placing import PlacementUseCases, placed_unshared
from fhir_mh.gateway.quarantine import QuarantineUseCases
from fhir_mh.gateway.resources import FhirUseCases
from fhir_mh.gateway.retracting import SealUseCases
from fhir_mh.gateway.sameness import compact, contradiction, patient_of
from fhir_mh.gateway.seeing import visible
from fhir_mh.gateway.standing import (
    expect_kept,
    expect_newest,
    expect_record,
    head_of,
    merged_notes,
    now_of,
    only_own,
)
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.together import Side, Together
from fhir_mh.gateway.writing import Check, Outcome, settle_beside, write_record
from fhir_mh.issues import Issue, issue
from fhir_mh.mapping.merge import Conflict, Merged, merge
from fhir_mh.records.content_hash import PLANS, Sameness, sameness_of
from fhir_mh.records.people import NhsNumber
from fhir_mh.records.trees import record_of
from fhir_mh.store import Currency, Seal, Store, StoredAsking, Tx

_TEXTS = ("shown", "ours", "theirs")


@dataclass(frozen=True, slots=True)
class Change:
    """A document in a format of its own: whom it names, and what it makes of the record that is held.

    person: the id and the NHS number by which it names them; without those that it does not say.
    """

    person: Tree
    apply: Callable[[Tree], Merged]


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A person's record as one caller may see it.

    version: the ETag. custodians: per plan, placement, stay and directive (list, item id) who keeps it. pending:
    our own changes that their custodian's copy does not show yet. copies: how current each copy is, ours of
    others' plans and others' of ours. pulled: by (person, partner, custodian) of a copy, the asking by which it
    came. as_of: when it was read (an instant, UTC). asked: what the laws that are on find missing; nothing where the
    caller sees only a part. sealed: that something was retracted as recorded for the wrong person, for this
    organisation alone, and nothing of it. plans: whether each plan is as its custodian made it. merged: the ids of
    other persons here who are one with this one by a merge.
    """

    id: str
    version: int
    tree: Tree
    custodians: Mapping[tuple[str, str], str]
    pending: list[Pending]
    copies: list[Currency]
    pulled: Mapping[tuple[str, str, str], StoredAsking]
    as_of: str
    asked: list[Issue]
    sealed: list[Seal]
    plans: list[Sameness]
    merged: list[str]


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a write. created: the person was not known before."""

    id: str
    version: int
    created: bool
    changed: list[str]
    proposed: list[str]
    tasks: int
    warnings: list[Issue]


class Gateway(FhirUseCases):
    """The use cases of one organisation over one store. Every one takes the AccessContext of its caller."""

    def __init__(self, store: Store, home: Organisation, check: Check, clock: Clock | None = None,
                 policies: Collection[str] = ()) -> None:  # fmt: skip
        super().__init__(store, home, check)
        self.clock = clock or SystemClock()
        self.exchange = GatewayExchange(home, check)
        self.policies = policies
        self.concerns = ConcernUseCases(store, home, check)
        self.currency = CurrencyUseCases(store, home)
        self.placements = PlacementUseCases(store, home, check)
        self.quarantine = QuarantineUseCases(store, home, check)
        self.seals = SealUseCases(store, home, check)
        self.merges = MergeUseCases(store, home, check)
        self.finding = FindingUseCases(store, home)
        self.deciding = DecidingUseCases(store, home, check)

    # --- records

    async def save(
        self,
        context: AccessContext,
        change: Change | Tree,
        *,
        record_id: str | None = None,
        if_match: int | None = None,
    ) -> Saved:
        """Bring a received record, or a format's change, into what is held for its person.

        Fields that are not mentioned stay; an explicit None clears one; items match by id, else by natural key.
        Our own part is stored, and what others keep is proposed to them. Without record_id the person is found by
        NHS number, local identifier or the id that their record gives them, or is new.

        Raises InvalidResource (also where nobody is named, or what is not held is ended), VersionConflict (if_match
        is not the newest version), NotFound, Conflict (another person's identity, or one who is superseded by another),
        ConsentDenied. Nothing is stored in part.
        """
        return await self.store.write(lambda tx: self._save(tx, context, change, record_id, if_match))

    def _save(
        self, tx: Tx, context: AccessContext, change: Change | Tree, record_id: str | None, if_match: int | None
    ) -> Saved:
        only_own(context, self.home.ods)
        person, created = self._subject(tx, change, record_id)
        expect_newest(tx, person, if_match)
        held = Together(tx, person, self.home.ods)
        unknown = [] if isinstance(change, Change) else unknown_entries(held.tree, change)
        if unknown:
            raise InvalidResource(issues=unknown)
        merged = (
            change.apply(held.tree)
            if isinstance(change, Change)
            else merge(held.tree, held.tree, change, mint=tx.new_id, partial=True)
        )
        warnings = [*_keep_number(held.tree, merged), *merged_notes(tx, person, "person")]
        self._same_person(tx, held.kept.holding, change, merged.tree, by_id=record_id is not None)
        _complete(merged.tree, tx.new_id)
        warnings += unknown_references(held.tree, merged.tree)
        proposed, tasks, were, stored = [], 0, dict[str, Tree](), list[tuple[Side, Outcome]]()
        for side, tree in held.parted(merged.tree):
            raised = self._asked(tx, held, side, tree, merged.conflicts, context.organisation)
            outcome = write_record(tx, self.home, self.check, side.holding, side.tree, tree, were)
            were[side.person] = side.tree
            stored.append((side, outcome))
            tasks += keep_conflicts(tx, side.person, raised, context.organisation)
            proposed += outcome.proposals
            warnings += outcome.warnings
        for side, outcome in stored:  # not before: what follows there would be written over
            settle_beside(tx, self.home, self.check, side.person, side.tree, outcome.stored)
            ask_about_ties(tx, self.home, self.check, side.person, {kind for kind, _ in outcome.stored})
        warnings += placed_unshared(tx, self.home, person, held, merged.tree)
        changed = [row.path for row in merged.changes]
        return Saved(person, head_of(tx, person), created, changed, proposed, tasks, warnings)

    def _asked(
        self, tx: Tx, held: Together, side: Side, tree: Tree, conflicts: Sequence[Conflict], author: str
    ) -> Raised:
        """Put what a merge left for people into the record of the side that each row is of."""
        rows = [(one, *held.row(one.path)) for one in conflicts]
        mine = [
            replace(one, path=path, **{name: held.as_said(side, getattr(one, name)) for name in _TEXTS})
            for one, whose, path in rows
            if whose is side
        ]
        return add_tasks(tx, self.home, side.person, tree, mine, author)

    def _subject(self, tx: Tx, change: Change | Tree, record_id: str | None) -> tuple[str, bool]:
        """The person a received record is about, and whether they are new here."""
        if record_id is not None:
            expect_record(tx, record_id)
            expect_kept(tx, record_id, "id")
            return record_id, False
        known = find_by_record(tx, _said(change), _named(change).get("id"))
        if known is not None:
            expect_kept(tx, known, "person")
            return known, False
        if not _said(change)["identifier"]:
            raise InvalidResource(issues=[issue("rest-unnamed-person", "person")])
        return tx.add_person(), True

    def _same_person(self, tx: Tx, holding: Holding, change: Change | Tree, merged: Tree, *, by_id: bool) -> None:
        """Refuse a record whose person cannot be the one held: by what it would make of them, and by what it says."""
        held = [*holding.patients(), known_as(tx, holding.person)]
        whole = patient_of(merged.get("person") or {})
        doubt = contradiction(whole, held, "person", by_identifier=False)
        if doubt is None and not by_id:
            said = {**_said(change), "identifier": whole.get("identifier", [])}
            doubt = contradiction(said, held, "person")
        if doubt is not None:
            raise InvalidResource(issues=[doubt])

    async def record(self, context: AccessContext, record_id: str) -> HeldRecord:
        """The person's record as the caller may see it. Raises NotFound, ConsentDenied."""
        return await self.store.read(lambda tx: self._record(tx, context, record_id, _unknown()))

    async def open(self, context: AccessContext, record_id: str) -> HeldRecord:
        """The person's record, for a person here to read: each copy in it is marked as opened, as it is answered.

        Only for this organisation's own systems; any other way of reading marks nothing. Raises NotFound,
        ConsentDenied.
        """

        def read_and_mark(tx: Tx) -> HeldRecord:
            only_own(context, self.home.ods)
            if tx.has_person(record_id):
                for side in tx.merges.sides(record_id):
                    mark_opened(tx, self.home, side)
            return self._record(tx, context, record_id, _unknown())

        return await self.store.write(read_and_mark)

    def _record(self, tx: Tx, context: AccessContext, record_id: str, unknown: Issue) -> HeldRecord:
        expect_record(tx, record_id)
        held = Together(tx, record_id, self.home.ods)
        tree, pending, keepers, person = held.tree, held.pending, held.keepers, held.kept.person
        trees = [side.tree for side in held.sides]
        now, asked, sealed = now_of(tx), list[Issue](), list[Seal]()
        copies = [_as_told(copy, self.home.ods) for side in held.sides for copy in tx.currency.of(side.person)]
        if context.organisation == self.home.ods:
            asked = asked_by_law(tree, now, laws(), self.policies)
            sealed = [seal for side in held.sides for seal in tx.seals.find(person=side.person)]
        else:
            seen, tree = visible(tx, context, held, self.home.ods, unknown)
            pending, keepers = [], seen.keepers  # what waits holds texts of every section
            trees = [side.holding.tree for side in held.sides]
            copies = [one for one in copies if context.organisation in (one.partner, one.custodian)]
        each = {(one.person, one.partner, one.custodian): pulled_by(tx, self.home, one) for one in copies}
        pulled = {key: asking for key, asking in each.items() if asking is not None}
        # a hash is of the whole plan, whatever is seen of it
        plans = [
            replace(one, plan=held.name(side, one.plan))
            for side, whole in zip(held.sides, trees, strict=True)
            for one in sameness_of(whole, [name for name in PLANS if name in tree])
        ]
        listed = {item["id"] for name in PLANS for item in tree.get(name) or ()}
        plans = [one for one in plans if one.plan in listed]
        merged = [side.person for side in held.sides[1:]]
        return HeldRecord(
            person, head_of(tx, person), tree, keepers, pending, copies, pulled, now, asked, sealed, plans, merged
        )

    async def find(self, context: AccessContext, nhs_number: str) -> HeldRecord:
        """The record of the person who has this NHS number, or had it before it was superseded.

        Raises NotFound, ConsentDenied, InvalidResource for what is no NHS number.
        """
        number = _checked(nhs_number)

        def search(tx: Tx) -> HeldRecord:
            person, unknown = find_person(tx, number), issue("rest-unknown-person", "nhs_number")
            if person is None:
                raise NotFound(issues=[unknown])
            return self._record(tx, context, person, unknown)

        return await self.store.read(search)


def _unknown() -> Issue:
    return issue("rest-unknown-record", "id")


def _as_told(copy: Currency, own: str) -> Currency:
    """Of a copy here it is not known what was sent: what is noted is of the notice by which sharing ended."""
    return replace(copy, sent=None) if copy.partner == own else copy


def _said(change: Change | Tree) -> dict[str, Any]:
    """Whom a record names, as a Patient; of a file the NHS number alone, for it is read beside what is held."""
    return patient_of(_named(change))


def _named(change: Change | Tree) -> Tree:
    return change.person if isinstance(change, Change) else change.get("person") or {}


def _keep_number(held: Tree, merged: Merged) -> list[Issue]:
    """A sender that still uses a superseded NHS number does not bring it back; a warning where one did."""
    before, after = held.get("person") or {}, merged.tree.get("person") or {}
    number = after.get("nhs_number")
    known = before.get("nhs_number")
    if not number or not known or compact(number) not in (before.get("former_nhs_numbers") or ()):
        return []
    after["nhs_number"] = known
    merged.changes[:] = [change for change in merged.changes if change.path != "person.nhs_number"]
    return [issue("rest-former-nhs-number", "person.nhs_number")]


def _checked(number: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(NhsNumber).validate_python(number)
    except ValidationError:
        raise InvalidResource(issues=[issue("rest-bad-nhs-number", "nhs_number")]) from None


def _complete(tree: Tree, mint: Callable[[], str]) -> None:
    """Give the person and every new item the id that a record without ids leaves out."""
    tree.setdefault("person", {}).setdefault("id", mint())
    for value in tree.values():
        if isinstance(value, list):
            for item in value:
                item.setdefault("id", mint())


__all__ = ["Gateway", "HeldRecord", "Organisation", "Saved", "record_of"]
