"""A hosted mailbox at Dovecot: fetched once, marked afterwards, found again after anything."""

from __future__ import annotations

import asyncio
import imaplib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from imap_tools import ImapToolsError

from channels.mail.mailbox import MailboxSettings, prove
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import IncomingMessage, Taken
from tests.fakes.intake import MemoryIntake
from tests.fakes.mail import client_side, mail_channel, message
from tests.fakes.means import MemoryMeans
from tests.peers.dovecot import PASSWORD, Dovecot
from tests.peers.gateway import until

pytestmark = pytest.mark.peer("dovecot")


@pytest.fixture
async def dovecot() -> AsyncIterator[Dovecot]:
    async with Dovecot() as server:
        yield server


def mailbox(dovecot: Dovecot, **changes: Any) -> MailboxSettings:
    given: dict[str, Any] = {
        "name": "city",
        "address": "12345@12345.example",
        "host": "127.0.0.1",
        "port": dovecot.tls,
        "username": "office",
        "password": PASSWORD,
        "tls": client_side(),
        **changes,
    }
    return MailboxSettings(**given)


class Waiting(MemoryIntake):
    """An intake that tells when it has so many messages."""

    async def has(self, count: int) -> None:
        async def counted() -> bool:
            return len(self.messages) >= count

        await until(f"{count} messages", counted)


@pytest.mark.parametrize("encryption", ["tls", "starttls", "none"])
async def test_what_lies_there_and_what_comes_is_taken_and_marked(dovecot: Dovecot, encryption: Any) -> None:
    intake = Waiting()
    first = message("第一封\r\n.\r\n")
    await dovecot.bring("office", first)
    port = dovecot.tls if encryption == "tls" else dovecot.plain

    async with mail_channel(intake, mailboxes=(mailbox(dovecot, encryption=encryption, port=port),)) as channel:
        await intake.has(1)
        await dovecot.bring("office", message("第二封", number=2))
        await intake.has(2)

        async def marked() -> bool:
            flags = await dovecot.flags("office")
            return len(flags) == 2 and all("Seen" in each for each in flags)

        await until("both marked", marked)
        assert channel.status == "ok"

    assert intake.messages[0].original == first
    assert [each.text for each in intake.messages] == ["第一封\n.", "第二封"]
    assert datetime.now(UTC) - intake.messages[0].received_at < timedelta(hours=1)
    assert intake.messages[0].addressee == "12345@12345.example"


async def test_taken_messages_are_moved_where_a_folder_is_named(dovecot: Dovecot) -> None:
    intake = Waiting()
    await dovecot.bring("office", message(), message(number=2))

    async with mail_channel(intake, mailboxes=(mailbox(dovecot, done="Done"),)):
        await intake.has(2)

        async def moved() -> bool:
            return len(await dovecot.flags("office", "Done")) == 2

        await until("both moved", moved)

    assert await dovecot.flags("office") == []


async def test_nothing_is_marked_before_it_is_kept_and_nothing_is_lost_meanwhile(dovecot: Dovecot) -> None:
    refused = asyncio.Event()

    class Away(Waiting):
        async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
            if self.fail is not None:
                refused.set()
            return await super().take(message)

    intake = Away()
    intake.fail = Unavailable("the store is away")
    await dovecot.bring("office", message())

    async with mail_channel(intake, mailboxes=(mailbox(dovecot),)) as channel:
        await refused.wait()
        assert not any("Seen" in each for each in await dovecot.flags("office"))

        async def shown() -> bool:
            return channel.status != "ok"

        await until("the status says so", shown)
        intake.fail = None
        await intake.has(1)


async def test_what_is_refused_or_too_large_is_flagged_for_a_person(dovecot: Dovecot) -> None:
    intake = Waiting()
    intake.fail = Refused("no")
    await dovecot.bring("office", message(), message("x" * 5000, number=2))

    async with mail_channel(intake, mailboxes=(mailbox(dovecot, largest=4000),)):

        async def flagged() -> bool:
            flags = await dovecot.flags("office")
            return len(flags) == 2 and all("Flagged" in each for each in flags)

        await until("both flagged", flagged)


async def test_a_server_that_restarts_is_found_again(dovecot: Dovecot) -> None:
    intake = Waiting()
    async with mail_channel(intake, mailboxes=(mailbox(dovecot),)):
        await dovecot.bring("office", message())
        await intake.has(1)
        await dovecot.stop()
        await dovecot.start()
        await dovecot.bring("office", message(number=2))
        await intake.has(2)


async def test_somebody_who_reads_along_hides_nothing(dovecot: Dovecot) -> None:
    intake, house = Waiting(), MemoryMeans()
    await dovecot.bring("office", message())
    async with mail_channel(intake, house=house, mailboxes=(mailbox(dovecot),)):
        await intake.has(1)

        async def remembered() -> bool:
            return bool(house.shared.kept)

        await until("what was taken is remembered", remembered)

    def read_by_hand(client: imaplib.IMAP4) -> None:
        client.append("INBOX", r"(\Seen)", "", message("已读", number=2))

    await dovecot.at("office", read_by_hand)
    async with mail_channel(intake, house=house, mailboxes=(mailbox(dovecot),)):
        await intake.has(2)

    assert intake.messages[1].text == "已读"


async def test_the_same_message_by_both_ways_is_one(dovecot: Dovecot) -> None:
    intake = Waiting()
    await dovecot.bring("office", message(), b"Received: by mx; now\r\n" + message(), message(number=2))

    async with mail_channel(intake, mailboxes=(mailbox(dovecot),)):
        await intake.has(2)

        async def marked() -> bool:
            return all("Seen" in each for each in await dovecot.flags("office"))

        await until("all marked", marked)

    assert [each.external_id for each in intake.messages] == ["1@example.com", "2@example.com"]


async def test_a_wrong_password_is_shown_and_tried_again(dovecot: Dovecot) -> None:
    async with mail_channel(Waiting(), mailboxes=(mailbox(dovecot, password="wrong"),)) as channel:

        async def shown() -> bool:
            return "mailbox city" in channel.status

        await until("the status says so", shown)


async def test_a_certificate_of_a_strangers_is_not_believed(dovecot: Dovecot) -> None:
    async with mail_channel(Waiting(), mailboxes=(mailbox(dovecot, tls=None),)) as channel:

        async def shown() -> bool:
            return "mailbox city" in channel.status

        await until("the status says so", shown)


async def test_a_mailbox_is_proven_by_signing_in_and_nothing_is_marked(dovecot: Dovecot) -> None:
    await dovecot.bring("office", message())

    assert await prove(mailbox(dovecot)) == f"INBOX at 127.0.0.1:{dovecot.tls}"
    with pytest.raises(ImapToolsError):
        await prove(mailbox(dovecot, password="wrong"))
    assert not any("Seen" in each for each in await dovecot.flags("office"))
