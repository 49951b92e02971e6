"""Routing as configured in the repository, loaded once."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from config import lexicons, profiles
from gateway.domain.profile import Profile
from routing.emergency import Detector
from routing.lexicon import Lexicons

CONFIG = Path(__file__).resolve().parents[2] / "config"
TODAY = datetime(2026, 11, 21, 9, tzinfo=UTC)


@cache
def shipped_lexicons() -> Lexicons:
    """Return the lexicons under ``config/lexicons``."""
    return lexicons.load(CONFIG / "lexicons")


@cache
def shipped_detector() -> Detector:
    """Return a detector with the lexicon under ``config/lexicons``."""
    return Detector(shipped_lexicons().emergency)


def shipped_profile(city: str = "chifeng-2022") -> Profile:
    """Return a profile under ``config/profiles`` as it holds today."""
    return profiles.load(CONFIG / "profiles" / f"{city}.toml", TODAY)
