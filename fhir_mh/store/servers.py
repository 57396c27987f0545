"""Partners that are plain FHIR servers: where each resource lies there, and how far each of them has been read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fhir_mh.store.part import Part
from fhir_mh.store.session import Row
from fhir_mh.store.values import from_ms


@dataclass(frozen=True, slots=True)
class ServerCopy:
    """Where a resource lies on a partner's FHIR server, and what of it was seen there last and is known here.

    type and name: what it is called here. remote_id, remote_version: what the server calls it. held: the SHA-256 of
    what the server answered that it holds. sent: of what was written there; None where somebody there has written it,
    and it was taken in here. seen: when; the store says it. edition: that in which it was last written there, or found
    there as it was to be written, whoever has written it since; 0 where it was, and in which is not known; None where
    it never was. What is noted without one leaves that which is known.
    """

    partner: str
    type: str
    name: str
    remote_id: str
    remote_version: str
    held: str
    sent: str | None = None
    seen: datetime | None = None
    edition: int | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a partner's server has been read, in the words of whoever reads it, and when that was noted."""

    partner: str
    source: str
    position: str
    at: datetime


_COLUMNS = "partner, type, name, remote_id, remote_version, held, sent, seen, edition"


def _copy(row: Row) -> ServerCopy:
    partner, type, name, remote_id, remote_version, held, sent, seen, edition = row
    return ServerCopy(partner, type, name, remote_id, remote_version, held, sent, from_ms(seen), edition)


class ServerCopies(Part):
    """Where resources lie on partners' servers, within one transaction."""

    def keep(self, copy: ServerCopy) -> None:
        """Note where a resource lies and what of it was seen, in place of what was noted before.

        Raises Conflict where another resource of the type is noted as lying there.
        """
        self.session.run(
            f"INSERT INTO server_copies ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (partner, type, name) DO UPDATE SET remote_id = excluded.remote_id,"
            " remote_version = excluded.remote_version, held = excluded.held, sent = excluded.sent,"
            " seen = excluded.seen, edition = COALESCE(excluded.edition, server_copies.edition)",
            copy.partner, copy.type, copy.name, copy.remote_id, copy.remote_version, copy.held, copy.sent, self._now_ms,
            copy.edition,
        )  # fmt: skip
        if copy.edition is not None:
            self._answered(copy.partner, copy.type, copy.name, copy.edition)

    def leaves(self, partner: str, keys: Iterable[tuple[str, str]], edition: int) -> set[tuple[str, str]]:
        """Note that these resources (type, name here) are about to leave in an edition; an answer may never come.

        Those of which that was not known already.
        """
        return {
            key
            for key in keys
            if self.session.run(
                "INSERT INTO unanswered_writings (partner, type, name, edition) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                partner, *key, edition,
            )
        }  # fmt: skip

    def stays_away(self, partner: str, keys: Iterable[tuple[str, str]], edition: int) -> None:
        """Nothing came of it that these left in an edition: the server has refused them."""
        for key in keys:
            self.session.run(
                "DELETE FROM unanswered_writings WHERE partner = ? AND type = ? AND name = ? AND edition = ?",
                partner, *key, edition,
            )  # fmt: skip

    def unanswered(self, partner: str, type: str, name: str) -> set[int]:
        """The editions in which a resource has left, and of which nobody knows what came of that.

        It is known as soon as the resource is noted as written, or found, in one of them or a later one.
        """
        rows = self.session.all(
            "SELECT edition FROM unanswered_writings WHERE partner = ? AND type = ? AND name = ?", partner, type, name
        )
        return {int(row[0]) for row in rows}

    def _answered(self, partner: str, type: str, name: str, edition: int) -> None:
        self.session.run(
            "DELETE FROM unanswered_writings WHERE partner = ? AND type = ? AND name = ? AND edition <= ?",
            partner, type, name, edition,
        )  # fmt: skip

    def get(self, partner: str, type: str, name: str) -> ServerCopy | None:
        """Where a resource lies, by what it is called here."""
        return self._one("name", partner, type, name)

    def at(self, partner: str, type: str, remote_id: str) -> ServerCopy | None:
        """The resource that lies there under this id."""
        return self._one("remote_id", partner, type, remote_id)

    def unread(self, partner: str, type: str) -> list[str]:
        """The ids there of resources of a type that are known to lie there and have no checkpoint of their own."""
        rows = self.session.all(
            "SELECT remote_id FROM server_copies c WHERE partner = ? AND type = ? AND NOT EXISTS"
            " (SELECT 1 FROM checkpoints k WHERE k.partner = c.partner AND k.source = c.type || '/' || c.remote_id)"
            " ORDER BY name",
            partner, type,
        )  # fmt: skip
        return [str(row[0]) for row in rows]

    def _one(self, column: str, *values: str) -> ServerCopy | None:
        row = self.session.one(
            f"SELECT {_COLUMNS} FROM server_copies WHERE partner = ? AND type = ? AND {column} = ?", *values
        )
        return None if row is None else _copy(row)

    def some(self, partner: str, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], ServerCopy]:
        """Of these resources (type, name here) those that are known to lie there."""
        found = ((key, self.get(partner, *key)) for key in keys)
        return {key: copy for key, copy in found if copy is not None}

    def forget(self, partner: str, type: str, name: str) -> None:
        """It does not lie there any more, as far as is known: what has left for there since may come yet."""
        self.session.run("DELETE FROM server_copies WHERE partner = ? AND type = ? AND name = ?", partner, type, name)


class Checkpoints(Part):
    """How far partners' servers have been read, within one transaction."""

    def get(self, partner: str, source: str) -> Checkpoint | None:
        """How far this source has been read; None where it never was."""
        row = self.session.one(
            "SELECT partner, source, position, at FROM checkpoints WHERE partner = ? AND source = ?", partner, source
        )
        return None if row is None else Checkpoint(row[0], row[1], row[2], from_ms(row[3]))

    def below(self, beginning: str, partner: str | None = None) -> list[Checkpoint]:
        """What was noted of the sources whose names begin so, of one partner or of all."""
        clause, values = ("", []) if partner is None else (" AND partner = ?", [partner])
        rows = self.session.all(
            f"SELECT partner, source, position, at FROM checkpoints WHERE substr(source, 1, ?) = ?{clause}"
            " ORDER BY partner, source",
            len(beginning), beginning, *values,
        )  # fmt: skip
        return [Checkpoint(row[0], row[1], row[2], from_ms(row[3])) for row in rows]

    def forget(self, partner: str, source: str) -> None:
        """Nothing is noted of this source any more."""
        self.session.run("DELETE FROM checkpoints WHERE partner = ? AND source = ?", partner, source)

    def set(self, partner: str, source: str, position: str) -> None:
        """This source has been read up to there."""
        self.session.run(
            "INSERT INTO checkpoints (partner, source, position, at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (partner, source) DO UPDATE SET position = excluded.position, at = excluded.at",
            partner, source, position, self._now_ms,
        )  # fmt: skip
