"""What a centre delivers, handed over (`Receiver`): the answer to the centre follows from what became of it.

A part of a long message is acknowledged once it is kept in the store that all nodes share, and a whole message once
`Intake` has committed it. Until then the centre has it and delivers it again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from channels.sip.numbers import read_number
from channels.sms.assembly import Assembly, Whole
from channels.sms.coding import decoded
from channels.sms.header import Fragment
from channels.sms.receipts import Receipts
from channels.sms.shelf import Shelf, shelf_for, shelves_of
from channels.sms.words import Answer, Receipt, ShortMessage
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.json import Json
from gateway.ports.clock import Clock
from gateway.ports.intake import IncomingMessage, Intake, Part, SharedValues

log = structlog.get_logger(__name__)

TRY_AGAIN = 10.0
"""Seconds until what could not be taken when its time was up is tried again."""
BINARY_ZH = "（二进制短信，见附件）"
EMPTY_ZH = "（空白短信）"


def normal(number: str) -> str:
    """Return a number as every channel writes it: E.164 without plus where it is one, else as it came."""
    return read_number(number).canonical.removeprefix("+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """How a link receives: its name, how long parts wait for each other, how long the same content is a repetition."""

    link: str
    part_wait: timedelta
    repeated_within: timedelta


class Receiver:
    """Takes what one link delivers."""

    def __init__(self, reception: Reception, shared: SharedValues, clock: Clock, receipts: Receipts) -> None:
        self._reception = reception
        self._clock = clock
        self._receipts = receipts
        self._shelves = shelves_of(reception.link, reception.part_wait, shared, clock)
        self._changed = asyncio.Event()

    async def take(self, content: ShortMessage | Receipt, intake: Intake) -> Answer:
        """Return what the centre is to be told about *content*. Never raises but for cancellation."""
        try:
            if isinstance(content, Receipt):
                await self._receipts.came(content, intake)
            elif content.fragment is None:
                await intake.take(self._single(content))
            else:
                await self._part(content, content.fragment, intake)
        except Unavailable as failure:
            log.warning("sms.postponed", link=self._reception.link, reason=str(failure))
            return Answer.LATER
        except Refused as failure:
            log.warning("sms.refused", link=self._reception.link, reason=str(failure))
            return Answer.NEVER
        except Exception:
            log.exception("sms.failed", link=self._reception.link)
            return Answer.LATER
        return Answer.TAKEN

    async def give_up_in_time(self, intake: Intake) -> None:
        """Hand over, for ever, what its missing parts have kept waiting long enough."""
        while True:
            self._changed.clear()
            pause = await self._give_up_overdue(intake)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()

    async def _give_up_overdue(self, intake: Intake) -> float | None:
        """Hand over what is overdue, and return how many seconds nothing will be; None for ever."""
        try:
            for shelf in self._shelves:
                await self._clear(shelf, intake)
        except Unavailable as failure:
            log.warning("sms.parts_postponed", link=self._reception.link, reason=str(failure))
            return TRY_AGAIN
        except Exception:
            log.exception("sms.parts_failed", link=self._reception.link)
            return TRY_AGAIN
        deadlines = [shelf.deadline for shelf in self._shelves if shelf.deadline is not None]
        return max(0.0, min(deadlines) - self._now()) if deadlines else None

    async def _clear(self, shelf: Shelf, intake: Intake) -> None:
        async with shelf.assembly() as assembly:
            overdue = list(assembly.overdue(self._now()))
            for whole in overdue:
                await self._hand_over(whole, assembly, intake)
            if overdue:
                await shelf.keep()

    async def _part(self, message: ShortMessage, fragment: Fragment, intake: Intake) -> None:
        shelf = shelf_for(message.sender, self._shelves)
        async with shelf.assembly() as assembly:
            if assembly.is_known(message, fragment, self._now()):
                return
            for whole in assembly.add(message, fragment, self._now()):
                await self._hand_over(whole, assembly, intake)
            await shelf.keep()
        self._changed.set()

    async def _hand_over(self, whole: Whole, assembly: Assembly, intake: Intake) -> None:
        """Take *whole*; a crash before the shelf is kept without it takes it again, under the same id."""
        try:
            await intake.take(self._message_of(whole))
        except Refused as failure:  # its parts are acknowledged: there is nobody left to refuse it to
            log.warning("sms.refused", link=self._reception.link, reason=str(failure))
        if whole.missing:
            log.warning("sms.parts_missing", link=self._reception.link, missing=len(whole.missing))
        assembly.finish(whole, self._now())

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _single(self, message: ShortMessage) -> IncomingMessage:
        """Return *message* for the intake.

        Its id is the centre's and its content: a centre that counts anew after a restart does not make a new message
        an old one. Without the centre's, the content is the id for a while.
        """
        link = self._reception.link
        content = (message.sender, message.addressee, message.coding.value, message.octets.hex())
        digest = hashlib.sha256("\0".join(content).encode()).hexdigest()
        external_id = ":".join(filter(None, (link, message.centre_id, digest)))
        repeated_within = None if message.centre_id else self._reception.repeated_within
        return self._incoming(
            external_id=external_id,
            sender=message.sender,
            addressee=message.addressee,
            text=decoded(message.octets, message.coding),
            octets=message.octets,
            repeated_within=repeated_within,
            values={"coding": message.coding.value},
        )

    def _message_of(self, whole: Whole) -> IncomingMessage:
        link = self._reception.link
        return self._incoming(
            external_id=f"{link}:{whole.id}",
            sender=whole.key.sender,
            addressee=whole.key.addressee,
            text=whole.text,
            octets=whole.octets,
            answers=(f"{link}:{whole.follows}",) if whole.follows else (),
            values={"parts": whole.key.total, "missing": list(whole.missing)},
        )

    def _incoming(
        self,
        *,
        external_id: str,
        sender: str,
        addressee: str,
        text: str,
        octets: bytes,
        values: Mapping[str, Json],
        answers: tuple[str, ...] = (),
        repeated_within: timedelta | None = None,
    ) -> IncomingMessage:
        is_binary = bool(octets) and not text
        binary = Part(name="sms.bin", declared_type="application/octet-stream", content=octets)
        return IncomingMessage(
            channel=ChannelKind.SMS,
            external_id=external_id,
            sender=normal(sender),
            addressee=addressee,
            received_at=self._clock.now(),
            text=text or (BINARY_ZH if is_binary else EMPTY_ZH),
            parts=(binary,) if is_binary else (),
            is_proven=True,
            answers=answers,
            original=octets,
            repeated_within=repeated_within,
            values={"link": self._reception.link, **values},
        )
