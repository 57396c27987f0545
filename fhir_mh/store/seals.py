"""Texts of the wrong person: taken out of everything that is read, searched or sent, and kept whole under a seal.

A resource under a seal is to everybody else one that was deleted: its versions stand in sealed_texts and nowhere else.
"""

from __future__ import annotations

from datetime import datetime

from fhir_mh.fhir.json import dumps, loads
from fhir_mh.store.noting import listening, note_change
from fhir_mh.store.part import Part, among
from fhir_mh.store.session import Row
from fhir_mh.store.values import Approval, Seal, SealedText, from_ms, to_ms

_SEAL = (
    "SELECT s.id, s.person, s.custodian, s.reason, s.sealed,"
    " (SELECT COUNT(*) FROM sealed_texts t WHERE t.seal = s.id), s.undone_merge FROM seals s"
)


def _seal(row: Row) -> Seal:
    return Seal(row[0], row[1], row[2], row[3], from_ms(row[4]), int(row[5]), row[6])


class Seals(Part):
    """What is sealed, within one transaction. Who may open it is the caller's to say."""

    def make(
        self, person: str | None, custodian: str, reason: str | None = None, *, undone_merge: str | None = None
    ) -> str:
        """A new seal; its id. undone_merge: the merge by whose undoing it is made, if it is."""
        made = self.new_id()
        self.session.run(
            "INSERT INTO seals (id, person, custodian, reason, sealed, undone_merge) VALUES (?, ?, ?, ?, ?, ?)",
            made, person, custodian, reason, self._now_ms, undone_merge,
        )  # fmt: skip
        return made

    def keep(self, seal: str, kind: str, name: str, text: str, version: int = 0) -> None:
        """Keep one text under a seal. kind: a resource's type, or what else it was (proposal, message)."""
        self.session.run(
            "INSERT INTO sealed_texts (seal, number, kind, name, version, text) VALUES"
            " (?, (SELECT COALESCE(MAX(number), 0) + 1 FROM sealed_texts WHERE seal = ?), ?, ?, ?, ?)",
            seal, seal, kind, name, version, text,
        )  # fmt: skip

    def take_resource(self, seal: str, kind: str, name: str) -> None:
        """Put every version of a resource under the seal; what is left behind is that it was deleted.

        The caller sees to the person's record version and the custodian's edition.
        """
        key, version, custodian, person = self.session.made(
            "SELECT key, version, custodian, person FROM resources WHERE type = ? AND id = ?" + self.session.locked,
            kind, name,
        )  # fmt: skip
        rows = self.session.all(
            "SELECT version, text FROM versions WHERE resource = ? AND NOT deleted ORDER BY version", key
        )
        for number, text in rows:
            self.keep(seal, kind, name, text, int(number))
        self.session.run("DELETE FROM versions WHERE resource = ?", key)
        self.session.run("DELETE FROM identifiers WHERE resource = ?", key)
        self.session.run(
            "INSERT INTO versions (resource, version, custodian, deleted, updated, text) VALUES (?, ?, ?, ?, ?, '')",
            key, version + 1, custodian, True, self._now_ms,
        )  # fmt: skip
        self.session.run(
            "UPDATE resources SET version = ?, deleted = ?, updated = ? WHERE key = ?",
            version + 1, True, self._now_ms, key,
        )  # fmt: skip
        note_change(self, listening(self.session), kind, name, int(version) + 1, person)

    def take_proposal(self, seal: str, name: str) -> None:
        """Put a proposal, sent or received, under the seal, and what of it waits to be sent."""
        row = self.session.one("SELECT payload FROM proposals WHERE id = ?", name)
        if row is not None:
            self.keep(seal, "proposal", name, row[0])
        self.session.run("DELETE FROM proposals WHERE id = ?", name)

    def take_conflict(self, seal: str, name: str) -> None:
        """Put the texts between which somebody was to decide, or has decided, under the seal."""
        row = self.session.made("SELECT path, base, ours, theirs, decision FROM conflicts WHERE id = ?", name)
        told = zip(("base", "ours", "theirs", "decision"), row[1:], strict=True)
        texts = {label: loads(text) for label, text in told if text is not None}
        self.keep(seal, "conflict", name, dumps({"path": row[0], **texts}).decode())
        self.session.run("DELETE FROM conflicts WHERE id = ?", name)

    def take_outgoing(self, seal: str, message: str) -> None:
        """Put the text of a message that waits, or was refused, under the seal: it is not sent any more."""
        row = self.session.one("SELECT payload FROM outbox WHERE message = ?", message)
        if row is not None and row[0] is not None:
            self.keep(seal, "message", message, row[0])
        self.session.run(
            "UPDATE outbox SET payload = NULL, settled = COALESCE(settled, ?),"
            " state = CASE WHEN state IN ('pending', 'dead') THEN 'superseded' ELSE state END WHERE message = ?",
            self._now_ms, message,
        )  # fmt: skip

    def take_quarantined(self, seal: str, name: str) -> None:
        """Put a message that was set aside under the seal."""
        row = self.session.made("SELECT text FROM quarantine WHERE id = ?", name)
        self.keep(seal, "message", name, row[0])
        self.session.run(
            "UPDATE quarantine SET text = '', state = 'sealed', changed = ? WHERE id = ?", self._now_ms, name
        )

    def holds(self, kind: str, name: str) -> bool:
        """Whether a resource is under a seal here."""
        found = self.session.one("SELECT 1 FROM sealed_texts WHERE kind = ? AND name = ? LIMIT 1", kind, name)
        return found is not None

    def any(self) -> bool:
        """Whether anything at all is under a seal here."""
        return self.session.one("SELECT 1 FROM sealed_texts LIMIT 1") is not None

    def find(self, *, person: str | None = None) -> list[Seal]:
        """The seals, oldest first; nothing of what is under them."""
        clause, values = among(person=person)
        rows = self.session.all(f"{_SEAL} WHERE 1 = 1{clause} ORDER BY s.sealed, s.id", *values)
        return [_seal(row) for row in rows]

    def get(self, seal: str) -> Seal | None:
        row = self.session.one(f"{_SEAL} WHERE s.id = ?", seal)
        return None if row is None else _seal(row)

    def texts(self, seal: str) -> list[SealedText]:
        """What is under a seal."""
        rows = self.session.all(
            "SELECT kind, name, version, text FROM sealed_texts WHERE seal = ? ORDER BY number", seal
        )
        return [SealedText(row[0], row[1], int(row[2]), row[3]) for row in rows]

    # --- approvals

    def approve(self, seal: str, client: str, reason: str) -> None:
        """Note that this client approves of opening a seal; again, its newest reason and time count."""
        self.session.run(
            "INSERT INTO seal_approvals (seal, client, reason, given) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (seal, client) DO UPDATE SET reason = excluded.reason, given = excluded.given",
            seal, client, reason, self._now_ms,
        )  # fmt: skip

    def approvals(self, seal: str, since: datetime) -> list[Approval]:
        """The approvals given since then, by client."""
        rows = self.session.all(
            "SELECT client, reason, given FROM seal_approvals WHERE seal = ? AND given >= ? ORDER BY client",
            seal, to_ms(since),
        )  # fmt: skip
        return [Approval(row[0], row[1], from_ms(row[2])) for row in rows]

    def use_up(self, seal: str) -> None:
        """Forget the approvals: they were for one opening."""
        self.session.run("DELETE FROM seal_approvals WHERE seal = ?", seal)
