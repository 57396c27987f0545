"""Conflicts of a merge that somebody decides, or has decided: kept beside their Tasks, which only people read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_mh.errors import Conflict
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.issues import issue
from fhir_mh.store.part import Part
from fhir_mh.store.session import Row
from fhir_mh.store.values import StoredConflict, from_ms, from_ms_or_none

_COLUMNS = (
    "id, person, path, reason, theirs_by, proposals, base, ours, theirs, raised, outcome, decision, decided, edition"
)


def _conflict(row: Row) -> StoredConflict:
    id, person, path, reason, theirs_by, proposals, base, ours, theirs, raised, outcome, decision, decided, edition = (
        row
    )
    return StoredConflict(
        id, person, path, reason, theirs_by, tuple(loads(proposals)), loads(base), loads(ours), loads(theirs),
        from_ms(raised), outcome, None if decision is None else loads(decision), from_ms_or_none(decided), edition,
    )  # fmt: skip


class Conflicts(Part):
    """The conflicts of one store, within one transaction. Values are kept as JSON texts and come back as they were."""

    def add(
        self, name: str, *, person: str, path: str, reason: str, theirs_by: str, base: Any, ours: Any, theirs: Any
    ) -> StoredConflict:
        """Keep a new conflict under the id of its Task. Raises Conflict when there is one of that id."""
        self.session.run(
            f"INSERT INTO conflicts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, '[]', ?, ?, ?, ?, NULL, NULL, NULL, NULL)",
            name, person, path, reason, theirs_by, _text(base), _text(ours), _text(theirs), self._now_ms,
        )  # fmt: skip
        return StoredConflict(
            name, person, path, reason, theirs_by, (), base, ours, theirs, self.now, None, None, None, None
        )  # fmt: skip

    def answers(self, name: str, proposal: str) -> None:
        """Note that what is decided here is the answer to a proposal of that id, too."""
        held = self.get(name)
        if held is not None and proposal not in held.proposals:
            self.session.run(
                "UPDATE conflicts SET proposals = ? WHERE id = ?", _text([*held.proposals, proposal]), name
            )

    def get(self, name: str) -> StoredConflict | None:
        row = self.session.one(f"SELECT {_COLUMNS} FROM conflicts WHERE id = ?", name)
        return None if row is None else _conflict(row)

    def of(self, person: str) -> list[StoredConflict]:
        """All about a person, decided or not, oldest first."""
        rows = self.session.all(f"SELECT {_COLUMNS} FROM conflicts WHERE person = ? ORDER BY raised, id", person)
        return [_conflict(row) for row in rows]

    def waiting(self, *, persons: Sequence[str] | None = None) -> list[StoredConflict]:
        """Those that nobody has decided yet, about any of these persons, oldest first."""
        clause = "" if persons is None else f" AND person IN ({', '.join('?' * len(persons))})"
        values = tuple(persons or ())
        rows = self.session.all(
            f"SELECT {_COLUMNS} FROM conflicts WHERE outcome IS NULL{clause} ORDER BY raised, id", *values
        )  # fmt: skip
        return [_conflict(row) for row in rows]

    def decided(self, person: str, theirs_by: str, *, after: int) -> list[StoredConflict]:
        """Those with texts of one organisation that were decided in an edition later than the one named."""
        rows = self.session.all(
            f"SELECT {_COLUMNS} FROM conflicts WHERE person = ? AND theirs_by = ? AND edition > ?"
            " ORDER BY edition, id",
            person, theirs_by, after,
        )  # fmt: skip
        return [_conflict(row) for row in rows]

    def drop(self, name: str) -> None:
        """Forget one that nobody has decided: what it asked is no question any more."""
        self.session.run("DELETE FROM conflicts WHERE id = ? AND outcome IS NULL", name)

    def decide(self, name: str, outcome: str, decision: Any, *, edition: int) -> None:
        """Keep what was decided, once. Raises Conflict where somebody has decided already."""
        if not self.session.run(
            "UPDATE conflicts SET outcome = ?, decision = ?, decided = ?, edition = ?"
            " WHERE id = ? AND outcome IS NULL",
            outcome, _text(decision), self._now_ms, edition, name,
        ):  # fmt: skip
            raise Conflict(issues=[issue("conflict-decided", "decision")])


def _text(value: Any) -> str:
    return dumps(value).decode()
