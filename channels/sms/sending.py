"""What petitioners are told by short message (`Sender`): split where it is long, submitted part by part."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from channels.sip.numbers import CHINA, Number, read_number
from channels.sms.coding import Coding, coding_for, encoded, pieces
from channels.sms.header import HEADER, MOST_PARTS, Fragment
from channels.sms.receipts import Receipts
from channels.sms.words import ShortMessage
from gateway.domain.errors import Refused
from gateway.ports.intake import OutgoingMessage

MOST_BEGUN = 1000
"""Messages whose accepted parts are remembered while the rest of them could not go out yet."""

Submit = Callable[[ShortMessage], Awaitable[str]]
"""Submits one part and returns the centre's id of it. Raises `Unavailable`, `Refused`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivering:
    """How a link sends.

    ``number`` is our own, which a petitioner may have lengthened by an extension of ours; ``codings`` are tried in
    this order before UCS-2; ``is_national`` writes Chinese numbers without 86; ``in_one_piece`` leaves long messages
    whole, for centres that split them.
    """

    number: str
    codings: tuple[Coding, ...]
    is_national: bool
    in_one_piece: bool = False


class Sender:
    """Sends over one link."""

    def __init__(self, delivering: Delivering, submit: Submit, receipts: Receipts) -> None:
        self._delivering = delivering
        self._submit = submit
        self._receipts = receipts
        self._begun: OrderedDict[str, list[str]] = OrderedDict()

    async def send(self, message: OutgoingMessage) -> str:
        """Send the text of *message* and return the id that reports about it will bear.

        What was accepted of it by an earlier attempt is not sent again. Raises `Unavailable`, `Refused`.
        """
        parts = self._parts(message)
        ids = self._begun.setdefault(message.key, [])
        while len(self._begun) > MOST_BEGUN:
            self._begun.popitem(last=False)
        async with self._receipts.sending():
            for part in parts[len(ids) :]:
                ids.append(await self._submit(part))
            sent_id = await self._receipts.expect(ids)
        self._begun.pop(message.key, None)
        return sent_id

    def _parts(self, message: OutgoingMessage) -> list[ShortMessage]:
        delivering = self._delivering
        number = read_number(message.to)
        if not message.text or not number.subscriber.isdigit():
            raise Refused("a short message needs a text and a number")
        coding = coding_for(message.text, delivering.codings)
        whole = delivering.in_one_piece
        octets = [encoded(message.text, coding)] if whole else pieces(message.text, coding, HEADER)
        total = len(octets)
        if total > MOST_PARTS:
            raise Refused(f"a short message of {total} parts; {MOST_PARTS} is the most")
        reference = zlib.crc32(message.key.encode()) & 0xFF  # the same at every attempt: telephones join what repeats
        ours = message.sent_from if message.sent_from.startswith(delivering.number) else delivering.number
        return [
            ShortMessage(
                sender=ours,
                addressee=_written(number, is_national=delivering.is_national),
                coding=coding,
                octets=part,
                fragment=Fragment(reference=reference, total=total, number=place) if total > 1 else None,
            )
            for place, part in enumerate(octets, 1)
        ]


def _written(number: Number, *, is_national: bool) -> str:
    if is_national and number.country in ("", CHINA):
        return number.national
    return number.canonical.removeprefix("+")
