"""The edition in which a resource was last written to a partner's server; 0 where it was, and in which is not known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("server_copies", sa.Column("edition", sa.BigInteger(), nullable=True))
    op.execute("UPDATE server_copies SET edition = 0 WHERE sent IS NOT NULL")
