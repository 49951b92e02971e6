"""The knowledge base's tables, in types that SQLite and PostgreSQL share.

``knowledge_terms`` is the inverted index of the published versions: one row for each term of each article, with what
the term weighs in it (`routing.search`). Its key begins with the term, which is how it is read; the second index finds
an article's rows when they are replaced.
"""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.schema import CanonicalJson, Instant, metadata

articles = sa.Table(
    "knowledge_articles",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("latest", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("published", sa.Integer),
    sa.Column("kind", sa.Text),
    sa.Column("valid_from", sa.Date),
    sa.Column("valid_until", sa.Date),
    sa.Column("confirmed_at", Instant, nullable=False),
    sa.Column("confirmed_by", sa.Text, nullable=False),
)
"""An article as it stands; ``kind``, ``valid_from`` and ``valid_until`` are the published version's."""

versions = sa.Table(
    "knowledge_versions",
    metadata,
    sa.Column("article_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("content", CanonicalJson, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)

terms = sa.Table(
    "knowledge_terms",
    metadata,
    sa.Column("term", sa.Text, primary_key=True),
    sa.Column("article", sa.Integer, primary_key=True, autoincrement=False, index=True),
    sa.Column("impact", sa.Double, nullable=False),
    sqlite_with_rowid=False,
)

checks = sa.Table(
    "knowledge_checks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("article_id", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("raised_at", Instant, nullable=False),
    sa.Column("raised_by", sa.Text, nullable=False),
    sa.Column("due", Instant),
    sa.Column("provisional", sa.Boolean, nullable=False),
    sa.Column("citation", CanonicalJson, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("answered_at", Instant),
    sa.Column("answered_by", sa.Text, nullable=False),
    sa.Column("answered_version", sa.Integer),
)
"""Check tickets; ``citation`` is JSON's null where no article sets a period."""
