"""In which editions a resource has left for a partner's server without an answer.

Of those that were made and are not known to be stored there, any may have left before this was noted.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unanswered_writings",
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "type", "name", "edition", name=op.f("pk_unanswered_writings")),
    )
    op.execute(
        "INSERT INTO unanswered_writings (partner, type, name, edition)"
        " SELECT c.partner, c.type, c.name, p.edition FROM server_copies c"
        " JOIN resources r ON r.type = c.type AND r.id = c.name"
        " JOIN projections p ON p.partner = c.partner AND p.person = r.person AND p.custodian = r.custodian"
        " LEFT JOIN currency k ON k.partner = p.partner AND k.person = p.person AND k.custodian = p.custodian"
        " WHERE p.edition > COALESCE(k.stored_edition, 0)"
    )
