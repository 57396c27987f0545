"""What arrives: snapshots, notices, marks; proposals to us are merged in proposals.py (docs/sync-protocol.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fhir_mh.errors import Conflict, FhirMhError
from fhir_mh.exchange.messages import Message, Receipt, is_edition
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.fhir.urls import FORMER_NHS_NUMBER, NHS_NUMBER
from fhir_mh.gateway.holding import Key, content, key_of, patients_of
from fhir_mh.gateway.identity import (
    Organisation,
    find_named,
    identify,
    known_as,
    names_somebody_else,
    numbers_in,
    persons_by_local_identifier,
    persons_by_number,
    same_one,
)
from fhir_mh.gateway.marking import take_mark
from fhir_mh.gateway.merge_notices import TOLD, take_notice
from fhir_mh.gateway.older_store import LOST, is_of_an_older_store, put_back
from fhir_mh.gateway.pending import note_decided
from fhir_mh.gateway.proposals import Merging, bodies_of
from fhir_mh.gateway.sameness import contradiction, judge, nhs_number_in
from fhir_mh.gateway.sealing import seal, sealed_in
from fhir_mh.gateway.setting_aside import Replay, SettingAside, people_said_to_be_one, raise_task, task_of_each
from fhir_mh.gateway.spreading import spread
from fhir_mh.gateway.standing import merged_notes
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.writing import Check, settle
from fhir_mh.issues import Issue, has_errors, issue
from fhir_mh.profiles.bundle import SHARED_KINDS
from fhir_mh.store import StoredResource, Tx

Body = dict[str, Any]
_NO_REASON = "The organisation that keeps this plan no longer shares it."


class Receiving:
    """Takes in messages for one organisation. What is not understood, or may be about somebody else, is set aside."""

    def __init__(self, home: Organisation, check: Check, replay: Replay | None = None) -> None:
        self.home, self.check = home, check
        self.aside = SettingAside(home, check, replay)

    def receive(self, tx: Tx, partner: str, message: Message) -> Receipt:
        """The receipt of one message of a partner, after acting on it; it says where the person is one of a merge."""
        try:
            person = find_named(tx, message.nhs_number, message.identifiers)
        except Conflict as fault:
            if not _is_retraction(message):
                return self.aside.keep(tx, partner, message, None, list(fault.issues))
            person = None  # it goes by what it names, whoever that is about
        receipt = self._receive(tx, partner, person, message)
        if person is None or (message.verb == "notice" and not tx.edition(person, partner)):
            return receipt  # whose sender has nothing here is not told who is known here
        notes = merged_notes(tx, person, "$.person")
        return replace(receipt, issues=(*receipt.issues, *notes)) if notes else receipt

    def _receive(self, tx: Tx, partner: str, person: str | None, message: Message) -> Receipt:
        if message.verb == "snapshot":
            return self._snapshot(tx, partner, person, message)
        if _is_retraction(message):
            return self._retracted(tx, partner, person, message)
        if message.content.get("notice") in TOLD and message.verb == "notice":
            return take_notice(tx, self.home, self.check, partner, person, message)
        if message.verb == "notice":
            return self._notice(tx, partner, person, message)
        if person is None and message.verb == "proposal" and message.nhs_number is None:
            return self.aside.keep(tx, partner, message, None, [issue("sync-unknown-person", "$.person")])
        if person is None:
            return Receipt(message.id, "refused", issues=(issue("sync-unknown-person", "$.person"),))
        if message.verb == "proposal":
            return self._proposal(tx, partner, person, message)
        return take_mark(tx, self.home, partner, person, message)

    # --- snapshots

    def _snapshot(self, tx: Tx, partner: str, person: str | None, message: Message) -> Receipt:
        if message.custodian != partner:
            found = issue("sync-custody", "$.custodian", reference="This snapshot")
            return Receipt(message.id, "refused", issues=(found,))
        bodies, named = bodies_of(message), person is not None
        person = person or _by_patients(tx, bodies)
        new = person is None
        patients = [] if person is None else patients_of(tx, person)
        held = 0 if person is None else tx.edition(person, partner)
        edition = held + 1 if message.edition is None else message.edition
        retracted, known = sealed_in(tx, message), _known(tx, bodies)
        lost = self._not_known_to_its_sender(partner, message, held, bodies, known, patients)
        if retracted:
            if held >= edition:
                return Receipt(message.id, "superseded", held, issues=lost)
            receipt = self._seal_whole(tx, partner, person, message, retracted)
            return replace(receipt, edition=held, issues=(*lost, *receipt.issues)) if lost else receipt
        two = people_said_to_be_one(tx, message)
        if message.edition is None:
            bodies = [body for body in bodies if not self._came_later(tx, partner, person, known.get(key_of(body)))]
        faults = self._faults(tx, partner, person, message, bodies, known, patients)
        if two:
            faults.insert(0, issue("sync-identity", "$.bundle.identifier", what="NHS number"))
            self.aside.keep_apart(tx, partner, message, two, faults[0])
        if faults:
            return self.aside.keep(tx, partner, message, person, faults)
        if held >= edition:
            return Receipt(message.id, "superseded", held, issues=lost)
        person = person or tx.add_person()
        if message.nhs_number is not None and not named:
            tx.identify(person, NHS_NUMBER, message.nhs_number)
        tx.set_edition(person, partner, edition)
        were = self._store_copy(tx, partner, person, bodies, known, patients)
        self._keep_currency(tx, person, partner, edition, message.content.get("sections"))
        if not new:
            _carried(tx, person, partner, bodies, edition)
            if put_back(tx, person, partner, message.content, held, edition):
                lost = (issue(LOST, "$.edition"),)
            note_decided(tx, person, partner, message.content.get("decided"))
        tx.askings.pulled(partner, _asked(message.content.get("asked")), person)
        settle(tx, self.home, self.check, person, were)
        if not new or tx.edition(person, self.home.ods):  # else there is nothing of ours to send, nor anywhere
            kinds = _weighed(were)
            spread(tx, self.home, person, kinds, own=False)
            ask_about_ties(tx, self.home, self.check, person, kinds, own=False)
        return Receipt(message.id, "stored", edition, issues=lost)

    @staticmethod
    def _not_known_to_its_sender(
        partner: str, message: Message, held: int, bodies: list[Body], known: Mapping[Key, Known],
        patients: Sequence[StoredResource],
    ) -> tuple[Issue, ...]:  # fmt: skip
        """Says that an edition is held that its custodian does not know to have made, of the same Patient alone."""
        ours = {one.id for one in patients if one.custodian == partner}
        if message.edition is None or ours.isdisjoint(str(one.get("id")) for one in _patients(bodies)):
            return ()
        texts = ((known.get(key_of(body)), content(body)) for body in bodies)
        differs = held == message.edition and any(one is None or one.said != said for one, said in texts)
        if not is_of_an_older_store(message.content, message.edition, held, differs=differs):
            return ()
        return (issue(LOST, "$.edition"),)

    def _came_later(self, tx: Tx, partner: str, person: str | None, known: Known | None) -> bool:
        """Whether what is held of a resource of this person's came after this text of it, which is tried again.

        What was set aside as well, and tried again before, came when it was set aside.
        """
        if self.aside.replay is None or known is None or known.stored.person not in (None, person):
            return False
        came = tx.quarantine.came(partner, replayed=known.stored.updated)
        return max(came) > self.aside.replay.received if came else known.stored.updated >= self.aside.replay.received

    def _keep_currency(self, tx: Tx, person: str, partner: str, edition: int, sections: Any) -> None:
        """Note which edition is held and what it covers.

        The copy is kept up to date again, unless this left before the notice that said it would not be.
        """
        covered = [name for name in sections if isinstance(name, str)] if isinstance(sections, list) else None
        copy = tx.currency.hold(self.home.ods, person, partner, edition, covered)
        if copy.ended_at is not None and (copy.sent is None or edition > copy.sent.edition):
            tx.currency.resume(self.home.ods, person, partner)

    def _faults(
        self, tx: Tx, partner: str, person: str | None, message: Message, bodies: list[Body],
        known: Mapping[Key, Known], patients: Sequence[StoredResource],
    ) -> list[Issue]:  # fmt: skip
        """Everything that speaks against storing a snapshot. patients: those held for the person."""
        found: list[Issue] = []
        if person is None and (message.nhs_number is None or message.edition is None):
            # nobody is made of a local identifier alone, nor of what a system that is no gateway holds
            found.append(issue("sync-unknown-person", "$.person"))
        if message.edition is not None and _is_a_second(partner, patients, bodies):
            found.append(issue("sync-identity", "$.bundle.entry", what="Patient"))
        for patient in _patients(bodies):
            doubt = None
            if nhs_number_in(patient) != message.nhs_number:
                doubt = contradiction(patient, [_known_as(tx, person, message.nhs_number)], "$.bundle")
            if person is not None and doubt is None:
                doubt = contradiction(patient, [one.body() for one in patients], "$.bundle")
            named = persons_by_local_identifier(tx, patient)
            if doubt is None and named and (person is None or not same_one(tx, {*named, person})):
                doubt = issue("sync-identity", "$.bundle.identifier", what="local identifier")
            if doubt is not None:
                found.append(doubt)
        for number, body in enumerate(bodies):
            place = f"$.bundle.entry[{number}].resource"
            kind, name = body.get("resourceType"), body.get("id")
            if not isinstance(kind, str) or not isinstance(name, str):
                found.append(issue("store-id-missing", place))
                continue
            other = names_somebody_else(tx, body, person)
            if other is not None:
                found.append(issue("sync-identity", f"{place}.{other}.identifier", what="NHS number"))
            held = known.get((kind, name))
            mixed = held is not None and held.stored.person not in (None, person) and kind not in SHARED_KINDS
            if mixed or (held is not None and held.stored.custodian != partner):
                found.append(issue("sync-custody", place, reference=f"{kind}/{name}"))
            if held is not None and held.said == content(body):
                continue  # it was checked when it was stored, and a snapshot repeats what did not change
            faults = self.check(body, errors_only=True)
            found += [one.at(f"{place}: {one.path}") for one in faults if has_errors([one])]
        return found

    def _store_copy(
        self, tx: Tx, partner: str, person: str, bodies: list[Body], known: Mapping[Key, Known],
        patients: Sequence[StoredResource],
    ) -> dict[Key, Body | None]:  # fmt: skip
        """Store what differs from the copy held; of what did, what it was before. patients: those held before."""
        were: dict[Key, Body | None] = {}
        changed: list[tuple[Body, str | None]] = []
        for key, body in {key_of(body): content(body) for body in bodies}.items():
            held = known.get(key)
            was = None if held is None else held.said
            if was == body:
                continue
            were[key] = was
            changed.append((body, held.stored.person if held is not None and key[0] in SHARED_KINDS else person))
        tx.put_all(changed, custodian=partner, absent=were.keys() - known.keys())
        for patient in _patients([body for body, _ in changed]):
            identify(tx, person, patient)
            self._flag(tx, partner, person, patient, [one.body() for one in patients if one.custodian != partner])
        return were

    def _flag(self, tx: Tx, partner: str, person: str, patient: Body, others: Sequence[Body]) -> None:
        """Have people look where the name or the address of the same person differs from what others keep."""
        for what in judge(patient, others).differs:
            said = f"The {what} that {partner} has for this person differs from what is held here. Both are kept."
            name = dumps([person, partner, what, patient.get("name"), patient.get("address")]).decode()
            raise_task(tx, self.home, self.check, person, name, "identity", said, once=True)

    # --- the other verbs

    def _proposal(self, tx: Tx, partner: str, person: str, message: Message) -> Receipt:
        if message.custodian != self.home.ods:
            found = issue("sync-custody", "$.custodian", reference="What this proposal is about")
            return Receipt(message.id, "refused", issues=(found,))
        base = message.content.get("base")
        projection = tx.projections.get(partner, person, self.home.ods, base) if is_edition(base) else None
        if projection is None:
            return Receipt(message.id, "refused", issues=(issue("sync-no-projection", "$.base"),))
        retracted = sealed_in(tx, message)
        if retracted:
            return self._seal_whole(tx, partner, person, message, retracted)
        merging = Merging(tx, self.home, self.check, partner, person)
        try:
            faults = merging.faults(message, projection)
            if not faults:
                with tx.whole():
                    return merging.merge(message, projection)
        except FhirMhError as fault:
            faults = list(fault.issues) or [issue("sync-unreadable", "$.bundle")]
        return self.aside.keep(tx, partner, message, person, faults)

    def _retracted(self, tx: Tx, partner: str, person: str | None, message: Message) -> Receipt:
        """What was written for the wrong person is sealed, whoever it is held about; what left before the notice is not
        taken in after it.
        """
        keys = _keys_named(message.content.get("items"))
        if keys is None or message.custodian != partner or message.edition is None:
            return Receipt(message.id, "refused", issues=(issue("sync-unknown-verb", "$.items", verb="notice"),))
        held = [one for one in tx.get_all(sorted(keys)).values() if one.custodian == partner]
        about = {(one.type, one.id): one.person for one in held if one.person is not None}
        if person is None and len(about) < len(keys):
            seal(tx, self.home, None, partner, keys - about.keys())
        said = f"{partner} has retracted something that it had recorded for the wrong person. It is sealed here."
        for whose in sorted({*about.values(), *([] if person is None else [person])}):
            tx.set_edition(whose, partner, max(tx.edition(whose, partner), message.edition))
            taken = seal(tx, self.home, whose, partner, keys)
            if taken.anything:
                name, told = task_of_each(message.id, whose), f"{said}{taken.told()}"
                raise_task(tx, self.home, self.check, whose, name, "identity", told)
            if taken.kinds:
                spread(tx, self.home, whose, taken.kinds, own=False)
                ask_about_ties(tx, self.home, self.check, whose, taken.kinds, own=False)
        return Receipt(message.id, "stored", 0 if person is None else tx.edition(person, partner))

    def _seal_whole(self, tx: Tx, partner: str, person: str | None, message: Message, keys: set[Key]) -> Receipt:
        """A message that brings back what was retracted is kept whole, and under a seal."""
        found = [issue("sync-retracted", "$.bundle", reference=f"{kind}/{name}") for kind, name in sorted(keys)]
        receipt = self.aside.keep(tx, partner, message, person, found)
        seal(tx, self.home, person, partner, keys)
        return receipt

    def _notice(self, tx: Tx, partner: str, person: str | None, message: Message) -> Receipt:
        """The copy is not kept up to date any more. Where there is none the answer does not tell who is known here."""
        if message.content.get("notice") != "sharing-ended" or message.custodian != partner:
            return Receipt(message.id, "refused", issues=(issue("sync-unknown-verb", "$.notice", verb="notice"),))
        if person is None:
            return Receipt(message.id, "stored", 0)
        held = tx.edition(person, partner)
        if message.edition is not None:
            if held > message.edition:  # sharing was resumed since
                return Receipt(message.id, "superseded", held)
            tx.currency.mark(self.home.ods, person, partner, "sent", message.edition)
        reason = message.content.get("reason")
        sentence = reason if isinstance(reason, str) and reason else _NO_REASON
        tx.currency.end(self.home.ods, person, partner, sentence)
        return Receipt(message.id, "stored", held)


def _is_a_second(partner: str, held: Sequence[StoredResource], bodies: list[Body]) -> bool:
    """Whether the Patients that come are others than those that this partner has sent of one person here.

    Then it holds two where one is held here, and their editions count apart: none of one stands for one of the other.
    """
    known = {one.id for one in held if one.custodian == partner}
    said = {str(patient.get("id")) for patient in _patients(bodies)}
    return bool(known and said) and known.isdisjoint(said)


def _is_retraction(message: Message) -> bool:
    return message.verb == "notice" and message.content.get("notice") == "entered-in-error"


def _weighed(were: Mapping[Key, Body | None]) -> set[str]:
    """The kinds of what a snapshot changed; a plan counts where it is new, for a change of one changes no standing."""
    return {kind for (kind, _), was in were.items() if kind != "CarePlan" or was is None}


def _asked(listed: Any) -> list[str]:
    """The askings of ours that a snapshot says it comes by."""
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []


def _keys_named(items: Any) -> set[Key] | None:
    """The resources that a notice names as Type/id; None where it does not name them so."""
    if not isinstance(items, list) or not all(isinstance(one, str) and one.count("/") == 1 for one in items):
        return None
    return {(one.partition("/")[0], one.partition("/")[2]) for one in items}


def _known_as(tx: Tx, person: str | None, number: str | None) -> Body:
    """Whom a message is about, as a Patient: by its number, and by every other that the person is known by here."""
    said = [] if number is None else [(NHS_NUMBER, number)]
    if person is not None and number is not None:
        said += [(FORMER_NHS_NUMBER, one) for one in dict.fromkeys(numbers_in(known_as(tx, person))) if one != number]
    return {"identifier": [{"system": system, "value": value} for system, value in said]}


def _by_patients(tx: Tx, bodies: list[Body]) -> str | None:
    """The one person whom a message's Patients name, by a superseded NHS number or by local identifiers; None for
    nobody, or several.
    """
    patients = _patients(bodies)
    numbered = persons_by_number(tx, [number for patient in patients for number in numbers_in(patient)])
    known = {*numbered, *(person for patient in patients for person in persons_by_local_identifier(tx, patient))}
    return known.pop() if len(known) == 1 else None


def _patients(bodies: list[Body]) -> list[Body]:
    return [body for body in bodies if body.get("resourceType") == "Patient"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is held under the name of a resource that arrives; said: its content, None where it was deleted."""

    stored: StoredResource
    said: Body | None


def _known(tx: Tx, bodies: list[Body]) -> dict[Key, Known]:
    """What is held under each name, read once."""
    found = tx.get_all(list({key_of(body): None for body in bodies}))
    return {key: Known(held, None if held.deleted else content(held.body())) for key, held in found.items()}


def _carried(tx: Tx, person: str, custodian: str, bodies: list[Body], edition: int) -> None:
    """Note on our proposals to this custodian that an edition has shown us all they were about."""
    keys = {f"{body['resourceType']}/{body['id']}" for body in bodies}
    for proposal in tx.proposals.find(person, direction="sent"):
        if proposal.custodian == custodian and keys.issuperset(_awaited(load_object(proposal.payload))):
            said = load_object(proposal.outcome) if proposal.outcome else {}
            tx.proposals.settle(proposal.id, proposal.state, dumps({**said, "carried": edition}).decode())


def _awaited(payload: Body) -> set[str]:
    """The resources that show what came of a proposal: those it changes, for a new one may have another id there."""
    return {f"{body['resourceType']}/{body['id']}" for body in payload["before"]} or set(payload["paths"])
