"""Resources: every version is kept, a deletion is a version too, and the newest is what is read and searched."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from fhir_mh.clock import instant
from fhir_mh.errors import Conflict, Gone, InvalidResource, NotFound, VersionConflict
from fhir_mh.fhir.json import dumps
from fhir_mh.issues import issue
from fhir_mh.store.noting import listening, note_change
from fhir_mh.store.part import among, pairs, some_at_once
from fhir_mh.store.people import People
from fhir_mh.store.search import Cursor, Updated, count_of, entries_of
from fhir_mh.store.session import Row, refuse_null
from fhir_mh.store.values import Page, StoredResource, from_ms

_NEWEST = (
    "SELECT r.type, r.id, v.version, r.person, v.custodian, v.deleted, v.updated, v.text FROM resources r"
    " JOIN versions v ON v.resource = r.key AND v.version = r.version"
)
_ANY = (
    "SELECT r.type, r.id, v.version, r.person, v.custodian, v.deleted, v.updated, v.text FROM resources r"
    " JOIN versions v ON v.resource = r.key"
)


def stored(row: Row) -> StoredResource:
    """The row of _NEWEST or _ANY as a value."""
    return StoredResource(row[0], row[1], row[2], row[3], row[4], bool(row[5]), from_ms(row[6]), row[7].encode())


def stamped(resource: Mapping[str, Any], version: int, updated: datetime) -> dict[str, Any]:
    """The resource with meta.versionId and meta.lastUpdated of this version; all else, and its order, as it was."""
    meta = {**(resource.get("meta") or {}), "versionId": str(version), "lastUpdated": instant(updated)}
    if "meta" in resource:
        return {**resource, "meta": meta}
    first = {name: resource[name] for name in ("resourceType", "id") if name in resource}
    return {**first, "meta": meta, **resource}


def _key_of(resource: Mapping[str, Any]) -> Key:
    """Raises InvalidResource without resourceType and id."""
    type, id = resource.get("resourceType"), resource.get("id")
    if not (isinstance(type, str) and isinstance(id, str) and type and id):
        raise InvalidResource(issues=[issue("store-id-missing", "$")])
    return type, id


def identifiers_in(resource: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(value, system) of each identifier with a value; a missing system is the empty text."""
    found = resource.get("identifier")
    entries = found if isinstance(found, list) else [found]
    return {
        (entry["value"], system if isinstance(system := entry.get("system"), str) else "")
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("value"), str)
    }


Key = tuple[str, str]
"""A resource's type and id."""


class Resources(People):
    """The resources of one store, within one transaction."""

    # --- read

    def get(self, type: str, id: str) -> StoredResource | None:
        """The newest version, a deletion included; None for what never was."""
        return self.get_all([(type, id)]).get((type, id))

    def get_all(self, keys: Sequence[Key]) -> dict[Key, StoredResource]:
        """The newest version of each of these, deletions included; what never was is left out."""
        asked = [(f"{_NEWEST} WHERE {condition}", values) for condition, values in pairs("type", "id", keys)]
        rows = [row for sql, values in asked for row in self.session.all(sql, *values)]
        return {(row[0], row[1]): stored(row) for row in rows}

    def fetch(self, type: str, id: str) -> StoredResource:
        """The newest version. Raises NotFound for what never was, Gone for what was deleted."""
        found = self.get(type, id)
        if found is None:
            raise NotFound(issues=[issue("store-not-found", type, type=type)])
        if found.deleted:
            raise Gone(issues=[issue("store-gone", type, type=type, version=found.version)])
        return found

    def get_version(self, type: str, id: str, version: int) -> StoredResource | None:
        """One version, a deletion included; None where there is none of that number."""
        row = self.session.one(f"{_ANY} WHERE r.type = ? AND r.id = ? AND v.version = ?", type, id, version)
        return None if row is None else stored(row)

    def history(self, type: str, id: str, *, before: int | None = None, limit: int = 50) -> Page:
        """Versions, newest first, deletions included; next is the version to give as before for the following page.

        The page is empty for what never was.
        """
        clause, values = ("", ()) if before is None else (" AND v.version < ?", (before,))
        rows = self.session.all(
            f"{_ANY} WHERE r.type = ? AND r.id = ?{clause} ORDER BY v.version DESC LIMIT ?",
            type,
            id,
            *values,
            limit + 1,
        )
        entries = tuple(stored(row) for row in rows[:limit])
        return Page(entries, str(entries[-1].version) if len(rows) > limit else None)

    def person_of(self, type: str, id: str) -> str | None:
        """Whom a resource is about; None when nobody is known, also for deleted and unknown resources."""
        row = self.session.one("SELECT person FROM resources WHERE type = ? AND id = ? AND NOT deleted", type, id)
        return None if row is None else row[0]

    def person_resources(
        self, person: str, custodian: str | None = None, *, type: str | None = None
    ) -> list[StoredResource]:
        """What is current about a person, of one custodian and type or of all, in the order it was first stored."""
        clause, values = among(**{"r.custodian": custodian, "r.type": type})
        rows = self.session.all(
            f"{_NEWEST} WHERE r.person = ? AND NOT r.deleted{clause} ORDER BY r.key", person, *values
        )
        return [stored(row) for row in rows]

    def search(
        self,
        type: str | None = None,
        *,
        persons: Sequence[str] | None = None,
        identifiers: Sequence[tuple[str | None, str]] | None = None,
        ids: Sequence[str] | None = None,
        custodians: Sequence[str] | None = None,
        updated: Sequence[Updated] = (),
        cursor: str | None = None,
        limit: int = 50,
        count: bool = False,
    ) -> Page:
        """What is current and matches every criterion given; within one criterion any value matches.

        identifiers: (system, value); a system of None matches any system, "" only identifiers without one.
        updated: pairs of ge, le, gt or lt and a time. Entries come in the order they were first stored, which no
        later write changes: pages neither repeat nor skip. Raises InvalidResource for a cursor not made here.
        """
        criteria = {"persons": persons, "identifiers": identifiers, "ids": ids, "custodians": custodians}
        refuse_null(part for pair in identifiers or () for part in pair)
        refuse_null([*(persons or ()), *(ids or ()), *(custodians or ())])
        start = Cursor.read(cursor)
        rows = entries_of(self.session.connection, type, criteria, updated, start, limit + 1)
        following = Cursor(rows[limit - 1][8]).text() if len(rows) > limit else None
        total = count_of(self.session.connection, type, criteria, updated) if count else None
        return Page(tuple(stored(row) for row in rows[:limit]), following, total)

    # --- write

    def put(
        self, resource: Mapping[str, Any], *, person: str | None, custodian: str, expected_version: int | None = None
    ) -> StoredResource:
        """Store the next version of a resource and answer it as it is now served.

        expected_version: the version this is a change of; 0 means that there must be none yet. Without it the
        newest is replaced, and what was deleted comes back. Raises VersionConflict where the expectation is wrong,
        InvalidResource without resourceType and id, NotFound for an unknown person, Conflict where the resource
        is about somebody else. The caller's dict is left as it is.
        """
        (made,) = self._store([(resource, person)], custodian, expected_version)
        return made

    def put_all(
        self, resources: Sequence[tuple[Mapping[str, Any], str | None]], *, custodian: str, absent: Collection[Key] = ()
    ) -> None:
        """Store the next version of each of these different resources of one custodian, with whom it is about.

        As put, in a few statements for all. absent: those that this transaction has asked for and that never were.
        """
        self._store(resources, custodian, None, absent)

    def _store(
        self,
        wanted: Sequence[tuple[Mapping[str, Any], str | None]],
        custodian: str,
        expected: int | None,
        absent: Collection[Key] = (),
    ) -> list[StoredResource]:
        keys = [_key_of(resource) for resource, _ in wanted]
        for person in dict.fromkeys(person for _, person in wanted):
            if person is not None:
                self.touch(person, custodian)
        held, new = self._current([key for key in keys if key not in absent]), []
        for key, (_, person) in zip(keys, wanted, strict=True):
            self._expect(key[0], held.get(key), expected)
            if key in held:
                self._replace(key[0], held[key], person, custodian, deleted=False)
            else:
                new.append((*key, person))
        numbers = {key: int(row[0]) for key, row in held.items()} | self._insert(new, custodian)
        made = []
        for key, (resource, person) in zip(keys, wanted, strict=True):
            version = int(held[key][1]) + 1 if key in held else 1
            text = dumps(stamped(resource, version, self.now))
            made.append(StoredResource(*key, version, person, custodian, False, self.now, text))
        self._keep([(numbers[one.type, one.id], one.version, custodian, False, one.text.decode()) for one in made])
        identified = {numbers[key]: identifiers_in(resource) for key, (resource, _) in zip(keys, wanted, strict=True)}
        self._index(identified, known=[numbers[key] for key in held])
        for one in made:
            note_change(self, self._listening, one.type, one.id, one.version, one.person)
        return made

    def delete(self, type: str, id: str, *, expected_version: int | None = None) -> StoredResource:
        """Store a deletion as the next version; deleting again changes nothing and answers the deletion there is.

        Raises NotFound for what never was, VersionConflict where the expectation is wrong.
        """
        current = self._current([(type, id)]).get((type, id))
        if current is None:
            raise NotFound(issues=[issue("store-not-found", type, type=type)])
        self._expect(type, current, expected_version)
        key, version, person, custodian, deleted, *_ = current
        if not deleted:
            if person is not None:
                self.touch(person, custodian)
            version += 1
            self._replace(type, current, person, custodian, deleted=True)
            self._keep([(key, version, custodian, True, "")])
            self._index({key: set()}, known=[key])
            note_change(self, self._listening, type, id, version, person)
        return stored(self.session.made(f"{_ANY} WHERE r.key = ? AND v.version = ?", key, version))

    @cached_property
    def _listening(self) -> Sequence[Row]:
        return listening(self.session)

    def _current(self, keys: Sequence[Key]) -> dict[Key, Row]:
        """key, version, person, custodian, deleted of each that is there; nobody else can change it before we end."""
        rows = [
            row
            for condition, values in pairs("type", "id", keys)
            for row in self.session.all(
                "SELECT key, version, person, custodian, deleted, type, id FROM resources"
                f" WHERE {condition} ORDER BY key" + self.session.locked,
                *values,
            )
        ]
        return {(row[5], row[6]): row for row in rows}

    def _expect(self, type: str, current: Row | None, expected: int | None) -> None:
        if expected is None:
            return
        held = 0 if current is None else current[1]
        if expected == held or (expected == 0 and current is not None and current[4]):
            return
        raise VersionConflict(issues=[issue("store-version-conflict", type, type=type, version=held)])

    def _insert(self, new: Sequence[tuple[str, str, str | None]], custodian: str) -> dict[Key, int]:
        """Rows for new resources (type, id, person); the key of each."""
        found: dict[Key, int] = {}
        for some in some_at_once(new):
            rows = self.session.all(
                "INSERT INTO resources (type, id, version, person, custodian, deleted, updated) VALUES "
                + ", ".join(["(?, ?, 1, ?, ?, ?, ?)"] * len(some))
                + " RETURNING key, type, id",
                *(value for one in some for value in (*one, custodian, False, self._now_ms)),
            )
            found |= {(row[1], row[2]): int(row[0]) for row in rows}
        return found

    def _replace(self, type: str, current: Row, person: str | None, custodian: str, *, deleted: bool) -> None:
        key, version, holder, former = current[0], current[1], current[2], current[3]
        if holder is not None and holder != person:
            raise Conflict(issues=[issue("store-person-changed", type, type=type)])
        if person is not None and former != custodian and holder == person:
            self.touch(person, former)
        self.session.run(
            "UPDATE resources SET version = ?, person = ?, custodian = ?, deleted = ?, updated = ? WHERE key = ?",
            version + 1,
            person,
            custodian,
            deleted,
            self._now_ms,
            key,
        )

    def _keep(self, versions: Sequence[tuple[int, int, str, bool, str]]) -> None:
        """versions: key, version, custodian, whether it is a deletion, text."""
        self.session.many(
            "INSERT INTO versions (resource, version, custodian, deleted, updated, text) VALUES (?, ?, ?, ?, ?, ?)",
            [(*one[:4], self._now_ms, one[4]) for one in versions],
        )

    def _index(self, wanted: Mapping[int, set[tuple[str, str]]], *, known: Sequence[int]) -> None:
        """Keep by which identifiers each of these keys is found; known: those that were there before."""
        entries = {(*entry, key) for key, found in wanted.items() for entry in found}
        held: set[tuple[str, str, int]] = set()
        for some in some_at_once(known):
            marks = ", ".join("?" * len(some))
            rows = self.session.all(
                f"SELECT value, system, resource FROM identifiers WHERE resource IN ({marks})", *some
            )
            held |= {(row[0], row[1], row[2]) for row in rows}
        self.session.many(
            "DELETE FROM identifiers WHERE value = ? AND system = ? AND resource = ?", sorted(held - entries)
        )
        self.session.many("INSERT INTO identifiers (value, system, resource) VALUES (?, ?, ?)", sorted(entries - held))
