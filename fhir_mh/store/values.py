"""What the store hands out: frozen rows, with times as datetimes in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from fhir_mh.fhir.json import load_kept, load_object
from fhir_mh.store.session import Row

LaneState = Literal["open", "halted", "ended"]
MessageKind = Literal["snapshot", "proposal", "notice", "filed", "opened"]
MessageState = Literal["pending", "acked", "superseded", "dead"]
Stage = Literal["sent", "stored", "filed", "opened"]
ProposalState = Literal["pending", "accepted", "partly", "refused", "conflict"]
QuarantineState = Literal["held", "replayed", "discarded", "sealed"]
SubscriptionStatus = Literal["requested", "active", "error", "off"]
BreakerState = Literal["closed", "open", "half-open"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


def to_ms_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else to_ms(moment)


def from_ms(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def from_ms_or_none(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)


@dataclass(frozen=True, slots=True)
class StoredResource:
    """One version of a resource. text is the JSON to serve; of a deletion it is empty."""

    type: str
    id: str
    version: int
    person: str | None
    custodian: str
    deleted: bool
    updated: datetime
    text: bytes

    def body(self) -> dict[str, Any]:
        """The resource as plain values, read anew on each call."""
        return load_kept(self.text)


@dataclass(frozen=True, slots=True)
class Page:
    """entries in stable order; next is the cursor of the following page, None on the last; total where asked for."""

    entries: tuple[StoredResource, ...]
    next: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """One person's messages to one partner. due is None while nothing waits that the state lets pass."""

    partner: str
    person: str
    state: LaneState
    reason: str | None
    due: datetime | None
    attempts: int
    owner: str | None
    token: int
    leased_until: datetime | None


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One message to a partner; message is its idempotency key, seq its place in the lane."""

    seq: int
    message: str
    partner: str
    person: str
    kind: MessageKind
    edition: int | None
    urgent: bool
    payload: str | None
    state: MessageState
    attempts: int
    error: str | None
    created: datetime
    settled: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message: acked, to be tried again (pending), dead, or not to be sent at all (superseded).

    error is a stable code.
    """

    message: str
    state: Literal["acked", "pending", "dead", "superseded"]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether a partner is being called at all; its lanes are not claimed before retry_at."""

    partner: str
    state: BreakerState
    failures: int
    since: datetime
    retry_at: datetime | None


def breaker_of(row: Row) -> Breaker:
    """The breaker of a row of its five columns, in their order."""
    return Breaker(row[0], row[1], row[2], from_ms(row[3]), from_ms_or_none(row[4]))


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message that could not be understood, whole. issues is JSON text.

    changed: when somebody last replayed it or threw it out. outcome: JSON text of who that was, and what came of it.
    """

    id: str
    partner: str
    person: str | None
    message: str | None
    received: datetime
    text: str
    issues: str
    state: QuarantineState
    changed: datetime | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Projection:
    """What of one edition a partner was sent, what was withheld, and what its format could not say: JSON texts."""

    partner: str
    person: str
    custodian: str
    edition: int
    sent: str
    withheld: str
    inexpressible: str
    made: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change by someone who is not the custodian, against the edition (base) it was made on."""

    id: str
    direction: Literal["sent", "received"]
    partner: str
    person: str
    custodian: str
    base: int
    payload: str
    state: ProposalState
    outcome: str | None
    created: datetime
    changed: datetime


@dataclass(frozen=True, slots=True)
class StoredConflict:
    """A row that a merge left for a person: as its author was shown it (base), as it was here, as its author wants it.

    id: of its Task. reason: see mapping.merge. theirs_by: the ODS code of whose text theirs is. proposals: ids of
    those that what is decided answers. outcome, decision, decided and edition: None while it is open.
    """

    id: str
    person: str
    path: str
    reason: str
    theirs_by: str
    proposals: tuple[str, ...]
    base: Any
    ours: Any
    theirs: Any
    raised: datetime
    outcome: str | None
    decision: Any
    decided: datetime | None
    edition: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """An edition and when it reached a stage."""

    edition: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Currency:
    """How far one custodian's plan has come at one partner; ended says since when and why it is no longer kept.

    lapsed: of a copy here, the sections that its custodian's newest snapshot does not cover, and since when; of a copy
    elsewhere, those that its newest snapshot brought and that may not be sent any more.
    """

    partner: str
    person: str
    custodian: str
    sent: Mark | None
    stored: Mark | None
    filed: Mark | None
    opened: Mark | None
    ended_at: datetime | None
    ended_reason: str | None
    lapsed: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class StoredAsking:
    """An asking made here (by which partner's answer a plan may come), or received from a partner.

    person: who it is about, as far as that is known. status: as docs/sync-protocol.md has it; of one made also
    `not-reached`, and None while nothing was answered. until, ended: of one received by which something is shared.
    """

    direction: Literal["made", "received"]
    partner: str
    id: str
    person: str | None
    purpose: str
    status: str | None
    asked: datetime
    until: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class StoredConcern:
    """One version of a safety concern. owner sees to it, about is complained of; text is the Task as JSON."""

    id: str
    version: int
    owner: str
    about: str
    open: bool
    updated: datetime
    text: str

    def body(self) -> dict[str, Any]:
        """The Task as plain values, read anew on each call."""
        return load_object(self.text)


@dataclass(frozen=True, slots=True)
class PersonMerge:
    """That two persons here are one: who asked for it and why, who approved, and since when it is so.

    state: asked, made (in force), undone. before: JSON text of what was held when it was made.
    """

    id: str
    kept: str
    superseded: str
    state: Literal["asked", "made", "undone"]
    asked_by: str
    reason: str
    asked: datetime
    approved_by: str | None
    made: datetime | None
    before: str | None
    undone_by: str | None
    undone: datetime | None


@dataclass(frozen=True, slots=True)
class Seal:
    """That texts of one custodian's about the wrong person were sealed, when and why; how many, and nothing of them.

    undone_merge: the merge by whose undoing that was, if it was.
    """

    id: str
    person: str | None
    custodian: str
    reason: str | None
    sealed: datetime
    texts: int
    undone_merge: str | None = None


@dataclass(frozen=True, slots=True)
class SealedText:
    """One text under a seal: a version of a resource (kind: its type), or a proposal or message that held it."""

    kind: str
    name: str
    version: int
    text: str


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approves of opening a seal, why, and when that was said."""

    client: str
    reason: str
    given: datetime


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """What a client asked to be told of. text: the Subscription as JSON, its status left as it came.
    wanted: what of it notifications rest on, as JSON, with the secrets of its channel.

    base: the address of the FHIR root as the client reached it. greeted: its endpoint has taken a handshake, or needs
    none. events: how many numbers count. beat: when a heartbeat is due. error: a stable code.
    """

    id: str
    version: int
    client: str
    organisation: str
    base: str
    text: str
    wanted: str
    status: SubscriptionStatus
    greeted: bool
    events: int
    updated: datetime
    ends: datetime | None
    beat: datetime | None
    attempts: int
    error: str | None
    retry_at: datetime | None
    owner: str | None
    token: int
    leased_until: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened which a subscription may be about: that a resource has this version now, or, about a
    person alone, that a copy is no longer kept up to date (parties: who holds it and who keeps it)."""

    seq: int
    subscription: str
    what: Literal["changed", "sharing-ended"]
    type: str
    id: str
    version: int
    person: str | None
    parties: str
    occurred: datetime
    number: int | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One AuditEvent as JSON text; person is who it is about."""

    recorded: datetime
    person: str | None
    text: str


@dataclass(frozen=True, slots=True)
class StoredPartner:
    """A partner kept here. version: of the series that all changes share. text: JSON, which holds no secret.

    reached: up to which person it has been looked at what is shared with it; None once that is so for everybody.
    """

    ods: str
    version: int
    changed: datetime
    removed: datetime | None
    reached: str | None
    text: str
