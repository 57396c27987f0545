"""Safety concerns: tables of their own that name no person, so that nothing asked about a person reaches one."""

from __future__ import annotations

from dataclasses import replace

from fhir_mh.store.part import Part
from fhir_mh.store.session import Row
from fhir_mh.store.values import StoredConcern, from_ms

_COLUMNS = (
    "SELECT c.id, c.version, c.owner, c.about, c.open, v.updated, v.text FROM concerns c"
    " JOIN concern_versions v ON v.concern = c.id AND v.version = c.version"
)


class Concerns(Part):
    """The concerns of one store, within one transaction. Who may read which is the caller's to say."""

    def add(self, name: str, *, owner: str, about: str, receipt: str, text: str) -> StoredConcern:
        """Keep a new concern. receipt: the digest of what who raised it was given."""
        self.session.run(
            "INSERT INTO concerns (id, version, owner, about, receipt, open, created) VALUES (?, 1, ?, ?, ?, ?, ?)",
            name, owner, about, receipt, True, self._now_ms,
        )  # fmt: skip
        self._version(name, 1, text)
        return StoredConcern(name, 1, owner, about, True, from_ms(self._now_ms), text)

    def put(self, concern: StoredConcern, text: str, *, open: bool) -> StoredConcern:
        """Keep the next version of a concern."""
        version = concern.version + 1
        self.session.run("UPDATE concerns SET version = ?, open = ? WHERE id = ?", version, open, concern.id)
        self._version(concern.id, version, text)
        return replace(concern, version=version, open=open, updated=from_ms(self._now_ms), text=text)

    def _version(self, name: str, version: int, text: str) -> None:
        self.session.run(
            "INSERT INTO concern_versions (concern, version, updated, text) VALUES (?, ?, ?, ?)",
            name, version, self._now_ms, text,
        )  # fmt: skip

    def get(self, name: str) -> StoredConcern | None:
        """A concern by its id."""
        return self._one("c.id", name)

    def by_receipt(self, receipt: str) -> StoredConcern | None:
        """A concern by the digest of its receipt."""
        return self._one("c.receipt", receipt)

    def _one(self, column: str, value: str) -> StoredConcern | None:
        row = self.session.one(f"{_COLUMNS} WHERE {column} = ?", value)
        return None if row is None else _of(row)

    def waiting(self, owner: str, limit: int = 200) -> list[StoredConcern]:
        """The concerns of this owner that are not closed, the oldest first."""
        rows = self.session.all(
            f"{_COLUMNS} WHERE c.owner = ? AND c.open = ? ORDER BY c.created, c.id LIMIT ?", owner, True, limit
        )
        return [_of(row) for row in rows]

    def versions(self, name: str) -> list[tuple[int, str]]:
        """(version, text) of every version that was kept, the oldest first."""
        rows = self.session.all("SELECT version, text FROM concern_versions WHERE concern = ? ORDER BY version", name)
        return [(int(row[0]), row[1]) for row in rows]


def _of(row: Row) -> StoredConcern:
    name, version, owner, about, is_open, updated, text = row
    return StoredConcern(name, int(version), owner, about, bool(is_open), from_ms(updated), text)
