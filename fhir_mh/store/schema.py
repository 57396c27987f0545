"""The tables of a store, the same on SQLite and PostgreSQL.

Times are whole milliseconds since 1970 in UTC, as exact as meta.lastUpdated. Texts are kept as they travel:
JSON is never parsed by the database. Changing a table here needs a new migration; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

REVISION = "0019"  # the migration this code expects; compared on open without importing Alembic

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

Key = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER


def _names(*names: str) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _one_of(column: str, *names: str) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({_names(*names)})", name=column)


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of some rows only."""
    return Index(name, *columns, postgresql_where=text(where), sqlite_where=text(where))


# --- people -------------------------------------------------------------------------------------------------

persons = Table(
    "persons",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),  # the record version: ETag of /records/{id}
    Column("created", BigInteger, nullable=False),
)

person_identifiers = Table(
    "person_identifiers",
    metadata,
    Column("system", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("person", ForeignKey("persons.id"), nullable=False, index=True),
    PrimaryKeyConstraint("system", "value"),
)

editions = Table(
    "editions",
    metadata,
    Column("person", ForeignKey("persons.id"), nullable=False),
    Column("custodian", String(64), nullable=False),
    Column("edition", BigInteger, nullable=False),
    PrimaryKeyConstraint("person", "custodian"),
)

person_merges = Table(  # that two persons are one, for as long as it is in force; each keeps what is stored of it
    "person_merges",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kept", ForeignKey("persons.id"), nullable=False),
    Column("superseded", ForeignKey("persons.id"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("asked_by", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("approved_by", String(64)),
    Column("made", BigInteger),
    Column("before", Text),  # JSON: what was held when it was made
    Column("undone_by", String(64)),
    Column("undone", BigInteger),
    _one_of("state", "asked", "made", "undone"),
    _partial("ix_person_merges_kept", "kept", where="state = 'made'"),
    _partial("ix_person_merges_superseded", "superseded", where="state = 'made'"),
    Index("ix_person_merges_asked", "asked", "id"),
)

# --- resources ----------------------------------------------------------------------------------------------

resources = Table(
    "resources",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("type", String(64), nullable=False),
    Column("id", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("person", ForeignKey("persons.id")),
    Column("custodian", String(64), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("updated", BigInteger, nullable=False),
    UniqueConstraint("type", "id"),
    Index("ix_resources_person", "person", "type", "key"),
    Index("ix_resources_updated", "type", "updated"),
    Index("ix_resources_type", "type", "key"),
)

versions = Table(
    "versions",
    metadata,
    Column("resource", Key, ForeignKey("resources.key"), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("custodian", String(64), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("resource", "version"),
)

identifiers = Table(
    "identifiers",
    metadata,
    Column("value", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("resource", Key, ForeignKey("resources.key"), nullable=False, index=True),
    PrimaryKeyConstraint("value", "system", "resource"),
)

# --- sending ------------------------------------------------------------------------------------------------

lanes = Table(
    "lanes",
    metadata,
    Column("partner", String(64), nullable=False),
    Column("person", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("halt", Text),  # until people resume it, also while it is ended
    Column("due", BigInteger),  # null: nothing to send that this state lets pass
    Column("attempts", Integer, nullable=False),
    Column("owner", String(128)),
    Column("token", BigInteger, nullable=False),  # rises with each claim: the fence
    Column("leased_until", BigInteger),
    PrimaryKeyConstraint("partner", "person"),
    _one_of("state", "open", "halted", "ended"),
    _partial("ix_lanes_due", "partner", "due", "person", where="due IS NOT NULL"),
    _partial("ix_lanes_leased", "partner", "leased_until", where="leased_until IS NOT NULL"),
    _partial("ix_lanes_halted", "partner", where="state = 'halted'"),
    Index("ix_lanes_person", "person"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", Key, primary_key=True, autoincrement=True),
    Column("message", String(64), nullable=False, unique=True),
    Column("partner", String(64), nullable=False),
    Column("person", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("edition", BigInteger),
    Column("urgent", Boolean, nullable=False),
    Column("payload", Text),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", String(128)),
    Column("created", BigInteger, nullable=False),
    Column("settled", BigInteger),
    _one_of("kind", "snapshot", "proposal", "notice", "filed", "opened"),
    _one_of("state", "pending", "acked", "superseded", "dead"),
    Index("ix_outbox_lane", "partner", "person", "state", "seq"),
    Index("ix_outbox_state", "state", "seq"),
    _partial("ix_outbox_waiting", "partner", "created", "person", "kind", where="state = 'pending'"),
    sqlite_autoincrement=True,  # a number is never given twice, even after a purge
)

breakers = Table(
    "breakers",
    metadata,
    Column("partner", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("retry_at", BigInteger),
    _one_of("state", "closed", "open", "half-open"),
)

alarms = Table(  # partners whose backlog is too old, for as long as it is
    "alarms",
    metadata,
    Column("partner", String(64), primary_key=True),
    Column("since", BigInteger, nullable=False),
)

partners = Table(
    "partners",
    metadata,
    Column("ods", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False, unique=True),  # of one series for all: the last change is the largest
    Column("changed", BigInteger, nullable=False),
    Column("removed", BigInteger),
    Column("reached", String(64)),  # whose sharing with it was looked at last since it was added; null: everybody's
    Column("text", Text, nullable=False),
)

# --- receiving ----------------------------------------------------------------------------------------------

inbox = Table(
    "inbox",
    metadata,
    Column("partner", String(64), nullable=False),
    Column("message", String(64), nullable=False),
    Column("receipt", Text, nullable=False),
    Column("received", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("partner", "message"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("partner", String(64), nullable=False),
    Column("person", String(64)),
    Column("message", String(64)),
    Column("received", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("issues", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("changed", BigInteger),
    Column("outcome", Text),
    _one_of("state", "held", "replayed", "discarded", "sealed"),
    Index("ix_quarantine_state", "state", "received"),
)

# --- what partners hold ---------------------------------------------------------------------------------------

projections = Table(
    "projections",
    metadata,
    Column("partner", String(64), nullable=False),
    Column("person", String(64), nullable=False),
    Column("custodian", String(64), nullable=False),
    Column("edition", BigInteger, nullable=False),
    Column("sent", Text, nullable=False),
    Column("withheld", Text, nullable=False),
    Column("inexpressible", Text, nullable=False),
    Column("made", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "person", "custodian", "edition"),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("direction", String(8), nullable=False),
    Column("partner", String(64), nullable=False),
    Column("person", String(64), nullable=False),
    Column("custodian", String(64), nullable=False),
    Column("base", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("outcome", Text),
    Column("created", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    _one_of("direction", "sent", "received"),
    _one_of("state", "pending", "accepted", "partly", "refused", "conflict"),
    Index("ix_proposals_person", "person", "state", "created"),
)

conflicts = Table(
    "conflicts",
    metadata,
    Column("id", String(64), primary_key=True),  # of the Task
    Column("person", String(64), nullable=False),
    Column("path", Text, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("theirs_by", String(64), nullable=False),
    Column("proposals", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("ours", Text, nullable=False),
    Column("theirs", Text, nullable=False),
    Column("raised", BigInteger, nullable=False),
    Column("outcome", String(16)),
    Column("decision", Text),
    Column("decided", BigInteger),
    Column("edition", BigInteger),
    Index("ix_conflicts_open", "outcome", "raised", "id"),
    Index("ix_conflicts_person", "person", "theirs_by", "edition"),
)

_STAGES = ("sent", "stored", "filed", "opened")

currency = Table(
    "currency",
    metadata,
    Column("partner", String(64), nullable=False),
    Column("person", String(64), nullable=False),
    Column("custodian", String(64), nullable=False),
    *(Column(f"{stage}_{what}", BigInteger) for stage in _STAGES for what in ("edition", "at")),
    Column("ended_at", BigInteger),
    Column("ended_reason", Text),
    Column("lapsed", Text),  # JSON: section -> since when no snapshot covers it, or may
    PrimaryKeyConstraint("partner", "person", "custodian"),
    Index("ix_currency_person", "person"),
)

server_copies = Table(  # on partners' plain FHIR servers
    "server_copies",
    metadata,
    Column("partner", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("name", String(64), nullable=False),  # its id here
    Column("remote_id", String(64), nullable=False),
    Column("remote_version", Text, nullable=False),
    Column("held", String(64), nullable=False),  # SHA-256 of what the server answered that it holds
    Column("sent", String(64)),  # SHA-256 of what was written there; null: somebody there has written it
    Column("seen", BigInteger, nullable=False),
    Column("edition", BigInteger),  # in which it was last written there; null: never by us
    PrimaryKeyConstraint("partner", "type", "name"),
    UniqueConstraint("partner", "type", "remote_id"),
)

unanswered_writings = Table(  # what left for a plain FHIR server, until it is known what came of it
    "unanswered_writings",
    metadata,
    Column("partner", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("name", String(64), nullable=False),  # its id here
    Column("edition", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "type", "name", "edition"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("partner", String(64), nullable=False),
    Column("source", String(64), nullable=False),
    Column("position", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "source"),
)

askings = Table(  # for the plan of somebody whom nobody placed: made here, or received
    "askings",
    metadata,
    Column("direction", String(8), nullable=False),
    Column("partner", String(64), nullable=False),
    Column("id", String(64), nullable=False),
    Column("person", String(64)),  # of one made: once a plan has come; of one received: who it is shown to mean
    Column("purpose", String(16), nullable=False),
    Column("status", String(16)),
    Column("asked", BigInteger, nullable=False),
    Column("until", BigInteger),  # of one received by which something is shared: when it lapses
    Column("ended", BigInteger),
    PrimaryKeyConstraint("direction", "partner", "id"),
    _one_of("direction", "made", "received"),
    Index("ix_askings_recent", "direction", "partner", "asked"),
    Index("ix_askings_person", "person"),
    _partial("ix_askings_until", "until", where="ended IS NULL AND until IS NOT NULL"),
)

turnings = Table(  # when time alone next changes what somebody's sharing rules say
    "turnings",
    metadata,
    Column("person", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Key, primary_key=True, autoincrement=True),
    Column("recorded", BigInteger, nullable=False, index=True),
    Column("person", String(64), index=True),
    Column("text", Text, nullable=False),
    sqlite_autoincrement=True,
)

pages = Table(
    "pages",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("organisation", String(64), nullable=False),
    Column("search", Text, nullable=False),
    Column("until", BigInteger, nullable=False, index=True),
)

# --- clients that asked to be told -----------------------------------------------------------------------------

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("client", Text, nullable=False),
    Column("organisation", String(64), nullable=False),
    Column("kinds", Text, nullable=False),  # types of resources, a space around each; and what else it is told of
    Column("base", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("wanted", Text, nullable=False),  # with the secrets of channel.header: never shown or logged
    Column("status", String(16), nullable=False),
    Column("greeted", Boolean, nullable=False),
    Column("events", BigInteger, nullable=False),  # how many numbers count
    Column("updated", BigInteger, nullable=False),
    Column("ends", BigInteger),
    Column("beat", BigInteger),  # when a heartbeat is due; null: it wants none
    Column("attempts", Integer, nullable=False),
    Column("error", String(128)),
    Column("retry_at", BigInteger),
    Column("owner", String(128)),
    Column("token", BigInteger, nullable=False),  # rises with each claim: the fence
    Column("leased_until", BigInteger),
    _one_of("status", "requested", "active", "error", "off"),
    Index("ix_subscriptions_client", "organisation", "client", "id"),
)

events = Table(  # no foreign key: a change that is written holds up nobody who claims a subscription
    "events",
    metadata,
    Column("seq", Key, primary_key=True, autoincrement=True),
    Column("subscription", String(64), nullable=False),
    Column("what", String(16), nullable=False),
    Column("type", String(64), nullable=False),
    Column("id", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("person", String(64)),
    Column("parties", Text, nullable=False),
    Column("occurred", BigInteger, nullable=False),
    Column("number", BigInteger),  # null: it may not have been sent yet
    Column("sent", BigInteger),  # when it was taken; null: it waits
    _one_of("what", "changed", "sharing-ended"),
    _partial("ix_events_waiting", "subscription", "seq", where="sent IS NULL"),
    _partial("ix_events_overtaken", "subscription", "type", "id", "seq", where="sent IS NULL"),
    Index("ix_events_number", "subscription", "number"),
    Index("ix_events_sent", "subscription", "sent"),
    sqlite_autoincrement=True,
)

# --- safety concerns: tables of their own that name no person, so that no query about a person can reach one -------

concerns = Table(
    "concerns",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("about", String(64), nullable=False),
    Column("receipt", String(64), nullable=False, unique=True),  # SHA-256 of what who raised it was given
    Column("open", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    Index("ix_concerns_owner", "owner", "open", "created", "id"),
)

concern_versions = Table(
    "concern_versions",
    metadata,
    Column("concern", ForeignKey("concerns.id"), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("concern", "version"),
)

# --- texts of the wrong person: tables of their own, so that nothing that reads records reaches one ---------------

seals = Table(
    "seals",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("person", String(64), index=True),
    Column("custodian", String(64), nullable=False),
    Column("reason", Text),
    Column("sealed", BigInteger, nullable=False),
    Column("undone_merge", String(64)),
)

sealed_texts = Table(
    "sealed_texts",
    metadata,
    Column("seal", ForeignKey("seals.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("seal", "number"),
    Index("ix_sealed_texts_kind", "kind", "name"),
)

seal_approvals = Table(
    "seal_approvals",
    metadata,
    Column("seal", ForeignKey("seals.id"), nullable=False),
    Column("client", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("given", BigInteger, nullable=False),
    PrimaryKeyConstraint("seal", "client"),
)
