"""The way out against a smarthost: what arrives there, and what its answers mean."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dkim
import pytest

from channels.mail.reading import read
from channels.mail.smtp_out import DkimKey, MailWayOut, Smarthost
from gateway.demo.far_ends.mail_sink import MailSink
from gateway.domain.contact import Attachment, ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.ticket import TicketId
from gateway.ports.intake import OutgoingMessage
from tests.fakes.intake import MemoryIntake
from tests.fakes.mail import IDENTITY, OURS, client_side, mail_channel, send, server, server_side, smtp
from tests.fakes.means import MemoryMeans

KEY = Path("tests/data/mail/dkim.pem").read_bytes()
PUBLIC = subprocess.run(["openssl", "rsa", "-pubout"], input=KEY, capture_output=True, check=True).stdout
TICKET = TicketId("20261121-101010-1234")
MESSAGE = OutgoingMessage(
    key="ticket-1-reply-2",
    channel=ChannelKind.MAIL,
    to="lisi@example.com",
    text="您反映的路灯已修好。\n感谢您的来信。",
    ticket_id=TICKET,
    subject="回复：路灯坏了",
    sent_from=OURS,
    answers=("2@example.com", "jiesu.0123@12345.example", "1@example.com"),
)


@pytest.fixture
async def sink() -> AsyncIterator[MailSink]:
    async with MailSink() as sink:
        yield sink


def way_out(sink: MailSink, house: MemoryMeans | None = None, **changes: Any) -> MailWayOut:
    means = (house or MemoryMeans()).means
    smarthost = Smarthost(
        host="127.0.0.1",
        port=sink.port,
        sender="office@city.example",
        sender_name="12345热线",
        hostname="mx.12345.example",
        encryption="none",
    )
    return MailWayOut(replace(smarthost, **changes), IDENTITY, means.files, means.clock)


def opened(sink: MailSink) -> EmailMessage:
    content = sink.received[-1].content
    assert isinstance(content, bytes)
    return message_from_bytes(content, policy=policy.default)


async def test_a_message_arrives_threaded_and_marked_as_automatic(sink: MailSink) -> None:
    sent_id = await way_out(sink).send(MESSAGE)

    arrived = opened(sink)
    assert arrived["From"] == "12345热线 <12345@12345.example>"
    assert arrived["To"] == "lisi@example.com"
    assert arrived["Subject"] == f"Re: 路灯坏了 [{TICKET}]"
    assert arrived["Message-ID"] == f"<{sent_id}>"
    assert arrived["In-Reply-To"] == "<2@example.com>"
    assert arrived["References"] == "<1@example.com> <jiesu.0123@12345.example> <2@example.com>"
    assert arrived["Auto-Submitted"] == "auto-replied"
    assert arrived["X-Loop"] == IDENTITY.loop_token
    assert arrived.get_content().splitlines() == MESSAGE.text.splitlines()
    assert (sink.received[0].mail_from, sink.received[0].rcpt_tos) == (
        IDENTITY.return_path(sent_id, OURS),
        ["lisi@example.com"],
    )


async def test_the_same_key_has_the_same_id_and_another_key_another(sink: MailSink) -> None:
    out = way_out(sink)

    first, again = await out.send(MESSAGE), await out.send(MESSAGE)
    other = await out.send(replace(MESSAGE, key="another"))

    assert first == again != other
    assert IDENTITY.is_own_id(first)


async def test_a_message_that_answers_nothing_opens_a_conversation_of_our_own(sink: MailSink) -> None:
    await way_out(sink).send(replace(MESSAGE, answers=(), subject="", sent_from="", ticket_id=None))

    arrived = opened(sink)
    assert arrived["From"] == "12345热线 <office@city.example>"
    assert arrived["Subject"] == "12345热线"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert "In-Reply-To" not in arrived


async def test_files_go_with_it(sink: MailSink) -> None:
    house = MemoryMeans()
    content = b"\x89PNG\r\n"
    sha256 = hashlib.sha256(content).hexdigest()
    house.files.kept[sha256] = content
    file = Attachment(sha256=sha256, name="维修照片.png", media_type="image/png", size=len(content))

    await way_out(sink, house).send(replace(MESSAGE, files=(file,)))

    (attached,) = opened(sink).iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("维修照片.png", "image/png")
    assert attached.get_content() == content
    with pytest.raises(Refused):
        await way_out(sink, house).send(replace(MESSAGE, files=(replace(file, size=10**9),)))


async def test_it_is_signed_where_there_is_a_key(sink: MailSink) -> None:
    record = b"v=DKIM1; p=" + b"".join(PUBLIC.splitlines()[1:-1])
    key = DkimKey(domain="12345.example", selector="s1", pem=KEY)

    await way_out(sink, dkim=key).send(MESSAGE)

    content = sink.received[0].content
    assert isinstance(content, bytes)
    asked: list[bytes] = []

    def look_up(name: bytes, timeout: float) -> bytes:
        asked.append(name)
        return record

    assert dkim.verify(content, dnsfunc=look_up)
    assert asked == [b"s1._domainkey.12345.example."]


async def test_starttls_and_the_password(sink: MailSink) -> None:
    async with MailSink(tls=server_side(), password="secret") as safe:
        settings: dict[str, Any] = {"encryption": "starttls", "tls": client_side(), "username": "office"}
        await way_out(safe, **settings, password="secret").send(MESSAGE)
        with pytest.raises(Unavailable):
            await way_out(safe, **settings, password="wrong").send(MESSAGE)

    assert safe.encrypted == [True]


@pytest.mark.parametrize("problem", ["not offered", "not trusted"])
async def test_nothing_is_sent_in_the_clear_where_encryption_is_wanted(sink: MailSink, problem: str) -> None:
    async with MailSink(tls=server_side("stranger") if problem == "not trusted" else None) as unsafe:
        out = way_out(unsafe, encryption="starttls", tls=client_side())
        with pytest.raises(Unavailable):
            await out.send(MESSAGE)

    assert not unsafe.received
    assert out.problem


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
async def test_4xx_is_for_later_and_5xx_is_final(sink: MailSink, command: str) -> None:
    out = way_out(sink)
    sink.answers[command] = "451 4.2.1 greylisted"
    with pytest.raises(Unavailable):
        await out.send(MESSAGE)
    assert out.problem
    sink.answers[command] = "550 5.1.1 no such user"
    with pytest.raises(Refused):
        await out.send(MESSAGE)
    del sink.answers[command]

    assert await out.send(MESSAGE)
    assert out.problem == ""


async def test_a_smarthost_that_is_away_is_for_later() -> None:
    async with MailSink() as gone:
        out = way_out(gone)

    with pytest.raises(Unavailable):
        await out.send(MESSAGE)


@pytest.mark.parametrize("to", ["nobody", "a b@example.com", "x@example.com\r\nBcc: y@example.com", "@example.com", ""])
async def test_what_is_no_mailbox_is_refused(sink: MailSink, to: str) -> None:
    with pytest.raises(Refused):
        await way_out(sink).send(replace(MESSAGE, to=to))

    assert not sink.received


async def test_line_ends_in_a_subject_make_no_fields(sink: MailSink) -> None:
    await way_out(sink).send(replace(MESSAGE, subject="x\r\nBcc: y@example.com", answers=("a\r\nX: y@z", "b@c")))

    arrived = opened(sink)
    assert arrived["Subject"] == f"Re: x Bcc: y@example.com [{TICKET}]"
    assert "Bcc" not in arrived
    assert arrived["In-Reply-To"] == "<b@c>"


async def test_what_we_send_comes_back_as_a_loop_and_its_answer_as_an_answer(sink: MailSink) -> None:
    sent_id = await way_out(sink).send(MESSAGE)
    ours = sink.received[0].content
    assert isinstance(ours, bytes)
    intake = MemoryIntake()
    answer = (
        f"From: lisi@example.com\r\nTo: {OURS}\r\nSubject: {opened(sink)['Subject']}\r\nMessage-ID: <3@example.com>\r\n"
        f"In-Reply-To: <{sent_id}>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n谢谢\r\n"
    ).encode()

    async with mail_channel(intake, server=server()) as channel:
        await smtp(channel, send(ours, sender=OURS))
        await smtp(channel, send(answer))

    (taken,) = intake.messages
    assert taken.answers == (sent_id,)
    assert taken.ticket_id == TICKET
    assert channel.letterbox is not None
    assert channel.letterbox.counts["loop"] == 1
    assert read(ours).text == MESSAGE.text
