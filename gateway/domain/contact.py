"""A contact (来件/来电): one reaching-out of a petitioner, whatever way it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NewType

from gateway.domain.json import Json

ContactId = NewType("ContactId", str)


class ChannelKind(Enum):
    """The ways in."""

    TELEPHONE = "telephone"
    SMS = "sms"
    MAIL = "mail"
    WEB = "web"
    WECHAT = "wechat"
    TELEGRAM = "telegram"
    OPEN311 = "open311"
    APP = "app"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place on the earth (WGS 84), degrees; ``name`` is what the sender calls it."""

    latitude: float
    longitude: float
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came with a contact, kept under the SHA-256 of its octets (lower-case hexadecimal).

    ``name`` is the sender's; ``media_type`` is what the octets are, not what he called them; ``size`` in octets.
    ``finding`` is what a virus scanner found, empty when clean or not scanned. ``shown`` is the hash of the copy for
    display, an image re-encoded without its metadata; empty when there is none.
    """

    sha256: str
    name: str
    media_type: str
    size: int
    finding: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One reaching-out, normalised from its channel.

    ``external_id`` is the channel's own id of it (a Call-ID, a Message-ID ...): the pair
    (channel, external_id) is unique, so a repeated delivery is the same contact.
    ``sender`` is the petitioner's address on that channel as received (a telephone number, a mailbox),
    empty when withheld; ``addressee`` is what was dialled or written to. ``is_proven`` when the channel knows that the
    address is his; ``telephone`` is where he may be called. ``original`` is the SHA-256 of the message byte for byte.
    ``values`` is what the channel found out about it. ``is_read`` when its ticket has been filled from it.
    """

    id: ContactId
    channel: ChannelKind
    external_id: str
    sender: str
    addressee: str
    received_at: datetime
    text: str = ""
    subject: str = ""
    sender_name: str = ""
    attachments: tuple[Attachment, ...] = ()
    point: Point | None = None
    is_proven: bool = False
    telephone: str = ""
    original: str = ""
    values: Mapping[str, Json] = field(default_factory=dict)
    is_read: bool = True
