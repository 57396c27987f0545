"""The use cases of FHIR REST: create, read, update, history, search, transaction, everything about one person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, ConsentDenied, Gone, InvalidResource, NotFound, VersionConflict
from fhir_mh.gateway.holding import Key, about_sides, content, each_once, patients_of
from fhir_mh.gateway.identity import Organisation, find_by_patient, identify, known_as
from fhir_mh.gateway.links import linked
from fhir_mh.gateway.proposing import propose
from fhir_mh.gateway.sameness import contradiction
from fhir_mh.gateway.searching import Search, page_of, seen_page
from fhir_mh.gateway.seeing import Onlooker, seeing
from fhir_mh.gateway.spreading import is_urgent, spread
from fhir_mh.gateway.stamping import is_plan, stamp_rest, stamped
from fhir_mh.gateway.standing import expect_kept, merged_notes
from fhir_mh.gateway.subjects import told
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.unclear_rules import unclear_rules
from fhir_mh.gateway.writing import Check, settle
from fhir_mh.issues import Issue, has_errors, issue
from fhir_mh.profiles.concerns import holds_concern
from fhir_mh.profiles.subjects import subjects_in
from fhir_mh.store import Page, Store, StoredResource, Tx

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a resource that was sent: stored here, or (stored is None) proposed to its custodian.

    Neither, where it says what is shown already: its custodian's copy, or a change of ours that waits.
    """

    stored: StoredResource | None
    created: bool
    proposal: str | None = None
    warnings: Sequence[Issue] = ()
    custodian: str | None = None


@dataclass(frozen=True, slots=True)
class TransactionEntry:
    """One entry of a transaction: POST or PUT, the resource, its fullUrl, and for PUT its id and expected version.

    condition: the identifier (system, value) by which it is looked for, of what a partner's system sends.
    """

    method: str
    body: Body
    full_url: str | None = None
    id: str | None = None
    if_match: int | None = None
    path: str = ""
    condition: tuple[str, str] | None = None


class FhirUseCases:
    """FHIR over the store. Only the organisation's own systems write; what others keep is proposed to them."""

    def __init__(self, store: Store, home: Organisation, check: Check) -> None:
        self.store, self.home, self.check = store, home, check

    # --- reading

    async def read(self, context: AccessContext, kind: str, name: str, version: int | None = None) -> StoredResource:
        """One resource, now or as of a version. Raises NotFound, Gone, ConsentDenied."""

        def fetch(tx: Tx) -> StoredResource:
            found = tx.get(kind, name) if version is None else tx.get_version(kind, name, version)
            if found is None:
                raise NotFound(issues=[issue("store-not-found", kind, type=kind)])
            if context.organisation != self.home.ods:
                found = self._shown(tx, context, [found])[0]
            if found.deleted:
                raise Gone(issues=[issue("store-gone", kind, type=kind, version=found.version)])
            return found

        return await self.store.read(fetch)

    async def history(self, context: AccessContext, kind: str, name: str, before: int | None = None) -> Page:
        """The versions of a resource, newest first. Raises NotFound, ConsentDenied."""

        def fetch(tx: Tx) -> Page:
            page = tx.history(kind, name, before=before)
            if context.organisation == self.home.ods:
                return page
            return replace(page, entries=tuple(self._shown(tx, context, page.entries)))

        return await self.store.read(fetch)

    async def search(self, context: AccessContext, wanted: Search) -> Page:
        """The resources that match, in the order they were first stored, a page at a time.

        A patient stands for the person: resources of every custodian about them are found. A superseded NHS number
        finds what the one in use finds. What the caller may not see is left out.
        """

        def fetch(tx: Tx) -> Page:
            persons, own = None, context.organisation == self.home.ods
            if wanted.patients is not None:
                found = [tx.person_of("Patient", name) for name in wanted.patients]
                persons = [side for person in found if person is not None for side in tx.merges.sides(person)]
            if not own:
                return seen_page(tx, wanted, persons, Onlooker(tx, context, self.home.ods))
            return Page((), None, 0) if persons == [] else page_of(tx, wanted, persons, wanted.cursor, count=True)

        return await self.store.read(fetch)

    async def everything(self, context: AccessContext, patient: str) -> list[StoredResource]:
        """Everything current about the person of a Patient, of every custodian, as far as the caller may see it.

        Raises NotFound, and ConsentDenied where that is nothing at all.
        """

        def fetch(tx: Tx) -> list[StoredResource]:
            person, unknown = tx.person_of("Patient", patient), issue("store-not-found", "Patient", type="Patient")
            if person is None:
                raise NotFound(issues=[unknown])
            if context.organisation == self.home.ods:
                return each_once(about_sides(tx, person))
            seen = seeing(tx, context, person, self.home.ods)
            seen.expect_some(unknown)
            return seen.shown(each_once(seen.sides))

        return await self.store.read(fetch)

    def _shown(self, tx: Tx, context: AccessContext, found: Sequence[StoredResource]) -> list[StoredResource]:
        """All of these, of one person or nobody, as another organisation sees them.

        Raises ConsentDenied where one of them is not shared, and NotFound where the person is as good as unknown.
        """
        onlooker = Onlooker(tx, context, self.home.ods)
        seen = onlooker.shown_of(found)
        if len(seen) < len(found):
            first = found[0]
            if first.person is None:
                raise ConsentDenied(issues=[issue("consent-no-person", first.type)])
            onlooker.of_person(first.person).expect_known(issue("store-not-found", first.type, type=first.type))
            raise ConsentDenied(issues=[issue("consent-not-shared", first.type)])
        return seen

    def seen(self, tx: Tx, context: AccessContext, found: Sequence[StoredResource]) -> list[StoredResource]:
        """What the caller may see of these: a system of this organisation all of them, any other less."""
        if context.organisation == self.home.ods:
            return list(found)
        return Onlooker(tx, context, self.home.ods).shown_of(found)

    # --- writing

    async def create(self, context: AccessContext, body: Body) -> Kept:
        """Store a new resource under an id of ours. Raises InvalidResource, Conflict, ConsentDenied."""
        return (await self.transaction(context, [TransactionEntry("POST", body)]))[0]

    async def update(self, context: AccessContext, body: Body, if_match: int | None = None) -> Kept:
        """Store the next version of a resource that is here already.

        What another organisation keeps is not changed: the change is sent to it as a proposal. Raises
        InvalidResource, VersionConflict, NotFound (ids are given here, not by callers), Conflict.
        """
        entry = TransactionEntry("PUT", body, id=str(body.get("id")), if_match=if_match)
        return (await self.transaction(context, [entry]))[0]

    async def transaction(self, context: AccessContext, entries: Sequence[TransactionEntry]) -> list[Kept]:
        """Store all of these resources or none, in one commit; what came of each, in their order.

        References by urn:uuid to entries of the transaction become references to what they are stored as.
        """
        if context.organisation != self.home.ods:
            raise ConsentDenied(issues=[issue("consent-not-own", "$")])
        warnings = [self._checked(entry) for entry in entries]

        def store(tx: Tx) -> list[Kept]:
            return self._transaction(tx, context, entries, warnings)

        return await self.store.write(store)

    def _checked(self, entry: TransactionEntry) -> list[Issue]:
        kind = str(entry.body.get("resourceType"))
        if holds_concern(entry.body):
            raise InvalidResource(issues=[issue("concern-not-a-record", entry.path or kind)])
        found = [*self.check(entry.body), *unclear_rules(entry.body)]
        if entry.path:
            found = [one.at(entry.path + one.path.removeprefix(kind)) for one in found]
        if has_errors(found):
            raise InvalidResource(issues=found)
        return [one for one in found if one.severity != "information"]

    def _transaction(
        self, tx: Tx, context: AccessContext, entries: Sequence[TransactionEntry], warnings: Sequence[list[Issue]]
    ) -> list[Kept]:
        names = {id(entry): entry.id or tx.new_id() for entry in entries}
        places = {
            entry.full_url: f"{entry.body['resourceType']}/{names[id(entry)]}" for entry in entries if entry.full_url
        }
        kept: dict[int, Kept] = {}
        touched: dict[str, dict[Key, Body | None]] = {}
        urgent: set[str] = set()
        bodies = [
            moved({**one.body, "id": names[id(one)]}, places, one.path or str(one.body["resourceType"]))
            for one in entries
        ]
        patients = [number for number, body in enumerate(bodies) if body["resourceType"] == "Patient"]
        rest = sorted(set(range(len(bodies))).difference(patients), key=lambda n: (is_plan(bodies[n]), n))
        replaced = [
            tx.get(str(body["resourceType"]), str(body["id"])) if entry.method == "PUT" else None
            for entry, body in zip(entries, bodies, strict=True)
        ]
        for numbers in (patients, rest):
            for number in numbers:
                bodies[number] = self._plain(tx, entries[number], bodies[number], replaced[number])
            plans = [bodies[number] for number in numbers if is_plan(bodies[number])]
            for number in numbers:
                entry, body, known = entries[number], bodies[number], replaced[number]
                result = self._keep(tx, entry, body, known, plans)
                stored, path = result.stored, entry.path or str(body["resourceType"])
                person = stored.person if stored is not None else known.person if known is not None else None
                notes = [] if person is None else merged_notes(tx, person, path)
                kept[number] = replace(result, warnings=[*warnings[number], *result.warnings, *notes])
                if stored is not None and stored.person is not None:
                    was = None if known is None or known.deleted else content(known.body())
                    touched.setdefault(stored.person, {})[stored.type, stored.id] = was
                    urgent |= {stored.person} if is_urgent(body) else set()
        for person, were in touched.items():
            stamp_rest(tx, self.home, person, were)
            settle(tx, self.home, self.check, person, were, touched)
            spread(tx, self.home, person, {kind for kind, _ in were}, own=True, urgent=person in urgent)
            ask_about_ties(tx, self.home, self.check, person, {kind for kind, _ in were})
        return [kept[number] for number in range(len(entries))]

    def _plain(self, tx: Tx, entry: TransactionEntry, body: Body, known: StoredResource | None) -> Body:
        """What an entry brings, as `told` has it; as it is where it is to replace what is not here."""
        if entry.method == "PUT" and known is None:
            return body
        return told(tx, self.home, body, known, entry.path or str(body["resourceType"]))

    def _keep(
        self, tx: Tx, entry: TransactionEntry, body: Body, known: StoredResource | None, plans: Iterable[Body]
    ) -> Kept:
        kind, name = str(body["resourceType"]), str(body["id"])
        if entry.method == "POST":
            person = self._person(tx, body)
            body = stamped(tx, self.home, person, body, None, plans)
            return Kept(tx.put(body, person=person, custodian=self.home.ods, expected_version=0), True)
        if known is None:
            raise NotFound(issues=[issue("store-not-found", kind, type=kind)])
        if known.custodian != self.home.ods and known.person is not None:
            if entry.if_match is not None and entry.if_match != known.version:
                found = issue("store-version-conflict", kind, type=kind, version=known.version)
                raise VersionConflict(issues=[found])
            return self._proposed(tx, known, body)
        if known.deleted and tx.seals.holds(kind, name):
            raise Conflict(issues=[issue("sync-retracted", kind, reference=f"{kind}/{name}")])
        person = self._person(tx, body, known.person)
        body = stamped(tx, self.home, person, linked(tx, known, body), known, plans)
        stored = tx.put(body, person=person, custodian=known.custodian, expected_version=entry.if_match)
        return Kept(stored, False)

    def _person(self, tx: Tx, body: Body, known: str | None = None) -> str | None:
        """Whom a resource is about, as `told` has it. A Patient is found by its identifiers, or is new."""
        if body["resourceType"] == "Patient":
            return self._patient(tx, body, known)
        for name, reference in subjects_in(body):
            kind, _, patient = reference.partition("/")
            person = tx.person_of("Patient", patient) if kind == "Patient" and known is None else None
            if person is not None:
                expect_kept(tx, person, f"{body['resourceType']}.{name}")
                return person
        return known

    def _patient(self, tx: Tx, body: Body, known: str | None) -> str:
        person = known or find_by_patient(tx, body) or tx.add_person()
        expect_kept(tx, person, "Patient")
        held = [*(entry.body() for entry in patients_of(tx, person)), known_as(tx, person)]
        doubt = contradiction(body, held, "Patient", by_identifier=known is None)
        if doubt is not None:
            raise Conflict(issues=[doubt])
        identify(tx, person, body)
        return person

    def _proposed(self, tx: Tx, known: StoredResource, body: Body) -> Kept:
        outcome = propose(tx, self.home, self.check, known, body)
        made = outcome.proposals[0] if outcome.proposals else None
        return Kept(None, False, made, outcome.warnings, known.custodian)


def moved(value: Any, names: Mapping[str, str], path: str) -> Any:
    """The JSON with references to entries of the transaction turned into references to what they became.

    Raises InvalidResource for a urn:uuid reference that names no entry.
    """
    if isinstance(value, list):
        return [moved(inner, names, f"{path}[{n}]") for n, inner in enumerate(value)]
    if not isinstance(value, dict):
        return value
    out = {key: moved(inner, names, f"{path}.{key}") for key, inner in value.items()}
    reference = value.get("reference")
    if isinstance(reference, str):
        if reference in names:
            out["reference"] = names[reference]
        elif reference.startswith("urn:uuid:"):
            raise InvalidResource(
                issues=[
                    issue("validate-reference-unresolved", f"{path}.reference", where=" in the Bundle", otherwise="")
                ]
            )
    return out
