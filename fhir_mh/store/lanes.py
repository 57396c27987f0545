"""Lanes: one person's messages to one partner, in order; leased to one sender at a time.

A lane's state decides what of it may be sent: an open lane everything, a halted one notices and what is urgent
(recorded refusals, marks), an ended one notices only. due is when the first of that may be sent; it is null where
nothing is waiting, so that a claim looks at nothing else. Each claim raises the lane's token, and only whoever holds
the newest one can say what became of the messages: the fence against a sender that has slept through its lease.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fhir_mh.errors import Conflict
from fhir_mh.issues import issue
from fhir_mh.store.outbox import PASSES
from fhir_mh.store.part import Part, among
from fhir_mh.store.session import Row
from fhir_mh.store.values import Breaker, Lane, LaneState, Outcome, breaker_of, from_ms_or_none, to_ms, to_ms_or_none

AHEAD = timedelta(minutes=10)
"""Longer than any wait or lease there is: a time that lies further ahead was set by a clock that was wrong."""

_COLUMNS = "partner, person, state, reason, due, attempts, owner, token, leased_until"

_CLAIM = f"""
WITH ready AS MATERIALIZED (
  SELECT l.partner AS ready_partner, l.person AS ready_person FROM lanes l
  WHERE l.partner = ? AND l.due <= ? AND (l.leased_until IS NULL OR l.leased_until <= ?)
  ORDER BY l.due, l.person LIMIT ?{{locked}})
UPDATE lanes SET owner = ?, token = token + 1, leased_until = ?
FROM ready WHERE partner = ready_partner AND person = ready_person
RETURNING {_COLUMNS}
"""

# Partners are few and lanes many: each step goes to the next partner, past all the lanes of the one before it.
_PARTNERS_DUE = """
WITH RECURSIVE step(partner) AS (
  SELECT MIN(partner) FROM lanes WHERE due IS NOT NULL
  UNION ALL
  SELECT (SELECT MIN(l.partner) FROM lanes l WHERE l.due IS NOT NULL AND l.partner > step.partner) FROM step
  WHERE step.partner IS NOT NULL)
SELECT step.partner, b.retry_at FROM step LEFT JOIN breakers b ON b.partner = step.partner
WHERE step.partner IS NOT NULL
"""

# The pending message decides, as the state stands now; everything else about due is the caller's word.
_SET_DUE = f"""
UPDATE lanes SET due = CASE WHEN EXISTS (
  SELECT 1 FROM outbox o WHERE o.partner = lanes.partner AND o.person = lanes.person AND o.state = 'pending'
  AND {PASSES.format(lane="lanes")}) THEN CAST(? AS BIGINT) END
WHERE partner = ? AND person = ?
"""


def _lane(row: Row) -> Lane:
    return Lane(
        row[0], row[1], row[2], row[3], from_ms_or_none(row[4]), row[5], row[6], row[7], from_ms_or_none(row[8])
    )


class Lanes(Part):
    """Lanes and breakers, within one transaction."""

    def get(self, partner: str, person: str) -> Lane | None:
        row = self.session.one(f"SELECT {_COLUMNS} FROM lanes WHERE partner = ? AND person = ?", partner, person)
        return None if row is None else _lane(row)

    def find(
        self, *, partner: str | None = None, person: str | None = None, state: LaneState | None = None
    ) -> list[Lane]:
        """The lanes that match, by partner and person."""
        clause, values = among(partner=partner, person=person, state=state)
        rows = self.session.all(f"SELECT {_COLUMNS} FROM lanes WHERE 1 = 1{clause} ORDER BY partner, person", *values)
        return [_lane(row) for row in rows]

    # --- what may be sent

    def open(self, partner: str, person: str) -> None:
        """Make the lane, or let everything pass again, as people have it; what waits is due at once."""
        self._move(partner, person, "open", None)
        self._keep_halt(partner, person, None)

    def reopen(self, partner: str, person: str) -> None:
        """Sharing goes on that had ended: what people had yet to look at halts the lane as it did."""
        held = self.session.one("SELECT halt FROM lanes WHERE partner = ? AND person = ?", partner, person)
        reason = None if held is None else held[0]
        self._move(partner, person, "open" if reason is None else "halted", reason)

    def halt(self, partner: str, person: str, reason: str) -> None:
        """Let only notices and what is urgent pass. reason is a stable code. An ended lane stays ended until then."""
        lane = self.get(partner, person)
        if lane is None or lane.state != "ended":
            self._move(partner, person, "halted", reason)
        self._keep_halt(partner, person, reason)

    def settled(self, partner: str, person: str, reason: str) -> None:
        """What a lane was halted for is settled: it passes again, but where it is ended."""
        lane = self.get(partner, person)
        if lane is not None and lane.state == "halted" and lane.reason == reason:
            self.open(partner, person)
        elif lane is not None and lane.state == "ended":
            self.session.run(
                "UPDATE lanes SET halt = NULL WHERE partner = ? AND person = ? AND halt = ?", partner, person, reason
            )

    def _keep_halt(self, partner: str, person: str, reason: str | None) -> None:
        self.session.run("UPDATE lanes SET halt = ? WHERE partner = ? AND person = ?", reason, partner, person)

    def end(self, partner: str, person: str, reason: str) -> None:
        """Let only notices pass; snapshots that wait are superseded, so that nothing withdrawn is sent."""
        self._move(partner, person, "ended", reason, withdraw=True)

    def _move(self, partner: str, person: str, state: LaneState, reason: str | None, *, withdraw: bool = False) -> None:
        self.session.run(
            "INSERT INTO lanes (partner, person, state, reason, attempts, token) VALUES (?, ?, ?, ?, 0, 0)"
            " ON CONFLICT (partner, person) DO UPDATE SET state = excluded.state,"
            " reason = excluded.reason, attempts = 0",
            partner,
            person,
            state,
            reason,
        )
        if withdraw:
            self.session.run(
                "UPDATE outbox SET state = 'superseded', settled = ?"
                " WHERE partner = ? AND person = ? AND state = 'pending' AND kind = 'snapshot'",
                self._now_ms,
                partner,
                person,
            )
        self.session.run(_SET_DUE, self._now_ms, partner, person)
        self.queued()

    # --- sending

    def claim(self, owner: str, lease: timedelta, limit: int, *, less: Mapping[str, int] | None = None) -> list[Lane]:
        """Lease up to limit lanes of each partner that are due, longest waiting first; of some so many less.

        Those of a partner that is not being called are left.
        """
        now = self._now_ms
        sql = _CLAIM.format(locked=self.session.skip_locked)
        claimed: list[Lane] = []
        for partner, retry_at in self._partners_due():
            room = limit - (less or {}).get(partner, 0)
            if room > 0 and (retry_at is None or retry_at <= now):
                self._put_right(partner)
                rows = self.session.all(sql, partner, now, now, room, owner, to_ms(self.now + lease))
                claimed += map(_lane, rows)
        return sorted(claimed, key=lambda lane: (lane.due, lane.partner, lane.person))

    def _partners_due(self, without: Sequence[str] = ()) -> list[Row]:
        """(partner, when it may be called again) of each in whose lanes something is or will be due."""
        rows = [row for row in self.session.all(_PARTNERS_DUE) if row[0] not in without]
        return [(row[0], None if row[1] is not None and row[1] > self._too_far else row[1]) for row in rows]

    @property
    def _too_far(self) -> int:
        return to_ms(self.now + AHEAD)

    def _put_right(self, partner: str) -> None:
        """What a clock that was ahead has put off, or leased, is due and free now."""
        for column in ("due", "leased_until"):
            self.session.run(
                f"UPDATE lanes SET {column} = ? WHERE partner = ? AND {column} > ?",
                self._now_ms, partner, self._too_far,
            )  # fmt: skip

    def _is_to_be_put_right(self, partner: str) -> bool:
        return any(
            self.session.one(f"SELECT 1 FROM lanes WHERE partner = ? AND {column} > ? LIMIT 1", partner, self._too_far)
            for column in ("due", "leased_until")
        )

    def renew(self, lane: Lane, lease: timedelta) -> Lane:
        """The lane, held longer: from now. Raises Conflict (store-lease-lost) when somebody else has claimed it."""
        until = self.now + lease
        self._fence(lane, "leased_until = ?", to_ms(until))
        return replace(lane, leased_until=until)

    def let_go(self, lane: Lane) -> None:
        """Give a claim back as if it had not been made. Raises Conflict (store-lease-lost)."""
        self._fence(lane, "owner = NULL, leased_until = ?", None)

    def fence(self, partner: str) -> None:
        """Whoever holds a lane to a partner has lost it: what is under way there counts for nothing.

        Each lease runs to its end all the same, so that nothing else about the person is beside what is under way.
        """
        self.session.run("UPDATE lanes SET owner = NULL, token = token + 1 WHERE partner = ?", partner)

    def recover(self, owner: str) -> int:
        """Free what an earlier life of this owner had leased when it ended; how many lanes that were."""
        return self.session.run("UPDATE lanes SET owner = NULL, leased_until = NULL WHERE owner = ?", owner)

    def hasten(self, partner: str) -> int:
        """Let what waits for another try at a partner be due at once; how many lanes that were."""
        self.queued()
        return self.session.run(
            "UPDATE lanes SET due = ? WHERE partner = ? AND due > ?", self._now_ms, partner, self._now_ms
        )

    def finish(
        self, lane: Lane, outcomes: Sequence[Outcome] = (), *, retry_at: datetime | None = None, halt: str | None = None
    ) -> None:
        """Say what became of the messages that were sent, and let the lane go.

        retry_at: not again before then, and one more attempt is counted; without it what still waits is due at once
        and the count starts anew. halt: a reason to let only notices and what is urgent pass from now on. A message
        superseded on its way counts as acked when it was. Raises Conflict (store-lease-lost), with nothing
        changed, when somebody else has claimed the lane since.
        """
        attempts = 0 if retry_at is None else lane.attempts + 1
        self._fence(lane, "owner = NULL, leased_until = NULL, attempts = ?", attempts)
        self.session.many(
            "UPDATE outbox SET state = ?, error = ?, settled = ?, attempts = attempts + 1"
            " WHERE message = ? AND partner = ? AND person = ? AND state IN ('pending', 'superseded')"
            " AND (state = 'pending' OR ? = 'acked')",
            [
                (
                    outcome.state,
                    outcome.error,
                    None if outcome.state == "pending" else self._now_ms,
                    outcome.message,
                    lane.partner,
                    lane.person,
                    outcome.state,
                )
                for outcome in outcomes
            ],
        )
        if halt is not None:
            self.session.run(
                "UPDATE lanes SET state = CASE state WHEN 'open' THEN 'halted' ELSE state END,"
                " reason = CASE state WHEN 'open' THEN ? ELSE reason END, halt = COALESCE(halt, ?)"
                " WHERE partner = ? AND person = ?",
                halt, halt, lane.partner, lane.person,
            )  # fmt: skip
        self.session.run(_SET_DUE, self._now_ms if retry_at is None else to_ms(retry_at), lane.partner, lane.person)

    def next_due(self, *, without: Sequence[str] = ()) -> datetime | None:
        """When a claim may next find something, which may be in the past; None while nothing waits anywhere."""
        moments = [self._partner_due(partner, retry_at) for partner, retry_at in self._partners_due(without)]
        return from_ms_or_none(min((moment for moment in moments if moment is not None), default=None))

    def _partner_due(self, partner: str, retry_at: int | None) -> int | None:
        """When a lane of one partner may next be claimed, free or leased by now, and not before retry_at."""
        if self._is_to_be_put_right(partner):
            return max(self._now_ms, retry_at or 0)
        free = self.session.one(
            "SELECT due FROM lanes WHERE partner = ? AND due IS NOT NULL"
            " AND (leased_until IS NULL OR leased_until <= ?) ORDER BY due LIMIT 1",
            partner,
            self._now_ms,
        )
        leased = self.session.made(
            "SELECT MIN(CASE WHEN due IS NULL THEN NULL WHEN leased_until > due THEN leased_until ELSE due END)"
            " FROM lanes WHERE partner = ? AND leased_until > ?",
            partner,
            self._now_ms,
        )
        found = [row[0] for row in (free, leased) if row is not None and row[0] is not None]
        return max(min(found), retry_at or 0) if found else None

    def _fence(self, lane: Lane, change: str, value: int | None) -> None:
        held = self.session.run(
            f"UPDATE lanes SET {change} WHERE partner = ? AND person = ? AND owner = ? AND token = ?",
            value,
            lane.partner,
            lane.person,
            lane.owner,
            lane.token,
        )
        if not held:
            raise Conflict(issues=[issue("store-lease-lost", "$")])

    # --- breakers

    def breaker(self, partner: str) -> Breaker:
        """Whether a partner is being called; closed for one never heard of."""
        row = self.session.one(
            "SELECT partner, state, failures, since, retry_at FROM breakers WHERE partner = ?", partner
        )
        return Breaker(partner, "closed", 0, self.now, None) if row is None else breaker_of(row)

    def set_breaker(self, breaker: Breaker) -> None:
        """Keep a partner's breaker as given."""
        self.session.run(
            "INSERT INTO breakers (partner, state, failures, since, retry_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (partner) DO UPDATE SET state = excluded.state, failures = excluded.failures,"
            " since = excluded.since, retry_at = excluded.retry_at",
            breaker.partner,
            breaker.state,
            breaker.failures,
            to_ms(breaker.since),
            to_ms_or_none(breaker.retry_at),
        )
