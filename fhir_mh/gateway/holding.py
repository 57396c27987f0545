"""What is held for one person: resources of several custodians, and the one record they make."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from fhir_mh.fhir.json import load_object
from fhir_mh.fhir.parts import without_meta
from fhir_mh.mapping.row_paths import item_at_head, of_item
from fhir_mh.profiles.addresses import Entry
from fhir_mh.profiles.bundle import SHARED_KINDS, Place, Reading, identifier_of, read_entries, table_of
from fhir_mh.profiles.table import Table
from fhir_mh.records.called import is_uuid
from fhir_mh.store import StoredResource, Tx

Tree = dict[str, Any]
Key = tuple[str, str]
_SHARED = re.compile(rb'"reference":"(%s)/([A-Za-z0-9\-.]{1,64})"' % "|".join(SHARED_KINDS).encode())
_NAMES = uuid.UUID("0b7a1a52-3f0f-5c0a-9d55-4f2d6f1c7be3")
_NUMBER_ALONE = {"resourceType", "id", "meta", "identifier"}


def key_of(resource: Mapping[str, Any]) -> Key:
    """What a resource is known by in a store: its type and id."""
    return str(resource.get("resourceType")), str(resource.get("id"))


def content(resource: Mapping[str, Any]) -> dict[str, Any]:
    """A resource without what a server says of its own storing (meta.versionId, meta.lastUpdated)."""
    return without_meta(resource, ("versionId", "lastUpdated"))


@dataclass
class Holding:
    """One person's resources as of one transaction. own: the organisation whose gateway this is.

    retracted: where items of ours stood that were recorded for the wrong person. A system may hold one still: by its
    id nobody else's is shown.
    """

    person: str
    own: str
    bodies: dict[Key, dict[str, Any]] = field(default_factory=dict)
    custodians: dict[Key, str] = field(default_factory=dict)
    retracted: Callable[[], Collection[Place]] = frozenset

    def add(self, stored: StoredResource) -> None:
        """Take in one more of the person's resources."""
        key = (stored.type, stored.id)
        self.bodies[key] = content(stored.body())
        self.custodians[key] = stored.custodian

    @cached_property
    def reading(self) -> Reading:
        """The resources read through the tables; several Patients are one person here.

        Our own Patient says who it is, unless it was made of an NHS number alone and another says more.
        """
        ordered = sorted(self.bodies, key=lambda key: key[0] == "Patient" and self._stands_back(key))
        entries = [Entry(self.bodies[key], f"{key[0]}/{key[1]}", keeper=self._other(key)) for key in ordered]
        return read_entries(entries, same_person=True, person=self.person, own=self.own, spoken_for=self.retracted)

    def _other(self, key: Key) -> str:
        """Who keeps a resource; empty where that is us."""
        keeper = self.custodians.get(key, self.own)
        return "" if keeper == self.own else keeper

    def _stands_back(self, patient: Key) -> int:
        number_alone = self.bodies[patient].keys() <= _NUMBER_ALONE
        return 2 * number_alone + (self.custodians.get(patient) != self.own)

    @property
    def tree(self) -> Tree:
        """The record tree of what is acknowledged."""
        return self.reading.tree if self.bodies else {"person": {}}

    @cached_property
    def primaries(self) -> dict[tuple[str, str], Key]:
        """(record list, item id) -> the item's primary resource."""
        return {
            (found.table.field, found.item_id): key_of(found.entry.resource)
            for found in (self.reading.taken if self.bodies else ())
            if found.table is not None and found.table.primary
        }

    @cached_property
    def keepers(self) -> dict[tuple[str, str], str]:
        """(record list, item id) -> custodian of the item's primary resource."""
        return {place: self.custodians[key] for place, key in self.primaries.items()}

    @cached_property
    def keepers_by_name(self) -> dict[tuple[str, str], str]:
        """(record list, what its keeper calls an item) -> its keeper: us, of those that are called alike."""
        named = [((place[0], self._called.get(place, place[1])), keeper) for place, keeper in self.keepers.items()]
        return dict(sorted(named, key=lambda one: one[1] == self.own))

    @cached_property
    def _called(self) -> dict[tuple[str, str], str]:
        """(record list, item id) -> what its keeper calls the item, of those that are shown by another id."""
        return {
            (found.table.field, found.item_id): found.called
            for found in (self.reading.taken if self.bodies else ())
            if found.table is not None and found.table.primary and found.called is not None
        }

    def as_kept(self, path: str) -> str:
        """A row of the record, as its keeper calls it."""
        name, item = item_at_head(path)
        return of_item(path, self._called.get((name, item or ""), item or ""))

    def as_shown(self, path: str, keeper: str) -> str:
        """A row of this keeper's, which it calls so, as the record shows it."""
        name, item = item_at_head(path)
        shown = (place for place, called in self._called.items() if (place[0], called) == (name, item))
        return of_item(path, next((one for field, one in shown if self.keepers[field, one] == keeper), item or ""))

    def custodian_of(self, key: Key, table: Table, item_id: str) -> str:
        """Who keeps a resource, or would keep it if it came to be."""
        field_name = table.field
        return self.custodians.get(key) or self.keepers.get((field_name, item_id)) or self.own

    def with_bodies(self, bodies: Iterable[Mapping[str, Any]], keeper: str | None = None) -> Holding:
        """The same holding with these resources in place of, or beside, its own. keeper: of those that are new here,
        where that is another than us.
        """
        replaced = {**self.bodies, **{key_of(body): dict(body) for body in bodies}}
        keepers = {**dict.fromkeys(replaced, keeper or self.own), **self.custodians}
        return replace(self, bodies=replaced, custodians=keepers)

    def patients(self) -> list[dict[str, Any]]:
        """Every Patient resource held for the person."""
        return [body for (kind, _), body in self.bodies.items() if kind == "Patient"]


def about(tx: Tx, person: str) -> list[StoredResource]:
    """Everything current about a person, and whom and what it refers to.

    Organisations, professionals, services and places may be shared by many people's records; they belong to
    each record that refers to them.
    """
    return _with_shared(tx.person_resources(person), tx.get_all)


def kept_by(custodian: str, person: str, found: Iterable[StoredResource]) -> list[StoredResource]:
    """Of everything about a person what one custodian keeps, and what of its own that refers to."""
    ours = {(stored.type, stored.id): stored for stored in found if stored.custodian == custodian}
    return _with_shared([stored for stored in ours.values() if stored.person == person], lambda _: ours)


def _with_shared(
    found: Iterable[StoredResource], look: Callable[[Sequence[Key]], Mapping[Key, StoredResource]]
) -> list[StoredResource]:
    """These resources, and what they refer to of that which may be shared, as far as it can be looked up."""
    all_ = fresh = list(found)
    known = {(stored.type, stored.id) for stored in fresh}
    while fresh:
        named = {(m[1].decode(), m[2].decode()) for stored in fresh for m in _SHARED.finditer(stored.text)} - known
        known |= named
        held = look(sorted(named))
        fresh = [held[key] for key in sorted(named) if key in held and not held[key].deleted]
        all_ = [*all_, *fresh]
    return all_


def about_sides(tx: Tx, person: str) -> dict[str, list[StoredResource]]:
    """Everything current about everybody who is one with a person, by person: the one kept first."""
    return {side: about(tx, side) for side in tx.merges.sides(person)}


def each_once(sides: Mapping[str, Iterable[StoredResource]]) -> list[StoredResource]:
    """What about_sides gives, each resource once."""
    return list({(one.type, one.id): one for found in sides.values() for one in found}.values())


def patients_of(tx: Tx, person: str) -> list[StoredResource]:
    """Every Patient resource held for a person."""
    return tx.person_resources(person, type="Patient")


def hold(tx: Tx, person: str, own: str) -> Holding:
    """Everything current about a person."""
    holding = Holding(person, own, retracted=partial(_retracted, tx, person, own))
    for stored in about(tx, person):
        holding.add(stored)
    return holding


def _retracted(tx: Tx, person: str, own: str) -> set[Place]:
    """Where items of ours stood that were retracted as recorded for the wrong person."""
    bodies = (body for keeper, _, body in retracted_texts(tx, person) if keeper == own)
    each = ((table_of(body), body) for body in bodies)
    return {(table.field, identifier_of(body) or str(body["id"])) for table, body in each if table and table.primary}


def retracted_texts(tx: Tx, person: str) -> Iterator[tuple[str, Key, dict[str, Any]]]:
    """Every version that is under a seal of a person: who kept it, the key of its resource here, and what it says."""
    for seal in tx.seals.find(person=person):
        for text in tx.seals.texts(seal.id):
            if text.version:
                yield seal.custodian, (text.kind, text.name), load_object(text.text)


def is_taken(tx: Tx, person: str, name: str) -> bool:
    """Whether a Task of this person may not have this id: what had it is under a seal, or is about somebody else.

    Placements of two people may be counted alike, and Tasks about them are called after them.
    """
    held = tx.get("Task", name)
    return (held is not None and held.person not in (None, person)) or tx.seals.holds("Task", name)


def counted_name(person: str, name: str) -> str:
    """What an entry of a person's record is called among those of others, where its id may mean another item there."""
    return str(uuid.uuid5(_NAMES, f"{person}/{name}"))


def name_apart(person: str, name: str, taken: Collection[str] = ()) -> str:
    """What an entry of a person is called among the entries of others: its id where that is a UUID.

    Any other is counted by that record for itself, and may mean another item there, as one that is taken does.
    """
    return name if is_uuid(name) and name not in taken else counted_name(person, name)
