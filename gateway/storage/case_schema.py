"""Casework's tables, in types that SQLite and PostgreSQL share.

A case is its canonical JSON; the other columns are what it is found by. ``case_units`` has a row for each unit with a
part in a case, with the columns that its lists are ordered and narrowed by: a unit's page reads its own rows alone.
``case_words`` and ``case_terms`` are the index that cases are found by (`gateway.storage.case_search`).
"""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.schema import CanonicalJson, Instant, metadata

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
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
)

case_units = sa.Table(
    "case_units",
    metadata,
    sa.Column("unit", sa.Text, primary_key=True),
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("handle_due", Instant),
)

case_words = sa.Table(
    "case_words",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("case_id", sa.Text, nullable=False, unique=True),
    sa.Column("words", sa.Text, nullable=False),
)
"""What a case says. Its number grows with the time of its receipt: milliseconds since 1970, or the next one free."""

case_terms = sa.Table(
    "case_terms",
    metadata,
    sa.Column("term", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
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
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("partner", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("asked", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False, index=True),
)


def _partial(name: str, condition: sa.ColumnElement[bool], *columns: sa.Column[str]) -> sa.Index:
    return sa.Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


INDEXES = (
    sa.Index("ix_cases_received_at", cases.c.received_at, cases.c.id),
    sa.Index("ix_cases_stage", cases.c.stage, cases.c.received_at, cases.c.id),
    sa.Index("ix_cases_category", cases.c.category, cases.c.received_at, cases.c.id),
    sa.Index("ix_cases_petitioner", cases.c.petitioner, cases.c.matter, cases.c.received_at),
    sa.Index("ix_cases_matter", cases.c.matter, cases.c.received_at),
    _partial("ix_cases_handle_due", cases.c.handle_due.is_not(None), cases.c.handle_due, cases.c.id),
    _partial("ix_cases_next_due", cases.c.next_due.is_not(None), cases.c.next_due, cases.c.id),
    _partial("ix_cases_restricted", cases.c.restricted_until.is_not(None), cases.c.petitioner),
    sa.Index("ix_case_units_case_id", case_units.c.case_id),
    sa.Index("ix_case_units_received_at", case_units.c.unit, case_units.c.received_at, case_units.c.case_id),
    sa.Index(
        "ix_case_units_stage", case_units.c.unit, case_units.c.stage, case_units.c.received_at, case_units.c.case_id
    ),
    _partial(
        "ix_case_units_handle_due",
        case_units.c.handle_due.is_not(None),
        case_units.c.unit,
        case_units.c.handle_due,
        case_units.c.case_id,
    ),
    sa.Index("ix_outbox_read", outbox.c.channel, outbox.c.to, outbox.c.at, outbox.c.key),
    sa.Index("ix_outbox_case_id", outbox.c.case_id),
    _partial("ix_outbox_waiting", outbox.c.done_at.is_(None), outbox.c.channel, outbox.c.to, outbox.c.at, outbox.c.key),
    _partial("ix_outbox_due", outbox.c.done_at.is_(None), outbox.c.channel, outbox.c.due),
)
