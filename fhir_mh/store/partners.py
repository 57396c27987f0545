"""The partners that are kept here and not in the settings file. No secret is among what is kept of them.

Every change gets the next number of one series, so that a process sees with one look whether anything has changed
since it looked last. A partner that was removed stays in the table: it may still hold copies.
"""

from __future__ import annotations

from fhir_mh.errors import NotFound, VersionConflict
from fhir_mh.issues import issue
from fhir_mh.store.part import Part
from fhir_mh.store.session import Row
from fhir_mh.store.values import StoredPartner, from_ms, from_ms_or_none

_COLUMNS = "ods, version, changed, removed, reached, text"
_NEXT = "(SELECT COALESCE(MAX(version), 0) + 1 FROM partners)"


def _partner(row: Row) -> StoredPartner:
    ods, version, changed, removed, reached, text = row
    return StoredPartner(ods, int(version), from_ms(changed), from_ms_or_none(removed), reached, text)


class Partners(Part):
    """The partners of one store, within one transaction."""

    def newest(self) -> int:
        """The number of the last change of any partner; 0 where there was none."""
        row = self.session.made("SELECT COALESCE(MAX(version), 0) FROM partners")
        return int(row[0])

    def all(self) -> list[StoredPartner]:
        """Every partner ever kept here, those removed too, by ODS code."""
        return [_partner(row) for row in self.session.all(f"SELECT {_COLUMNS} FROM partners ORDER BY ods")]

    def get(self, ods: str) -> StoredPartner | None:
        """A partner, also one that was removed."""
        row = self.session.one(f"SELECT {_COLUMNS} FROM partners WHERE ods = ?", ods)
        return None if row is None else _partner(row)

    def codes(self) -> list[str]:
        """The ODS codes of the partners that were not removed."""
        rows = self.session.all("SELECT ods FROM partners WHERE removed IS NULL ORDER BY ods")
        return [row[0] for row in rows]

    def add(self, ods: str, text: str) -> StoredPartner:
        """Keep a new partner, or one again that was removed; nobody's sharing with it has been looked at yet."""
        return _partner(
            self.session.made(
                f"INSERT INTO partners ({_COLUMNS}) VALUES (?, {_NEXT}, ?, NULL, '', ?)"
                " ON CONFLICT (ods) DO UPDATE SET version = excluded.version, changed = excluded.changed,"
                f" removed = NULL, reached = '', text = excluded.text RETURNING {_COLUMNS}",
                ods, self._now_ms, text,
            )
        )  # fmt: skip

    def change(self, ods: str, text: str, *, expected: int) -> StoredPartner:
        """Keep a partner as it now is. Raises NotFound, VersionConflict where expected is not its version."""
        return self._next(ods, expected, "text = ?", text)

    def remove(self, ods: str, *, expected: int | None) -> StoredPartner:
        """Mark a partner as removed. Raises NotFound, VersionConflict."""
        return self._next(ods, expected, "reached = NULL, removed = ?", self._now_ms)

    def _next(self, ods: str, expected: int | None, what: str, value: object) -> StoredPartner:
        held = self.get(ods)
        if held is None or held.removed is not None:
            raise NotFound(issues=[issue("sync-unknown-partner", "ods")])
        if expected is not None and held.version != expected:
            found = issue("store-version-conflict", "If-Match", version=held.version, type="partner")
            raise VersionConflict(issues=[found])
        row = self.session.made(
            f"UPDATE partners SET version = {_NEXT}, changed = ?, {what} WHERE ods = ? RETURNING {_COLUMNS}",
            self._now_ms, value, ods,
        )  # fmt: skip
        return _partner(row)

    def reach(self, ods: str, person: str | None) -> None:
        """Sharing with a partner has been looked at anew up to this person; None: with everybody."""
        self.session.run("UPDATE partners SET reached = ? WHERE ods = ? AND reached IS NOT NULL", person, ods)

    def keeps(self, ods: str) -> list[str]:
        """The people about whom we hold something that this organisation keeps."""
        rows = self.session.all("SELECT person FROM editions WHERE custodian = ? ORDER BY person", ods)
        return [row[0] for row in rows]

    def holding(self, own: str) -> dict[str, int]:
        """Of each organisation that was sent something of ours: about how many people."""
        rows = self.session.all(
            "SELECT partner, COUNT(*) FROM currency WHERE custodian = ? AND partner <> ?"
            " AND sent_edition IS NOT NULL GROUP BY partner",
            own, own,
        )  # fmt: skip
        return {row[0]: int(row[1]) for row in rows}
