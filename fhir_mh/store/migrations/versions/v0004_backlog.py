"""What a long backlog asks for: a way to the next lane of each partner, its age at a glance, and its alarm kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_lanes_due", table_name="lanes")
    for name, table, columns, where in (
        ("ix_lanes_due", "lanes", ["partner", "due", "person"], "due IS NOT NULL"),
        ("ix_lanes_leased", "lanes", ["partner", "leased_until"], "leased_until IS NOT NULL"),
        ("ix_lanes_halted", "lanes", ["partner"], "state = 'halted'"),
        ("ix_outbox_waiting", "outbox", ["partner", "created", "person", "kind"], "state = 'pending'"),
    ):
        op.create_index(
            name, table, columns, unique=False, postgresql_where=sa.text(where), sqlite_where=sa.text(where)
        )
    op.create_table(
        "alarms",
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_alarms")),
    )
