"""What is delivered, from the centre's word to the intake, on virtual time; and what receipts of parts come to."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

import pytest

from channels.sms.coding import Coding
from channels.sms.header import Fragment
from channels.sms.receipts import SETTLING, Receipts
from channels.sms.receiving import TRY_AGAIN, Receiver, Reception, normal
from channels.sms.shelf import SHELVES
from channels.sms.words import Answer, Fate, Receipt, ShortMessage
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import DeliveryState, IncomingMessage, Taken
from tests.fakes.intake import MemoryIntake
from tests.fakes.virtual_time import VirtualClock, run_virtually

WAIT = 60.0


class Shared:
    """`SharedValues` for one story."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.writes = 0
        self.fail: Unavailable | None = None

    async def value(self, key: str) -> str | None:
        if self.fail:
            raise self.fail
        return self.kept.get(key)

    async def keep(self, key: str, value: str, until: datetime) -> None:
        if self.fail:
            raise self.fail
        self.writes += 1
        self.kept[key] = value


class Broken(MemoryIntake):
    """An intake with a bug."""

    async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
        raise KeyError("a bug")


class House:
    """A receiver and what is around it."""

    def __init__(self, shared: Shared | None = None) -> None:
        self.shared = shared or Shared()
        self.intake = MemoryIntake()
        self.receipts = Receipts("link", self.shared, VirtualClock())
        reception = Reception(link="link", part_wait=timedelta(seconds=WAIT), repeated_within=timedelta(minutes=5))
        self.receiver = Receiver(reception, self.shared, VirtualClock(), self.receipts)

    async def part(self, number: int, total: int = 2, *, sender: str = "13800138000") -> Answer:
        octets = str(number).encode("utf-16-be")
        fragment = Fragment(reference=7, total=total, number=number)
        message = ShortMessage(sender=sender, addressee="106", coding=Coding.UCS2, octets=octets, fragment=fragment)
        return await self.receiver.take(message, self.intake)

    async def receipt(self, centre_id: str, fate: Fate) -> Answer:
        return await self.receiver.take(Receipt(centre_id=centre_id, fate=fate, reason="why"), self.intake)


def virtually(story: Coroutine[Any, Any, None]) -> None:
    run_virtually(story)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("13800138000", "8613800138000"),
        ("+8613800138000", "8613800138000"),
        ("8613800138000", "8613800138000"),
        ("+12025550100", "12025550100"),
        ("10086", "10086"),
        ("", ""),
        ("某人", "某人"),
    ],
)
def test_numbers_have_one_form(number: str, expected: str) -> None:
    assert normal(number) == expected


def test_a_bug_of_ours_makes_the_centre_come_again() -> None:
    async def story() -> None:
        house = House()
        message = ShortMessage(sender="138", addressee="106", coding=Coding.ASCII, octets=b"ok")

        assert await house.receiver.take(message, Broken()) is Answer.LATER

    virtually(story())


def test_a_gap_is_handed_over_when_its_time_is_up_and_again_while_the_store_is_away() -> None:
    async def story() -> None:
        house = House()
        giving_up = asyncio.create_task(house.receiver.give_up_in_time(house.intake))
        await house.part(1)
        house.intake.fail = Unavailable("store away")
        await asyncio.sleep(WAIT + 1)
        house.intake.fail = None
        assert house.intake.messages == []
        await asyncio.sleep(TRY_AGAIN)
        giving_up.cancel()

        assert [message.text for message in house.intake.messages] == ["1[缺第2段]"]

    virtually(story())


def test_after_a_restart_the_gap_is_handed_over_by_itself() -> None:
    async def story() -> None:
        before = House()
        await before.part(1)
        house = House(before.shared)
        giving_up = asyncio.create_task(house.receiver.give_up_in_time(house.intake))
        await asyncio.sleep(WAIT + 1)
        giving_up.cancel()

        assert [message.text for message in house.intake.messages] == ["1[缺第2段]"]

    virtually(story())


def test_a_bug_does_not_end_the_waiting_for_parts() -> None:
    async def story() -> None:
        house = House()
        giving_up = asyncio.create_task(house.receiver.give_up_in_time(Broken()))
        await house.part(1)
        await asyncio.sleep(WAIT + 2 * TRY_AGAIN + 1)

        assert not giving_up.done()
        giving_up.cancel()

    virtually(story())


def test_a_whole_message_that_is_refused_is_not_asked_for_again() -> None:
    async def story() -> None:
        house = House()
        await house.part(1)
        house.intake.fail = Refused("a restricted sender")

        assert await house.part(2) is Answer.TAKEN
        house.intake.fail = None
        assert await house.part(2) is Answer.TAKEN
        assert house.intake.messages == []

    virtually(story())


def test_a_shelf_that_cannot_be_read_is_begun_anew() -> None:
    async def story() -> None:
        house = House()
        house.shared.kept = {f"sms.parts.link.{number}": "?" for number in range(SHELVES)}

        assert [await house.part(number) for number in (1, 2)] == [Answer.TAKEN, Answer.TAKEN]
        assert [message.text for message in house.intake.messages] == ["12"]

    virtually(story())


def test_one_part_is_one_write() -> None:
    async def story() -> None:
        house = House()
        for number in (1, 2, 3):
            await house.part(number, 3)

        assert house.shared.writes == 3

    virtually(story())


def test_a_receipt_waits_for_the_message_that_it_may_be_about() -> None:
    async def story() -> None:
        house, loop = House(), asyncio.get_running_loop()
        async with house.receipts.sending():
            early = asyncio.create_task(house.receipt("b", Fate.DELIVERED))
            await asyncio.sleep(1.0)
            assert not early.done()
            sent_id = await house.receipts.expect(["a", "b"])
        await early
        assert loop.time() >= 1.0 + SETTLING
        await house.receipt("a", Fate.DELIVERED)

        (report,) = house.intake.reports
        assert (report.sent_id, report.state, report.channel) == (sent_id, DeliveryState.DELIVERED, ChannelKind.SMS)

    virtually(story())


def test_on_the_way_is_told_of_a_single_message_only() -> None:
    async def story() -> None:
        house = House()
        await house.receipts.expect(["a", "b"])
        await house.receipt("a", Fate.UNDER_WAY)
        await house.receipt("c", Fate.UNDER_WAY)

        assert [(report.sent_id, report.state) for report in house.intake.reports] == [
            ("link:c", DeliveryState.ACCEPTED)
        ]

    virtually(story())


def test_a_message_without_a_centres_id_has_none() -> None:
    async def story() -> None:
        house = House()

        assert await house.receipts.expect(["", ""]) == ""
        assert await house.receipts.expect(["", "b"]) == "link:b"

    virtually(story())
