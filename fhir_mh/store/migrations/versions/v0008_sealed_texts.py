"""Texts of the wrong person, apart from every record, and who has approved that they be opened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seals",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=True),
        sa.Column("custodian", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("sealed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seals")),
    )
    op.create_index("ix_seals_person", "seals", ["person"], unique=False)
    op.create_table(
        "sealed_texts",
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seal"], ["seals.id"], name=op.f("fk_sealed_texts_seal")),
        sa.PrimaryKeyConstraint("seal", "number", name=op.f("pk_sealed_texts")),
    )
    op.create_index("ix_sealed_texts_kind", "sealed_texts", ["kind", "name"], unique=False)
    op.create_table(
        "seal_approvals",
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["seal"], ["seals.id"], name=op.f("fk_seal_approvals_seal")),
        sa.PrimaryKeyConstraint("seal", "client", name=op.f("pk_seal_approvals")),
    )
