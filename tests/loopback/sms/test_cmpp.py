"""The CMPP link against a gateway on 127.0.0.1 that was written from the protocol's text alone."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from channels.sms.channel import SmsChannel
from config.settings import Settings
from config.sms import Cmpp
from config.values import Duration, Secret
from gateway.demo.far_ends.cmpp_centre import DELIVER, CmppCentre
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import DeliveryReport, DeliveryState, IncomingMessage, OutgoingMessage, Taken
from gateway.sms_parts import sms_channels
from tests.fakes.intake import MemoryIntake
from tests.fakes.means import MemoryMeans

LONG = "城北路的路灯已经坏了三个星期，" * 12
OK, BAD_LENGTH, FLOW_CONTROL, OTHER = 0, 4, 8, 9


class WatchedIntake(MemoryIntake):
    """Tells when it was given something."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Condition()
        self.gate = asyncio.Event()
        self.gate.set()
        self.in_hand = 0

    async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
        self.in_hand += 1
        await self._tell()
        await self.gate.wait()
        try:
            return await super().take(message, answers_at_once=answers_at_once)
        finally:
            await self._tell()

    async def report(self, report: DeliveryReport) -> None:
        await super().report(report)
        await self._tell()

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, *, messages: int = 0, reports: int = 0, in_hand: int = 0) -> None:
        async with self.changed:
            await self.changed.wait_for(
                lambda: len(self.messages) >= messages and len(self.reports) >= reports and self.in_hand >= in_hand
            )


@dataclass
class House:
    """A gateway, the channel, and the intake behind it."""

    centre: CmppCentre
    settings: Mapping[str, Any] = field(default_factory=dict)
    intake: WatchedIntake = field(default_factory=WatchedIntake)
    means: MemoryMeans = field(default_factory=MemoryMeans)

    def channel(self) -> SmsChannel:
        section = Cmpp(
            name="mobile",
            address=f"127.0.0.1:{self.centre.port}",
            number="10612345",
            source=self.centre.source,
            version="3.0" if self.centre.major == 3 else "2.0",
            **{"secret": Secret(self.centre.secret), **self.settings},
        )
        (channel,) = sms_channels(Settings(cmpp=(section,)), self.means.means)
        assert isinstance(channel, SmsChannel)
        return channel

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SmsChannel]:
        channel = self.channel()
        async with channel.running(self.intake):
            await self.centre.until_up()
            yield channel


@pytest.fixture(params=[2, 3], ids=["2.0", "3.0"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    async with CmppCentre(major=request.param) as centre:
        yield House(centre)


@pytest.fixture
async def house3() -> AsyncIterator[House]:
    async with CmppCentre() as centre:
        yield House(centre)


def outgoing(text: str, *, key: str = "k1", to: str = "8613800138000", sent_from: str = "") -> OutgoingMessage:
    return OutgoingMessage(key=key, channel=ChannelKind.SMS, to=to, text=text, sent_from=sent_from)


def parts_of(text: str, reference: int, *, wide: bool = False) -> list[bytes]:
    """A long message as a handset sends it, in UCS-2."""
    octets = text.encode("utf-16-be")
    cut = [octets[at : at + 132] for at in range(0, len(octets), 132)]
    head = b"\x06\x08\x04" + struct.pack(">H", reference) if wide else b"\x05\x00\x03" + bytes((reference,))
    return [head + bytes((len(cut), number)) + part for number, part in enumerate(cut, 1)]


async def test_a_message_is_acknowledged_once_it_is_taken(house: House) -> None:
    async with house.running() as channel:
        house.intake.gate.clear()
        delivering = asyncio.create_task(house.centre.deliver("路灯坏了".encode("utf-16-be"), message_id=0x1234))
        await house.intake.until(in_hand=1)
        answered_early = not house.centre.deliver_results.empty()
        house.intake.gate.set()

        assert await delivering == OK
        assert not answered_early
        assert channel.status == "ok"
        (message,) = house.intake.messages
        assert (message.text, message.sender, message.addressee) == ("路灯坏了", "8613800138000", "10612345")
        assert message.external_id.startswith("mobile:0000000000001234:")
        assert message.is_proven
        assert message.repeated_within is None


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        (0, b"help, no water", "help, no water"),
        (0, "停水了".encode("gbk"), "停水了"),
        (8, "停水了😀".encode("utf-16-be"), "停水了😀"),
        (15, "停水了".encode("gbk"), "停水了"),
        (15, "䶮".encode("gb18030"), "䶮"),
        (4, b"\x00\x01\xff", "（二进制短信，见附件）"),
        (246, b"abc", "abc"),
        (8, b"", "（空白短信）"),
        (8, b"\xd8", "\ufffd"),
    ],
)
async def test_every_coding_is_read(house3: House, coding: int, octets: bytes, text: str) -> None:
    async with house3.running():
        assert await house3.centre.deliver(octets, coding=coding) == OK

    (message,) = house3.intake.messages
    assert message.text == text
    assert message.original == octets
    assert [part.content for part in message.parts] == ([octets] if coding == 4 else [])


async def test_the_same_message_delivered_again_is_taken_once(house3: House) -> None:
    async with house3.running():
        results = [await house3.centre.deliver(b"\x4f\x60", message_id=77) for _ in range(2)]

    assert results == [OK, OK]
    assert len(house3.intake.messages) == 1


async def test_an_id_that_is_used_again_for_other_words_is_another_message(house3: House) -> None:
    async with house3.running():
        await house3.centre.deliver(b"\x4f\x60", message_id=77)
        await house3.centre.deliver(b"\x4f\x61", message_id=77)

    assert len(house3.intake.messages) == 2


async def test_without_an_id_the_content_is_the_id_for_a_while(house3: House) -> None:
    async with house3.running():
        await house3.centre.deliver(b"\x4f\x60", message_id=0)
        await house3.centre.deliver(b"\x4f\x60", message_id=0)
        await house3.centre.deliver(b"\x4f\x60", message_id=0, sender="13900139000")

    assert [message.sender for message in house3.intake.messages] == ["8613800138000", "8613900139000"]
    assert {message.repeated_within for message in house3.intake.messages} == {timedelta(minutes=5)}


async def test_a_store_that_is_away_makes_the_gateway_come_again(house: House) -> None:
    async with house.running():
        house.intake.fail = Unavailable("store away")
        first = await house.centre.deliver(b"\x4f\x60", message_id=5)
        house.intake.fail = None
        again = await house.centre.deliver(b"\x4f\x60", message_id=5)

    assert (first, again) == (FLOW_CONTROL, OK)
    assert len(house.intake.messages) == 1


async def test_what_never_will_be_taken_is_refused(house3: House) -> None:
    async with house3.running():
        house3.intake.fail = Refused("a restricted sender")

        assert await house3.centre.deliver(b"\x4f\x60") == OTHER


@pytest.mark.parametrize("wide", [False, True])
async def test_parts_in_any_order_and_more_than_once_make_one_message(house: House, wide: bool) -> None:
    first, *others = parts_of(LONG, 0x1F if not wide else 0x1F2F, wide=wide)
    async with house.running():
        results = [await house.centre.deliver(part, has_header=True) for part in (*reversed(others), others[0], first)]
        results.append(await house.centre.deliver(others[-1], has_header=True))

    assert set(results) == {OK}
    (message,) = house.intake.messages
    assert message.text == LONG
    assert message.values["missing"] == []


async def test_an_acknowledged_part_outlives_the_process(house3: House) -> None:
    *others, last = parts_of(LONG, 7)
    async with house3.running():
        for part in others:
            assert await house3.centre.deliver(part, has_header=True) == OK
    async with house3.running():
        assert await house3.centre.deliver(last, has_header=True) == OK

    (message,) = house3.intake.messages
    assert message.text == LONG


async def test_a_part_that_cannot_be_kept_is_not_acknowledged(house3: House) -> None:
    parts = parts_of(LONG, 7)
    async with house3.running():
        house3.means.shared.fail = Unavailable("store away")
        refused = await house3.centre.deliver(parts[0], has_header=True)
        house3.means.shared.fail = None
        results = [await house3.centre.deliver(part, has_header=True) for part in parts]

    assert refused == FLOW_CONTROL
    assert set(results) == {OK}
    assert [message.text for message in house3.intake.messages] == [LONG]


async def test_a_message_taken_just_before_a_crash_is_the_same_message_after_it(house3: House) -> None:
    parts = parts_of(LONG, 7)
    async with house3.running():
        for part in parts[:-1]:
            await house3.centre.deliver(part, has_header=True)
        before = dict(house3.means.shared.kept)
        await house3.centre.deliver(parts[-1], has_header=True)
    house3.means.shared.kept = before  # killed between the commit and what follows it
    async with house3.running():
        assert await house3.centre.deliver(parts[-1], has_header=True) == OK

    assert len(house3.intake.messages) == 1


async def test_a_missing_part_leaves_a_mark_when_its_time_is_up(house3: House) -> None:
    house3.settings = {"part_wait": Duration.parse("30ms")}
    parts = parts_of(LONG, 7)
    async with house3.running():
        await house3.centre.deliver(parts[0], has_header=True)
        await house3.centre.deliver(parts[2], has_header=True)
        await house3.intake.until(messages=1)
        assert await house3.centre.deliver(parts[1], has_header=True) == OK

    gap, late = house3.intake.messages
    assert gap.text == f"{LONG[:66]}[缺第2段]{LONG[132:]}"
    assert late.text == f"[补第2段]{LONG[66:132]}"
    assert late.answers == (gap.external_id,)


async def test_when_many_are_in_hand_the_rest_waits_with_the_gateway(house3: House) -> None:
    async with house3.running():
        house3.intake.gate.clear()
        body = [house3.centre.deliver_body(b"\x4f\x60", message_id=number) for number in range(1, 101)]
        asked = [asyncio.create_task(house3.centre.ask(DELIVER, each)) for each in body]
        await house3.intake.until(in_hand=64)
        held = house3.intake.in_hand
        house3.intake.gate.set()

        assert set(await asyncio.gather(*asked)) == {OK}
        assert held == 64
    assert len(house3.intake.messages) == 100


async def test_a_delivery_of_wrong_length_is_refused_and_the_link_stays(house: House) -> None:
    async with house.running():
        body = house.centre.deliver_body(b"\x4f\x60")
        cut, padded = await house.centre.ask(DELIVER, body[:-3]), await house.centre.ask(DELIVER, body + b"abc")

        assert (cut, padded) == (BAD_LENGTH, BAD_LENGTH)
        assert await house.centre.deliver(b"\x4f\x60") == OK
        assert house.centre.connections == 1


async def test_an_impossible_length_ends_the_connection_and_a_new_one_is_made(house3: House) -> None:
    async with house3.running():
        house3.centre.bound.clear()
        house3.centre.send_raw(b"\xff\xff\xff\xff garbage")
        await house3.centre.until_up()

        assert await house3.centre.deliver(b"\x4f\x60") == OK
        assert house3.centre.connections == 2


async def test_a_wrong_secret_is_told_in_the_status() -> None:
    async with CmppCentre() as centre:
        house = House(centre, {"secret": Secret("wrong")})
        channel = house.channel()
        async with channel.running(house.intake):
            await centre.lost.get()

            assert channel.status == "mobile: the centre refused us: wrong secret"


async def test_a_short_text_goes_out_as_one_message(house: House) -> None:
    async with house.running() as channel:
        sent_id = await channel.send(outgoing("您的诉求已办结。"))

    sent = house.centre.sent.get_nowait()
    assert sent_id == f"mobile:{sent.message_id:016x}"
    assert sent.content.decode("utf-16-be") == "您的诉求已办结。"
    assert (sent.sender, sent.terminal, sent.coding) == ("10612345", "13800138000", 8)
    assert (sent.total, sent.number, sent.has_header, sent.wants_receipt) == (1, 1, False, True)


async def test_an_answer_leaves_from_the_extension_that_was_written_to(house3: House) -> None:
    async with house3.running() as channel:
        await channel.send(outgoing("ok", sent_from="1061234588"))

    sent = house3.centre.sent.get_nowait()
    assert (sent.sender, sent.coding, sent.content) == ("1061234588", 0, b"ok")


@pytest.mark.parametrize(("chinese", "coding", "name"), [("ucs2", 8, "utf-16-be"), ("gbk", 15, "gbk")])
async def test_a_long_text_goes_out_in_parts_that_a_telephone_joins(
    house: House, chinese: str, coding: int, name: str
) -> None:
    house.settings = {"chinese": chinese}
    async with house.running() as channel:
        sent_id = await channel.send(outgoing(LONG))

    parts = [house.centre.sent.get_nowait() for _ in range(house.centre.sent.qsize())]
    assert sent_id == f"mobile:{parts[0].message_id:016x}"
    assert all(part.has_header and len(part.content) <= 140 and part.coding == coding for part in parts)
    assert [(part.total, part.number) for part in parts] == [(len(parts), n) for n in range(1, len(parts) + 1)]
    assert len({part.content[:4] for part in parts}) == 1
    assert b"".join(part.content[6:] for part in parts).decode(name) == LONG


async def test_receipts_of_all_parts_make_one_report(house: House) -> None:
    async with house.running() as channel:
        sent_id = await channel.send(outgoing(LONG))
        parts = [house.centre.sent.get_nowait() for _ in range(house.centre.sent.qsize())]
        for part in parts[1:]:
            assert await house.centre.report(part.message_id, b"DELIVRD") == OK
        early = list(house.intake.reports)
        await house.centre.report(parts[0].message_id, b"DELIVRD")
        await house.centre.report(parts[0].message_id, b"DELIVRD")

    assert early == []
    (report,) = house.intake.reports
    assert (report.sent_id, report.state, report.reason) == (sent_id, DeliveryState.DELIVERED, "")


async def test_one_part_that_failed_is_a_message_that_failed(house3: House) -> None:
    async with house3.running() as channel:
        sent_id = await channel.send(outgoing(LONG))
        parts = [house3.centre.sent.get_nowait() for _ in range(house3.centre.sent.qsize())]
        await house3.centre.report(parts[0].message_id, b"DELIVRD")
        await house3.centre.report(parts[1].message_id, b"MA:0001")
        await house3.centre.report(parts[2].message_id, b"DELIVRD")

    (report,) = house3.intake.reports
    assert (report.sent_id, report.state, report.reason) == (sent_id, DeliveryState.FAILED, "MA:0001")


async def test_a_receipt_that_cannot_be_kept_comes_again(house3: House) -> None:
    async with house3.running() as channel:
        await channel.send(outgoing("ok"))
        message_id = house3.centre.sent.get_nowait().message_id
        house3.intake.fail = Unavailable("store away")
        first = await house3.centre.report(message_id, b"DELIVRD")
        house3.intake.fail = None
        again = await house3.centre.report(message_id, b"DELIVRD")

    assert (first, again) == (FLOW_CONTROL, OK)
    assert [report.state for report in house3.intake.reports] == [DeliveryState.DELIVERED]


async def test_after_flow_control_only_what_is_missing_goes_out_again(house3: House) -> None:
    house3.centre.submit_results = [OK, FLOW_CONTROL]
    async with house3.running() as channel:
        with pytest.raises(Unavailable) as told:
            await channel.send(outgoing(LONG))
        await channel.send(outgoing(LONG))

    parts = [house3.centre.sent.get_nowait() for _ in range(house3.centre.sent.qsize())]
    assert told.value.retry_after == 1.0
    assert [part.number for part in parts] == [1, 2, 3]


@pytest.mark.parametrize(
    ("message", "results"),
    [(outgoing("ok"), [5]), (outgoing("ok", to="somebody"), []), (outgoing(""), []), (outgoing("长" * 20_000), [])],
)
async def test_what_cannot_be_sent_is_refused(house3: House, message: OutgoingMessage, results: list[int]) -> None:
    house3.centre.submit_results = results
    async with house3.running() as channel:
        with pytest.raises(Refused):
            await channel.send(message)


async def test_a_message_without_an_answer_in_time_is_said_again_and_then_the_link_is_made_anew() -> None:
    async with CmppCentre() as centre:
        house = House(centre, {"answer_within": Duration.parse("40ms"), "attempts": 2})
        async with house.running() as channel:
            centre.is_mute = True
            with pytest.raises(Unavailable, match="no answer to our message"):
                await channel.send(outgoing("ok"))
            await centre.lost.get()
            centre.is_mute = False
            await centre.until_up()

            assert await channel.send(outgoing("ok", key="k2"))


async def test_a_silent_gateway_is_asked_whether_it_lives() -> None:
    async with CmppCentre() as centre:
        house = House(centre, {"keep_alive": Duration.parse("20ms")})
        async with house.running():
            first, second = await centre.asked_for_life.get(), await centre.asked_for_life.get()

        assert second == first + 1


async def test_the_gateway_may_ask_too_and_leave(house: House) -> None:
    async with house.running():
        assert await house.centre.ask(8, b"") == 0
        house.centre.bound.clear()
        assert await house.centre.ask(2, b"") == 0
        await house.centre.until_up()

        assert house.centre.connections == 2


async def test_a_dropped_connection_is_made_again_and_nothing_is_lost(house3: House) -> None:
    async with house3.running() as channel:
        await house3.centre.drop()
        await house3.centre.until_up()

        assert await house3.centre.deliver(b"\x4f\x60") == OK
        assert await channel.send(outgoing("ok"))


async def test_at_the_end_we_take_our_leave(house3: House) -> None:
    async with house3.running():
        pass

    assert house3.centre.left.is_set()


async def test_a_link_that_is_down_says_later() -> None:
    async with CmppCentre() as centre:
        pass
    channel = House(centre).channel()
    async with channel.running(MemoryIntake()):
        with pytest.raises(Unavailable):
            await channel.send(outgoing("ok"))

        assert channel.status.startswith("mobile: ")


async def test_a_link_keeps_to_its_rate() -> None:
    async with CmppCentre() as centre:
        house = House(centre, {"per_second": 0.01})
        async with house.running() as channel:
            await channel.send(outgoing("ok"))
            with pytest.raises(Unavailable) as told:
                await channel.send(outgoing("ok", key="k2"))

    assert told.value.retry_after == pytest.approx(100.0, abs=30.0)
    assert centre.sent.qsize() == 1
