"""A message as the house knows it, made of what Telegram said: files fetched, speech turned into words.

Ids: a message of the chat is ``CHAT:MESSAGE``, its edit ``CHAT:MESSAGE/UPDATE``, an album its first message's.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from channels import wording
from channels.hearing import words_of
from channels.telegram.api import TelegramApi
from channels.telegram.reading import LARGEST_FILE, File, FileKind, Message, Place
from gateway.domain.contact import ChannelKind, Point
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.json import Json
from gateway.ports.intake import IncomingMessage, Means, Part

log = structlog.get_logger(__name__)


def message_id(chat: int, message: int) -> str:
    """Return the external id of a message in a chat."""
    return f"{chat}:{message}"


def external_id(message: Message) -> str:
    """Return the external id of a message, the same at every delivery."""
    own = message_id(message.chat, message.id)
    return own if message.edited is None else f"{own}/{message.update}"


def number_in(external: str, chat: int) -> int | None:
    """Return the number of the message that *external* names if it is one of this chat."""
    owner, _, rest = external.partition(":")
    number = rest.partition("/")[0]
    return int(number) if owner == str(chat) and number.isascii() and number.isdigit() else None


async def incoming(members: Sequence[Message], addressee: str, api: TelegramApi, means: Means) -> IncomingMessage:
    """Make one message of *members*: a message, or the whole of an album.

    A file that Telegram does not give is named in the text, and its id kept. Raises `Unavailable` when it may give it
    later.
    """
    first = members[0]
    words: list[str] = [member.text for member in members if member.text]
    parts: list[Part] = []
    missing: list[str] = []
    values: dict[str, Json] = {"sent_at": (first.edited or first.sent_at).isoformat()}
    for member in members:
        if member.file is not None:
            part, said = await _fetched(member.file, api)
            words += said
            if part is None:
                missing.append(member.file.id)
                continue
            parts.append(part)
            if member.file.kind is FileKind.VOICE:
                heard = await words_of(part.content, means.transcriber)
                values["speech"] = "heard" if heard else "unclear"
                words.append(wording.speech(heard))
        if member.place is not None:
            words.append(wording.place(member.place.name, member.place.latitude, member.place.longitude))
        if member.card is not None:
            words.append(wording.card(member.card.name, member.card.number))
    if missing:
        values["file_ids"] = missing
    if not words:
        words.append(wording.label(parts[0]) if len(parts) == 1 else wording.ALBUM)
    if any(member.is_forwarded for member in members):
        values["forwarded"] = True
    if first.language:
        values["language"] = first.language
    return IncomingMessage(
        channel=ChannelKind.TELEGRAM,
        external_id=external_id(first),
        sender=str(first.chat),
        addressee=addressee,
        received_at=means.clock.now(),
        text="\n".join(words),
        sender_name=first.sender,
        parts=tuple(parts),
        point=next((_point(member.place) for member in members if member.place), None),
        is_proven=True,
        answers=() if first.replies_to is None else (message_id(first.chat, first.replies_to),),
        edits=message_id(first.chat, first.id) if first.edited else "",
        telephone=next((_digits(member.card.number) for member in members if member.card and member.card.is_own), ""),
        values=values,
    )


async def _fetched(file: File, api: TelegramApi) -> tuple[Part | None, list[str]]:
    """Return a file, or what is to be said in its place."""
    if file.size is not None and file.size > LARGEST_FILE:
        return None, [wording.not_received(wording.TOO_LARGE, file.name, file.size)]
    try:
        content = await api.download(file.id)
    except Unavailable:
        raise
    except Exception as error:
        if not isinstance(error, Refused):
            log.exception("telegram.file_failed")  # a message outlives every failure of its files
        reason = wording.TOO_LARGE if "too big" in str(error) else wording.NOT_FETCHED
        return None, [wording.not_received(reason, file.name, file.size)]
    return Part(name=file.name, declared_type=file.media_type, content=content), []


def _point(place: Place) -> Point:
    return Point(latitude=place.latitude, longitude=place.longitude, name=place.name)


def _digits(number: str) -> str:
    return "".join(character for character in number if character.isascii() and character.isdigit())
