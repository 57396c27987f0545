"""A seal says which undone merge it is of, if any: it does not keep the same two from being merged again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("seals", sa.Column("undone_merge", sa.String(64)))
