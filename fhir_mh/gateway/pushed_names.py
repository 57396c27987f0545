"""What a partner calls the resources of a Bundle that it sends: its own ids, whatever the Bundle calls them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_mh.connectors.fhir_server.naming import Body, Key, Names, references_at
from fhir_mh.errors import VersionConflict
from fhir_mh.fhir.json import dumps
from fhir_mh.fhir.parts import objects_in
from fhir_mh.fhir.urls import ITEM_ID
from fhir_mh.gateway.holding import content
from fhir_mh.gateway.identity import same_one
from fhir_mh.gateway.last_shown import SentThere
from fhir_mh.gateway.resources import TransactionEntry, moved
from fhir_mh.gateway.servers import FromServer
from fhir_mh.issues import Issue, issue
from fhir_mh.profiles.bundle import SHARED_KINDS, identifier_of
from fhir_mh.profiles.subjects import subjects_in
from fhir_mh.store import StoredResource, Tx

_NAMESPACE = uuid.UUID("5d1c3a0e-77f4-5b1b-8a3e-2c9a1f0d6b47")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_URN = "urn:uuid:"
_DEPTH = 3
"""How many targets are followed from a resource that is about another one, as a Provenance is."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One entry. body: the resource under the partner's own id, its references too. passed: a conditional create of
    what is here already, which R4 has do nothing."""

    entry: TransactionEntry
    body: Body
    passed: bool

    @property
    def key(self) -> Key:
        """(type, id there)."""
        return str(self.body["resourceType"]), str(self.body["id"])


class Named:
    """The entries of one Bundle by the partner's own names. Raises InvalidResource, VersionConflict as it is made.

    ours: (type, id there) -> id here, of the entries and of what was sent there and is noted nowhere yet. astray: a
    finding for each reference to what is neither in the Bundle nor known to be there, or is about another person.
    """

    def __init__(self, tx: Tx, reading: FromServer, entries: Sequence[TransactionEntry]) -> None:
        self.tx, self.reading, self.entries = tx, reading, entries
        self._sent_of: dict[str, SentThere] = {}
        self.names = Names(reading.partner, reading.bases)
        found = [self._id_there(entry) for entry in entries]
        urls = {
            entry.full_url: f"{entry.body['resourceType']}/{there}"
            for entry, (there, _) in zip(entries, found, strict=True)
            if entry.full_url
        }
        named = [(str(entry.body["resourceType"]), there) for entry, (there, _) in zip(entries, found, strict=True)]
        self.ours: dict[Key, str] = {}
        self.astray: list[Issue] = []
        self.sent = [
            Sent(
                entry,
                self._referring(moved({**entry.body, "id": there}, urls, entry.path), entry.path, named),
                known and self._passes(entry, there),
            )
            for entry, (there, known) in zip(entries, found, strict=True)
        ]
        self.by_key = {one.key: one for one in self.sent}
        others = (one for one in self.sent if one.key[0] != "Patient")
        self.ours |= {one.key: reading.name(tx, one.body, self._people_of(one.entry)) for one in others}

    # --- its ids

    def _id_there(self, entry: TransactionEntry) -> tuple[str, bool]:
        """What the partner calls it, and whether a conditional create of it finds it here."""
        kind, name = str(entry.body["resourceType"]), entry.body.get("id")
        noted = self.tx.server_copies
        if entry.id is not None:
            if noted.at(self.reading.partner, kind, entry.id) is not None:
                return entry.id, False
            here = noted.get(self.reading.partner, kind, entry.id)
            return (here.remote_id if here is not None and self._means(entry, entry.id) else entry.id), False
        addressed = self.names.target(entry.full_url)
        if addressed is not None and addressed[0] == kind:
            return addressed[1], False
        ours = self._marked(entry)
        copy = noted.get(self.reading.partner, kind, ours) if ours is not None else None
        if copy is not None:
            return copy.remote_id, False
        found = self._found(entry, kind, entry.condition) if entry.condition is not None else None
        if found is not None:
            return found, entry.method == "POST"
        if isinstance(name, str) and _ID.fullmatch(name):
            return name, False
        if entry.condition is not None:
            return str(uuid.uuid5(_NAMESPACE, f"{kind}?{'|'.join(entry.condition)}")), False
        if entry.full_url and _ID.fullmatch(there := entry.full_url.removeprefix(_URN)):
            return there, False
        return str(uuid.uuid5(_NAMESPACE, entry.full_url or dumps(entry.body).decode())), False

    def _means(self, entry: TransactionEntry, name: str) -> bool:
        """Whether an id that is known here is meant as that, and not as an id there that happens to be alike."""
        held = self.tx.get(str(entry.body["resourceType"]), name)
        own = held is not None and held.custodian == self.reading.partner
        return own or self._marked(entry) == name

    def _marked(self, entry: TransactionEntry) -> str | None:
        return self.reading.by_mark(self.tx, entry.body, self._people_of(entry))

    def _people_of(self, entry: TransactionEntry) -> set[str]:
        """The persons here whom the Patient is, or may be, whom an entry is about; of what names none, those of all.

        Looked up only of what has an identifier of ours: nothing else asks for them.
        """
        if identifier_of(entry.body) is None:
            return set()
        if entry.body["resourceType"] == "Patient":
            return self.reading.people(self.tx, _with_id(entry))
        about = [reference for _, reference in subjects_in(entry.body)]
        about = about or [reference for one in self.entries for _, reference in subjects_in(one.body)]
        return {person for reference in dict.fromkeys(about) for person in self._people(reference)}

    def _people(self, reference: str) -> set[str]:
        """The persons here whom the Patient is, or may be, to whom a reference leads, in the Bundle or here."""
        target = self.names.target(reference)
        named = reference if target is None else "/".join(target)
        beside = next((one for one in self.entries if named in _names_of(one)), None)
        if beside is not None:
            return self.reading.people(self.tx, _with_id(beside))
        held = None if target is None else self.held(target)
        return set() if held is None or held.person is None else {held.person}

    def _found(self, entry: TransactionEntry, kind: str, wanted: tuple[str, str]) -> str | None:
        """What the partner calls what its condition finds here. Raises VersionConflict where that is more than one."""
        keepers = [self.reading.partner, *([self.reading.home.ods] if wanted[0] == ITEM_ID else [])]
        met = self.tx.search(kind, identifiers=[wanted], custodians=keepers).entries
        own, noted = self.reading.partner, self.tx.server_copies
        found = [
            one
            for one in met
            if one.custodian == own or noted.get(own, kind, one.id) is not None or self._was_sent((kind, one.id))
        ]
        if len(found) > 1:
            problem, fix = "more than one resource has this identifier", "Name the one that is meant by its id."
            place = entry.path.removesuffix(".resource") + ".request"
            raise VersionConflict(issues=[issue("rest-bundle-entry", place, problem=problem, fix=fix)])
        copy = noted.get(own, kind, found[0].id) if found else None
        return copy.remote_id if copy is not None else found[0].id if found else None

    def _passes(self, entry: TransactionEntry, there: str) -> bool:
        """Whether what is found is left as it is: but for a Patient who cannot be the same, it is."""
        kind = str(entry.body["resourceType"])
        held = self.held((kind, there))
        return kind != "Patient" or held is None or self.reading.contradiction(entry.body, held.body()) is None

    def held(self, key: Key) -> StoredResource | None:
        """What is held here of a resource of the partner, be it ours or its own; None where nothing is."""
        held = self.tx.get(key[0], self.reading.called(self.tx, *key))
        return None if held is None or held.deleted else held

    def now(self, sent: Sent) -> StoredResource | None:
        """What is held here of an entry by now, be it deleted."""
        return self.tx.get(sent.key[0], self.ours.get(sent.key) or self.reading.own_name(self.tx, *sent.key))

    # --- what they refer to

    def _referring(self, value: Any, path: str, beside: Collection[Key]) -> Any:
        """The JSON with what it names by an id of ours named as the partner calls it."""
        if isinstance(value, list):
            return [self._referring(inner, f"{path}[{n}]", beside) for n, inner in enumerate(value)]
        if not isinstance(value, dict):
            return value
        out = {key: self._referring(inner, f"{path}.{key}", beside) for key, inner in value.items()}
        target = self.names.target(value.get("reference"))
        if target is not None:
            there = target if target in beside else self._known_there(target)
            if there is None:
                where, otherwise = " in the Bundle", ", or send that first, or name it by its identifier alone"
                place = f"{path}.reference"
                self.astray.append(issue("validate-reference-unresolved", place, where=where, otherwise=otherwise))
            elif there != self.names.target(value["reference"]):
                out["reference"] = f"{there[0]}/{there[1]}"
        return out

    def _known_there(self, key: Key) -> Key | None:
        """What a reference names, by the partner's name for it: what lies there, its own here, or ours it was sent."""
        noted, partner = self.tx.server_copies, self.reading.partner
        if noted.at(partner, *key) is not None or self.held(key) is not None:
            return key
        ours = noted.get(partner, *key)
        if ours is not None:
            return key[0], ours.remote_id
        if self._was_sent(key):
            self.ours[key] = key[1]
            return key
        return None

    def _was_sent(self, key: Key) -> bool:
        """Whether this is kept here by us, and the partner was ever sent it."""
        held = self.tx.get(*key)
        if held is None or held.custodian != self.reading.home.ods or held.person is None:
            return False
        return self.sent_of(held.person).ever(key)

    def sent_of(self, person: str) -> SentThere:
        """What the partner was sent about a person, read once."""
        if person not in self._sent_of:
            self._sent_of[person] = SentThere(self.tx, self.reading.home, self.reading.partner, person)
        return self._sent_of[person]

    # --- whose they are

    def patient_of(self, sent: Sent, depth: int = _DEPTH) -> Key | None:
        """The Patient whom an entry is about, by the partner's name; None where it names none."""
        if sent.key[0] == "Patient":
            return sent.key
        for _, reference in subjects_in(sent.body):
            target = self.names.target(reference)
            if target is not None and target[0] == "Patient":
                return target
        for one in objects_in(sent.body.get("target")) if depth else ():
            target = self.names.target(one.get("reference"))
            if target is None or target[0] == "Patient":
                return target
            beside = self.by_key.get(target)
            found = self._patient_of_held(target) if beside is None else self.patient_of(beside, depth - 1)
            if found is not None:
                return found
        return None

    def _patient_of_held(self, key: Key) -> Key | None:
        held = self.held(key)
        if held is None or held.person is None:
            return None
        found = self.tx.search("Patient", persons=[held.person], custodians=[self.reading.partner]).entries
        return ("Patient", found[0].id) if found else None

    def person(self, key: Key) -> str | None:
        """The person here who a Patient is: as the Bundle has them, else as they are held; None for nobody known."""
        beside = self.by_key.get(key)
        if beside is not None and not beside.passed:
            return self.reading.person(self.tx, beside.body)[0]
        held = self.held(key)
        return None if held is None else held.person

    def patient(self, key: Key) -> tuple[Body, bool] | None:
        """A Patient as the Bundle has them (True), else as they are held here (False); None where neither is."""
        beside = self.by_key.get(key)
        if beside is not None and not beside.passed:
            return beside.body, True
        held = self.held(key)
        return None if held is None else ({**content(held.body()), "id": key[1]}, False)

    def crossing(self, one: Sent, person: str) -> Iterator[Issue]:
        """A finding for each reference of an entry about a person to what is about another."""
        for path, reference in references_at(one.body, one.entry.path) if one.key[0] != "Patient" else ():
            target = self.names.target(reference)
            if target is None or target[0] in SHARED_KINDS:
                continue
            whose = self._whose(target)
            if self._is_of_another(one, target) if whose is None else not same_one(self.tx, {whose, person}):
                yield issue("server-pushed-person", path)

    def _is_of_another(self, one: Sent, target: Key) -> bool:
        """Whether what an entry refers to stands in the Bundle, about another Patient whom nobody knows here."""
        beside = self.by_key.get(target)
        about = None if beside is None or beside.passed else self.patient_of(beside)
        return about is not None and about != self.patient_of(one)

    def _whose(self, key: Key) -> str | None:
        """The person here whom something is about that is in the Bundle or held here; None for nobody."""
        beside = self.by_key.get(key)
        if beside is not None and not beside.passed:
            about = self.patient_of(beside)
            return None if about is None else self.person(about)
        held = self.tx.get(key[0], self.ours.get(key) or self.reading.called(self.tx, *key))
        return None if held is None else held.person

    def provides(self, bodies: Sequence[Body]) -> Iterator[Sent]:
        """Who provides what, of the Bundle, as far as these name them."""
        found: set[Key] = set()
        fresh = list(bodies)
        while fresh:
            targets = self.names.targets(fresh) - found
            more = [one for one in self.sent if one.key in targets and one.key[0] in SHARED_KINDS]
            fresh = [one.body for one in more]
            found |= {one.key for one in more}
            yield from (one for one in more if not one.passed)


def _with_id(entry: TransactionEntry) -> Body:
    """A resource under the id of its address, where that has one."""
    return entry.body if entry.id is None else {**entry.body, "id": entry.id}


def _names_of(entry: TransactionEntry) -> set[str]:
    """By what others in the Bundle may refer to an entry."""
    body = _with_id(entry)
    return {name for name in (entry.full_url, f"{body['resourceType']}/{body.get('id')}") if name}
