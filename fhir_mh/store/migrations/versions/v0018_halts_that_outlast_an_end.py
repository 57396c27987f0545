"""Why a lane is halted until people resume it, kept also while sharing has ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lanes", sa.Column("halt", sa.Text(), nullable=True))
    op.execute("UPDATE lanes SET halt = reason WHERE state = 'halted'")
