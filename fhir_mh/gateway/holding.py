"""What is held for one person: resources of several custodians, and the one record they make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fhir_mh.fhir.parts import without_meta
from fhir_mh.profiles.addresses import Entry
from fhir_mh.profiles.bundle import SHARED_KINDS, Reading, read_entries
from fhir_mh.profiles.table import Table
from fhir_mh.store import StoredResource, Tx

Tree = dict[str, Any]
Key = tuple[str, str]
_SHARED = re.compile(rb'"reference":"(%s)/([A-Za-z0-9\-.]{1,64})"' % "|".join(SHARED_KINDS).encode())
_NUMBER_ALONE = {"resourceType", "id", "meta", "identifier"}
APPEND_ONLY = ("statements", "refusals", "nominations", "powers_of_attorney", "choice_documents", "sharing")
"""Decisions of the person: a later one ends an earlier one, nobody edits one."""


def key_of(resource: Mapping[str, Any]) -> Key:
    """What a resource is known by in a store: its type and id."""
    return str(resource.get("resourceType")), str(resource.get("id"))


def content(resource: Mapping[str, Any]) -> dict[str, Any]:
    """A resource without what a server says of its own storing (meta.versionId, meta.lastUpdated)."""
    return without_meta(resource, ("versionId", "lastUpdated"))


@dataclass
class Holding:
    """One person's resources as of one transaction. own: the organisation whose gateway this is."""

    person: str
    own: str
    bodies: dict[Key, dict[str, Any]] = field(default_factory=dict)
    custodians: dict[Key, str] = field(default_factory=dict)

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
        entries = [Entry(self.bodies[key], f"{key[0]}/{key[1]}") for key in ordered]
        return read_entries(entries, same_person=True)

    def _stands_back(self, patient: Key) -> int:
        number_alone = self.bodies[patient].keys() <= _NUMBER_ALONE
        return 2 * number_alone + (self.custodians.get(patient) != self.own)

    @property
    def tree(self) -> Tree:
        """The record tree of what is acknowledged."""
        return self.reading.tree if self.bodies else {"person": {}}

    @cached_property
    def keepers(self) -> dict[tuple[str, str], str]:
        """(record list, item id) -> custodian of the item's primary resource."""
        return {
            (found.table.field, found.item_id): self.custodians[key_of(found.entry.resource)]
            for found in (self.reading.taken if self.bodies else ())
            if found.table is not None and found.table.primary
        }

    def custodian_of(self, key: Key, table: Table, item_id: str) -> str:
        """Who keeps a resource, or would keep it if it came to be."""
        field_name = table.field
        return self.custodians.get(key) or self.keepers.get((field_name, item_id)) or self.own

    def with_bodies(self, bodies: Iterable[Mapping[str, Any]]) -> Holding:
        """The same holding with these resources in place of, or beside, its own."""
        replaced = {**self.bodies, **{key_of(body): dict(body) for body in bodies}}
        return Holding(self.person, self.own, replaced, {**dict.fromkeys(replaced, self.own), **self.custodians})

    def patients(self) -> list[dict[str, Any]]:
        """Every Patient resource held for the person."""
        return [body for (kind, _), body in self.bodies.items() if kind == "Patient"]


def about(tx: Tx, person: str, custodian: str | None = None) -> list[StoredResource]:
    """Everything current about a person, of one custodian or of all, and whom and what it refers to.

    Organisations, professionals, services and places may be shared by many people's records; they belong to
    each record that refers to them.
    """
    found = tx.person_resources(person, custodian)
    known = {(stored.type, stored.id) for stored in found}
    fresh = list(found)
    while fresh:
        named = {(m[1].decode(), m[2].decode()) for stored in fresh for m in _SHARED.finditer(stored.text)} - known
        known |= named
        others = [tx.get(kind, name) for kind, name in sorted(named)]
        fresh = [o for o in others if o is not None and not o.deleted and custodian in (None, o.custodian)]
        found += fresh
    return found


def about_one(tx: Tx, person: str) -> list[StoredResource]:
    """The same of everybody who is one with a person, each resource once."""
    found = {(one.type, one.id): one for side in tx.merges.sides(person) for one in about(tx, side)}
    return list(found.values())


def patients_of(tx: Tx, person: str) -> list[StoredResource]:
    """Every Patient resource held for a person."""
    return tx.person_resources(person, type="Patient")


def hold(tx: Tx, person: str, own: str) -> Holding:
    """Everything current about a person."""
    holding = Holding(person, own)
    for stored in about(tx, person):
        holding.add(stored)
    return holding
