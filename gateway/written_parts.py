"""Which written channels there are (书面渠道): one line for each, and what of the settings opens them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from config.settings import Settings
from gateway.chat_parts import chat_channels
from gateway.citizen_parts import citizen_channels
from gateway.inlet_parts import inlets
from gateway.mail_parts import mail_channels
from gateway.ports.intake import Means, WrittenChannel
from gateway.sms_parts import sms_channels

Opener = Callable[[Settings, Means], Iterable[WrittenChannel]]
"""Makes the channels that the settings ask for; none when their section is absent."""


OPENERS: tuple[Opener, ...] = (chat_channels, citizen_channels, inlets, mail_channels, sms_channels)


def channels_of(settings: Settings, means: Means) -> Iterator[WrittenChannel]:
    """Yield every written channel that *settings* ask for."""
    for opener in OPENERS:
        yield from opener(settings, means)
