"""Open311 put together from the settings: its services are the matters of the lexicon (docs/channels/open311.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from channels.open311.channel import Open311Channel, Open311Settings, Service
from config import lexicons
from config.settings import Settings
from gateway.domain.errors import OurMistake
from gateway.ports.intake import Means, WrittenChannel

MATTERS = Path(lexicons.__file__).with_name("lexicons") / "matters.toml"
KEYWORDS = 8
"""Words of a matter that describe it to clients."""


def open311_channels(settings: Settings, means: Means) -> Iterator[WrittenChannel]:
    """Yield the channel if there is a jurisdiction. Raises `LexiconError`."""
    section = settings.open311
    if not section.jurisdiction:
        return
    if means.requests is None:
        raise OurMistake("nobody may read requests")
    services = [
        Service(code=topic.id, name=topic.name, keywords=tuple(topic.words)[:KEYWORDS])
        for topic in lexicons.load_topics(MATTERS)
        if not topic.lines
    ]
    identity = Open311Settings(
        jurisdiction=section.jurisdiction,
        contact=section.contact,
        url=settings.public.url or f"http://{settings.public.listen}",
        key_hashes=frozenset(section.api_keys_sha256),
        per_minute=section.requests_per_minute,
    )
    yield Open311Channel(identity, services, means.requests, means)
