"""Askings for the plan of somebody whom nobody placed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "askings",
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=True),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("direction", "partner", "id", name=op.f("pk_askings")),
        sa.CheckConstraint("direction IN ('made', 'received')", name=op.f("ck_askings_direction")),
    )
    op.create_index("ix_askings_recent", "askings", ["direction", "partner", "asked"], unique=False)
    op.create_index("ix_askings_person", "askings", ["person"], unique=False)
    open_ones = sa.text("ended IS NULL AND until IS NOT NULL")
    op.create_index(
        "ix_askings_until", "askings", ["until"], unique=False, postgresql_where=open_ones, sqlite_where=open_ones
    )
