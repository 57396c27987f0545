"""The first release's tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("recorded", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_person"), "audit", ["person"], unique=False)
    op.create_index(op.f("ix_audit_recorded"), "audit", ["recorded"], unique=False)
    op.create_table(
        "breakers",
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("retry_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('closed', 'open', 'half-open')", name=op.f("ck_breakers_state")),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_breakers")),
    )
    op.create_table(
        "currency",
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("custodian", sa.String(length=64), nullable=False),
        sa.Column("sent_edition", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("stored_edition", sa.BigInteger(), nullable=True),
        sa.Column("stored_at", sa.BigInteger(), nullable=True),
        sa.Column("filed_edition", sa.BigInteger(), nullable=True),
        sa.Column("filed_at", sa.BigInteger(), nullable=True),
        sa.Column("opened_edition", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("partner", "person", "custodian", name=op.f("pk_currency")),
    )
    op.create_index("ix_currency_person", "currency", ["person"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("message", sa.String(length=64), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "message", name=op.f("pk_inbox")),
    )
    op.create_index(op.f("ix_inbox_received"), "inbox", ["received"], unique=False)
    op.create_table(
        "lanes",
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=128), nullable=True),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'halted', 'ended')", name=op.f("ck_lanes_state")),
        sa.PrimaryKeyConstraint("partner", "person", name=op.f("pk_lanes")),
    )
    op.create_index(
        "ix_lanes_due",
        "lanes",
        ["due"],
        unique=False,
        postgresql_where=sa.text("due IS NOT NULL"),
        sqlite_where=sa.text("due IS NOT NULL"),
    )
    op.create_index("ix_lanes_person", "lanes", ["person"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("message", sa.String(length=64), nullable=False),
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=128), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('snapshot', 'proposal', 'notice')", name=op.f("ck_outbox_kind")),
        sa.CheckConstraint("state IN ('pending', 'acked', 'superseded', 'dead')", name=op.f("ck_outbox_state")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
        sa.UniqueConstraint("message", name=op.f("uq_outbox_message")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_lane", "outbox", ["partner", "person", "state", "seq"], unique=False)
    op.create_index("ix_outbox_state", "outbox", ["state", "seq"], unique=False)
    op.create_table(
        "persons",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
    )
    op.create_table(
        "projections",
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("custodian", sa.String(length=64), nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.Text(), nullable=False),
        sa.Column("withheld", sa.Text(), nullable=False),
        sa.Column("inexpressible", sa.Text(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "person", "custodian", "edition", name=op.f("pk_projections")),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("custodian", sa.String(length=64), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("direction IN ('sent', 'received')", name=op.f("ck_proposals_direction")),
        sa.CheckConstraint(
            "state IN ('pending', 'accepted', 'partly', 'refused', 'conflict')", name=op.f("ck_proposals_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_index("ix_proposals_person", "proposals", ["person", "state", "created"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=True),
        sa.Column("message", sa.String(length=64), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("issues", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.CheckConstraint("state IN ('held', 'replayed', 'discarded', 'sealed')", name=op.f("ck_quarantine_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_index("ix_quarantine_state", "quarantine", ["state", "received"], unique=False)
    op.create_table(
        "editions",
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("custodian", sa.String(length=64), nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["persons.id"], name=op.f("fk_editions_person")),
        sa.PrimaryKeyConstraint("person", "custodian", name=op.f("pk_editions")),
    )
    op.create_table(
        "person_identifiers",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["persons.id"], name=op.f("fk_person_identifiers_person")),
        sa.PrimaryKeyConstraint("system", "value", name=op.f("pk_person_identifiers")),
    )
    op.create_index(op.f("ix_person_identifiers_person"), "person_identifiers", ["person"], unique=False)
    op.create_table(
        "resources",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=True),
        sa.Column("custodian", sa.String(length=64), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["persons.id"], name=op.f("fk_resources_person")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_resources")),
        sa.UniqueConstraint("type", "id", name=op.f("uq_resources_type_id")),
    )
    op.create_index("ix_resources_person", "resources", ["person", "type", "key"], unique=False)
    op.create_index("ix_resources_type", "resources", ["type", "key"], unique=False)
    op.create_index("ix_resources_updated", "resources", ["type", "updated"], unique=False)
    op.create_table(
        "identifiers",
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("resource", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["resource"], ["resources.key"], name=op.f("fk_identifiers_resource")),
        sa.PrimaryKeyConstraint("value", "system", "resource", name=op.f("pk_identifiers")),
    )
    op.create_index(op.f("ix_identifiers_resource"), "identifiers", ["resource"], unique=False)
    op.create_table(
        "versions",
        sa.Column("resource", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("custodian", sa.String(length=64), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["resource"], ["resources.key"], name=op.f("fk_versions_resource")),
        sa.PrimaryKeyConstraint("resource", "version", name=op.f("pk_versions")),
    )
