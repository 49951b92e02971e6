"""Bring a database to the schema this code was written for, wherever the code lies and wherever it was started."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from gateway.domain.errors import Refused
from gateway.storage.sqlite import create, database_path, engine_for, losses

SCRIPTS = Path(__file__).resolve().parent / "migrations"


def migrate(where: str | Path, *, patience: float = 5.0) -> None:
    """Create or upgrade the SQLite database at *where* (a path or URL), in one transaction; a second call does nothing.

    Raises `Unavailable` when the file cannot be opened or is locked for longer than *patience* seconds, `Refused` when
    a newer jiesu made it.
    """
    path = database_path(where)
    create(path)
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    engine = engine_for(path, writes=True, patience=patience)
    with losses(path), engine.begin() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise Refused(f"{path.name} was made by another version of jiesu: {error}") from error
