"""Merges: that two persons of this store are one. What is stored of each stays its own, so that it can be undone.

The persons that are one are the sides of a merge: one is kept, and the others, superseded, lead to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from fhir_mh.errors import Conflict
from fhir_mh.issues import issue
from fhir_mh.store.part import Part
from fhir_mh.store.session import Row, Session
from fhir_mh.store.values import PersonMerge, from_ms, from_ms_or_none

_COLUMNS = "id, kept, superseded, state, asked_by, reason, asked, approved_by, made, before, undone_by, undone"


def _merge(row: Row) -> PersonMerge:
    id, kept, superseded, state, asked_by, reason, asked, approved_by, made, before, undone_by, undone = row
    return PersonMerge(
        id, kept, superseded, state, asked_by, reason, from_ms(asked), approved_by, from_ms_or_none(made), before,
        undone_by, from_ms_or_none(undone),
    )  # fmt: skip


class Merges(Part):
    """The merges of one store, within one transaction. Whether two persons may be one is the caller's to say."""

    def __init__(self, session: Session, now: datetime, new_id: Callable[[], str]) -> None:
        super().__init__(session, now, new_id)
        self._sides: dict[str, list[str]] = {}  # as far as this transaction has looked

    # --- who is one

    def root(self, person: str) -> str:
        """The person who is kept of those that this one is one with; the person itself where there is no merge."""
        return self.sides(person)[0]

    def sides(self, person: str) -> list[str]:
        """Everybody who is one with a person: the one kept, then the others in the order they were merged."""
        if person not in self._sides:
            self._sides[person] = self._look(person)
        return [*self._sides[person]]

    def look_again(self) -> None:
        """Forget what was seen: it may have changed since, or what was changed may have been undone."""
        self._sides.clear()

    def _look(self, person: str) -> list[str]:
        if not self.session.one(
            "SELECT 1 FROM person_merges WHERE (superseded = ? OR kept = ?) AND state = 'made' LIMIT 1", person, person
        ):
            return [person]  # as nearly everybody
        root = person
        while row := self.session.one("SELECT kept FROM person_merges WHERE superseded = ? AND state = 'made'", root):
            root = str(row[0])
        found = [root]
        for one in found:  # grows as it goes
            rows = self.session.all(
                "SELECT superseded FROM person_merges WHERE kept = ? AND state = 'made' ORDER BY made, id", one
            )
            found += [str(row[0]) for row in rows]
        return found

    def in_force(self, persons: Sequence[str]) -> list[PersonMerge]:
        """The merges that make these persons one, the newest last."""
        found = [
            _merge(row)
            for person in persons
            for row in self.session.all(
                f"SELECT {_COLUMNS} FROM person_merges WHERE kept = ? AND state = 'made'", person
            )
        ]
        return sorted(found, key=lambda one: (one.made or one.asked, -persons.index(one.superseded)))

    # --- asking for one, making and undoing it

    def ask(self, kept: str, superseded: str, by: str, reason: str) -> str:
        """Keep that somebody asks for a merge; its id."""
        made = self.new_id()
        self.session.run(
            "INSERT INTO person_merges (id, kept, superseded, state, asked_by, reason, asked)"
            " VALUES (?, ?, ?, 'asked', ?, ?, ?)",
            made, kept, superseded, by, reason, self._now_ms,
        )  # fmt: skip
        return made

    def make(self, merge: str, by: str, before: str) -> None:
        """It is in force from now on. before: JSON text of what was held. Raises Conflict unless it was asked for."""
        self._become(merge, "asked", "state = 'made', approved_by = ?, made = ?, before = ?", by, self._now_ms, before)

    def note(self, merge: str, before: str) -> None:
        """Keep anew what was held when it was made: as it is found by now."""
        self.session.run("UPDATE person_merges SET before = ? WHERE id = ?", before, merge)

    def undo(self, merge: str, by: str) -> None:
        """It is not in force any more. Raises Conflict where it was not."""
        self._become(merge, "made", "state = 'undone', undone_by = ?, undone = ?", by, self._now_ms)

    def _become(self, merge: str, before: str, change: str, *values: object) -> None:
        if not self.session.run(
            f"UPDATE person_merges SET {change} WHERE id = ? AND state = ?", *values, merge, before
        ):
            raise Conflict(issues=[issue("merge-state", "id")])
        self.look_again()

    def get(self, merge: str) -> PersonMerge | None:
        row = self.session.one(f"SELECT {_COLUMNS} FROM person_merges WHERE id = ?", merge)
        return None if row is None else _merge(row)

    def all(self) -> list[PersonMerge]:
        """Every merge that was ever asked for, oldest first."""
        return [_merge(row) for row in self.session.all(f"SELECT {_COLUMNS} FROM person_merges ORDER BY asked, id")]

    # --- what was held when

    def heads(self, person: str) -> dict[str, int]:
        """Type/id -> newest version of everything ever stored about a person, deletions too."""
        rows = self.session.all("SELECT type, id, version FROM resources WHERE person = ? ORDER BY key", person)
        return {f"{row[0]}/{row[1]}": int(row[2]) for row in rows}

    def raise_head(self, person: str, version: int) -> None:
        """Let a person's record version be at least this: a version that was shown of it never comes again."""
        self.session.run("UPDATE persons SET version = ? WHERE id = ? AND version < ?", version, person, version)
