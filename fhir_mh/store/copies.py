"""What partners hold: what they were sent, what they propose, and how far each plan has come at each of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Literal

from fhir_mh.errors import NotFound
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.issues import issue
from fhir_mh.records.sections import SECTIONS
from fhir_mh.store.noting import note_ending
from fhir_mh.store.part import Part, among
from fhir_mh.store.session import Row
from fhir_mh.store.values import (
    Currency,
    Mark,
    Projection,
    Proposal,
    ProposalState,
    Stage,
    from_ms,
    from_ms_or_none,
    to_ms,
)

_PROJECTION = "partner, person, custodian, edition, sent, withheld, inexpressible, made"
_PROPOSAL = "id, direction, partner, person, custodian, base, payload, state, outcome, created, changed"
_STAGES: tuple[Stage, ...] = ("sent", "stored", "filed", "opened")
_STORED = ("stored_edition", "stored_at")
_CURRENCY = (
    "partner, person, custodian, "
    + ", ".join(f"{stage}_edition, {stage}_at" for stage in _STAGES)
    + ", ended_at, ended_reason, lapsed"
)


def _projection(row: Row) -> Projection:
    partner, person, custodian, edition, sent, withheld, inexpressible, made = row
    return Projection(partner, person, custodian, edition, sent, withheld, inexpressible, from_ms(made))


class Projections(Part):
    """What of each edition each partner was sent, within one transaction: the base a return is merged against."""

    def keep(
        self, partner: str, person: str, custodian: str, edition: int, *, sent: str, withheld: str, inexpressible: str
    ) -> None:
        """Keep the three JSON texts; of the same edition made again, the newest counts."""
        self.session.run(
            f"INSERT INTO projections ({_PROJECTION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (partner, person, custodian, edition) DO UPDATE SET sent = excluded.sent,"
            " withheld = excluded.withheld, inexpressible = excluded.inexpressible, made = excluded.made",
            partner,
            person,
            custodian,
            edition,
            sent,
            withheld,
            inexpressible,
            self._now_ms,
        )

    def newest_first(self, partner: str, person: str, custodian: str, until: int) -> Iterator[Projection]:
        """The projections that were made, from this edition back, each read when it is asked for."""
        edition = until
        while True:
            row = self.session.one(
                f"SELECT {_PROJECTION} FROM projections WHERE partner = ? AND person = ? AND custodian = ?"
                " AND edition <= ? ORDER BY edition DESC LIMIT 1",
                partner,
                person,
                custodian,
                edition,
            )
            if row is None:
                return
            found = _projection(row)
            yield found
            edition = found.edition - 1

    def get(self, partner: str, person: str, custodian: str, edition: int | None = None) -> Projection | None:
        """The projection of one edition, or of the newest that was made."""
        clause, values = ("", ()) if edition is None else (" AND edition = ?", (edition,))
        row = self.session.one(
            f"SELECT {_PROJECTION} FROM projections WHERE partner = ? AND person = ? AND custodian = ?{clause}"
            " ORDER BY edition DESC LIMIT 1",
            partner,
            person,
            custodian,
            *values,
        )
        return None if row is None else _projection(row)

    def editions(self, partner: str, person: str, custodian: str, *, since: int) -> list[int]:
        """Which editions were made from this one on, oldest first."""
        rows = self.session.all(
            "SELECT edition FROM projections WHERE partner = ? AND person = ? AND custodian = ? AND edition >= ?"
            " ORDER BY edition",
            partner,
            person,
            custodian,
            since,
        )
        return [int(row[0]) for row in rows]

    def of(self, person: str, custodian: str) -> list[Projection]:
        """Every projection of one custodian's part about a person that is kept, by partner and edition."""
        rows = self.session.all(
            f"SELECT {_PROJECTION} FROM projections WHERE person = ? AND custodian = ? ORDER BY partner, edition",
            person,
            custodian,
        )
        return [_projection(row) for row in rows]

    def rewrite(self, made: Projection, sent: str) -> None:
        """Keep another text in the place of what was sent: without what was sealed since."""
        self.session.run(
            "UPDATE projections SET sent = ? WHERE partner = ? AND person = ? AND custodian = ? AND edition = ?",
            sent,
            made.partner,
            made.person,
            made.custodian,
            made.edition,
        )

    def forget_before(self, partner: str, person: str, custodian: str, edition: int) -> int:
        """Drop older editions, once no return can be based on them any more; how many they were."""
        return self.session.run(
            "DELETE FROM projections WHERE partner = ? AND person = ? AND custodian = ? AND edition < ?",
            partner,
            person,
            custodian,
            edition,
        )


def _proposal(row: Row) -> Proposal:
    id, direction, partner, person, custodian, base, payload, state, outcome, created, changed = row
    return Proposal(
        id, direction, partner, person, custodian, base, payload, state, outcome, from_ms(created), from_ms(changed)
    )


class Proposals(Part):
    """Changes by those who are not the custodian, sent and received, within one transaction."""

    def add(
        self,
        direction: Literal["sent", "received"],
        partner: str,
        person: str,
        custodian: str,
        *,
        base: int,
        payload: str,
        id: str | None = None,
    ) -> Proposal:
        """Keep a proposal as pending. Raises Conflict when its id is known already."""
        made = Proposal(
            id or self.new_id(),
            direction,
            partner,
            person,
            custodian,
            base,
            payload,
            "pending",
            None,
            self.now,
            self.now,
        )
        self.session.run(
            f"INSERT INTO proposals ({_PROPOSAL}) VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', NULL, ?, ?)",
            made.id,
            direction,
            partner,
            person,
            custodian,
            base,
            payload,
            self._now_ms,
            self._now_ms,
        )
        return made

    def get(self, id: str) -> Proposal | None:
        row = self.session.one(f"SELECT {_PROPOSAL} FROM proposals WHERE id = ?", id)
        return None if row is None else _proposal(row)

    def find(
        self,
        person: str | None = None,
        *,
        direction: Literal["sent", "received"] | None = None,
        state: ProposalState | None = None,
    ) -> list[Proposal]:
        """Proposals, oldest first."""
        clause, values = among(person=person, direction=direction, state=state)
        rows = self.session.all(f"SELECT {_PROPOSAL} FROM proposals WHERE 1 = 1{clause} ORDER BY created, id", *values)
        return [_proposal(row) for row in rows]

    def settle(self, id: str, state: ProposalState, outcome: str | None = None) -> None:
        """Say what became of a proposal; outcome is JSON text. Raises NotFound for an unknown one."""
        if not self.session.run(
            "UPDATE proposals SET state = ?, outcome = ?, changed = ? WHERE id = ?", state, outcome, self._now_ms, id
        ):
            raise NotFound(issues=[issue("store-unknown-message", "$")])


def _mark(edition: int | None, at: int | None) -> Mark | None:
    return None if edition is None or at is None else Mark(edition, from_ms(at))


def _currency(row: Row) -> Currency:
    sent, stored, filed, opened = (_mark(row[at], row[at + 1]) for at in range(3, 11, 2))
    lapsed = {section: from_ms(at) for section, at in load_object(row[13]).items()} if row[13] else {}
    return Currency(row[0], row[1], row[2], sent, stored, filed, opened, from_ms_or_none(row[11]), row[12], lapsed)


class Currencies(Part):
    """How far each custodian's plan has come at each partner, within one transaction."""

    def mark(
        self, partner: str, person: str, custodian: str, stage: Stage, edition: int, at: datetime | None = None
    ) -> bool:
        """Note that an edition has reached a stage; an older edition, or the same one again, changes nothing.

        Whether anything changed.
        """
        moment = self._now_ms if at is None else to_ms(at)
        changed = self.session.run(
            f"INSERT INTO currency (partner, person, custodian, {stage}_edition, {stage}_at) VALUES (?, ?, ?, ?, ?)"
            f" ON CONFLICT (partner, person, custodian) DO UPDATE SET {stage}_edition = excluded.{stage}_edition,"
            f" {stage}_at = excluded.{stage}_at"
            f" WHERE currency.{stage}_edition IS NULL OR currency.{stage}_edition < excluded.{stage}_edition",
            partner,
            person,
            custodian,
            edition,
            moment,
        )
        return changed > 0

    def hold(
        self, partner: str, person: str, custodian: str, edition: int, sections: Collection[str] | None
    ) -> Currency:
        """A copy has been stored in an edition that covers these sections; how it stands now, but for these.

        sections: None where it is not said, and then what is known of them stays. An older edition than the one that is
        stored leaves that one.
        """
        missing = [] if sections is None else [name for name in SECTIONS if name not in sections]
        newer = "currency.stored_edition IS NULL OR currency.stored_edition < excluded.stored_edition"
        kept = (f"{name} = CASE WHEN {newer} THEN excluded.{name} ELSE currency.{name} END" for name in _STORED)
        row = self.session.made(
            "INSERT INTO currency (partner, person, custodian, stored_edition, stored_at, lapsed)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (partner, person, custodian)"
            f" DO UPDATE SET {', '.join(kept)} RETURNING {_CURRENCY}",
            partner,
            person,
            custodian,
            edition,
            self._now_ms,
            dumps(dict.fromkeys(missing, self._now_ms)).decode() if missing else None,
        )
        copy = _currency(row)
        if sections is not None:
            self.cover(copy, missing)
        return copy

    def cover(self, copy: Currency, missing: Collection[str]) -> None:
        """Note since when these sections of a copy are not kept up to date, and that any is not that was before."""
        lapsed = {name: to_ms(copy.lapsed.get(name, self.now)) for name in missing}
        if lapsed.keys() != copy.lapsed.keys():
            self.session.run(
                "UPDATE currency SET lapsed = ? WHERE partner = ? AND person = ? AND custodian = ?",
                dumps(lapsed).decode(),
                copy.partner,
                copy.person,
                copy.custodian,
            )
        if lapsed.keys() - copy.lapsed.keys():
            note_ending(self, copy.person, f"{copy.partner} {copy.custodian}")

    def end(self, partner: str, person: str, custodian: str, reason: str) -> None:
        """From now on the copy is not kept up to date; reason is one plain sentence without personal data."""
        self.session.run(
            "INSERT INTO currency (partner, person, custodian, ended_at, ended_reason) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (partner, person, custodian)"
            " DO UPDATE SET ended_at = excluded.ended_at, ended_reason = excluded.ended_reason",
            partner,
            person,
            custodian,
            self._now_ms,
            reason,
        )
        note_ending(self, person, f"{partner} {custodian}")

    def sent_to(self, partner: str) -> list[tuple[str, int]]:
        """Of whom something was sent to a partner: the person, and the newest edition that was."""
        rows = self.session.all(
            "SELECT person, MAX(sent_edition) FROM currency WHERE partner = ? AND sent_edition IS NOT NULL"
            " GROUP BY person ORDER BY person",
            partner,
        )
        return [(row[0], int(row[1])) for row in rows]

    def forget_stored(self, partner: str) -> None:
        """Nothing is known any more to be stored at a partner."""
        self.session.run("UPDATE currency SET stored_edition = NULL, stored_at = NULL WHERE partner = ?", partner)

    def resume(self, partner: str, person: str, custodian: str) -> None:
        """The copy is kept up to date again, where it was not."""
        self.session.run(
            "UPDATE currency SET ended_at = NULL, ended_reason = NULL"
            " WHERE partner = ? AND person = ? AND custodian = ? AND ended_at IS NOT NULL",
            partner,
            person,
            custodian,
        )

    def of(self, person: str, *, partner: str | None = None) -> list[Currency]:
        """Every copy known of about a person, by partner and custodian."""
        clause, values = among(partner=partner)
        rows = self.session.all(
            f"SELECT {_CURRENCY} FROM currency WHERE person = ?{clause} ORDER BY partner, custodian", person, *values
        )
        return [_currency(row) for row in rows]
