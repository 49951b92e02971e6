"""Conversations on the citizens' page: their lines, and how far the citizen's side has them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.schema import CanonicalJson, Instant

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "chats",
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("confirmed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("conversation", name="pk_chats"),
    )
    op.create_table(
        "chat_lines",
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("ticket_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("emergencies", CanonicalJson, nullable=False),
        sa.Column("files", CanonicalJson, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "number", name="pk_chat_lines"),
        sa.UniqueConstraint("conversation", "id", name="uq_chat_lines_conversation"),
    )
