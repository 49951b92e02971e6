"""The knowledge base: articles, their versions, the index of what they say, and check tickets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.schema import CanonicalJson, Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "knowledge_articles",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
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
        sa.PrimaryKeyConstraint("number", name="pk_knowledge_articles"),
        sa.UniqueConstraint("id", name="uq_knowledge_articles_id"),
    )
    op.create_table(
        "knowledge_versions",
        sa.Column("article_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("content", CanonicalJson, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("article_id", "number", name="pk_knowledge_versions"),
    )
    op.create_table(
        "knowledge_terms",
        sa.Column("term", sa.Text, nullable=False),
        sa.Column("article", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("impact", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("term", "article", name="pk_knowledge_terms"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_knowledge_terms_article", "knowledge_terms", ["article"])
    op.create_table(
        "knowledge_checks",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("article_id", sa.Text, nullable=False),
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
        sa.PrimaryKeyConstraint("id", name="pk_knowledge_checks"),
    )
    op.create_index("ix_knowledge_checks_article_id", "knowledge_checks", ["article_id"])
