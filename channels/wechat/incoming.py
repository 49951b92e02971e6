"""A message as the house knows it, made of what WeChat said: files fetched, speech turned into words."""

from __future__ import annotations

import asyncio

import structlog

from channels import wording
from channels.hearing import words_of
from channels.wechat.api import Fetched, TooLarge, WeChatApi, extension
from channels.wechat.coordinates import to_wgs84
from channels.wechat.reading import Media, MediaKind, Message
from gateway.domain.contact import ChannelKind, Point
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.json import Json
from gateway.ports.intake import IncomingMessage, Means, Part

log = structlog.get_logger(__name__)

LIMIT = 6.0
"""Seconds for fetching a file, and for hearing what is said in it: WeChat waits fifteen in all."""

_LABELS = {MediaKind.IMAGE: wording.PHOTO, MediaKind.VOICE: wording.VOICE, MediaKind.VIDEO: wording.VIDEO}


async def incoming(message: Message, api: WeChatApi, means: Means) -> IncomingMessage:
    """Make one message.

    A file that does not come is named in the text, and its media id kept, by which it can be fetched for three days:
    WeChat pushes a message again for some seconds only, so that waiting for the file could lose the words, too.
    """
    push = message.push
    values: dict[str, Json] = {"sent_at": push.sent_at.isoformat()}
    words = [message.text] if message.text else []
    parts: list[Part] = []
    if message.media is not None:
        part, said = await _fetched(message.media, push.key, api)
        words += said
        if part is not None:
            parts.append(part)
        else:
            values["media_id"] = message.media.id
        if message.media.kind is MediaKind.VOICE:
            heard = message.recognised or ""
            if not heard and part is not None:
                heard = await words_of(part.content, means.transcriber, LIMIT)
            values["speech"] = "heard" if heard else "unclear"
            if heard or part is not None:
                words.append(wording.speech(heard))
        elif part is not None:
            words.append(_LABELS[message.media.kind])
    point = None
    if message.place is not None:
        place = message.place
        latitude, longitude = to_wgs84(place.latitude, place.longitude)
        point = Point(latitude=latitude, longitude=longitude, name=place.name)
        values["gcj02"] = [place.latitude, place.longitude]
        words.append(wording.place(place.name, latitude, longitude))
    if message.link is not None:
        words.append(wording.link(message.link.title, message.link.description, message.link.url))
    return IncomingMessage(
        channel=ChannelKind.WECHAT,
        external_id=push.key,
        sender=push.sender,
        addressee=push.account,
        received_at=means.clock.now(),
        text="\n".join(words),
        parts=tuple(parts),
        point=point,
        is_proven=True,
        values=values,
    )


async def _fetched(media: Media, number: str, api: WeChatApi) -> tuple[Part | None, list[str]]:
    """Return a file, or what is to be said in its place."""
    name = f"{media.kind.value}-{number}"
    try:
        async with asyncio.timeout(LIMIT):
            file = await api.download(media.id)
    except Exception as error:  # a message outlives every failure of its files
        if not isinstance(error, Refused | Unavailable | TimeoutError):
            log.exception("wechat.file_failed")
        reason = wording.TOO_LARGE if isinstance(error, TooLarge) else wording.NOT_FETCHED
        return None, [wording.not_received(reason, name)]
    return _part(media, name, file), []


def _part(media: Media, name: str, file: Fetched) -> Part:
    declared = file.media_type
    if media.kind is MediaKind.VOICE and not declared.startswith("audio/") and media.format != "unknown":
        declared = f"audio/{media.format}"
    return Part(name=name + extension(declared), declared_type=declared, content=file.content)
