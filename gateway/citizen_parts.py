"""The citizens' page and the apps put together from the settings (docs/channels/web.md)."""

from __future__ import annotations

from collections.abc import Iterator

from channels.web.channel import AppChannel, Client, WebChannel
from channels.web.terms import Asking, Terms
from channels.web.visitors import Pace
from config.settings import Settings
from gateway.domain.errors import OurMistake
from gateway.ports.intake import Means, WrittenChannel


def citizen_channels(settings: Settings, means: Means) -> Iterator[WrittenChannel]:
    """Yield the page if it is open, and the apps' interface if there are any."""
    citizen = settings.citizen
    if not citizen.open and not settings.app:
        return
    if means.chats is None:
        raise OurMistake("the store keeps no conversations")
    terms = Terms(
        title=citizen.title,
        consent=citizen.consent,
        name=Asking(citizen.name),
        telephone=Asking(citizen.telephone),
        emergency_sms=citizen.emergency_sms,
        files=citizen.files,
        file_size=citizen.file_megabytes * 1024 * 1024,
    )
    if citizen.open:
        yield WebChannel(
            means,
            means.chats,
            terms,
            pace=Pace(
                matters=citizen.matters_per_hour,
                enquiries=citizen.enquiries_per_hour,
                words=citizen.words_per_minute,
            ),
            url=settings.public.url,
            embedders=citizen.embed_origins,
            proxies=settings.public.trusted_proxies,
        )
    if settings.app:
        clients = {app.id: Client(app.api_key_sha256, app.requests_per_minute) for app in settings.app}
        yield AppChannel(means, means.chats, terms, clients)
