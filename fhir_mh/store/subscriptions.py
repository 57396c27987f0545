"""Subscriptions of clients, and the events that wait for them: each leased to one sender at a time.

An event has no number until it is sent for the first time, so that numbers rise without gaps over what was sent. Its
number counts from when the event may have arrived, at the end of that turn, or from when somebody asks for it before;
one that does not count yet is told to nobody but in that request, and may be given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fhir_mh.errors import Conflict, NotFound, VersionConflict
from fhir_mh.issues import issue
from fhir_mh.store.part import Part
from fhir_mh.store.session import Row
from fhir_mh.store.values import (
    Event,
    StoredSubscription,
    SubscriptionStatus,
    from_ms,
    from_ms_or_none,
    to_ms,
    to_ms_or_none,
)

Owners = Sequence[tuple[str, str]]
"""Clients: the organisation and name of each."""

_COLUMNS = (
    "id, version, client, organisation, base, text, wanted, status, greeted, events, updated, ends, beat, attempts,"
    " error, retry_at, owner, token, leased_until"
)
_EVENT = "seq, subscription, what, type, id, version, person, parties, occurred, number"
_WAITS = "EXISTS (SELECT 1 FROM events e WHERE e.subscription = s.id AND e.sent IS NULL)"
_COUNTED = (  # what has a number when a turn is over, or the next begins
    "events = COALESCE((SELECT MAX(e.number) FROM events e WHERE e.subscription = subscriptions.id"
    " AND e.number > subscriptions.events), events)"
)
_LET_GO = f"owner = NULL, leased_until = ?, {_COUNTED}"  # the end of a turn is kept: the next is whose ended first
_DUE = f"(NOT s.greeted OR s.ends <= ? OR s.beat <= ? OR {_WAITS})"


def _subscription(row: Row) -> StoredSubscription:
    id, version, client, organisation, base, text, wanted, status = row[:8]
    return StoredSubscription(
        id, int(version), client, organisation, base, text, wanted, status, bool(row[8]), int(row[9]),
        from_ms(row[10]), from_ms_or_none(row[11]), from_ms_or_none(row[12]), row[13], row[14],
        from_ms_or_none(row[15]), row[16], int(row[17]), from_ms_or_none(row[18]),
    )  # fmt: skip


def _event(row: Row) -> Event:
    seq, subscription, what, type, id, version, person, parties, occurred, number = row
    return Event(
        int(seq), subscription, what, type, id, int(version), person, parties, from_ms(occurred),
        None if number is None else int(number),
    )  # fmt: skip


def _of_owners(owners: Owners) -> tuple[str, list[str]]:
    clause = " OR ".join(["(s.organisation = ? AND s.client = ?)"] * len(owners)) or "1 = 0"
    return f"({clause})", [text for owner in owners for text in owner]


class Subscriptions(Part):
    """The subscriptions of one store, within one transaction."""

    # --- what clients make

    def add(
        self, organisation: str, client: str, *, kinds: str, base: str, text: str, wanted: str,
        greeted: bool, ends: datetime | None = None, beat: datetime | None = None,
    ) -> StoredSubscription:  # fmt: skip
        """Keep a new one: requested until its endpoint is greeted, or active."""
        row = self.session.made(
            "INSERT INTO subscriptions (id, version, client, organisation, kinds, base, text, wanted, status, greeted,"
            " events, updated, ends, beat, attempts, token) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 0, 0)"
            f" RETURNING {_COLUMNS}",
            self.new_id(), client, organisation, kinds, base, text, wanted, "active" if greeted else "requested",
            greeted, self._now_ms, to_ms_or_none(ends), to_ms_or_none(beat),
        )  # fmt: skip
        self.noted()
        return _subscription(row)

    def get(self, organisation: str, client: str, name: str) -> StoredSubscription:
        """One of this client's. Raises NotFound for what is not there, or is another's: the two are not told apart."""
        row = self.session.one(
            f"SELECT {_COLUMNS} FROM subscriptions WHERE id = ? AND organisation = ? AND client = ?",
            name, organisation, client,
        )  # fmt: skip
        if row is None:
            raise NotFound(issues=[issue("subscription-not-found", "Subscription")])
        return _subscription(row)

    def of(self, organisation: str, client: str) -> list[StoredSubscription]:
        """All of this client's, the one first that has been as it is for longest."""
        rows = self.session.all(
            f"SELECT {_COLUMNS} FROM subscriptions WHERE organisation = ? AND client = ? ORDER BY updated, id",
            organisation, client,
        )  # fmt: skip
        return [_subscription(row) for row in rows]

    def change(
        self, held: StoredSubscription, status: SubscriptionStatus, *, kinds: str, base: str, text: str, wanted: str,
        greeted: bool, ends: datetime | None = None, beat: datetime | None = None, expected: int | None = None,
    ) -> StoredSubscription:  # fmt: skip
        """Keep it as its client now has it; what waits is tried at once, and dropped where it is off.

        Whoever is sending for it does not say any more what became of that. Raises VersionConflict.
        """
        if expected is not None and expected != held.version:
            found = issue("store-version-conflict", "Subscription", type="Subscription", version=held.version)
            raise VersionConflict(issues=[found])
        row = self.session.one(
            "UPDATE subscriptions SET version = version + 1, kinds = ?, base = ?, text = ?, wanted = ?, status = ?,"
            " greeted = ?, updated = ?, ends = ?, beat = ?, attempts = 0, error = NULL, retry_at = NULL, owner = NULL,"
            f" token = token + 1, leased_until = NULL, {_COUNTED} WHERE id = ? AND version = ? RETURNING {_COLUMNS}",
            kinds, base, text, wanted, status, greeted, self._now_ms, to_ms_or_none(ends), to_ms_or_none(beat),
            held.id, held.version,
        )  # fmt: skip
        if row is None:
            raise Conflict(issues=[issue("store-lease-lost", "$")])
        if status == "off":
            self._drop(held.id)
        self.noted()
        return _subscription(row)

    def remove(self, held: StoredSubscription) -> None:
        """Forget it and every event of it."""
        self.session.run("DELETE FROM subscriptions WHERE id = ?", held.id)
        self.session.run("DELETE FROM events WHERE subscription = ?", held.id)

    def _drop(self, name: str) -> None:
        self.session.run("DELETE FROM events WHERE subscription = ? AND sent IS NULL AND number IS NULL", name)
        self.session.run("UPDATE events SET sent = ? WHERE subscription = ? AND sent IS NULL", self._now_ms, name)

    # --- events

    def waiting(self, held: StoredSubscription, limit: int) -> list[Event]:
        """Those that have not been sent yet, first in, first out."""
        rows = self.session.all(
            f"SELECT {_EVENT} FROM events WHERE subscription = ? AND sent IS NULL AND number IS NULL"
            " ORDER BY seq LIMIT ?",
            held.id, limit,
        )  # fmt: skip
        return [_event(row) for row in rows]

    def begun(self, held: StoredSubscription) -> list[Event]:
        """Those that have a number and were not taken yet, in its order."""
        rows = self.session.all(
            f"SELECT {_EVENT} FROM events WHERE subscription = ? AND sent IS NULL AND number IS NOT NULL"
            " ORDER BY number",
            held.id,
        )  # fmt: skip
        return [_event(row) for row in rows]

    def numbered(self, held: StoredSubscription, since: int, until: int, limit: int) -> list[Event]:
        """Those with these numbers, as far as they are kept and their number counts."""
        rows = self.session.all(
            f"SELECT {_EVENT} FROM events WHERE subscription = ? AND number >= ? AND number <= ?"
            " ORDER BY number LIMIT ?",
            held.id, since, min(until, held.events), limit,
        )  # fmt: skip
        return [_event(row) for row in rows]

    def uncounted(self, held: StoredSubscription) -> bool:
        """Whether there are numbers that do not count yet."""
        found = self.session.one(
            "SELECT 1 FROM events WHERE subscription = ? AND number > ? LIMIT 1", held.id, held.events
        )
        return found is not None

    def count(self, held: StoredSubscription) -> StoredSubscription:
        """It with all numbers counting that were given; whoever is sending goes on."""
        row = self.session.one(f"UPDATE subscriptions SET {_COUNTED} WHERE id = ? RETURNING {_COLUMNS}", held.id)
        return held if row is None else _subscription(row)

    def said_by(self, event: Event, version: int) -> list[Event]:
        """The later events about the same resource that wait for the same subscription, up to this version of it."""
        rows = self.session.all(
            f"SELECT {_EVENT} FROM events WHERE subscription = ? AND sent IS NULL AND type = ? AND id = ? AND seq > ?"
            " AND version <= ? ORDER BY seq",
            event.subscription, event.type, event.id, event.seq, version,
        )  # fmt: skip
        return [_event(row) for row in rows]

    def done(self, events: Sequence[Event]) -> None:
        """Nothing more becomes of these events: those that have a number are kept for $events, others dropped."""
        kept = [(self._now_ms, one.seq) for one in events if one.number is not None]
        self.session.many("UPDATE events SET sent = ? WHERE seq = ?", kept)
        self.session.many("DELETE FROM events WHERE seq = ?", [(one.seq,) for one in events if one.number is None])

    def give_numbers(self, held: StoredSubscription, events: Sequence[Event]) -> tuple[StoredSubscription, list[Event]]:
        """The subscription and these events of it, which now have the next numbers, in this order.

        The subscription is as they are told of it. Their numbers count once this turn is over, unless it ends by
        not_taken with them to release, or is asked for before. Call hold before, in the same transaction.
        """
        numbered = [replace(one, number=held.events + 1 + n) for n, one in enumerate(events)]
        self.session.many("UPDATE events SET number = ? WHERE seq = ?", [(one.number, one.seq) for one in numbered])
        return replace(held, events=held.events + len(events)), numbered

    # --- sending

    def claim(self, owner: str, lease: timedelta, limit: int, owners: Owners) -> list[StoredSubscription]:
        """Lease up to limit subscriptions of these clients in which something is due: whose last turn ended first.

        So that one in which much happens, or one that fails, holds up none of the others of its client.
        """
        clause, names = _of_owners(owners)
        now = self._now_ms
        rows = self.session.all(
            f"SELECT s.id FROM subscriptions s WHERE {clause} AND s.status <> 'off'"
            f" AND (s.owner IS NULL OR s.leased_until <= ?) AND (s.retry_at IS NULL OR s.retry_at <= ?)"
            f" AND {_DUE} ORDER BY COALESCE(s.leased_until, 0), s.token, s.id LIMIT ?{self.session.skip_locked}",
            *names, now, now, now, now, limit,
        )  # fmt: skip
        claimed = [
            self.session.made(
                f"UPDATE subscriptions SET owner = ?, token = token + 1, leased_until = ?, {_COUNTED} WHERE id = ?"
                f" RETURNING {_COLUMNS}",
                owner, to_ms(self.now + lease), row[0],
            )
            for row in rows
        ]  # fmt: skip
        return [_subscription(row) for row in claimed]

    def hold(self, held: StoredSubscription) -> StoredSubscription:
        """It as it is now, and still claimed. Raises Conflict (store-lease-lost) when it is not held any more."""
        row = self.session.one(
            f"SELECT {_COLUMNS} FROM subscriptions WHERE id = ? AND owner = ? AND token = ?{self.session.locked}",
            held.id, held.owner, held.token,
        )  # fmt: skip
        if row is None:
            raise Conflict(issues=[issue("store-lease-lost", "$")])
        return _subscription(row)

    def let_go(self, held: StoredSubscription) -> None:
        """Give a claim back. Raises Conflict (store-lease-lost)."""
        self._fence(held, _LET_GO, self._now_ms)

    def recover(self, owner: str, owners: Owners, before: datetime) -> None:
        """Free what an earlier life of this owner had leased when it ended, and drop what nobody is waiting for.

        That is events of what was removed while they were noted; and, of others than these clients, what happened
        before then and was never sent.
        """
        self.session.run("UPDATE subscriptions SET owner = NULL, leased_until = NULL WHERE owner = ?", owner)
        self.session.run("DELETE FROM events WHERE subscription NOT IN (SELECT id FROM subscriptions)")
        clause, names = _of_owners(owners)
        self.session.run(
            "DELETE FROM events WHERE number IS NULL AND occurred < ? AND subscription IN"
            f" (SELECT s.id FROM subscriptions s WHERE NOT {clause})",
            to_ms(before), *names,
        )  # fmt: skip

    def taken(self, held: StoredSubscription, events: Sequence[Event], *, beat: datetime | None) -> None:
        """A request was taken: these events are done, and all is well. Lets it go.

        Raises Conflict (store-lease-lost), with nothing changed.
        """
        change = ", greeted = ?, attempts = 0, error = NULL, retry_at = NULL, beat = ?"
        self._become(held, "active", change, True, to_ms_or_none(beat))
        self.done(events)

    def not_taken(
        self, held: StoredSubscription, error: str, retry_at: datetime, *, failed: bool, release: Sequence[Event] = ()
    ) -> None:
        """A request was not taken; not again before retry_at. failed: it is in error from now on. Lets it go.

        release: events that cannot have arrived, the last that were given numbers: they have none again, but where
        these count. held: as it is now. Raises Conflict (store-lease-lost), and the transaction must not be kept then.
        """
        back = [(one.seq,) for one in release if one.number is not None and one.number > held.events]
        self.session.many("UPDATE events SET number = NULL WHERE seq = ?", back)
        change = ", attempts = attempts + 1, error = ?, retry_at = ?"
        self._become(held, "error" if failed else held.status, change, error, to_ms(retry_at))

    def turn_off(self, held: StoredSubscription) -> None:
        """Its end is reached: nothing more is sent. Raises Conflict (store-lease-lost)."""
        self._become(held, "off")
        self._drop(held.id)

    def purge(self, before: datetime, held: StoredSubscription) -> int:
        """Forget events of a subscription that were taken before then; how many they were."""
        return self.session.run("DELETE FROM events WHERE subscription = ? AND sent < ?", held.id, to_ms(before))

    def next_due(self, owners: Owners) -> datetime | None:
        """When a claim may next find something, which may be in the past; None while nothing is to be done."""
        clause, names = _of_owners(owners)
        rows = self.session.all(
            "SELECT s.retry_at, CASE WHEN s.owner IS NULL THEN NULL ELSE s.leased_until END, s.ends, s.beat,"
            f" NOT s.greeted OR {_WAITS} FROM subscriptions s WHERE {clause} AND s.status <> 'off'",
            *names,
        )
        return from_ms_or_none(min((due for row in rows if (due := self._due(row)) is not None), default=None))

    def _due(self, row: Row) -> int | None:
        retry_at, leased_until, ends, beat, waits = row
        reasons = [one for one in (ends, beat, self._now_ms if waits else None) if one is not None]
        return max(min(reasons), retry_at or 0, leased_until or 0) if reasons else None

    def _become(self, held: StoredSubscription, status: SubscriptionStatus, change: str = "", *values: object) -> None:
        """Let it go with this status, which if it is another is a new version of it. change: what is set besides."""
        new = held.status != status
        self._fence(
            held, f"status = ?, version = version + ?, updated = ?, {_LET_GO}{change}",
            status, int(new), to_ms(self.now if new else held.updated), self._now_ms, *values,
        )  # fmt: skip

    def _fence(self, held: StoredSubscription, change: str, *values: object) -> None:
        if not self.session.run(
            f"UPDATE subscriptions SET {change} WHERE id = ? AND owner = ? AND token = ?",
            *values, held.id, held.owner, held.token,
        ):  # fmt: skip
            raise Conflict(issues=[issue("store-lease-lost", "$")])
