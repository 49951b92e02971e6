"""The mail server, met by the standard library's client: what is taken, what is refused, and what 250 means."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from ipaddress import ip_network
from pathlib import Path

import pytest

from channels.mail.admission import Limits
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import DeliveryState, IncomingMessage, Taken
from tests.fakes.intake import MemoryIntake
from tests.fakes.mail import (
    IDENTITY,
    LIMIT,
    OURS,
    client_side,
    mail_channel,
    message,
    port_of,
    send,
    server,
    server_side,
    smtp,
)
from tests.fakes.means import MemoryMeans

MESSAGES = {path.stem: path.read_bytes() for path in sorted(Path("tests/data/mail").glob("*.eml"))}


@pytest.fixture
def intake() -> MemoryIntake:
    return MemoryIntake()


async def test_a_message_is_taken_with_all_that_is_known_of_it(intake: MemoryIntake) -> None:
    octets = message(extra="Reply-To: other@example.org\r\nIn-Reply-To: <before@12345.example>")
    house = MemoryMeans()

    async with mail_channel(intake, house=house, server=server()) as channel:
        await smtp(channel, send(octets))

    (taken,) = intake.messages
    assert taken.channel is ChannelKind.MAIL
    assert (taken.external_id, taken.sender, taken.sender_name) == ("1@example.com", "lisi@example.com", "李四")
    assert (taken.addressee, taken.subject, taken.text) == (OURS, "lamp", "和平路的路灯坏了")
    assert taken.original == octets
    assert taken.answers == ("before@12345.example",)
    assert taken.values == {"sent_at": "2026-11-21T10:10:10+08:00", "reply_to": "other@example.org"}
    assert taken.repeated_within is None
    assert not taken.is_proven


async def test_the_same_message_again_is_acknowledged_and_is_one_contact(intake: MemoryIntake) -> None:
    async with mail_channel(intake, server=server()) as channel:
        await smtp(channel, send(message()))
        await smtp(channel, send(message()))

    assert len(intake.messages) == 1
    assert channel.letterbox is not None
    assert channel.letterbox.counts == {"taken": 1, "repeated": 1}


async def test_several_messages_come_over_one_connection(intake: MemoryIntake) -> None:
    def talk(client: smtplib.SMTP) -> None:
        for number in range(5):
            client.sendmail("lisi@example.com", [OURS], message(number=number))

    async with mail_channel(intake, server=server()) as channel:
        await smtp(channel, talk)

    assert [each.external_id for each in intake.messages] == [f"{number}@example.com" for number in range(5)]


async def test_nothing_is_relayed(intake: MemoryIntake) -> None:
    recipients = ["somebody@elsewhere.example", f"somebody%elsewhere.example@{'x' * 5}", "12345@elsewhere.example"]

    def talk(client: smtplib.SMTP) -> list[tuple[int, bytes]]:
        client.ehlo()
        client.mail("lisi@example.com")
        return [client.rcpt(to) for to in recipients]

    async with mail_channel(intake, server=server()) as channel:
        answers = await smtp(channel, talk)

    assert [(code, text[:5]) for code, text in answers] == [(550, b"5.7.1")] * 3


@pytest.mark.parametrize("to", [OURS, "12345+water@12345.example", "Anybody@CITY.example", "bounces+x@12345.example"])
async def test_our_mailboxes_our_domains_and_our_bounces_are_taken(intake: MemoryIntake, to: str) -> None:
    async with mail_channel(intake, server=server()) as channel:
        await smtp(channel, send(message(), to=to))

    assert len(intake.messages) == 1


async def test_what_cannot_be_kept_now_comes_again_and_what_never_will_be_is_refused(
    intake: MemoryIntake,
) -> None:
    async with mail_channel(intake, server=server()) as channel:
        intake.fail = Unavailable("the store is away")
        with pytest.raises(smtplib.SMTPDataError) as later:
            await smtp(channel, send(message()))
        intake.fail = Refused("no")
        with pytest.raises(smtplib.SMTPDataError) as never:
            await smtp(channel, send(message()))
        intake.fail = None
        await smtp(channel, send(message()))

    assert (later.value.smtp_code, later.value.smtp_error[:5]) == (451, b"4.3.0")
    assert (never.value.smtp_code, never.value.smtp_error[:5]) == (554, b"5.7.1")
    assert len(intake.messages) == 1


async def test_a_failure_of_ours_is_temporary_for_the_peer(intake: MemoryIntake) -> None:
    class Broken(MemoryIntake):
        async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
            raise ZeroDivisionError

    async with mail_channel(Broken(), server=server()) as channel:
        with pytest.raises(smtplib.SMTPDataError) as failed:
            await smtp(channel, send(message()))

    assert failed.value.smtp_code == 451


async def test_250_is_not_said_before_the_message_is_kept() -> None:
    begun, commit = asyncio.Event(), asyncio.Event()

    class Slow(MemoryIntake):
        async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
            begun.set()
            await commit.wait()
            return await super().take(message)

    async with mail_channel(Slow(), server=server()) as channel:
        sending = asyncio.create_task(smtp(channel, send(message())))
        await asyncio.wait_for(begun.wait(), LIMIT)
        assert not sending.done()
        commit.set()
        await asyncio.wait_for(sending, LIMIT)


async def test_a_message_that_is_being_kept_is_acknowledged_although_the_server_stops() -> None:
    begun, commit = asyncio.Event(), asyncio.Event()

    class Slow(MemoryIntake):
        async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
            begun.set()
            await commit.wait()
            return await super().take(message)

    async with mail_channel(Slow(), server=server()) as channel:
        sending = asyncio.create_task(smtp(channel, send(message())))
        await asyncio.wait_for(begun.wait(), LIMIT)
        asyncio.get_running_loop().call_soon(commit.set)

    await asyncio.wait_for(sending, LIMIT)


async def test_a_large_message_is_refused_by_its_announced_size_and_by_its_octets(intake: MemoryIntake) -> None:
    def announce(client: smtplib.SMTP) -> tuple[int, bytes]:
        client.ehlo()
        assert client.esmtp_features["size"] == "20000"
        return client.docmd("MAIL FROM:<lisi@example.com> SIZE=20001")

    def bring(client: smtplib.SMTP) -> tuple[int, bytes]:
        client.helo()
        client.mail("lisi@example.com")
        client.rcpt(OURS)
        return client.data(message("x\r\n" * 8000))

    async with mail_channel(intake, server=server(largest=20_000)) as channel:
        announced = await smtp(channel, announce)
        brought = await smtp(channel, bring)

    assert (announced[0], brought[0]) == (552, 552)
    assert not intake.messages


async def test_long_lines_and_octets_beyond_ascii_are_taken(intake: MemoryIntake) -> None:
    async with mail_channel(intake, server=server()) as channel:
        await smtp(channel, send(message("路" * 20_000)))

    assert intake.messages[0].text == "路" * 20_000


async def test_dots_at_the_beginning_of_lines_come_through(intake: MemoryIntake) -> None:
    async with mail_channel(intake, server=server()) as channel:
        await smtp(channel, send(message("..\r\n.\r\n.x")))

    assert intake.messages[0].text == "..\n.\n.x"


async def test_starttls_is_offered_and_auth_never(intake: MemoryIntake) -> None:
    def talk(client: smtplib.SMTP) -> tuple[set[str], set[str], int]:
        client.ehlo()
        before = set(client.esmtp_features)
        client.starttls(context=client_side())
        client.ehlo()
        code, _ = client.docmd("AUTH PLAIN AGEAYg==")
        client.sendmail("lisi@example.com", [OURS], message())
        return before, set(client.esmtp_features), code

    async with mail_channel(intake, server=server(tls=server_side())) as channel:
        before, after, code = await smtp(channel, talk)

    assert "starttls" in before
    assert "starttls" not in after
    assert not {"auth"} & (before | after)
    assert code == 502
    assert len(intake.messages) == 1


async def test_without_tls_nothing_is_taken_where_it_is_needed(intake: MemoryIntake) -> None:
    async with mail_channel(intake, server=server(tls=server_side(), needs_tls=True)) as channel:
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            await smtp(channel, send(message()))

    assert refused.value.smtp_code == 530


async def test_a_peer_that_speaks_no_tls_after_starttls_disturbs_nobody(intake: MemoryIntake) -> None:
    async with mail_channel(intake, server=server(tls=server_side())) as channel:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(channel))
        await reader.readline()
        writer.write(b"EHLO x\r\nSTARTTLS\r\n")
        async with asyncio.timeout(LIMIT):
            while not (await reader.readline()).startswith(b"220"):
                pass
            writer.write(b"this is no handshake at all\r\n" * 20)
            while await reader.read(1000):
                pass
        writer.close()
        await smtp(channel, send(message()))

    assert len(intake.messages) == 1


async def test_an_untrusted_certificate_is_for_the_client_to_refuse(intake: MemoryIntake) -> None:
    async with mail_channel(intake, server=server(tls=server_side("stranger"))) as channel:
        with pytest.raises(ssl.SSLError):
            await smtp(channel, lambda client: client.starttls(context=client_side()))
        await smtp(channel, send(message()))

    assert len(intake.messages) == 1


async def test_commands_sent_ahead_of_tls_are_forgotten(intake: MemoryIntake) -> None:
    """A man in the middle must not slip commands in before the handshake (CVE-2021-38371 and its kin)."""
    async with mail_channel(intake, server=server(tls=server_side())) as channel:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(channel))
        await reader.readline()
        writer.write(b"EHLO x\r\nSTARTTLS\r\nMAIL FROM:<injected@example.com>\r\n")
        async with asyncio.timeout(LIMIT):
            while not (await reader.readline()).startswith(b"220"):
                pass
        writer.close()

    assert not intake.messages


async def test_one_peer_has_so_many_connections_and_the_others_have_theirs(intake: MemoryIntake) -> None:
    limits = Limits(connections=10, connections_of_peer=1)

    async with mail_channel(intake, server=server(limits=limits)) as channel:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(channel))
        assert (await reader.readline()).startswith(b"220")
        more, more_writer = await asyncio.open_connection("127.0.0.1", port_of(channel))
        refused = await more.readline()
        end = await more.read()
        writer.write(b"QUIT\r\n")
        await reader.read()
        writer.close()
        more_writer.close()
        await smtp(channel, send(message()))

    assert refused.startswith(b"421 4.7.0")
    assert end == b""
    assert len(intake.messages) == 1


async def test_a_peer_that_brings_too_much_comes_again_later_and_our_relay_may(
    intake: MemoryIntake,
) -> None:
    def talk(client: smtplib.SMTP) -> None:
        for number in range(3):
            client.sendmail("lisi@example.com", [OURS], message(number=number))

    async with mail_channel(intake, server=server(limits=Limits(messages_of_peer=2))) as channel:
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            await smtp(channel, talk)
    relays = (ip_network("127.0.0.0/8"),)
    async with mail_channel(intake, server=server(limits=Limits(messages_of_peer=2, relays=relays))) as channel:
        await smtp(channel, talk)

    assert refused.value.smtp_code == 451
    assert len(intake.messages) == 3


async def test_automatic_mail_is_counted_and_opens_nothing(intake: MemoryIntake) -> None:
    own = IDENTITY.message_id("key")
    bounce = message(f"Message-ID: <{own}>", sender="mailer-daemon@example.com", number=2)

    async with mail_channel(intake, server=server()) as channel:
        await smtp(channel, send(message(extra="Auto-Submitted: auto-replied")))
        await smtp(channel, send(message(extra=f"X-Loop: {IDENTITY.loop_token}")))
        await smtp(channel, send(message(extra="List-Id: <list.example.com>")))
        await smtp(channel, send(message(), sender=""))
        await smtp(channel, send(message().replace(b"<1@example.com>", f"<{own}>".encode())))
        await smtp(channel, send(bounce, sender=""))

    assert not intake.messages
    assert channel.letterbox is not None
    assert channel.letterbox.counts == {"out_of_office": 1, "loop": 2, "list": 1, "generated": 1, "bounce": 1}
    assert [(report.sent_id, report.state) for report in intake.reports] == [(own, DeliveryState.FAILED)]


async def test_a_bounce_that_quotes_nothing_is_known_by_the_address_it_comes_to(intake: MemoryIntake) -> None:
    own = IDENTITY.message_id("key")
    bounce = message("no", sender="postmaster@example.com").replace(b"Subject: lamp", b"Subject: failure notice")

    async with mail_channel(intake, server=server()) as channel:
        await smtp(channel, send(bounce, sender="", to=IDENTITY.return_path(own, OURS)))

        await smtp(channel, send(message(number=3), sender="", to=IDENTITY.return_path(own, OURS)))
        await smtp(channel, send(MESSAGES["bounce-delay"], sender="", to=IDENTITY.return_path(own, OURS)))
        await smtp(channel, send(MESSAGES["out-of-office"], sender="", to=IDENTITY.return_path(own, OURS)))

    assert [(report.sent_id, report.state) for report in intake.reports] == [(own, DeliveryState.FAILED)] * 2


async def test_a_delivery_status_is_reported_with_its_reason(intake: MemoryIntake) -> None:
    bounce = MESSAGES["bounce-dsn"]
    own = IDENTITY.message_id("key")
    bounce = bounce.replace(b"jiesu.0123456789abcdef0123456789abcdef@12345.example", own.encode())

    async with mail_channel(intake, server=server()) as channel:
        intake.fail = Unavailable("away")
        with pytest.raises(smtplib.SMTPDataError):
            await smtp(channel, send(bounce, sender=""))
        intake.fail = None
        await smtp(channel, send(bounce, sender=""))

    (report,) = intake.reports
    assert report.reason == "5.1.1 smtp; 550 no such user"


@pytest.mark.parametrize("name", MESSAGES)
async def test_every_ugly_message_is_acknowledged(intake: MemoryIntake, name: str) -> None:
    octets = MESSAGES[name]

    async with mail_channel(intake, server=server()) as channel:
        await smtp(channel, send(octets))

    assert channel.letterbox is not None
    assert channel.letterbox.counts.total() == 1
    if intake.messages and b"\n." not in octets:
        assert intake.messages[0].original.rstrip(b"\r\n") == octets.rstrip(b"\r\n")


async def test_noise_disturbs_nobody(intake: MemoryIntake) -> None:
    async with mail_channel(intake, server=server()) as channel:
        for noise in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 200_000, b"DATA\r\n" * 50):
            _, writer = await asyncio.open_connection("127.0.0.1", port_of(channel))
            writer.write(noise)
            writer.close()
        await smtp(channel, send(message()))

    assert len(intake.messages) == 1


async def test_a_taken_address_is_shown_in_the_status(intake: MemoryIntake) -> None:
    async with mail_channel(intake, server=server()) as first:
        taken = server(listen=[("127.0.0.1", port_of(first))])
        async with mail_channel(intake, server=taken) as second:
            assert "cannot listen" in second.status
        assert first.status == "ok"


async def test_commands_out_of_order_are_refused(intake: MemoryIntake) -> None:
    def talk(client: smtplib.SMTP) -> list[int]:
        early = [client.docmd("MAIL FROM:<lisi@example.com>")[0], client.docmd("DATA")[0]]
        client.ehlo()
        client.mail("lisi@example.com")
        early.append(client.docmd("DATA")[0])
        client.rcpt(OURS)
        early.append(client.docmd("DATA now")[0])
        return early

    async with mail_channel(intake, server=server()) as channel:
        assert await smtp(channel, talk) == [503, 503, 503, 501]


async def test_one_message_has_so_many_recipients(intake: MemoryIntake) -> None:
    def talk(client: smtplib.SMTP) -> list[int]:
        client.ehlo()
        client.mail("lisi@example.com")
        codes = [client.rcpt(f"{number}@city.example")[0] for number in range(101)]
        client.data(message())
        return codes

    async with mail_channel(intake, server=server()) as channel:
        assert await smtp(channel, talk) == [250] * 100 + [452]

    assert intake.messages[0].addressee == OURS


async def test_a_peer_who_leaves_in_the_middle_of_a_message_has_brought_nothing(intake: MemoryIntake) -> None:
    async with mail_channel(intake, server=server()) as channel:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(channel))
        writer.write(b"EHLO x\r\nMAIL FROM:<lisi@example.com>\r\nRCPT TO:<12345@12345.example>\r\nDATA\r\n")
        async with asyncio.timeout(LIMIT):
            while not (await reader.readline()).startswith(b"354"):
                pass
        writer.write(message())
        writer.write_eof()
        async with asyncio.timeout(LIMIT):
            assert await reader.read() == b""
        writer.close()

    assert not intake.messages


async def test_commands_that_come_with_the_message_are_heard_after_it(intake: MemoryIntake) -> None:
    again = b"MAIL FROM:<lisi@example.com>\r\nRCPT TO:<12345@12345.example>\r\nDATA\r\n"

    async with mail_channel(intake, server=server()) as channel:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(channel))
        writer.write(b"EHLO x\r\n" + again + message() + b".\r\n" + again + message(number=2) + b".\r\nQUIT\r\n")
        async with asyncio.timeout(LIMIT):
            answers = (await reader.read()).splitlines()
        writer.close()

    assert [line[:3] for line in answers if line[3:4] == b" "].count(b"354") == 2
    assert answers[-1].startswith(b"221")
    assert [each.external_id for each in intake.messages] == ["1@example.com", "2@example.com"]


async def test_nobody_is_told_which_mailboxes_there_are(intake: MemoryIntake) -> None:
    async with mail_channel(intake, server=server()) as channel:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(channel))
        writer.write(b"HELO x\r\nVRFY 12345@12345.example\r\nVRFY nobody\r\nVRFY \xff\r\nQUIT\r\n")
        async with asyncio.timeout(LIMIT):
            _, _, *answers, _ = (await reader.read()).splitlines()
        writer.close()

    assert len(answers) == 3
    assert len(set(answers)) == 1
