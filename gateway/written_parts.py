"""Which written channels there are (书面渠道): one line for each, and which sections of the settings ask for it.

A channel's libraries are loaded only where the settings ask for it: most nodes speak two or three of these protocols.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator
from typing import cast

from config.settings import Settings
from gateway.ports.intake import Means, WrittenChannel

Opener = Callable[[Settings, Means], Iterable[WrittenChannel]]
"""Makes the channels that the settings ask for."""

OPENERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("citizen", "app"), "gateway.citizen_parts:citizen_channels"),
    (("inlet",), "gateway.inlet_parts:inlets"),
    (("mail", "mailbox", "smarthost"), "gateway.mail_parts:mail_channels"),
    (("cmpp", "smpp", "cloud_sms"), "gateway.sms_parts:sms_channels"),
    (("telegram", "wechat"), "gateway.chat_parts:chat_channels"),
    (("open311",), "gateway.open311_parts:open311_channels"),
)
"""The sections that ask for channels, and what makes them."""

_NOTHING = Settings()


def channels_of(settings: Settings, means: Means) -> Iterator[WrittenChannel]:
    """Yield every written channel that *settings* ask for."""
    for sections, name in OPENERS:
        if any(getattr(settings, section) != getattr(_NOTHING, section) for section in sections):
            yield from cast(Opener, pkgutil.resolve_name(name))(settings, means)
