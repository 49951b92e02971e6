"""The index of what cases say, filled from those that are there; what waits in an inbox; who is signed in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.case_search import index_all
from gateway.storage.schema import Instant

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "case_words",
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_case_words"),
        sa.UniqueConstraint("case_id", name="uq_case_words_case_id"),
    )
    op.create_table(
        "case_terms",
        sa.Column("term", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("term", "number", name="pk_case_terms"),
        sqlite_with_rowid=False,
    )
    waiting = sa.text("done_at IS NULL")
    op.create_index(
        "ix_outbox_waiting", "outbox", ["channel", "to", "at", "key"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_table(
        "sign_ins",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("ends", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_ins"),
    )
    op.create_index("ix_sign_ins_account", "sign_ins", ["account"])
    op.create_index("ix_sign_ins_ends", "sign_ins", ["ends"])
    index_all(op.get_bind())
