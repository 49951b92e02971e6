"""What the commands share: the configuration they read."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from config.settings import Settings, load
from gateway.storage.location import database_of_node

if TYPE_CHECKING:
    from gateway.storage.database import Database

DEFAULT_CONFIG = Path("gateway.toml")


def add_config(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take a configuration file."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=os.environ.get("JIESU_CONFIG"),
        help="the configuration (default: $JIESU_CONFIG, else gateway.toml in this folder, else built-in defaults)",
    )


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings a command line asks for. Raises `SettingsError`."""
    path = config_path(arguments)
    return load(path) if path else Settings()


def config_path(arguments: argparse.Namespace) -> Path | None:
    """Return the configuration file a command line names, else the one in this folder, else None."""
    if named := getattr(arguments, "config", None):
        return Path(named)
    return DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None


def database_of(settings: Settings) -> Database:
    """Return where the store lies. Raises `OurMistake` for a URL that cannot be read."""
    return database_of_node(Path(settings.node.data), settings.node.database)
