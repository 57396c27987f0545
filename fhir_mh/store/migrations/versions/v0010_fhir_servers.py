"""FHIR servers of partners: where each resource lies there, and how far each of them has been read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "server_copies",
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("remote_id", sa.String(length=64), nullable=False),
        sa.Column("remote_version", sa.Text(), nullable=False),
        sa.Column("held", sa.String(length=64), nullable=False),
        sa.Column("sent", sa.String(length=64), nullable=True),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "type", "name", name=op.f("pk_server_copies")),
        sa.UniqueConstraint("partner", "type", "remote_id", name=op.f("uq_server_copies_partner_type_remote_id")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("partner", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "source", name=op.f("pk_checkpoints")),
    )
