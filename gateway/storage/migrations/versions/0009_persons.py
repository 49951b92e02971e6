"""Addresses that were proven to be one person's, and tickets whose petitioner wants a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.schema import Instant

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "proven_addresses",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("proven", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key", "proven", name="pk_proven_addresses"),
    )
    op.create_index("ix_proven_addresses_proven", "proven_addresses", ["proven"])
    op.add_column("tickets", sa.Column("wants_person", sa.Boolean, nullable=False, server_default=sa.false()))
