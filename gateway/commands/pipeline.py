"""Today's understanding as the commands try it: this city's lexicons, units, profile, and the models of one version."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from config import lexicons, models, profiles
from config.decided_tickets import TEXT, Ids, ids_of
from config.settings import Settings
from gateway import line_parts
from gateway.city_parts import CONFIG, open_gazetteer
from gateway.domain.call import Role
from routing.conversation import Conversation, Turn
from routing.decide import Understander, Understanding

Understand = Callable[[str], Understanding]
_COLUMNS = {TEXT: "the citizen's words", "category": "the category", "class": "the matter", "unit": "the unit"}


def add_profile(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take a city."""
    parser.add_argument("--profile", default="", help="a shipped profile or a .toml file (default: node.profile)")


def add_columns(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take the titles of columns that are not known by themselves."""
    for name, what in _COLUMNS.items():
        parser.add_argument(f"--{name}-column", metavar="TITLE", default="", help=f"the column with {what}")


def columns_of(arguments: argparse.Namespace) -> Mapping[str, str]:
    """Return the titles a command line tells."""
    told = {name: getattr(arguments, f"{name}_column") for name in _COLUMNS}
    return {name: title for name, title in told.items() if title}


def understand_with(settings: Settings, *, model: str | None = None, profile: str = "") -> Understand:
    """Return what understands one text: by the models in use, those of version *model*, or `models.RULES` alone.

    *profile* is a name or a file, "" for the one configured. Raises `SettingsError`.
    """
    understander = Understander(
        lexicons.load(CONFIG / "lexicons"),
        tuple(line_parts.units(settings).values()),
        profiles.load(profiles.find(profile or settings.node.profile), at=datetime.now(UTC)),
        learned=models.learned(settings, model),
        gazetteer=open_gazetteer(settings),
    )
    return lambda text: understander(Conversation(turns=(Turn(role=Role.CITIZEN, text=text),)))


def ids(settings: Settings) -> Ids:
    """Return the ids that the words of this city's files stand for."""
    return ids_of(
        lexicons.load_topics(CONFIG / "lexicons" / "matters.toml"), tuple(line_parts.units(settings).values())
    )


def decided(understanding: Understanding) -> Mapping[str, str]:
    """Return what was decided, by task, "" where nothing was."""
    return {
        "category": understanding.category.outcome,
        "class": understanding.matter.outcome,
        "unit": understanding.unit.outcome,
    }


def existing(text: str) -> Path:
    """Return *text* as the path of a file; for argparse, which says it in one line if there is none."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text}: there is no such file")
    return path
