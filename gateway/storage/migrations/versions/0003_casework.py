"""Casework: cases, the units with a part in them, messages that go out, requests of other systems; units' accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.schema import CanonicalJson, Instant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("touched", sa.Integer, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("rules_of", sa.Date, nullable=False),
        sa.Column("above", CanonicalJson, nullable=False),
        sa.Column("reply", CanonicalJson, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("petitioner", sa.Text, nullable=False),
        sa.Column("matter", sa.Text, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.Column("handle_due", Instant),
        sa.Column("next_due", Instant),
        sa.Column("restricted_until", Instant),
        sa.Column("state", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    op.create_index("ix_cases_received_at", "cases", ["received_at", "id"])
    op.create_index("ix_cases_stage", "cases", ["stage", "received_at", "id"])
    op.create_index("ix_cases_category", "cases", ["category", "received_at", "id"])
    op.create_index("ix_cases_petitioner", "cases", ["petitioner", "matter", "received_at"])
    op.create_index("ix_cases_matter", "cases", ["matter", "received_at"])
    _partial("ix_cases_handle_due", "cases", ["handle_due", "id"], "handle_due IS NOT NULL")
    _partial("ix_cases_next_due", "cases", ["next_due", "id"], "next_due IS NOT NULL")
    _partial("ix_cases_restricted", "cases", ["petitioner"], "restricted_until IS NOT NULL")
    op.create_table(
        "case_units",
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("handle_due", Instant),
        sa.PrimaryKeyConstraint("unit", "case_id", name="pk_case_units"),
    )
    op.create_index("ix_case_units_case_id", "case_units", ["case_id"])
    op.create_index("ix_case_units_received_at", "case_units", ["unit", "received_at", "case_id"])
    op.create_index("ix_case_units_stage", "case_units", ["unit", "stage", "received_at", "case_id"])
    _partial("ix_case_units_handle_due", "case_units", ["unit", "handle_due", "case_id"], "handle_due IS NOT NULL")
    op.create_table(
        "outbox",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("due", Instant, nullable=False),
        sa.Column("values", CanonicalJson, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("done_at", Instant),
        sa.Column("given_up", sa.Boolean, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_outbox"),
    )
    op.create_index("ix_outbox_read", "outbox", ["channel", "to", "at", "key"])
    op.create_index("ix_outbox_case_id", "outbox", ["case_id"])
    _partial("ix_outbox_due", "outbox", ["channel", "due"], "done_at IS NULL")
    op.create_table(
        "deliveries",
        sa.Column("partner", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("partner", "key", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_at", "deliveries", ["at"])
    op.add_column("accounts", sa.Column("unit", sa.Text, nullable=False, server_default=""))


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
