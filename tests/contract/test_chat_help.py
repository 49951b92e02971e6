"""The text assistant on WeChat and Telegram: after the ticket, from the knowledge base, with the way to a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Unavailable
from gateway.ports.intake import AssistantAnswer, Taken
from tests.fakes.mailroom import Mailroom

ARTICLE = AssistantAnswer(text="每人每月可提取一次。", source="《住房公积金提取指南》（公积金中心，有效期至2027年底）")
ASKED = "住房公积金多久可以提取一次？"


class Expert:
    """It knows about the fund, and fails while it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_away = False

    async def answer(self, question: str) -> AssistantAnswer | None:
        self.asked.append(question)
        if self.is_away:
            raise Unavailable("away")
        return ARTICLE if "公积金" in question else None


@pytest.fixture
def expert() -> Expert:
    return Expert()


@pytest.fixture
def room(store: Any, tmp_path: Path, expert: Expert) -> Mailroom:
    return Mailroom(store, tmp_path / "files", assistant=expert)


async def ask(room: Mailroom, text: str, channel: ChannelKind = ChannelKind.WECHAT, **fields: Any) -> Taken:
    return await room.take(text, channel=channel, sender="open-id", **fields)


async def told(room: Mailroom, channel: ChannelKind = ChannelKind.WECHAT) -> list[str]:
    """Return what was sent to the sender, but for receipts."""
    while await room.outbox.send_due():
        pass
    return [sent.text for sent in room.ways[channel].sent if sent.key.endswith(":assistant")]


@pytest.mark.parametrize("channel", [ChannelKind.WECHAT, ChannelKind.TELEGRAM])
async def test_a_question_is_answered_with_source_and_validity_and_the_way_to_a_person(
    room: Mailroom, channel: ChannelKind
) -> None:
    taken = await ask(room, ASKED, channel)

    answers = await told(room, channel)
    assert taken.opened
    assert len(answers) == 1
    assert ARTICLE.text in answers[0]
    assert ARTICLE.source in answers[0]
    assert "回复“人工”" in answers[0]


async def test_it_says_that_it_does_not_know_to_a_question_and_keeps_quiet_otherwise(room: Mailroom) -> None:
    await ask(room, "楼下的路灯坏了，一直没有人修")
    silent = await told(room)
    await ask(room, "哪里可以办理暂住证？")

    assert silent == []
    assert ["知识库里没有" in text and "回复“人工”" in text for text in await told(room)] == [True]


async def test_an_emergency_is_not_for_it(room: Mailroom, expert: Expert) -> None:
    taken = await ask(room, "长青小区三号楼着火了，怎么办？")
    await ask(room, ASKED)

    assert taken.emergencies
    assert taken.ticket_id
    assert "长青小区三号楼着火了，怎么办？" not in expert.asked
    assert await told(room) == []


async def test_whoever_wants_a_person_hears_no_more_of_it(room: Mailroom) -> None:
    await ask(room, "人工")
    await ask(room, ASKED)

    assert await told(room) == []


async def test_it_is_not_asked_on_channels_that_cost_or_have_their_own(room: Mailroom, expert: Expert) -> None:
    await ask(room, ASKED, ChannelKind.WEB)
    await room.take(ASKED)

    assert expert.asked == []


async def test_the_ticket_is_there_when_it_fails(room: Mailroom, expert: Expert) -> None:
    expert.is_away = True
    taken = await ask(room, ASKED)

    assert (await room.ticket(taken)).summary
    assert await room.store.correspondence.unread() == []
    assert await told(room) == []


async def test_a_reworded_question_is_not_answered_twice(room: Mailroom) -> None:
    await ask(room, ASKED, ChannelKind.TELEGRAM, external_id="7:1")
    await ask(room, "公积金一年能取几次？", ChannelKind.TELEGRAM, external_id="7:1:2", edits="7:1")

    assert len(await told(room, ChannelKind.TELEGRAM)) == 1
