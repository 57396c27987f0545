"""Searches whose further pages must not say in their address what was asked: kept for a while, under a random name."""

from __future__ import annotations

from datetime import timedelta

from fhir_mh.store.part import Part
from fhir_mh.store.values import to_ms


class Pages(Part):
    """Searches that have a further page, within one transaction."""

    def keep(self, name: str, organisation: str, search: str, lasts: timedelta) -> None:
        """Keep a search for whoever may ask for its next page; those whose time is up are forgotten."""
        self.session.run("DELETE FROM pages WHERE until <= ?", self._now_ms)
        self.session.run(
            "INSERT INTO pages (name, organisation, search, until) VALUES (?, ?, ?, ?)",
            name,
            organisation,
            search,
            to_ms(self.now + lasts),
        )

    def find(self, name: str, organisation: str) -> str | None:
        """The search of that name; None where it was never kept, is forgotten, or was somebody else's."""
        row = self.session.one(
            "SELECT search FROM pages WHERE name = ? AND organisation = ? AND until > ?",
            name,
            organisation,
            self._now_ms,
        )
        return None if row is None else str(row[0])
