"""`jiesu check` on the written channels: who lets us in, and who does not."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from config.chat import Telegram
from config.mail import HostedMailbox, Mail, Smarthost
from config.settings import Settings
from config.sms import Cmpp
from config.values import Secret
from gateway.commands.check_written import written_findings
from gateway.commands.findings import Finding
from gateway.demo.far_ends.bot_api import BotApiServer
from gateway.demo.far_ends.cmpp_centre import CmppCentre
from gateway.demo.far_ends.mail_sink import MailSink

TOKEN = "123456:AAH-check"


@pytest.fixture
def closed() -> Iterator[str]:
    """An address that nobody listens at."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{other.getsockname()[1]}"


@pytest.fixture
async def centre() -> AsyncIterator[CmppCentre]:
    async with CmppCentre() as running:
        yield running


async def found(settings: Settings) -> dict[str, Finding]:
    return {finding.subject: finding async for finding in written_findings(settings)}


def cmpp(address: str, secret: str = "shared") -> Cmpp:
    return Cmpp(name="mobile", address=address, number="10612345", source="901234", secret=Secret(secret))


async def test_a_centre_is_bound_and_left_again(centre: CmppCentre) -> None:
    finding = (await found(Settings(cmpp=(cmpp(f"127.0.0.1:{centre.port}"),))))["sms mobile"]

    assert finding.is_ok
    assert centre.left.is_set()


async def test_a_centre_that_refuses_the_secret_or_is_away_is_named(centre: CmppCentre, closed: str) -> None:
    refused = await found(Settings(cmpp=(cmpp(f"127.0.0.1:{centre.port}", "guessed"),)))
    away = await found(Settings(cmpp=(cmpp(closed),)))

    assert refused["sms mobile"].is_ok is False
    assert away["sms mobile"].is_ok is False
    assert "cannot connect" in away["sms mobile"].words


async def test_a_smarthost_is_greeted_and_nothing_is_sent(closed: str) -> None:
    async with MailSink() as sink:
        mail = Mail(hostname="mail.city.example")
        smarthost = Smarthost(server=f"127.0.0.1:{sink.port}", encryption="none", sender="12345@city.example")
        reached = await found(Settings(mail=mail, smarthost=smarthost))
        away = await found(
            Settings(mail=mail, smarthost=Smarthost(server=closed, encryption="none", sender="12345@city.example"))
        )

    assert reached["smarthost"].is_ok
    assert away["smarthost"].is_ok is False
    assert sink.received == []


async def test_a_mailbox_whose_server_is_away_is_named(closed: str) -> None:
    box = HostedMailbox(
        name="office", address="12345@city.example", server=closed, encryption="none", password=Secret("x")
    )

    assert (await found(Settings(mailbox=(box,))))["mailbox office"].is_ok is False


async def test_the_bot_says_its_name_and_a_wrong_token_is_refused() -> None:
    async with BotApiServer(TOKEN).running() as telegram:
        known = await found(Settings(telegram=Telegram(token=Secret(TOKEN), api=telegram.url)))
        wrong = await found(Settings(telegram=Telegram(token=Secret("123456:wrong"), api=telegram.url)))

    assert known["telegram"].is_ok
    assert "@hotline_12345_bot" in known["telegram"].words
    assert wrong["telegram"].is_ok is False
    assert "getUpdates" not in telegram.calls


async def test_without_written_channels_nothing_is_tried() -> None:
    assert await found(Settings()) == {}
