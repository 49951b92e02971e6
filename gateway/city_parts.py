"""What the settings name of a city, opened: its clock and rules, its library, its places, its partners, its model."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from asr.models import ModelChoice, choose
from channels.webhook.signature import is_genuine
from config import calendars, gazetteers, lexicons, profiles
from config.knowledge import load_lexicon
from config.settings import Settings
from gateway.domain.casework import Partner
from gateway.domain.errors import OurMistake, UnusableSetting
from gateway.domain.profile import Profile
from gateway.ports.clock import Clock
from gateway.services.feed import Feed
from gateway.services.knowledge import Answers, Librarian
from gateway.storage.store import SqlStore
from gateway.web.context import PartnerAccess
from routing.deadlines import Reckoning
from routing.gazetteer import Gazetteer
from routing.search import Indexer

CONFIG = Path(__file__).parent.parent / "config"


class SystemClock:
    """The clocks of this machine."""

    def now(self) -> datetime:
        """Return the current instant in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        return time.monotonic()


def open_library(
    settings: Settings, store: SqlStore, clock: Clock, feed: Feed | None = None, answers: Answers | None = None
) -> Librarian:
    """Return the librarian over the knowledge base of *store*, under the rules of the city's profile."""
    folder = CONFIG / "lexicons"
    words = [word for topic in lexicons.load_topics(folder / "matters.toml") for word in topic.words]
    profile = profile_of(settings, clock.now())
    return Librarian(
        store=store,
        base=store.knowledge,
        indexer=Indexer(load_lexicon(folder, words)),
        profile=profile,
        reckoning=Reckoning(calendar=calendars.load(CONFIG / "calendars"), zone=profile.zone),
        clock=clock,
        feed=feed or Feed(),
        answers=answers,
    )


def open_gazetteer(settings: Settings) -> Gazetteer | None:
    """Return the city's places, if it has named a file of them."""
    path = settings.understanding.gazetteer
    return gazetteers.load(Path(path), CONFIG / "lexicons") if path else None


def model_of(settings: Settings) -> ModelChoice:
    """Return the speech model that is named, or the best there is. Raises `UnusableSetting`."""
    try:
        return choose(Path(settings.asr.model) if settings.asr.model else None)
    except OurMistake as error:
        raise UnusableSetting(f"asr.model = {settings.asr.model}: {error}") from error


def profile_of(settings: Settings, at: datetime) -> Profile:
    """Return the city rules as they are at that instant. Raises `UnusableSetting`, `ProfileError`."""
    path = CONFIG / "profiles" / f"{settings.node.profile}.toml"
    if not path.is_file():
        known = ", ".join(sorted(profile.stem for profile in path.parent.glob("*.toml")))
        raise UnusableSetting(f"node.profile = {settings.node.profile}: there is no such profile; known are {known}")
    return profiles.load(path, at=at)


def partners_of(settings: Settings) -> list[PartnerAccess]:
    """Return the other systems that may ask here, each with what it proves itself by."""
    return [
        PartnerAccess(
            partner=Partner(id=each.id, unit=each.unit, is_master=each.master),
            api_key=each.api_key,
            signed=partial(is_genuine, each.secret) if each.secret else None,
        )
        for each in settings.partner
        if each.api_key or each.secret
    ]
