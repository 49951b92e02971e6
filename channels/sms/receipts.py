"""What became of our messages: the receipts of a long one's parts make one report about the whole.

Which parts belong together is kept in the store that all nodes share: receipts come hours later, to whichever process
is there then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec

from channels.sms.words import Fate, Receipt
from gateway.domain.contact import ChannelKind
from gateway.ports.clock import Clock
from gateway.ports.intake import DeliveryReport, DeliveryState, Intake, SharedValues

AWAITED_FOR = timedelta(days=4)
"""How long receipts are expected: centres try for three days at most."""
SENDING_LIMIT = 10.0
"""Seconds that a receipt waits for messages under way: it may be theirs, and overtake the centre's answer."""
SETTLING = 0.5
"""Seconds that a message has to be noted as sent before a receipt may speak of it."""
STATES = {
    Fate.UNDER_WAY: DeliveryState.ACCEPTED,
    Fate.DELIVERED: DeliveryState.DELIVERED,
    Fate.FAILED: DeliveryState.FAILED,
}


class _Whole(msgspec.Struct, kw_only=True):
    ids: list[str]
    delivered: list[str] = []
    is_told: bool = False


class Receipts:
    """The receipts of one link."""

    def __init__(self, link: str, shared: SharedValues, clock: Clock) -> None:
        self._link = link
        self._shared = shared
        self._clock = clock
        self._guard = asyncio.Lock()
        self._sending: set[asyncio.Future[None]] = set()
        self._sent_at: dict[str, float] = {}

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Hold receipts back while a message goes out inside the block."""
        under_way: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sending.add(under_way)
        try:
            yield
        finally:
            self._sending.discard(under_way)
            under_way.set_result(None)

    async def expect(self, ids: Sequence[str]) -> str:
        """Return the id of the message whose parts the centre knows by *ids*. Raises `Unavailable`."""
        known = [each for each in ids if each]
        if not known:
            return ""
        if len(known) > 1:
            until = self._clock.now() + AWAITED_FOR
            whole = msgspec.json.encode(_Whole(ids=known)).decode()
            await self._shared.keep(self._whole_key(known[0]), whole, until)
            for each in known:
                await self._shared.keep(self._part_key(each), known[0], until)
        now = asyncio.get_running_loop().time()
        self._sent_at = {each: at for each, at in self._sent_at.items() if now - at < SETTLING}
        self._sent_at |= dict.fromkeys(known, now)
        return f"{self._link}:{known[0]}"

    async def came(self, receipt: Receipt, intake: Intake) -> None:
        """Report what *receipt* means for its whole message, if it means anything yet. Raises `Unavailable`."""
        if self._sending:
            await asyncio.wait(set(self._sending), timeout=SENDING_LIMIT)
        if (sent_at := self._sent_at.get(receipt.centre_id)) is not None:
            await asyncio.sleep(sent_at + SETTLING - asyncio.get_running_loop().time())
        first = await self._shared.value(self._part_key(receipt.centre_id))
        if first is None:
            await self._report(receipt.centre_id, receipt, intake)
            return
        async with self._guard:
            await self._part_came(first, receipt, intake)

    async def _part_came(self, first: str, receipt: Receipt, intake: Intake) -> None:
        kept = await self._shared.value(self._whole_key(first))
        whole = msgspec.json.decode(kept, type=_Whole) if kept else _Whole(ids=[receipt.centre_id])
        if whole.is_told or receipt.fate is Fate.UNDER_WAY:
            return
        if receipt.fate is Fate.DELIVERED and receipt.centre_id not in whole.delivered:
            whole.delivered.append(receipt.centre_id)
        if receipt.fate is Fate.FAILED or set(whole.delivered) >= set(whole.ids):
            await self._report(first, receipt, intake)
            whole.is_told = True
        until = self._clock.now() + AWAITED_FOR
        await self._shared.keep(self._whole_key(first), msgspec.json.encode(whole).decode(), until)

    async def _report(self, centre_id: str, receipt: Receipt, intake: Intake) -> None:
        report = DeliveryReport(
            channel=ChannelKind.SMS,
            sent_id=f"{self._link}:{centre_id}",
            state=STATES[receipt.fate],
            at=self._clock.now(),
            reason="" if receipt.fate is Fate.DELIVERED else receipt.reason,
        )
        await intake.report(report)

    def _part_key(self, centre_id: str) -> str:
        return f"sms.part.{self._link}.{centre_id}"

    def _whole_key(self, centre_id: str) -> str:
        return f"sms.whole.{self._link}.{centre_id}"
