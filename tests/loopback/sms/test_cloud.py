"""The cloud vendors' short messages: what they call us with on the public door, and what we post to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
import pytest

from channels.door import Door
from channels.sms.channel import SmsChannel
from config.settings import Settings
from config.sms import CloudSms
from config.values import Secret
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import GatewayError, Refused, Unavailable
from gateway.ports.intake import DeliveryState, OutgoingMessage
from gateway.sms_parts import sms_channels
from tests.fakes.intake import MemoryIntake
from tests.fakes.means import MemoryMeans
from tests.peers.cloud_sms import KEY_ID, SECRET, AliyunCentre, CloudCentre, TencentCentre

TOKEN = "0123456789abcdef0123456789abcdef"
ALIYUN_UP = {
    "phone_number": "13800138000",
    "send_time": "2026-11-22 09:00:00",
    "content": "路灯坏了",
    "sign_name": "某市12345热线",
    "dest_code": "1234",
    "sequence_id": 1234567890,
}
ALIYUN_REPORT = {
    "phone_number": "13800138000",
    "send_time": "2026-11-22 09:00:00",
    "report_time": "2026-11-22 09:00:03",
    "success": True,
    "err_code": "DELIVERED",
    "err_msg": "用户接收成功",
    "sms_size": "1",
    "biz_id": "cloud-1",
    "out_id": "k1",
}
TENCENT_UP = {
    "extend": "1234",
    "mobile": "13800138000",
    "nationcode": "86",
    "sign": "某市12345热线",
    "text": "路灯坏了",
    "time": 1795309200,
}
TENCENT_REPORT = {
    "user_receive_time": "2026-11-22 09:00:03",
    "nationcode": "86",
    "mobile": "13800138000",
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "用户短信送达成功",
    "sid": "cloud-1",
}
Vendor = Literal["aliyun", "tencent"]


@dataclass
class House:
    """A vendor, the channel on a door, and the intake behind it."""

    vendor: Vendor
    centre: CloudCentre
    intake: MemoryIntake = field(default_factory=MemoryIntake)
    secret: str = SECRET
    url: str = ""
    channel: SmsChannel = field(init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SmsChannel]:
        section = CloudSms(
            name="cloud",
            vendor=self.vendor,
            url=self.centre.url,
            key_id=KEY_ID,
            key_secret=Secret(self.secret),
            token=Secret(TOKEN),
            signature="某市12345热线",
            template="SMS_1",
            app="1400006666",
            number="106123",
        )
        (channel,) = sms_channels(Settings(cloud_sms=(section,)), MemoryMeans().means)
        assert isinstance(channel, SmsChannel)
        async with (
            channel.running(self.intake),
            Door("127.0.0.1", 0, list(channel.routes(self.intake))) as door,
        ):
            self.url = door.url
            yield channel

    async def call(self, what: str, body: Any, *, token: str = TOKEN) -> tuple[int, Any]:
        """Call the door as the vendor does."""
        given = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"{self.url}/sms/cloud/{token}/{what}", **given) as response,
        ):
            return response.status, await response.json() if "json" in response.content_type else None


@pytest.fixture(params=["aliyun", "tencent"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    vendor: Vendor = request.param
    async with AliyunCentre() if vendor == "aliyun" else TencentCentre() as centre:
        yield House(vendor, centre)


def up(house: House) -> Any:
    return [ALIYUN_UP] if house.vendor == "aliyun" else TENCENT_UP


def report(house: House) -> Any:
    return [ALIYUN_REPORT] if house.vendor == "aliyun" else [TENCENT_REPORT]


def outgoing(text: str, *, to: str = "8613800138000") -> OutgoingMessage:
    return OutgoingMessage(key="k1", channel=ChannelKind.SMS, to=to, text=text)


async def test_what_a_petitioner_wrote_is_taken_once(house: House) -> None:
    async with house.running():
        answers = [await house.call("up", up(house)) for _ in range(2)]

    good = {"code": 0, "msg": "接收成功"} if house.vendor == "aliyun" else {"result": 0, "errmsg": "OK"}
    assert answers == [(200, good), (200, good)]
    (message,) = house.intake.messages
    assert (message.text, message.sender, message.addressee) == ("路灯坏了", "8613800138000", "1061231234")


async def test_a_call_may_bring_several(house: House) -> None:
    several = (
        [ALIYUN_UP, {**ALIYUN_UP, "sequence_id": 2, "content": "二"}]
        if house.vendor == "aliyun"
        else [TENCENT_UP, {**TENCENT_UP, "text": "二"}]
    )
    async with house.running():
        await house.call("up", several)

    assert [message.text for message in house.intake.messages] == ["路灯坏了", "二"]


async def test_what_cannot_be_kept_makes_the_vendor_come_again(house: House) -> None:
    async with house.running():
        house.intake.fail = Unavailable("store away")
        first = [await house.call("up", up(house)), await house.call("report", report(house))]
        house.intake.fail = None
        again = [await house.call("up", up(house)), await house.call("report", report(house))]

    assert [status for status, _ in first] == [503, 503]
    assert [status for status, _ in again] == [200, 200]
    assert (len(house.intake.messages), len(house.intake.reports)) == (1, 1)


async def test_what_never_will_be_taken_is_not_told_again(house: House) -> None:
    async with house.running():
        house.intake.fail = Refused("a restricted sender")
        status, _ = await house.call("up", up(house))

    assert status == 200


@pytest.mark.parametrize("what", ["up", "report"])
@pytest.mark.parametrize("body", [b"", b"not JSON", b"{}", b"[1]", b'[{"phone_number": 1}]', b"[" * 100_000])
async def test_garbage_is_refused(house: House, what: str, body: bytes) -> None:
    async with house.running():
        status, _ = await house.call(what, body)

    assert status == 400
    assert house.intake.messages == []


async def test_a_call_beyond_the_limit_is_refused(house: House) -> None:
    async with house.running():
        status, _ = await house.call("up", b" " * (512 * 1024 + 1))

    assert status == 413


async def test_who_does_not_know_the_address_finds_nothing(house: House) -> None:
    async with house.running():
        wrong, _ = await house.call("up", up(house), token="f" * 32)
        unicode, _ = await house.call("up", up(house), token="%E4%BD%A0")

    assert (wrong, unicode) == (404, 404)
    assert house.intake.messages == []


async def test_a_message_is_sent_signed_and_its_receipt_comes_back(house: House) -> None:
    async with house.running() as channel:
        sent_id = await channel.send(outgoing("您的诉求已办结：路灯 & 电缆+1 ~*。"))
        await house.call("report", report(house))

    sent = house.centre.sent.get_nowait()
    assert sent["text"] == "您的诉求已办结：路灯 & 电缆+1 ~*。"
    assert sent["to"] == ("13800138000" if house.vendor == "aliyun" else "+8613800138000")
    assert (sent["signature"], sent["template"]) == ("某市12345热线", "SMS_1")
    (report_,) = house.intake.reports
    assert (report_.sent_id, report_.state) == (sent_id, DeliveryState.DELIVERED)


async def test_a_receipt_of_a_failure_says_why(house: House) -> None:
    failed = (
        [{**ALIYUN_REPORT, "success": False, "err_code": "MOBILE_NOT_ON_SERVICE"}]
        if house.vendor == "aliyun"
        else [{**TENCENT_REPORT, "report_status": "FAIL", "errmsg": "MK:0001"}]
    )
    async with house.running():
        await house.call("report", failed)

    (report_,) = house.intake.reports
    assert (report_.sent_id, report_.state) == ("cloud:cloud-1", DeliveryState.FAILED)
    assert report_.reason in ("MOBILE_NOT_ON_SERVICE", "MK:0001")


def said(house: House, code: str) -> Any:
    return {"Code": code} if house.vendor == "aliyun" else {"Response": {"Error": {"Code": code}}}


@pytest.mark.parametrize(
    ("codes", "error"),
    [
        (("isv.MOBILE_NUMBER_ILLEGAL", "InvalidParameterValue.IncorrectPhoneNumber"), Refused),
        (("isp.SYSTEM_ERROR", "InternalError.Timeout"), Unavailable),
        (("isv.BUSINESS_LIMIT_CONTROL", "RequestLimitExceeded"), Unavailable),
        (("isv.AMOUNT_NOT_ENOUGH", "FailedOperation.InsufficientBalanceInSmsPackage"), Unavailable),
    ],
)
async def test_the_vendors_no_is_final_or_not(house: House, codes: tuple[str, str], error: type[GatewayError]) -> None:
    house.centre.answers = [(200, said(house, codes[house.vendor == "tencent"]))]
    async with house.running() as channel:
        with pytest.raises(error):
            await channel.send(outgoing("ok"))


@pytest.mark.parametrize(("status", "body"), [(502, "<html>"), (200, ""), (200, "[]"), (500, {})])
async def test_an_answer_that_is_none_is_a_later(house: House, status: int, body: Any) -> None:
    house.centre.answers = [(status, body)]
    async with house.running() as channel:
        with pytest.raises(Unavailable):
            await channel.send(outgoing("ok"))

        assert channel.status.startswith("cloud: ")


async def test_a_wrong_secret_is_refused(house: House) -> None:
    house.secret = "another"
    async with house.running() as channel:
        with pytest.raises(Refused, match="Signature"):
            await channel.send(outgoing("ok"))


async def test_a_vendor_that_cannot_be_reached_is_a_later(house: House) -> None:
    async with house.running() as channel:
        await house.centre.__aexit__()
        with pytest.raises(Unavailable):
            await channel.send(outgoing("ok"))


@pytest.mark.parametrize("message", [outgoing(""), outgoing("ok", to="somebody")])
async def test_what_cannot_be_sent_is_refused(house: House, message: OutgoingMessage) -> None:
    async with house.running() as channel:
        with pytest.raises(Refused):
            await channel.send(message)
