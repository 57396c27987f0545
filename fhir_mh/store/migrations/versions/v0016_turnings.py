"""When somebody's sharing rules next begin or end by their dates. Whoever has any is looked at once, at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "turnings",
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_turnings")),
    )
    op.create_index(op.f("ix_turnings_at"), "turnings", ["at"], unique=False)
    op.execute(
        "INSERT INTO turnings (person, at) SELECT DISTINCT person, 0 FROM resources"
        " WHERE type = 'Consent' AND person IS NOT NULL"
    )
