"""The audit log: who saw and changed what, written in batches and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fhir_mh.store.part import Part, among
from fhir_mh.store.values import AuditRow, from_ms, to_ms


class AuditLog(Part):
    """AuditEvents as JSON texts, within one transaction."""

    def append(self, rows: Sequence[AuditRow]) -> None:
        """Keep a batch, in its order."""
        self.session.many(
            "INSERT INTO audit (recorded, person, text) VALUES (?, ?, ?)",
            [(to_ms(row.recorded), row.person, row.text) for row in rows],
        )

    def find(
        self, *, person: str | None = None, after: int = 0, since: datetime | None = None, limit: int = 100
    ) -> list[tuple[int, AuditRow]]:
        """(number, row) in the order they were kept, those after the number named."""
        clause, values = among(person=person)
        if since is not None:
            clause, values = f"{clause} AND recorded >= ?", (*values, to_ms(since))
        rows = self.session.all(
            f"SELECT seq, recorded, person, text FROM audit WHERE seq > ?{clause} ORDER BY seq LIMIT ?",
            after,
            *values,
            limit,
        )
        return [(row[0], AuditRow(from_ms(row[1]), row[2], row[3])) for row in rows]
