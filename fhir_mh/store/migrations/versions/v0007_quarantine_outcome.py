"""What became of a message that was set aside, and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("quarantine", sa.Column("changed", sa.BigInteger(), nullable=True))
    op.add_column("quarantine", sa.Column("outcome", sa.Text(), nullable=True))
