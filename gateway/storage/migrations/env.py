"""What Alembic runs for each migration: the connection is the caller's, and so is its transaction."""

from __future__ import annotations

from alembic import context

from gateway.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
