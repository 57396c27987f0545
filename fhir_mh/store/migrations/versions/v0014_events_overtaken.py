"""Whether a later event about the same resource waits is found without looking at all that wait."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    waiting = sa.text("sent IS NULL")
    columns = ["subscription", "type", "id", "seq"]
    op.create_index(
        "ix_events_overtaken", "events", columns, unique=False, postgresql_where=waiting, sqlite_where=waiting
    )
