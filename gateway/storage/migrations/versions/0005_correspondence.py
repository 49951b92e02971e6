"""Correspondence: what came with a contact, which ticket it belongs to, what was sent back, wishes, shared values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.schema import CanonicalJson, Instant

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("contacts", sa.Column("ticket_id", sa.Text, nullable=False, server_default=""))
    op.add_column("contacts", sa.Column("more", CanonicalJson, nullable=False, server_default="{}"))
    op.add_column("contacts", sa.Column("is_read", sa.Boolean, nullable=False, server_default=sa.true()))
    op.add_column("tickets", sa.Column("is_text_only", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute("UPDATE contacts SET ticket_id = coalesce((SELECT id FROM tickets WHERE contact_id = contacts.id), '')")
    op.create_index("ix_contacts_ticket_id", "contacts", ["ticket_id"])
    op.create_index("ix_contacts_sender", "contacts", ["channel", "sender", "received_at"])
    unread = ~sa.column("is_read", sa.Boolean)
    op.create_index("ix_contacts_unread", "contacts", ["received_at"], sqlite_where=unread, postgresql_where=unread)
    op.create_table(
        "sent",
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("sent_id", sa.Text, nullable=False),
        sa.Column("message_key", sa.Text, nullable=False),
        sa.Column("ticket_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("channel", "sent_id", name="pk_sent"),
    )
    op.create_index("ix_sent_ticket_id", "sent", ["ticket_id"])
    op.create_table(
        "wishes",
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("is_text_only", sa.Boolean, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_wishes"),
    )
    op.create_table(
        "shared_values",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("until", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_shared_values"),
    )
    op.create_index("ix_shared_values_until", "shared_values", ["until"])
