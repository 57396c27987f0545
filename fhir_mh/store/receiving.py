"""Receiving: each message of a partner is acted on once, and what cannot be understood is kept whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fhir_mh.errors import NotFound
from fhir_mh.issues import issue
from fhir_mh.store.part import Part, among
from fhir_mh.store.session import Row
from fhir_mh.store.values import Quarantined, QuarantineState, from_ms, from_ms_or_none, to_ms


class Inbox(Part):
    """Messages received, within one transaction."""

    def receipt(self, partner: str, message: str) -> str | None:
        """The receipt a message was answered with; None for one that has not been acted on."""
        row = self.session.one("SELECT receipt FROM inbox WHERE partner = ? AND message = ?", partner, message)
        return None if row is None else row[0]

    def record(self, partner: str, message: str, receipt: str) -> None:
        """Keep the receipt, in the transaction that acts on the message.

        Raises Conflict when there is one already: two that receive it at once cannot both act on it.
        """
        self.session.run(
            "INSERT INTO inbox (partner, message, receipt, received) VALUES (?, ?, ?, ?)",
            partner,
            message,
            receipt,
            self._now_ms,
        )

    def record_anew(self, partner: str, message: str, receipt: str) -> None:
        """Keep what was answered, in place of what was answered before."""
        self.session.run(
            "INSERT INTO inbox (partner, message, receipt, received) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (partner, message) DO UPDATE SET receipt = excluded.receipt, received = excluded.received",
            partner,
            message,
            receipt,
            self._now_ms,
        )

    def purge(self, before: datetime) -> int:
        """Forget receipts of messages received before then; how many they were."""
        return self.session.run("DELETE FROM inbox WHERE received < ?", to_ms(before))


_COLUMNS = "id, partner, person, message, received, text, issues, state, changed, outcome"


def _quarantined(row: Row) -> Quarantined:
    id, partner, person, message, received, text, issues, state, changed, outcome = row
    moment = from_ms_or_none(changed)
    return Quarantined(id, partner, person, message, from_ms(received), text, issues, state, moment, outcome)


class Quarantine(Part):
    """What was received and could not be understood, within one transaction."""

    def add(
        self, partner: str, text: str, issues: str, *, person: str | None = None, message: str | None = None
    ) -> Quarantined:
        """Keep a text whole, with the issues (JSON text) that speak against it.

        No two that are held of one partner are received in one moment, so that their order is known.
        """
        last = self.session.one(
            "SELECT received FROM quarantine WHERE state = 'held' AND partner = ? ORDER BY received DESC LIMIT 1",
            partner,
        )
        received = self._now_ms if last is None else max(self._now_ms, int(last[0]) + 1)
        held = Quarantined(self.new_id(), partner, person, message, from_ms(received), text, issues, "held")
        self.session.run(
            f"INSERT INTO quarantine ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
            held.id,
            partner,
            person,
            message,
            received,
            text,
            issues,
            held.state,
        )
        return held

    def get(self, id: str) -> Quarantined | None:
        row = self.session.one(f"SELECT {_COLUMNS} FROM quarantine WHERE id = ?", id)
        return None if row is None else _quarantined(row)

    def find(
        self,
        *,
        state: QuarantineState | None = "held",
        partner: str | None = None,
        person: str | None = None,
        message: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> list[Quarantined]:
        """What is kept, oldest first. after: the id of one that is kept; only what was kept later."""
        clause, values = among(state=state, partner=partner, person=person, message=message)
        if after is not None:
            clause += " AND (received, id) > (SELECT received, id FROM quarantine WHERE id = ?)"
            values = (*values, after)
        rows = self.session.all(
            f"SELECT {_COLUMNS} FROM quarantine WHERE 1 = 1{clause} ORDER BY received, id LIMIT ?", *values, limit
        )
        return [_quarantined(row) for row in rows]

    def came(self, partner: str, *, replayed: datetime) -> list[datetime]:
        """When that had come which was taken in at this moment, as it was tried again."""
        rows = self.session.all(
            "SELECT received FROM quarantine WHERE state = 'replayed' AND partner = ? AND changed = ?",
            partner, to_ms(replayed),
        )  # fmt: skip
        return [from_ms(row[0]) for row in rows]

    def renew(self, id: str, issues: str, outcome: str, *, person: str | None = None) -> None:
        """It was tried again and is still held, for these issues (JSON text); person: whose it is, where known by now.

        Raises NotFound for what is not held.
        """
        self._changed(
            "issues = ?, outcome = ?, changed = ?, person = COALESCE(?, person)",
            [issues, outcome, self._now_ms, person],
            id,
        )

    def settle(self, id: str, state: QuarantineState, outcome: str | None = None) -> None:
        """Say what became of what was held; outcome is JSON text. Raises NotFound for what is not held."""
        self._changed("state = ?, outcome = ?, changed = ?", [state, outcome, self._now_ms], id)

    def _changed(self, columns: str, values: Sequence[object], id: str) -> None:
        if not self.session.run(f"UPDATE quarantine SET {columns} WHERE id = ? AND state = 'held'", *values, id):
            raise NotFound(issues=[issue("store-unknown-message", "id")])
