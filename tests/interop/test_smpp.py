"""The SMPP link against a centre of another make: smpp34 from PyPI, in Rust."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import smpp34

from channels.sms.channel import SmsChannel
from config.settings import Settings
from config.sms import Smpp
from config.values import Secret
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import DeliveryState, OutgoingMessage
from gateway.sms_parts import sms_channels
from tests.fakes.intake import MemoryIntake
from tests.fakes.means import MemoryMeans
from tests.peers.smpp_centre import ESME_RX_P_APPN, ESME_RX_T_APPN, SmppCentre

LONG = "城北路的路灯已经坏了三个星期，" * 12
WITH_HEADER = 0x40
SAR_MSG_REF_NUM, SAR_TOTAL_SEGMENTS, SAR_SEGMENT_SEQNUM = 0x020C, 0x020E, 0x020F
MESSAGE_PAYLOAD, RECEIPTED_MESSAGE_ID, MESSAGE_STATE = 0x0424, 0x001E, 0x0427
ESME_RINVMSGLEN, ESME_RINVDSTADR, ESME_RTHROTTLED = 0x01, 0x0B, 0x58


@dataclass
class House:
    """A centre, the channel, and the intake behind it."""

    centre: SmppCentre
    settings: Mapping[str, Any] = field(default_factory=dict)
    intake: MemoryIntake = field(default_factory=MemoryIntake)
    means: MemoryMeans = field(default_factory=MemoryMeans)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SmsChannel]:
        section = Smpp(
            name="centre",
            address=f"127.0.0.1:{self.centre.port}",
            number="10659012345",
            system_id="jiesu",
            password=Secret("changeme"),
            **self.settings,
        )
        (channel,) = sms_channels(Settings(smpp=(section,)), self.means.means)
        assert isinstance(channel, SmsChannel)
        self.centre.bound.clear()
        async with channel.running(self.intake):
            await self.until_up()
            yield channel

    async def until_up(self) -> None:
        """Wait until the link can be used both ways: a delivery is answered."""
        kept, self.intake.fail = self.intake.fail, Refused("not yet")
        assert await self.centre.deliver(b"\0?") == ESME_RX_P_APPN
        self.intake.fail = kept


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with SmppCentre() as centre:
        yield House(centre)


def outgoing(text: str, *, key: str = "k1") -> OutgoingMessage:
    return OutgoingMessage(key=key, channel=ChannelKind.SMS, to="8613800138000", text=text)


def sent_by(house: House) -> list[tuple[str, smpp34.SubmitSmEvent]]:
    return [house.centre.sent.get_nowait() for _ in range(house.centre.sent.qsize())]


def cut(text: str) -> list[bytes]:
    octets = text.encode("utf-16-be")
    return [octets[at : at + 132] for at in range(0, len(octets), 132)]


async def test_a_message_is_taken_and_the_same_again_only_for_a_while(house: House) -> None:
    async with house.running() as channel:
        statuses = [await house.centre.deliver("路灯坏了😀".encode("utf-16-be")) for _ in range(2)]

        assert channel.status == "ok"
    assert statuses == [0, 0]
    (message,) = house.intake.messages
    assert (message.text, message.sender, message.addressee) == ("路灯坏了😀", "8613800138000", "10659012345")
    assert message.repeated_within is not None


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        (0, b"no water \x00 since \x1b\x65 5", "no water @ since € 5"),
        (1, b"no water", "no water"),
        (3, b"caf\xe9", "café"),
        (15, "停水了".encode("gbk"), "停水了"),
        (4, b"\x00\xff", "（二进制短信，见附件）"),
        (0xF1, b"class 1", "class 1"),
        (0x77, b"unknown", "unknown"),
    ],
)
async def test_every_data_coding_is_read(house: House, coding: int, octets: bytes, text: str) -> None:
    async with house.running():
        assert await house.centre.deliver(octets, coding=coding) == 0

    assert [message.text for message in house.intake.messages] == [text]


async def test_what_cannot_be_kept_is_a_temporary_failure(house: House) -> None:
    async with house.running():
        house.intake.fail = Unavailable("store away")
        first = await house.centre.deliver(b"\x4f\x60")
        house.intake.fail = None
        again = await house.centre.deliver(b"\x4f\x60")

    assert (first, again) == (ESME_RX_T_APPN, 0)
    assert len(house.intake.messages) == 1


async def test_what_never_will_be_taken_is_a_permanent_one(house: House) -> None:
    async with house.running():
        house.intake.fail = Refused("a restricted sender")

        assert await house.centre.deliver(b"\x4f\x60") == ESME_RX_P_APPN


async def test_parts_with_headers_make_one_message(house: House) -> None:
    parts = cut(LONG)
    async with house.running():
        for number in (2, 3, 1):
            header = bytes((6, 8, 4, 0x12, 0x34, len(parts), number))
            assert await house.centre.deliver(header + parts[number - 1], esm_class=WITH_HEADER) == 0

    assert [message.text for message in house.intake.messages] == [LONG]


async def test_parts_with_options_make_one_message(house: House) -> None:
    parts = cut(LONG)
    async with house.running():
        for number, part in enumerate(parts, 1):
            tlvs = [
                smpp34.Tlv(SAR_MSG_REF_NUM, b"\x01\x02"),
                smpp34.Tlv(SAR_TOTAL_SEGMENTS, bytes((len(parts),))),
                smpp34.Tlv(SAR_SEGMENT_SEQNUM, bytes((number,))),
            ]
            assert await house.centre.deliver(part, tlvs=tlvs) == 0

    assert [message.text for message in house.intake.messages] == [LONG]


async def test_a_long_message_may_come_as_payload(house: House) -> None:
    async with house.running():
        payload = smpp34.Tlv(MESSAGE_PAYLOAD, LONG.encode("utf-16-be"))
        assert await house.centre.deliver(b"", tlvs=[payload]) == 0

    assert [message.text for message in house.intake.messages] == [LONG]


async def test_a_short_text_goes_out_and_its_receipt_comes_back(house: House) -> None:
    async with house.running() as channel:
        sent_id = await channel.send(outgoing("您的诉求已办结。"))
        ((message_id, sent),) = sent_by(house)
        assert await house.centre.report(message_id) == 0

    assert sent_id == f"centre:{message_id}"
    assert (sent.source_addr, sent.destination_addr, sent.data_coding) == ("10659012345", "8613800138000", 8)
    assert sent.short_message.decode("utf-16-be") == "您的诉求已办结。"
    assert sent.registered_delivery == 1
    assert [(report.sent_id, report.state) for report in house.intake.reports] == [(sent_id, DeliveryState.DELIVERED)]


@pytest.mark.parametrize("text", ["Your request 20261122-1 {has} been closed €.", "No water? " * 40])
async def test_what_the_alphabet_has_goes_out_in_it(house: House, text: str) -> None:
    async with house.running() as channel:
        await channel.send(outgoing(text))

    parts = [sent for _, sent in sent_by(house)]
    assert {part.data_coding for part in parts} == {0}
    assert all(len(part.short_message) <= 160 for part in parts)
    joined = b"".join(part.short_message[6 if part.esm_class & WITH_HEADER else 0 :] for part in parts)
    assert joined.replace(b"\x1b\x65", "€".encode()).replace(b"\x1b(", b"{").replace(b"\x1b)", b"}").decode() == text


async def test_a_long_text_goes_out_in_parts_and_one_that_failed_is_told(house: House) -> None:
    async with house.running() as channel:
        sent_id = await channel.send(outgoing(LONG))
        sent = sent_by(house)
        await house.centre.report(sent[0][0])
        await house.centre.report(sent[1][0], "UNDELIV", "042")

    parts = [part for _, part in sent]
    assert all(part.esm_class & WITH_HEADER and len(part.short_message) <= 140 for part in parts)
    assert [part.short_message[4:6] for part in parts] == [bytes((len(parts), n)) for n in range(1, len(parts) + 1)]
    assert b"".join(part.short_message[6:] for part in parts).decode("utf-16-be") == LONG
    (report,) = house.intake.reports
    assert (report.sent_id, report.state, report.reason) == (sent_id, DeliveryState.FAILED, "UNDELIV 042")


@pytest.mark.parametrize(("text", "name"), [(LONG, "utf-16-be"), ("No water? " * 40, "ascii")])
async def test_a_centre_that_splits_gets_a_long_text_whole(house: House, text: str, name: str) -> None:
    house.settings = {"long_messages": "whole"}
    async with house.running() as channel:
        await channel.send(outgoing(text))

    ((_, sent),) = sent_by(house)
    (payload,) = [tlv.value for tlv in sent.tlvs if tlv.tag == MESSAGE_PAYLOAD]
    assert (sent.short_message, payload.decode(name)) == (b"", text)


async def test_a_receipt_may_be_options_and_nothing_else(house: House) -> None:
    async with house.running():
        tlvs = [
            smpp34.Tlv(RECEIPTED_MESSAGE_ID, b"abc\0"),
            smpp34.Tlv(MESSAGE_STATE, b"\x05"),
        ]
        assert await house.centre.deliver(b"", esm_class=0x04, tlvs=tlvs) == 0

    (report,) = house.intake.reports
    assert (report.sent_id, report.state, report.reason) == ("centre:abc", DeliveryState.FAILED, "UNDELIV")


async def test_a_receipt_without_an_id_is_refused(house: House) -> None:
    async with house.running():
        assert await house.centre.deliver(b"nothing at all", coding=0, esm_class=0x04) == ESME_RINVMSGLEN


async def test_throttling_asks_for_a_rest_and_the_message_goes_later(house: House) -> None:
    house.centre.rejections = [ESME_RTHROTTLED]
    async with house.running() as channel:
        with pytest.raises(Unavailable) as told:
            await channel.send(outgoing("ok"))
        sent_id = await channel.send(outgoing("ok"))

    assert told.value.retry_after == 1.0
    assert sent_id == f"centre:{sent_by(house)[0][0]}"


async def test_a_message_that_the_centre_refuses_is_refused(house: House) -> None:
    house.centre.rejections = [ESME_RINVDSTADR]
    async with house.running() as channel:
        with pytest.raises(Refused, match="ESME_RINVDSTADR"):
            await channel.send(outgoing("ok"))


async def test_an_unbound_link_binds_again(house: House) -> None:
    async with house.running() as channel:
        await house.centre.unbind()
        await house.until_up()

        assert await channel.send(outgoing("ok"))


async def test_at_the_end_we_unbind(house: House) -> None:
    async with house.running():
        pass

    await house.centre.unbound.wait()
