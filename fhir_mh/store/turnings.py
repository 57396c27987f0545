"""When time alone next changes what a person's sharing rules say: one moment for each person, or none."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from fhir_mh.store.part import Part
from fhir_mh.store.values import to_ms


class Turnings(Part):
    """The turnings of one store, within one transaction. One that is due stays so until it is taken."""

    def keep(self, person: str, at: datetime | None) -> None:
        """Set when the rules of a person next turn; None for never."""
        if at is None:
            self.session.run("DELETE FROM turnings WHERE person = ? AND at > ?", person, self._now_ms)
        else:
            self._put(person, to_ms(at))

    def hasten(self, persons: Iterable[str]) -> None:
        """Have these persons looked at as soon as may be."""
        for person in persons:
            self._put(person, self._now_ms)

    def _put(self, person: str, at: int) -> None:
        self.session.run(
            "INSERT INTO turnings (person, at) VALUES (?, ?)"
            " ON CONFLICT (person) DO UPDATE SET at = excluded.at WHERE turnings.at > ?",
            person, at, self._now_ms,
        )  # fmt: skip

    def due(self, limit: int) -> list[str]:
        """Those whose rules have turned by now and who were not taken since, the longest due first."""
        rows = self.session.all(
            "SELECT person FROM turnings WHERE at <= ? ORDER BY at, person LIMIT ?", self._now_ms, limit
        )
        return [str(row[0]) for row in rows]

    def take(self, person: str) -> None:
        """Somebody is being looked at, which says when their rules turn next."""
        self.session.run("DELETE FROM turnings WHERE person = ?", person)
