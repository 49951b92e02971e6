"""The first tables: contacts, tickets, calls with their words, accounts, and a journal that only grows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.schema import CanonicalJson, Instant

revision = "0001"
down_revision = None

JOURNAL_GUARDS = {
    "sqlite": (
        """
        CREATE TRIGGER journal_refuses_update BEFORE UPDATE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END
        """,
        """
        CREATE TRIGGER journal_refuses_delete BEFORE DELETE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END
        """,
        # Also what keeps INSERT OR REPLACE out, which fires no DELETE trigger.
        """
        CREATE TRIGGER journal_refuses_holes BEFORE INSERT ON journal
        WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM journal)
        BEGIN SELECT RAISE(ABORT, 'the journal grows at its end, by one'); END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION journal_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE 'the journal only grows' USING ERRCODE = 'integrity_constraint_violation'; END $$
        """,
        """
        CREATE TRIGGER journal_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
        FOR EACH STATEMENT EXECUTE FUNCTION journal_only_grows()
        """,
        """
        CREATE FUNCTION journal_grows_by_one() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM journal) THEN
                RAISE 'the journal grows at its end, by one' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """,
        """
        CREATE TRIGGER journal_refuses_holes BEFORE INSERT ON journal
        FOR EACH ROW EXECUTE FUNCTION journal_grows_by_one()
        """,
    ),
}


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("external_id", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("addressee", sa.Text, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contacts"),
        sa.UniqueConstraint("channel", "external_id", name="uq_contacts_channel"),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("contact_id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("answered_at", Instant),
        sa.Column("ended_at", Instant),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("matter", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("emergency_line", sa.Text, nullable=False),
        sa.Column("elements", CanonicalJson, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("ending", sa.Text, nullable=False),
        sa.Column("decisions", CanonicalJson, nullable=False),
        sa.Column("edited", CanonicalJson, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
    )
    op.create_index("ix_tickets_received_at", "tickets", ["received_at"])
    unended = sa.text("ended_at IS NULL")
    op.create_index("ix_tickets_unfinished", "tickets", ["channel"], sqlite_where=unended, postgresql_where=unended)
    op.create_table(
        "legs",
        sa.Column("leg_id", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("started", sa.Double, nullable=False),
        sa.Column("ended", sa.Double),
        sa.Column("recording", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("leg_id", name="pk_legs"),
    )
    op.create_index("ix_legs_call_id", "legs", ["call_id"])
    op.create_table(
        "utterances",
        sa.Column("leg_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("started", sa.Double, nullable=False),
        sa.Column("ended", sa.Double, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("words", CanonicalJson, nullable=False),
        sa.PrimaryKeyConstraint("leg_id", "number", "started", name="pk_utterances"),
    )
    op.create_index("ix_utterances_call_id", "utterances", ["call_id"])
    op.create_table(
        "gaps",
        sa.Column("leg_id", sa.Text, nullable=False),
        sa.Column("started", sa.Double, nullable=False),
        sa.Column("ended", sa.Double, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("leg_id", "started", name="pk_gaps"),
    )
    op.create_index("ix_gaps_call_id", "gaps", ["call_id"])
    op.create_table(
        "journal",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("call", sa.Text),
        sa.Column("ticket", sa.Text),
        sa.Column("offset", sa.Double),
        sa.Column("values", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_journal"),
    )
    op.create_index("ix_journal_call", "journal", ["call"])
    op.create_index("ix_journal_ticket", "journal", ["ticket"])
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("agent_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_accounts"),
    )
    for guard in JOURNAL_GUARDS[op.get_bind().dialect.name]:
        op.execute(guard)
