"""The inlets put together from the settings (docs/channels/inlet.md)."""

from __future__ import annotations

from collections.abc import Iterator

from channels.webhook.receiver import Inlet, InletSettings
from config.settings import Settings
from gateway.domain.contact import ChannelKind
from gateway.ports.intake import Means, WrittenChannel


def inlets(settings: Settings, means: Means) -> Iterator[WrittenChannel]:
    """Yield a channel for each system that posts to us."""
    for each in settings.inlet:
        yield Inlet(
            InletSettings(
                name=each.name, kind=ChannelKind(each.channel), secret=each.secret, answers_to=each.answers_to
            ),
            means.clock,
        )
