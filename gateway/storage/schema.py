"""The tables, in types that SQLite and PostgreSQL share.

`gateway.storage.migrations` makes them, and a test compares the two. Times of a call are seconds (double precision);
instants are UTC to the microsecond; nested parts are canonical JSON.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from gateway.domain.errors import OurMistake
from gateway.storage.chain import canonical, instant

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


class Instant(sa.types.TypeDecorator[datetime]):
    """A zone-aware instant: ``timestamptz`` where there is one, else text as the journal spells it, which sorts."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """SQLite forgets zones, so it gets text."""
        return dialect.type_descriptor(sa.String(27) if dialect.name == "sqlite" else sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Refuse an instant without a zone."""
        if value is None:
            return None
        text = instant(value)
        return text if dialect.name == "sqlite" else datetime.fromisoformat(text)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """Give the instant back in UTC."""
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


class Seconds(sa.types.TypeDecorator[float]):
    """A time of a call: a finite number, in double precision. PostgreSQL would take NaN too."""

    impl = sa.Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: sa.Dialect) -> float | None:
        """Refuse what is no number."""
        if value is not None and not math.isfinite(value):
            raise OurMistake(f"{value} is no time")
        return value


class CanonicalJson(sa.types.TypeDecorator[Any]):
    """A JSON value as the text that is hashed, so that what is kept and what is hashed cannot differ."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:
        """Write the value."""
        return canonical(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        """Read the value."""
        if value is None:
            raise OurMistake("a JSON column is empty")
        return json.loads(value)


contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("addressee", sa.Text, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("ticket_id", sa.Text, nullable=False, server_default=""),
    sa.Column("more", CanonicalJson, nullable=False, server_default="{}"),
    sa.Column("is_read", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.UniqueConstraint("channel", "external_id"),
    sa.Index("ix_contacts_ticket_id", "ticket_id"),
    sa.Index("ix_contacts_sender", "channel", "sender", "received_at"),
)

unread = sa.Index(
    "ix_contacts_unread",
    contacts.c.received_at,
    sqlite_where=~contacts.c.is_read,
    postgresql_where=~contacts.c.is_read,
)

sent = sa.Table(
    "sent",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("sent_id", sa.Text, primary_key=True),
    sa.Column("message_key", sa.Text, nullable=False),
    sa.Column("ticket_id", sa.Text, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

wishes = sa.Table(
    "wishes",
    metadata,
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("is_text_only", sa.Boolean, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)

shared_values = sa.Table(
    "shared_values",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("until", Instant, nullable=False, index=True),
)

proven_addresses = sa.Table(
    "proven_addresses",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("proven", sa.Text, primary_key=True, index=True),
    sa.Column("at", Instant, nullable=False),
)

chats = sa.Table(
    "chats",
    metadata,
    sa.Column("conversation", sa.Text, primary_key=True),
    sa.Column("confirmed", sa.Integer, nullable=False),
)

chat_lines = sa.Table(
    "chat_lines",
    metadata,
    sa.Column("conversation", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("ticket_id", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("emergencies", CanonicalJson, nullable=False),
    sa.Column("files", CanonicalJson, nullable=False),
    sa.UniqueConstraint("conversation", "id"),
)

tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("contact_id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("call_id", sa.Text),
    sa.Column("caller", sa.Text, nullable=False),
    sa.Column("received_at", Instant, nullable=False, index=True),
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
    sa.Column("node", sa.Text, nullable=False, server_default=""),
    sa.Column("is_text_only", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("wants_person", sa.Boolean, nullable=False, server_default=sa.false()),
)

unfinished = sa.Index(
    "ix_tickets_unfinished",
    tickets.c.channel,
    sqlite_where=tickets.c.ended_at.is_(None),
    postgresql_where=tickets.c.ended_at.is_(None),
)

legs = sa.Table(
    "legs",
    metadata,
    sa.Column("leg_id", sa.Text, primary_key=True),
    sa.Column("call_id", sa.Text, nullable=False, index=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("started", Seconds, nullable=False),
    sa.Column("ended", Seconds),
    sa.Column("recording", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
)

# A recogniser that was restarted may count from 0 again: the start belongs to the key, so that no words replace others.
utterances = sa.Table(
    "utterances",
    metadata,
    sa.Column("leg_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("started", Seconds, primary_key=True),
    sa.Column("ended", Seconds, nullable=False),
    sa.Column("call_id", sa.Text, nullable=False, index=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("words", CanonicalJson, nullable=False),
)

gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("leg_id", sa.Text, primary_key=True),
    sa.Column("started", Seconds, primary_key=True),
    sa.Column("ended", Seconds, nullable=False),
    sa.Column("call_id", sa.Text, nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
)

# The columns are called as the keys that are hashed (docs/journal.md).
journal = sa.Table(
    "journal",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("call", sa.Text, index=True),
    sa.Column("ticket", sa.Text, index=True),
    sa.Column("offset", Seconds),
    sa.Column("values", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("agent_id", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False, server_default=""),
)
