"""Which node took a call in: the one that closes it, should it have failed in between."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("tickets", sa.Column("node", sa.Text, nullable=False, server_default=""))
