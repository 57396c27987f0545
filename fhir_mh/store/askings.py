"""Askings for the plan of somebody whom nobody placed: those made here, and those of partners."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from fhir_mh.store.part import Part, among
from fhir_mh.store.session import Row
from fhir_mh.store.values import StoredAsking, from_ms, from_ms_or_none, to_ms, to_ms_or_none

Direction = Literal["made", "received"]
_COLUMNS = "direction, partner, id, person, purpose, status, asked, until, ended"


def _asking(row: Row) -> StoredAsking:
    direction, partner, name, person, purpose, status, asked, until, ended = row
    over = from_ms_or_none(ended)
    return StoredAsking(direction, partner, name, person, purpose, status, from_ms(asked), from_ms_or_none(until), over)


class Askings(Part):
    """The askings of one store, within one transaction."""

    def add(
        self, direction: Direction, partner: str, name: str, purpose: str, *, status: str | None = None,
        person: str | None = None, until: datetime | None = None,
    ) -> None:  # fmt: skip
        """Keep an asking, as of now. Raises Conflict where the partner's asking of this id is there already."""
        self.session.run(
            f"INSERT INTO askings ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            direction, partner, name, person, purpose, status, self._now_ms, to_ms_or_none(until),
        )  # fmt: skip

    def get(self, direction: Direction, partner: str, name: str) -> StoredAsking | None:
        row = self.session.one(
            f"SELECT {_COLUMNS} FROM askings WHERE direction = ? AND partner = ? AND id = ?", direction, partner, name
        )
        return None if row is None else _asking(row)

    def of(self, person: str, direction: Direction, *, partner: str | None = None) -> list[StoredAsking]:
        """Those about a person, oldest first."""
        clause, values = among(partner=partner)
        rows = self.session.all(
            f"SELECT {_COLUMNS} FROM askings WHERE person = ? AND direction = ?{clause} ORDER BY asked, id",
            person, direction, *values,
        )  # fmt: skip
        return [_asking(row) for row in rows]

    def in_force(self, person: str) -> list[StoredAsking]:
        """Those received about a person that keep sharing alive now, oldest first."""
        return [
            one for one in self.of(person, "received")
            if one.ended is None and one.until is not None and one.until > self.now
        ]  # fmt: skip

    def received_since(self, partner: str, moment: datetime) -> int:
        """How many askings of a partner came after a moment."""
        row = self.session.made(
            "SELECT COUNT(*) FROM askings WHERE direction = 'received' AND partner = ? AND asked > ?",
            partner, to_ms(moment),
        )  # fmt: skip
        return int(row[0])

    def refuse(self, partner: str, name: str) -> None:
        """Nothing may be sent for one received."""
        self.session.run(
            "UPDATE askings SET status = 'nothing', until = NULL"
            " WHERE direction = 'received' AND partner = ? AND id = ?",
            partner, name,
        )  # fmt: skip

    def answered(self, partner: str, name: str, status: str) -> None:
        """What a partner said to an asking made here."""
        self.session.run(
            "UPDATE askings SET status = ? WHERE direction = 'made' AND partner = ? AND id = ?", status, partner, name
        )

    def pulled(self, partner: str, names: Collection[str], person: str) -> None:
        """A plan of this person has come from a partner by askings made here; ids of any other are passed over."""
        self.session.many(
            "UPDATE askings SET person = ? WHERE direction = 'made' AND partner = ? AND id = ?",
            [(person, partner, name) for name in names],
        )

    def lapsed(self, limit: int) -> list[StoredAsking]:
        """Those received whose time is over and that have not been ended, the longest over first."""
        rows = self.session.all(
            f"SELECT {_COLUMNS} FROM askings WHERE ended IS NULL AND until IS NOT NULL AND until <= ?"
            " ORDER BY until, id LIMIT ?",
            self._now_ms, limit,
        )  # fmt: skip
        return [_asking(row) for row in rows]

    def end(self, person: str, partner: str) -> int:
        """None of a partner's askings about a person keeps sharing alive from now on; how many did."""
        return self.session.run(
            "UPDATE askings SET ended = ? WHERE person = ? AND partner = ? AND direction = 'received'"
            " AND ended IS NULL AND until IS NOT NULL",
            self._now_ms, person, partner,
        )  # fmt: skip

    def end_one(self, asking: StoredAsking) -> None:
        """One that has lapsed is over."""
        self.session.run(
            "UPDATE askings SET ended = ? WHERE direction = ? AND partner = ? AND id = ?",
            self._now_ms, asking.direction, asking.partner, asking.id,
        )  # fmt: skip
