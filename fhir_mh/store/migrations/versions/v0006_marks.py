"""Marks travel: the outbox takes two more kinds, and a copy knows which sections no snapshot covers any more.

Of a copy that is held already that is known from the next snapshot on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KINDS = "kind IN ('snapshot', 'proposal', 'notice', 'filed', 'opened')"
_COLUMNS = "seq, message, partner, person, kind, edition, urgent, payload, state, attempts, error, created, settled"


def upgrade() -> None:
    op.add_column("currency", sa.Column("lapsed", sa.Text(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        _outbox_made_anew()
        return
    op.drop_constraint(op.f("ck_outbox_kind"), "outbox", type_="check")
    op.create_check_constraint(op.f("ck_outbox_kind"), "outbox", _KINDS)


def _outbox_made_anew() -> None:
    """SQLite cannot change a constraint. Numbers go on where they were, even where a purge has taken the last ones."""
    op.create_table(
        "outbox_new",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
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
        sa.CheckConstraint(_KINDS, name=op.f("ck_outbox_kind")),
        sa.CheckConstraint("state IN ('pending', 'acked', 'superseded', 'dead')", name=op.f("ck_outbox_state")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
        sa.UniqueConstraint("message", name=op.f("uq_outbox_message")),
        sqlite_autoincrement=True,
    )
    op.execute(f"INSERT INTO outbox_new ({_COLUMNS}) SELECT {_COLUMNS} FROM outbox ORDER BY seq")
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox_new'")
    op.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'outbox_new', seq FROM sqlite_sequence WHERE name = 'outbox'"
    )
    op.drop_table("outbox")
    op.rename_table("outbox_new", "outbox")
    op.create_index("ix_outbox_lane", "outbox", ["partner", "person", "state", "seq"], unique=False)
    op.create_index("ix_outbox_state", "outbox", ["state", "seq"], unique=False)
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["partner", "created", "person", "kind"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
    )
