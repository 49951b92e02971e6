"""Bring a database to the schema this code was written for, wherever the code lies and wherever it was started."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from gateway.domain.errors import Refused
from gateway.storage.location import Where, database_at

SCRIPTS = Path(__file__).resolve().parent / "migrations"


def migrate(where: Where, *, patience: float = 5.0) -> None:
    """Create or upgrade the database at *where*, in one transaction; a second call does nothing.

    Raises `Unavailable` when it cannot be opened or is locked for longer than *patience* seconds, `Refused` when
    a newer jiesu made it.
    """
    database = database_at(where)
    database.create()
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    engine = database.engine(writes=True, patience=patience)
    with database.losses(), engine.begin() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise Refused(f"{database.name} was made by another version of jiesu: {error}") from error
