"""The outbox: messages to partners, written in the same transaction as the change they tell of.

Messages leave a lane in the order of their seq. Within a lane that is the order of the commits, for adding a message
first takes hold of the lane.
"""

from __future__ import annotations

from datetime import datetime

from fhir_mh.errors import NotFound
from fhir_mh.issues import issue
from fhir_mh.store.part import Part, among
from fhir_mh.store.session import Row
from fhir_mh.store.values import (
    Lane,
    MessageKind,
    MessageState,
    OutboxMessage,
    from_ms,
    from_ms_or_none,
    to_ms,
)

# What a lane's state lets pass; o is the outbox row.
PASSES = "({lane}.state = 'open' OR o.kind = 'notice' OR ({lane}.state = 'halted' AND o.urgent))"

_IN_VAIN = 5  # tries, after which a lane's head holds up neither a notice nor what is urgent
_COLUMNS = (
    "o.seq, o.message, o.partner, o.person, o.kind, o.edition, o.urgent, o.payload, o.state, o.attempts, o.error,"
    " o.created, o.settled"
)


def _message(row: Row) -> OutboxMessage:
    seq, message, partner, person, kind, edition, urgent, payload, state, attempts, error, created, settled = row
    return OutboxMessage(
        seq,
        message,
        partner,
        person,
        kind,
        edition,
        bool(urgent),
        payload,
        state,
        attempts,
        error,
        from_ms(created),
        from_ms_or_none(settled),
    )


class Outbox(Part):
    """Messages to partners, within one transaction."""

    def add(
        self,
        partner: str,
        person: str,
        kind: MessageKind,
        *,
        edition: int | None = None,
        payload: str | None = None,
        urgent: bool = False,
        replaces: bool = False,
        message: str | None = None,
    ) -> OutboxMessage:
        """Put a message at the end of its lane, which is opened where there is none yet.

        urgent: passes a halted lane (recorded refusals, marks). replaces: those of this kind that still wait in the
        lane need not be sent any more; the new one is then as urgent as they were, and a snapshot as those that were
        refused. payload: None where it is made when it is sent, and then that of those it replaces. message: its
        idempotency key, minted unless given.
        """
        self.session.run(
            "INSERT INTO lanes (partner, person, state, attempts, token) VALUES (?, ?, 'open', 0, 0)"
            " ON CONFLICT (partner, person) DO UPDATE SET token = lanes.token",
            partner,
            person,
        )
        if replaces:
            replaced, carried = self._supersede(partner, person, kind)
            urgent = replaced or urgent or self._refused_urgently(partner, person)
            payload = carried if payload is None else payload
        message = message or self.new_id()
        row = self.session.made(
            "INSERT INTO outbox (message, partner, person, kind, edition, urgent, payload, state, attempts, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', 0, ?) RETURNING seq",
            message,
            partner,
            person,
            kind,
            edition,
            urgent,
            payload,
            self._now_ms,
        )
        lets_pass = ("open", "halted", "ended") if kind == "notice" else ("open", "halted") if urgent else ("open",)
        self.session.run(
            "UPDATE lanes SET due = COALESCE(due, ?) WHERE partner = ? AND person = ?"
            f" AND state IN ({', '.join('?' * len(lets_pass))})",
            self._now_ms,
            partner,
            person,
            *lets_pass,
        )
        self.queued()
        return OutboxMessage(
            row[0], message, partner, person, kind, edition, urgent, payload, "pending", 0, None, self.now, None
        )

    def pending(self, lane: Lane, limit: int = 50) -> list[OutboxMessage]:
        """What waits in a lane and its state, as it is now, lets pass: first in, first out.

        Where it was tried in vain some times, what passes a halted lane comes first: its head may fail for ever.
        Nothing where somebody else has claimed the lane since it was handed out.
        """
        rows = self.session.all(
            f"SELECT {_COLUMNS} FROM outbox o JOIN lanes l ON l.partner = o.partner AND l.person = o.person"
            f" WHERE o.partner = ? AND o.person = ? AND o.state = 'pending' AND {PASSES.format(lane='l')}"
            " AND l.token = ?"
            " ORDER BY CASE WHEN l.attempts >= ? AND (o.kind = 'notice' OR o.urgent) THEN 0 ELSE 1 END, o.seq LIMIT ?",
            lane.partner,
            lane.person,
            lane.token,
            _IN_VAIN,
            limit,
        )
        return [_message(row) for row in rows]

    def get(self, message: str) -> OutboxMessage | None:
        row = self.session.one(f"SELECT {_COLUMNS} FROM outbox o WHERE o.message = ?", message)
        return None if row is None else _message(row)

    def numbered(self, seq: int) -> OutboxMessage | None:
        row = self.session.one(f"SELECT {_COLUMNS} FROM outbox o WHERE o.seq = ?", seq)
        return None if row is None else _message(row)

    def newest(self, partner: str, person: str, kind: MessageKind) -> OutboxMessage | None:
        """The message of a kind that was put into a lane last, whatever became of it; None where none is known of."""
        row = self.session.one(
            f"SELECT {_COLUMNS} FROM outbox o WHERE o.partner = ? AND o.person = ? AND o.kind = ?"
            " ORDER BY o.seq DESC LIMIT 1",
            partner,
            person,
            kind,
        )
        return None if row is None else _message(row)

    def find(
        self,
        *,
        partner: str | None = None,
        person: str | None = None,
        state: MessageState | None = None,
        error: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[OutboxMessage]:
        """Messages by seq, those after the one named. state="dead" lists the dead letters."""
        clause, values = among(partner=partner, person=person, state=state, error=error)
        rows = self.session.all(
            f"SELECT {_COLUMNS} FROM outbox o WHERE o.seq > ?{clause} ORDER BY o.seq LIMIT ?", after, *values, limit
        )
        return [_message(row) for row in rows]

    def count(
        self, *, partner: str, state: MessageState, kind: MessageKind | None = None, error: str | None = None
    ) -> int:
        """How many messages match."""
        clause, values = among(partner=partner, state=state, kind=kind, error=error)
        return int(self.session.made(f"SELECT COUNT(*) FROM outbox WHERE 1 = 1{clause}", *values)[0])

    def waiting(self) -> dict[tuple[str, str], tuple[int, int, str | None]]:
        """Of each lane in which something waits: how many messages, the first, and why that was not delivered yet."""
        rows = self.session.all(
            "SELECT w.partner, w.person, w.messages, w.first, o.error"
            " FROM (SELECT partner, person, COUNT(*) AS messages, MIN(seq) AS first"
            " FROM outbox WHERE state = 'pending' GROUP BY partner, person) w"
            " JOIN outbox o ON o.seq = w.first"
        )
        return {(row[0], row[1]): (int(row[2]), int(row[3]), row[4]) for row in rows}

    def replay(self, seq: int, *, message: str | None = None) -> OutboxMessage:
        """Put a dead letter at the end of its lane as a new message; the old one then counts as superseded.

        The key is new because a partner that refused the old one would only repeat its receipt. A halted lane stays
        halted. Raises NotFound when there is no such dead letter.
        """
        row = self.session.one(f"SELECT {_COLUMNS} FROM outbox o WHERE o.seq = ? AND o.state = 'dead'", seq)
        if row is None:
            raise NotFound(issues=[issue("store-unknown-message", "seq")])
        old = _message(row)
        self.session.run("UPDATE outbox SET state = 'superseded', settled = ? WHERE seq = ?", self._now_ms, seq)
        return self.add(
            old.partner, old.person, old.kind, edition=old.edition, payload=old.payload, urgent=old.urgent,
            message=message,
        )  # fmt: skip

    def notices_again(self, partner: str) -> int:
        """Send each notice again that a partner has acknowledged, under its own key; how many they are.

        A partner that has it answers as before.
        """
        rows = self.session.all(
            "UPDATE outbox SET state = 'pending', attempts = 0, error = NULL, created = ?, settled = NULL"
            " WHERE partner = ? AND kind = 'notice' AND state = 'acked' RETURNING person",
            self._now_ms,
            partner,
        )
        self.session.many(
            "UPDATE lanes SET due = COALESCE(due, ?) WHERE partner = ? AND person = ?",
            [(self._now_ms, partner, person) for person in sorted({row[0] for row in rows})],
        )
        self.queued()
        return len(rows)

    def was_urgent(self, partner: str, person: str) -> bool:
        """Whether any snapshot of a lane that is known of brought a recorded refusal."""
        row = self.session.one(
            "SELECT 1 FROM outbox WHERE partner = ? AND person = ? AND kind = 'snapshot' AND urgent LIMIT 1",
            partner,
            person,
        )
        return row is not None

    def overtaken(self, newer: OutboxMessage) -> None:
        """Say of the dead snapshots of a lane that nobody need look at them: the partner has stored a newer one."""
        self.session.run(
            "UPDATE outbox SET state = 'superseded', settled = ?"
            " WHERE partner = ? AND person = ? AND state = 'dead' AND kind = 'snapshot' AND seq < ?",
            self._now_ms,
            newer.partner,
            newer.person,
            newer.seq,
        )

    def let_go(self, waiting: OutboxMessage, replaced: OutboxMessage) -> None:
        """Say of a message that waits that it need not be sent: that which it replaced is under way, and stands."""
        self.session.run(
            "UPDATE outbox SET state = 'superseded', settled = ? WHERE message = ? AND state = 'pending'",
            self._now_ms,
            waiting.message,
        )
        self.session.run(
            "UPDATE outbox SET state = 'pending', settled = NULL WHERE message = ? AND state = 'superseded'",
            replaced.message,
        )

    def purge(self, before: datetime) -> int:
        """Forget messages acked or superseded before then; how many they were. Dead letters stay."""
        return self.session.run(
            "DELETE FROM outbox WHERE state IN ('acked', 'superseded') AND settled < ?", to_ms(before)
        )

    def _supersede(self, partner: str, person: str, kind: MessageKind) -> tuple[bool, str | None]:
        """Whether any of those of a kind that need not be sent any more was urgent, and what one of them was to say."""
        rows = self.session.all(
            "UPDATE outbox SET state = 'superseded', settled = ?"
            " WHERE partner = ? AND person = ? AND state = 'pending' AND kind = ? RETURNING urgent, payload",
            self._now_ms,
            partner,
            person,
            kind,
        )
        return any(bool(row[0]) for row in rows), next((row[1] for row in rows if row[1] is not None), None)

    def _refused_urgently(self, partner: str, person: str) -> bool:
        """Whether a snapshot that brought a recorded refusal is a dead letter: its partner does not know of it yet."""
        row = self.session.one(
            "SELECT 1 FROM outbox WHERE partner = ? AND person = ? AND state = 'dead' AND kind = 'snapshot' AND urgent",
            partner,
            person,
        )
        return row is not None
