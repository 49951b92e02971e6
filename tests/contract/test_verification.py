"""One citizen over two channels: nothing is concluded from what he states, everything from a code that came back."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.services.persons import PROOF_HOLDS, same_person
from gateway.services.verification import CODES_TO, PAUSE, TRIES
from tests.fakes.mailroom import Mailroom

STORY = "我住红山区长青小区，从昨天晚上开始停水，请尽快派人来修"
PAGE: dict[str, Any] = {"channel": ChannelKind.WEB, "sender": "a-page", "telephone": "13800000001"}
PHONE: dict[str, Any] = {"channel": ChannelKind.SMS, "sender": "8613800000001", "is_proven": True}


@pytest.fixture
def room(store: Any, tmp_path: Path) -> Mailroom:
    return Mailroom(store, tmp_path / "files")


async def code_of(room: Mailroom, stated: str = "138 0000 0001") -> str:
    """Ask for a code, and return what arrives at the number or mailbox."""
    await room.verification.ask(ChannelKind.WEB, "a-page", stated)
    while await room.outbox.send_due():
        pass
    said = "".join(sent.text for way in room.ways.values() for sent in way.sent)
    return str(re.findall("验证码([0-9]{6})", said)[-1])


async def prove(room: Mailroom) -> None:
    assert await room.verification.confirm(ChannelKind.WEB, "a-page", await code_of(room))


async def test_a_number_that_is_only_stated_links_nothing(room: Mailroom) -> None:
    page = await room.take(STORY, **PAGE)
    phone = await room.take("补充：三号楼", **PHONE)

    assert phone.ticket_id != page.ticket_id
    assert await room.store.commit(lambda tx: same_person(tx, page.ticket_id)) == []


async def test_from_a_proven_number_a_further_message_lands_on_the_open_ticket(room: Mailroom) -> None:
    page = await room.take(STORY, **PAGE)
    await prove(room)
    phone = await room.take("补充：三号楼", **PHONE)

    assert phone.ticket_id == page.ticket_id


async def test_the_tickets_of_proven_addresses_are_one_persons(room: Mailroom) -> None:
    page = await room.take(STORY, **PAGE)
    phone = await room.take("楼下路灯不亮", **PHONE)
    stranger = await room.take("有人占道经营", sender="8613800000002", is_proven=True)
    await prove(room)

    assert await room.store.commit(lambda tx: same_person(tx, page.ticket_id)) == [phone.ticket_id]
    assert await room.store.commit(lambda tx: same_person(tx, phone.ticket_id)) == [page.ticket_id]
    assert await room.store.commit(lambda tx: same_person(tx, stranger.ticket_id)) == []


async def test_a_message_that_only_claims_the_proven_mailbox_does_not_reach_the_ticket(room: Mailroom) -> None:
    page = await room.take(STORY, **PAGE)
    code = await code_of(room, "Li@Example.org")
    assert await room.verification.confirm(ChannelKind.WEB, "a-page", code)
    mail: dict[str, Any] = {"channel": ChannelKind.MAIL, "sender": "li@example.org", "ticket_id": page.ticket_id}
    forged = await room.take("撤销", **mail)
    own = await room.take("补充：三号楼", **mail, is_proven=True)

    assert forged.ticket_id != page.ticket_id
    assert own.ticket_id == page.ticket_id


async def test_a_proof_lapses_because_numbers_are_given_to_others(room: Mailroom) -> None:
    page = await room.take(STORY, **PAGE)
    await prove(room)
    room.wait(PROOF_HOLDS + timedelta(days=1))
    again = await room.take("还是停水", **PAGE)
    phone = await room.take("补充：三号楼", **PHONE)

    assert again.ticket_id != page.ticket_id
    assert phone.ticket_id != again.ticket_id


async def test_a_code_is_good_once_for_its_asker_and_for_ten_minutes(room: Mailroom) -> None:
    first = await code_of(room)
    assert not await room.verification.confirm(ChannelKind.WEB, "another-page", first)
    assert await room.verification.confirm(ChannelKind.WEB, "a-page", first)
    assert not await room.verification.confirm(ChannelKind.WEB, "a-page", first)
    room.wait(PAUSE)
    second = await code_of(room)
    room.wait(timedelta(minutes=10))
    assert not await room.verification.confirm(ChannelKind.WEB, "a-page", second)


async def test_wrong_answers_void_a_code(room: Mailroom) -> None:
    code = await code_of(room)
    wrong = "000000" if code != "000000" else "000001"
    for _ in range(TRIES):
        assert not await room.verification.confirm(ChannelKind.WEB, "a-page", wrong)

    assert not await room.verification.confirm(ChannelKind.WEB, "a-page", code)


async def test_nobody_is_sent_many_codes_whoever_asks(room: Mailroom) -> None:
    await room.verification.ask(ChannelKind.WEB, "page-0", "13800000001")
    with pytest.raises(Unavailable) as too_soon:
        await room.verification.ask(ChannelKind.WEB, "page-1", "+86 138-0000-0001")
    for number in range(1, CODES_TO):
        room.wait(PAUSE)
        await room.verification.ask(ChannelKind.WEB, f"page-{number}", "13800000001")
    room.wait(PAUSE)
    with pytest.raises(Unavailable) as too_many:
        await room.verification.ask(ChannelKind.WEB, "page-9", "13800000001")

    assert too_soon.value.retry_after == pytest.approx(60.0)
    assert (too_many.value.retry_after or 0) > 60.0


@pytest.mark.parametrize("stated", ["12345", "not a number", "a@b", "x" * 300, "13800000001@"])
async def test_what_is_no_mobile_number_and_no_mailbox_is_refused(room: Mailroom, stated: str) -> None:
    with pytest.raises(Refused):
        await room.verification.ask(ChannelKind.WEB, "a-page", stated)


async def test_a_code_that_could_not_be_sent_in_time_is_not_sent_at_all(room: Mailroom) -> None:
    room.ways[ChannelKind.SMS].fail = Unavailable("down", retry_after=900.0)
    await room.verification.ask(ChannelKind.WEB, "a-page", "13800000001")
    await room.outbox.send_due()
    room.ways[ChannelKind.SMS].fail = None
    room.wait(timedelta(minutes=16))
    await room.outbox.send_due()

    assert room.ways[ChannelKind.SMS].sent == []
