"""What an Update of the Telegram Bot API says, as far as it is read (https://core.telegram.org/bots/api#update).

Only the fields that a ticket needs are looked at, and those are checked: a field of another type makes the update
`Unreadable`, a field or a kind nobody has heard of is ignored. No update, however odd, raises anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, TypeAlias

import msgspec

LARGEST_FILE = 20_000_000
"""Octets of the largest file that bots may download (getFile: "up to 20MB in size")."""

_GREETED = re.compile(r"/(start|help)(@\w+)?(\s.*)?", re.DOTALL)
_UNWANTED = ("sticker", "dice", "poll", "game", "story", "paid_media", "checklist", "giveaway", "invoice")
"""Kinds of message that say nothing a ticket could hold; the sender is told what may be sent instead."""


class FileKind(Enum):
    """What a file was sent as."""

    PHOTO = "photo"
    DOCUMENT = "document"
    VOICE = "voice"
    AUDIO = "audio"
    VIDEO = "video"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that Telegram keeps: ``id`` is for getFile, ``name`` the sender's, ``size`` octets, None if not told."""

    kind: FileKind
    id: str
    name: str = ""
    media_type: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A point (WGS 84, degrees) and what the sender calls it."""

    latitude: float
    longitude: float
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A contact that was shared; ``is_own`` when Telegram says that it is the sender himself."""

    name: str
    number: str
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What somebody wrote to the bot alone. ``album`` is the group that Telegram put it in; ``edited`` when it was."""

    update: int
    chat: int
    id: int
    sent_at: datetime
    sender: str
    language: str = ""
    text: str = field(default="", repr=False)
    file: File | None = None
    place: Place | None = None
    card: Card | None = None
    album: str = ""
    replies_to: int | None = None
    is_forwarded: bool = False
    edited: datetime | None = None


@dataclass(frozen=True, slots=True)
class Greeted:
    """Somebody opened the conversation, or asked for help."""

    chat: int


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Somebody sent what no ticket can hold."""

    chat: int
    kind: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """An update that is none of our business; ``kind`` is for counting."""

    kind: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Not an update, or one whose fields are not what the Bot API says. ``reason`` quotes nothing of it."""

    reason: str


Reading: TypeAlias = "Message | Greeted | Unwanted | Ignored | Unreadable"

# -- the fields that are read, as the Bot API names them ------------------------------------------------------

_Id = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Moment = Annotated[int, msgspec.Meta(ge=0, le=2**34)]


class _Chat(msgspec.Struct):
    id: _Id
    type: str


class _User(msgspec.Struct):
    id: _Id
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    language_code: str = ""


class _Photo(msgspec.Struct):
    file_id: str
    width: int = 0
    height: int = 0
    file_size: int | None = None


class _File(msgspec.Struct):
    file_id: str
    file_name: str = ""
    mime_type: str = ""
    file_size: int | None = None


class _Location(msgspec.Struct):
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)]


class _Venue(msgspec.Struct):
    location: _Location
    title: str = ""
    address: str = ""


class _Contact(msgspec.Struct):
    phone_number: str
    first_name: str = ""
    last_name: str = ""
    user_id: int | None = None


class _Reply(msgspec.Struct):
    message_id: _Id


class _Message(msgspec.Struct):
    message_id: _Id
    date: _Moment
    chat: _Chat
    from_: _User | None = msgspec.field(default=None, name="from")
    edit_date: _Moment | None = None
    forward_origin: Any = None
    reply_to_message: _Reply | None = None
    media_group_id: str = ""
    text: str = ""
    caption: str = ""
    photo: list[_Photo] = []
    document: _File | None = None
    voice: _File | None = None
    audio: _File | None = None
    video: _File | None = None
    video_note: _File | None = None
    location: _Location | None = None
    venue: _Venue | None = None
    contact: _Contact | None = None


class _Update(msgspec.Struct):
    update_id: _Id
    message: _Message | None = None
    edited_message: _Message | None = None


def read_octets(octets: bytes) -> Reading:
    """Read an update as a webhook brings it."""
    try:
        update = msgspec.json.decode(octets)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Unreadable(f"not JSON: {type(error).__name__}")
    return read(update)


def read(update: Any) -> Reading:
    """Read an update that has been decoded from JSON."""
    try:
        known = msgspec.convert(update, _Update)
    except (msgspec.ValidationError, RecursionError) as error:
        return Unreadable(f"not an Update: {str(error).partition(' - at ')[2] or type(error).__name__}")
    message = known.message or known.edited_message
    if message is None:
        return Ignored(_kind(update))
    return _read_message(known, message, update["message" if known.message else "edited_message"])


def update_id(update: Any) -> int | None:
    """Return the number of an update that may be unreadable otherwise; None if even that is missing."""
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _kind(update: dict[str, Any]) -> str:
    """Return the name of an update's kind if it looks like one."""
    names = [name for name in update if name != "update_id"]
    return names[0] if len(names) == 1 and re.fullmatch(r"[a-z_]{1,40}", names[0]) else "unknown"


def _read_message(update: _Update, message: _Message, raw: dict[str, Any]) -> Reading:
    chat, sender = message.chat, message.from_
    if chat.type != "private":
        return Ignored("group")
    if sender is None or sender.is_bot:
        return Ignored("bot")
    is_edit = update.message is None
    if is_edit and message.location is not None:
        return Ignored("live_location")  # one every few seconds, and the first said where he is
    if not is_edit and _GREETED.fullmatch(message.text):
        return Greeted(chat.id)
    text, file, place, card = message.text or message.caption, _file(message), _place(message), _card(message)
    if not (text.strip() or file or place or card):
        for kind in _UNWANTED:
            if kind in raw:
                return Ignored("edit") if is_edit else Unwanted(chat.id, kind)
        return Ignored("empty")
    return Message(
        update=update.update_id,
        chat=chat.id,
        id=message.message_id,
        sent_at=_moment(message.date),
        sender=_clean(f"{sender.first_name} {sender.last_name}".strip()),
        language=sender.language_code,
        text=_clean(text),
        file=file,
        place=place,
        card=card,
        album="" if is_edit else message.media_group_id,
        replies_to=message.reply_to_message.message_id if message.reply_to_message else None,
        is_forwarded=message.forward_origin is not None,
        edited=_moment(message.edit_date or message.date) if is_edit else None,
    )


def _file(message: _Message) -> File | None:
    """Return the file of a message; of the sizes of a photo the largest."""
    if message.photo:
        largest = max(message.photo, key=lambda photo: photo.width * photo.height)
        return File(
            kind=FileKind.PHOTO,
            id=largest.file_id,
            name=f"photo-{message.message_id}.jpg",
            media_type="image/jpeg",
            size=largest.file_size,
        )
    number = message.message_id
    for kind, file, name in (
        (FileKind.VOICE, message.voice, f"voice-{number}.ogg"),
        (FileKind.AUDIO, message.audio, f"audio-{number}"),
        (FileKind.VIDEO, message.video or message.video_note, f"video-{number}.mp4"),
        (FileKind.DOCUMENT, message.document, f"document-{number}"),
    ):
        if file is not None:
            return File(
                kind=kind,
                id=file.file_id,
                name=_clean(file.file_name) or name,
                media_type=file.mime_type,
                size=file.file_size,
            )
    return None


def _place(message: _Message) -> Place | None:
    if message.venue is not None:
        where, venue = message.venue.location, message.venue
        name = _clean(" ".join(part for part in (venue.title, venue.address) if part))
        return Place(latitude=where.latitude, longitude=where.longitude, name=name)
    if message.location is not None:
        return Place(latitude=message.location.latitude, longitude=message.location.longitude)
    return None


def _card(message: _Message) -> Card | None:
    contact = message.contact
    if contact is None or message.from_ is None:
        return None
    return Card(
        name=_clean(f"{contact.first_name} {contact.last_name}".strip()),
        number=_clean(contact.phone_number),
        is_own=contact.user_id == message.from_.id,
    )


def _clean(text: str) -> str:
    """Return *text* without what JSON can spell and no store can keep: half characters and NUL."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
