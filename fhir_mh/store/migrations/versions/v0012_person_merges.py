"""Merges of two persons: who asked for each and who approved, and what was held when it was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person_merges",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kept", sa.String(length=64), nullable=False),
        sa.Column("superseded", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.Column("made", sa.BigInteger(), nullable=True),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("undone_by", sa.String(length=64), nullable=True),
        sa.Column("undone", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('asked', 'made', 'undone')", name=op.f("ck_person_merges_state")),
        sa.ForeignKeyConstraint(["kept"], ["persons.id"], name=op.f("fk_person_merges_kept")),
        sa.ForeignKeyConstraint(["superseded"], ["persons.id"], name=op.f("fk_person_merges_superseded")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_merges")),
    )
    made = sa.text("state = 'made'")
    for column in ("kept", "superseded"):
        op.create_index(
            f"ix_person_merges_{column}", "person_merges", [column], unique=False,
            postgresql_where=made, sqlite_where=made,
        )  # fmt: skip
    op.create_index("ix_person_merges_asked", "person_merges", ["asked", "id"], unique=False)
