"""How current each copy of each plan is, at whom, and why: what one person's plans are worth where they are read.

A copy is judged by what it says, not by its edition: an edition that changed something else leaves it the current one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fhir_mh.consent import AccessContext, Decision
from fhir_mh.errors import NotFound
from fhir_mh.gateway.copies_sent import LISTS, Part, Reached, SentTo, parts_of, stamps_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.marking import Marked, mark_copy, whose
from fhir_mh.gateway.seeing import visible
from fhir_mh.gateway.standing import expect_record, now_of, only_own, standing
from fhir_mh.gateway.together import Together
from fhir_mh.issues import Issue, issue
from fhir_mh.placements.courses import ods_codes, ods_named
from fhir_mh.records.current_plan import CurrentPlan, current_crisis_plan
from fhir_mh.store import Currency, Mark, Store, StoredAsking, Tx

WITHHELD = "This part of the record is not shared with {partner} now."
LAPSED = "{custodian} does not send this part of the record any more."


@dataclass(frozen=True, slots=True)
class Copy:
    """How far one plan has come at one partner. since and reason: of a copy that is not kept up to date any more.

    since: None also where nothing has left yet that leaves the plan out, so that it is not known.
    asking: the latest by which it was pulled; None where it never was. newest: whether what the partner has stored is
    the plan as it is now; None where that cannot be known here.
    """

    partner: str
    sent: Reached | None
    stored: Reached | None
    filed: Reached | None
    opened: Reached | None
    since: datetime | None = None
    reason: str | None = None
    asking: StoredAsking | None = None

    @property
    def kept_up_to_date(self) -> bool:
        return self.reason is None

    @property
    def newest(self) -> bool | None:
        return False if self.stored is None else self.stored.newest


@dataclass(frozen=True, slots=True)
class PlanCurrency:
    """A plan, or a directive with the resources that say it, as it stands here; and each copy of it."""

    part: Part
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True)
class PersonCurrency:
    """Of one person, as one caller may see it. id: the record's. as_of: an instant, UTC."""

    id: str
    as_of: str
    plans: tuple[PlanCurrency, ...]
    current: CurrentPlan


class CurrencyUseCases:
    """Reading and marking how current copies are."""

    def __init__(self, store: Store, home: Organisation) -> None:
        self.store, self.home = store, home

    async def of_record(self, context: AccessContext, record_id: str) -> PersonCurrency:
        """Of the person of a record. Raises NotFound, and ConsentDenied where the caller may see nothing."""

        def read(tx: Tx) -> PersonCurrency:
            expect_record(tx, record_id)
            return self._of(tx, context, record_id, issue("rest-unknown-record", "id"))

        return await self.store.read(read)

    async def of_patient(self, context: AccessContext, patient: str) -> PersonCurrency:
        """Of the person of a Patient. Raises NotFound, ConsentDenied."""

        def read(tx: Tx) -> PersonCurrency:
            person, unknown = tx.person_of("Patient", patient), issue("store-not-found", "Patient", type="Patient")
            if person is None:
                raise NotFound(issues=[unknown])
            return self._of(tx, context, person, unknown)

        return await self.store.read(read)

    async def mark(self, context: AccessContext, record_id: str, marked: Marked) -> Currency:
        """Note that a system here has filed a copy, or a person opened it; its custodian is told.

        Raises ConsentDenied to other organisations, NotFound, InvalidResource.
        """

        def write(tx: Tx) -> Currency:
            only_own(context, self.home.ods)
            expect_record(tx, record_id)
            sides = tx.merges.sides(record_id) if tx.merges.root(record_id) == record_id else [record_id]
            return mark_copy(tx, self.home, whose(tx, self.home, sides, marked), marked)

        return await self.store.write(write)

    # --- reading

    def _of(self, tx: Tx, context: AccessContext, person: str, unknown: Issue) -> PersonCurrency:
        own, now = self.home.ods, now_of(tx)
        held = Together(tx, person, own)
        tree = held.acknowledged
        if context.organisation != own:
            tree = visible(tx, context, held, own, unknown)[1]
        listed = {(name, item["id"]) for name in LISTS for item in tree.get(name) or ()}
        stands, plans = standing(tx, person, own), list[PlanCurrency]()
        keepers: dict[str, str] = {}
        stale: set[str] = set()
        for side in held.sides:
            rows = told = tx.currency.of(side.person)
            if context.organisation != own:
                told = [row for row in rows if context.organisation in (row.partner, row.custodian)]
            seen = {name: value for name, value in side.holding.tree.items() if name in tree}
            each = [(row, pulled_by(tx, self.home, row), stands.may_be_sent(row.partner, now)) for row in told]
            for part in parts_of(side.holding, seen):
                name = held.name(side, part.id)
                if (part.list, name) not in listed:
                    continue
                copies = tuple(self._copies(tx, side.person, part, each))
                plans.append(PlanCurrency(replace(part, id=name), copies))
                if part.list == "crisis_plans":
                    keepers[name] = part.custodian
                if any(self._is_ours(part, row) and not_kept(part.section, row) is not None for row in rows):
                    stale.add(name)
        codes = ods_codes(tree)
        current = current_crisis_plan(tree, keepers, stale, now, lambda ref: ods_named(ref, codes))
        return PersonCurrency(held.kept.person, now, tuple(plans), current)

    def _is_ours(self, part: Part, row: Currency) -> bool:
        """Whether a row is about our own copy of what another organisation keeps."""
        return row.partner == self.home.ods != part.custodian == row.custodian

    def _copies(
        self, tx: Tx, person: str, part: Part, rows: Sequence[tuple[Currency, StoredAsking | None, Decision]]
    ) -> Iterator[Copy]:
        """rows: each with the asking by which something of the copy was sent, and what its partner may be sent now."""
        for row, asking, decision in rows:
            copy = None
            if self._is_ours(part, row):
                copy = _held(tx, part, row)
            elif row.custodian == part.custodian == self.home.ods:
                copy = _sent(SentTo(tx, person, self.home.ods, row.partner), part, row, decision)
            if copy is not None:
                yield replace(copy, asking=asking)


def pulled_by(tx: Tx, home: Organisation, copy: Currency) -> StoredAsking | None:
    """The latest asking by which something of a copy was sent: of ours, or of the partner that holds it."""
    ours = copy.partner == home.ods
    found = tx.askings.of(copy.person, "made" if ours else "received", partner=copy.custodian if ours else copy.partner)
    return next((one for one in reversed(found) if one.status == "coming"), None)


def _sent(sent: SentTo, part: Part, row: Currency, decision: Decision) -> Copy | None:
    """A partner's copy of what is kept here; None where it never had one and is to have none.

    decision: what the partner may be sent now, whatever has left since.
    """
    stages = [sent.reached(part, mark) for mark in (row.sent, row.stored, row.filed, row.opened)]
    since, reason = row.ended_at, row.ended_reason
    if since is None and row.sent is not None:
        since = sent.withheld_since(part, row.sent.edition)
        if since is not None or part.section not in decision.permitted:
            reason = decision.sentence if decision.nothing else WITHHELD.format(partner=row.partner)
    if reason is not None and not any(stages):
        return None
    at_sent, stored, filed, opened = stages
    return Copy(row.partner, at_sent, stored, filed, opened, since, reason)


def _held(tx: Tx, part: Part, row: Currency) -> Copy:
    """Our own copy of what another organisation keeps. What it says now is known as long as it keeps us up to date."""
    ended = not_kept(part.section, row)
    newest = True if ended is None else None

    def reached(mark: Mark | None) -> Reached | None:
        if mark is None:
            return None
        changed_in = part.version if part.stamped else None  # the edition, where that is known
        held = row.stored is not None and mark.edition >= row.stored.edition
        if held or (changed_in is not None and mark.edition >= changed_in):
            return Reached(mark.edition, mark.at, part.version, part.content_hash, newest)
        version, hash_ = _brought_by(tx, part, mark.edition)
        return Reached(mark.edition, mark.at, version, hash_, None if changed_in is None else False)

    since, reason = ended or (None, None)
    return Copy(row.partner, None, reached(row.stored), reached(row.filed), reached(row.opened), since, reason)


def _brought_by(tx: Tx, part: Part, edition: int) -> tuple[int | None, str | None]:
    """The plan version and the content hash of a copy of ours as an edition left it; None where none says so."""
    before: int | None = None
    while True:
        page = tx.history(*part.primary, before=before)
        for version, hash_ in (stamps_of(one.body()) for one in page.entries if not one.deleted):
            if version is not None and version <= edition:
                return version, hash_
        if page.next is None:
            return None, None
        before = int(page.next)


def not_kept(section: str, row: Currency) -> tuple[datetime, str] | None:
    """Since when a section of our copy is not kept up to date, and why; None where it is."""
    if row.ended_at is not None:
        return row.ended_at, row.ended_reason or LAPSED.format(custodian=row.custodian)
    since = row.lapsed.get(section)
    return None if since is None else (since, LAPSED.format(custodian=row.custodian))
