"""The mail channel on the loopback, and what stands around it: certificates, messages, senders."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from channels.mail.channel import CheckSettings, MailChannel
from channels.mail.identity import Identity
from channels.mail.mailbox import MailboxSettings
from channels.mail.smtp_in import ServerSettings
from channels.mail.smtp_out import Smarthost
from gateway.ports.intake import Intake
from tests.fakes.means import MemoryMeans

CERTIFICATES = Path("tests/data/tls")
OURS = "12345@12345.example"
IDENTITY = Identity(
    addresses=frozenset({OURS, "@city.example"}), domain="12345.example", bounces="bounces@12345.example"
)
LIMIT = 20.0

T = TypeVar("T")


def message(
    text: str = "和平路的路灯坏了", *, number: int = 1, sender: str = "lisi@example.com", extra: str = ""
) -> bytes:
    """A plain message of a citizen's; *number* makes its id."""
    lines = [
        f"From: =?utf-8?B?5p2O5Zub?= <{sender}>",
        f"To: {OURS}",
        "Subject: lamp",
        "Date: Sat, 21 Nov 2026 10:10:10 +0800",
        f"Message-ID: <{number}@example.com>",
        *([extra] if extra else []),
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        text,
        "",
    ]
    return "\r\n".join(lines).encode()


def server_side(owner: str = "gateway") -> ssl.SSLContext:
    """What a server of the tests' authority shows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / f"{owner}.pem", CERTIFICATES / f"{owner}.key")
    return context


def client_side() -> ssl.SSLContext:
    """A client that believes the tests' authority and no other."""
    return ssl.create_default_context(cafile=str(CERTIFICATES / "ca.pem"))


def server(**changes: Any) -> ServerSettings:
    """A server on a free port of the loopback."""
    given: dict[str, Any] = {"hostname": "mx.12345.example", "listen": [("127.0.0.1", 0)], **changes}
    return ServerSettings(**given)


@asynccontextmanager
async def mail_channel(
    intake: Intake,
    *,
    house: MemoryMeans | None = None,
    server: ServerSettings | None = None,
    mailboxes: tuple[MailboxSettings, ...] = (),
    smarthost: Smarthost | None = None,
    checks: CheckSettings | None = None,
) -> AsyncIterator[MailChannel]:
    """A channel that runs inside the block."""
    channel = MailChannel(
        IDENTITY,
        (house or MemoryMeans()).means,
        server=server,
        mailboxes=mailboxes,
        smarthost=smarthost,
        checks=checks,
    )
    async with channel.running(intake):
        yield channel


def port_of(channel: MailChannel) -> int:
    """Where its server listens."""
    assert channel.server is not None
    return channel.server.addresses[0][1]


async def smtp(channel: MailChannel, talk: Callable[[smtplib.SMTP], T]) -> T:
    """Let the standard library's client *talk* to the channel's server, in a thread."""

    def connect() -> T:
        with smtplib.SMTP("127.0.0.1", port_of(channel), local_hostname="mail.example.com", timeout=LIMIT) as client:
            return talk(client)

    return await asyncio.to_thread(connect)


def send(octets: bytes, *, to: str = OURS, sender: str = "lisi@example.com") -> Callable[[smtplib.SMTP], None]:
    """What a client says to bring one message."""

    def talk(client: smtplib.SMTP) -> None:
        client.sendmail(sender, [to], octets)

    return talk
