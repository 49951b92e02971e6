"""Registers: the numbered papers beside the cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.schema import CanonicalJson, Instant

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "papers",
        sa.Column("register", sa.Text, nullable=False),
        sa.Column("year", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("opened_at", Instant, nullable=False),
        sa.Column("due", Instant),
        sa.Column("closed_at", Instant),
        sa.Column("rows", CanonicalJson, nullable=False),
        sa.Column("values", CanonicalJson, nullable=False),
        sa.PrimaryKeyConstraint("register", "year", "seq", name="pk_papers"),
    )
    op.create_index("ix_papers_case_id", "papers", ["case_id", "register", "year", "seq"])
    op.create_index("ix_papers_state", "papers", ["register", "state", "year", "seq"])
    op.create_index("ix_papers_unit", "papers", ["register", "unit", "year", "seq"])
