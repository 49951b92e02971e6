"""What WeChat pushes to an official account, as far as it is read (接收普通消息, 接收事件推送).

One flat XML element; in the encrypted modes its ``Encrypt`` holds another. No body, however odd, raises anything: what
is no XML, declares a document type, or lacks what every push has, is `Unreadable`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import TypeAlias
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

_OPEN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_FORBIDDEN = bytes(octet for octet in range(32) if octet not in b"\t\n\r")
"""Control characters that XML does not allow, and that telephones' keyboards send nevertheless."""
_LATEST = 2**34
_GREETED = ("subscribe", "CLICK", "SCAN")


class MediaKind(Enum):
    """What a file was sent as."""

    IMAGE = "image"
    VOICE = "voice"
    VIDEO = "video"


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What every push says: ``account`` is ours, ``sender`` the open id, ``key`` the same at every delivery."""

    account: str
    sender: str
    sent_at: datetime
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file that WeChat keeps for three days; ``format`` is what a voice is coded in (``amr``, ``speex``)."""

    kind: MediaKind
    id: str
    format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A point as Chinese maps show it (GCJ-02), degrees, and what the sender's map calls it."""

    latitude: float
    longitude: float
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page that was passed on."""

    title: str
    description: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What somebody wrote. ``recognised`` is what WeChat heard in a voice; None where it does not listen."""

    push: Push
    text: str = field(default="", repr=False)
    media: Media | None = None
    recognised: str | None = field(default=None, repr=False)
    place: Place | None = None
    link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeted:
    """Somebody began to follow, scanned our code, or pressed a key of the menu."""

    push: Push


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwanted:
    """Somebody sent what no ticket can hold."""

    push: Push
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What became of a template message of ours; ``failure`` is "" when it arrived."""

    push: Push
    sent_id: str
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """An event that is none of our business; ``kind`` is for counting."""

    push: Push
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """No push. ``reason`` quotes nothing of it."""

    reason: str


Reading: TypeAlias = "Message | Greeted | Unwanted | Reported | Ignored | Unreadable"
Fields = Mapping[str, str]


def fields(octets: bytes) -> Fields | Unreadable:
    """Return the elements of a body by name, without those that hold others."""
    try:
        try:
            root = fromstring(octets, forbid_dtd=True)
        except ParseError:
            root = fromstring(octets.translate(None, _FORBIDDEN), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        return Unreadable(reason=f"not XML that we take: {type(error).__name__}")
    return {element.tag: (element.text or "").strip() for element in root if not len(element)}


def read(said: Fields) -> Reading:
    """Read a push, decrypted where it was encrypted."""
    account, sender = said.get("ToUserName", ""), said.get("FromUserName", "")
    if not _OPEN_ID.fullmatch(account) or not _OPEN_ID.fullmatch(sender):
        return Unreadable(reason="ToUserName or FromUserName")
    created = said.get("CreateTime", "")
    if not _NUMBER.fullmatch(created) or int(created) > _LATEST:
        return Unreadable(reason="CreateTime")
    kind, event = said.get("MsgType", ""), said.get("Event", "")
    number = said.get("MsgId", "")
    if kind != "event" and not _NUMBER.fullmatch(number):
        return Unreadable(reason="MsgId")
    push = Push(
        account=account,
        sender=sender,
        sent_at=datetime.fromtimestamp(int(created), UTC),
        key=f"{sender}:{created}:{_name(event)}" if kind == "event" else number,
    )
    return _event(push, event, said) if kind == "event" else _message(push, kind, said)


def _message(push: Push, kind: str, said: Fields) -> Reading:
    match kind:
        case "text":
            text = said.get("Content", "")
            return Message(push=push, text=text) if text else Ignored(push=push, kind="empty")
        case "image":
            return _with_media(push, MediaKind.IMAGE, said)
        case "video" | "shortvideo":
            return _with_media(push, MediaKind.VIDEO, said)
        case "voice":
            media = Media(kind=MediaKind.VOICE, id=said.get("MediaId", ""), format=_name(said.get("Format", "")))
            return Message(push=push, media=media, recognised=said.get("Recognition"))
        case "location":
            place = _place(said)
            return Unreadable(reason="Location") if place is None else Message(push=push, place=place)
        case "link":
            link = Link(title=said.get("Title", ""), description=said.get("Description", ""), url=said.get("Url", ""))
            return Message(push=push, link=link)
    return Unwanted(push=push, kind=_name(kind))


def _event(push: Push, event: str, said: Fields) -> Reading:
    if event in _GREETED:
        return Greeted(push=push)
    if event == "TEMPLATESENDJOBFINISH":
        status = said.get("Status", "")
        failure = "" if status == "success" else status or "failed"
        return Reported(push=push, sent_id=_name(said.get("MsgID", "")), failure=failure[:100])
    return Ignored(push=push, kind=_name(event))


def _with_media(push: Push, kind: MediaKind, said: Fields) -> Reading:
    return Message(push=push, media=Media(kind=kind, id=said.get("MediaId", "")))


def _place(said: Fields) -> Place | None:
    try:
        latitude, longitude = float(said["Location_X"]), float(said["Location_Y"])
    except (KeyError, ValueError):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return Place(latitude=latitude, longitude=longitude, name=said.get("Label", ""))


def _name(text: str) -> str:
    """Return *text* if it looks like a name of the protocol's."""
    return text if re.fullmatch(r"[A-Za-z0-9_]{1,40}", text) else "unknown"
