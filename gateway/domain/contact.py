"""A contact (来件/来电): one reaching-out of a petitioner, whatever way it came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType

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
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One reaching-out, normalised from its channel.

    ``external_id`` is the channel's own id of it (a Call-ID, a Message-ID ...): the pair
    (channel, external_id) is unique, so a repeated delivery is the same contact.
    ``sender`` is the petitioner's address on that channel as received (a telephone number, a mailbox),
    empty when withheld; ``addressee`` is what was dialled or written to.
    """

    id: ContactId
    channel: ChannelKind
    external_id: str
    sender: str
    addressee: str
    received_at: datetime
    text: str = ""
