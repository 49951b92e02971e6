"""What few words of a petitioner's do: a grade, an urging, an objection, a person; and what he is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.casework import Channel
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused
from gateway.domain.register import Register
from gateway.domain.ticket import TicketId
from gateway.ports.intake import DeliveryReport, DeliveryState
from gateway.services.flood import PATIENCE, SenderLimit
from gateway.services.intake import IntakeLimits
from tests.fakes.caseroom import REPLY, SUPERVISOR, WATER
from tests.fakes.mailroom import Mailroom

STORY = "我住红山区长青小区，从昨天晚上开始停水，请尽快派人来修"


@pytest.fixture
def room(store: Any, tmp_path: Path) -> Mailroom:
    return Mailroom(store, tmp_path / "files")


async def closed(room: Mailroom, after: timedelta = timedelta(0)) -> TicketId:
    """Take a matter by text message and see it through to the question for a grade."""
    taken = await room.take(STORY, is_proven=True)
    ticket_id = taken.ticket_id
    room.wait(after)
    await room.cases.do(ticket_id, "accept", category="help")
    await room.cases.do(ticket_id, "dispatch", to="water")
    await room.cases.do(ticket_id, "sign", WATER)
    await room.cases.do(ticket_id, "reply", WATER, **REPLY)
    await room.cases.do(ticket_id, "audit_pass")
    return ticket_id


async def send_all(room: Mailroom) -> list[str]:
    """Let the outbox send what it has, and return what was said by text message and in chats."""
    while await room.outbox.send_due():
        pass
    return [sent.text for way in room.ways.values() for sent in way.sent]


async def test_the_question_for_a_grade_names_the_regulations_grades_and_the_answer_is_the_cases_grade(
    room: Mailroom,
) -> None:
    ticket_id = await closed(room, after=timedelta(days=4))  # longer than a conversation may rest
    asked = [text for text in await send_all(room) if "1非常满意、2满意" in text]
    graded = await room.take("不满意。", is_proven=True)

    record = await room.cases.record(ticket_id)
    assert len(asked) == 1
    assert graded.ticket_id == ticket_id
    assert record.case.grade == "不满意"


@pytest.mark.parametrize(("said", "grade"), [("2", "满意"), ("【5】", "非常不满意"), ("评价：基本满意", "基本满意")])
async def test_a_grade_may_be_given_by_its_number_or_its_word(room: Mailroom, said: str, grade: str) -> None:
    ticket_id = await closed(room)
    await room.take(said, is_proven=True)

    assert (await room.cases.record(ticket_id)).case.grade == grade


async def test_what_is_more_than_a_grade_is_a_new_matter_that_names_the_old_one(room: Mailroom) -> None:
    ticket_id = await closed(room)
    taken = await room.take("不满意，还是没有水", is_proven=True)

    letters = await room.store.correspondence.letters(taken.ticket_id)
    assert taken.opened
    assert letters[0].contact.values["follows"] == ticket_id


async def test_nobody_else_grades(room: Mailroom) -> None:
    ticket_id = await closed(room)
    await room.take("满意", sender="8613800000002", is_proven=True)

    assert not (await room.cases.record(ticket_id)).case.grade


async def test_an_urging_is_one_to_the_case(room: Mailroom) -> None:
    taken = await room.take(STORY)
    await room.cases.do(taken.ticket_id, "accept", category="help")
    await room.take("催办！")

    done = [entry.fact.values.get("do") for entry in await room.store.entries(ticket_id=taken.ticket_id)]
    assert "urge" in done
    assert "append" not in done


async def test_a_voice_message_that_was_not_understood_is_asked_for_in_writing(room: Mailroom) -> None:
    first = await room.take("[语音]", channel=ChannelKind.WECHAT, sender="o1", values={"speech": "unclear"})
    await room.take("[语音]", channel=ChannelKind.WECHAT, sender="o1", values={"speech": "unclear"})

    said = await send_all(room)
    assert first.opened
    assert len([text for text in said if "用文字再说一遍" in text]) == 2


async def test_whoever_asks_for_a_person_is_marked_and_told_so(room: Mailroom) -> None:
    taken = await room.take(STORY, channel=ChannelKind.WECHAT, sender="o1")
    await room.take("转人工", channel=ChannelKind.WECHAT, sender="o1")

    facts = [entry.fact.kind for entry in await room.store.entries(ticket_id=taken.ticket_id)]
    assert (await room.ticket(taken)).wants_person
    assert facts.count("person.wanted") == 1
    assert any("已转人工" in text for text in await send_all(room))


async def restricted(room: Mailroom) -> TicketId:
    """Restrict the sender of the mailroom's messages."""
    taken = await room.take("骚扰", is_proven=True)
    await room.cases.do(taken.ticket_id, "refuse", SUPERVISOR, kind="secret")
    await room.cases.do(taken.ticket_id, "restrict", SUPERVISOR, reason="多次辱骂接线员")
    return taken.ticket_id


async def test_zh_9_a_restricted_sender_is_told_until_when_why_and_how_to_object(room: Mailroom) -> None:
    await restricted(room)
    with pytest.raises(Refused) as refusal:
        await room.take(STORY, is_proven=True)

    assert "多次辱骂接线员" in str(refusal.value)
    assert "年" in str(refusal.value)
    assert "回复“申诉”" in str(refusal.value)


async def test_zh_9_an_objection_in_text_reaches_the_case(room: Mailroom) -> None:
    ticket_id = await restricted(room)
    taken = await room.take("申诉：我没有辱骂任何人", is_proven=True)

    paper = await room.store.commit(lambda tx: tx.registers.latest(Register.RESTRICTION, ticket_id))
    assert taken.ticket_id == ticket_id
    assert (await room.cases.record(ticket_id)).case.is_restriction_appealed
    assert "我没有辱骂任何人" in paper.values["appeal"]
    assert any("您的申诉已登记" in text for text in await send_all(room))


async def test_zh_9_an_emergency_of_a_restricted_sender_is_taken(room: Mailroom) -> None:
    await restricted(room)
    taken = await room.take("长青小区三号楼着火了，楼上有人", is_proven=True)

    assert taken.emergencies


async def test_a_report_that_overtakes_our_own_note_is_not_lost(room: Mailroom) -> None:
    taken = await room.take(STORY)
    key = (await room.store.cases.messages(Channel.PETITIONER))[0].key
    now = room.clock.now()
    report = DeliveryReport(channel=ChannelKind.SMS, sent_id=f"peer-{key}", state=DeliveryState.DELIVERED, at=now)
    await room.intake.report(report)
    await room.outbox.send_due()

    sent = await room.store.correspondence.sent(taken.ticket_id)
    assert [each.state for each in sent] == [DeliveryState.DELIVERED]


async def test_a_report_about_what_nobody_sent_is_forgotten_after_a_while(room: Mailroom) -> None:
    taken = await room.take(STORY)
    key = (await room.store.cases.messages(Channel.PETITIONER))[0].key
    now = room.clock.now()
    report = DeliveryReport(channel=ChannelKind.SMS, sent_id=f"peer-{key}", state=DeliveryState.FAILED, at=now)
    await room.intake.report(report)
    room.wait(timedelta(minutes=2))
    await room.outbox.send_due()

    sent = await room.store.correspondence.sent(taken.ticket_id)
    assert [each.state for each in sent] == [DeliveryState.ACCEPTED]


async def test_a_flood_on_a_carriers_link_is_one_ticket_without_receipts_and_what_is_far_too_much_is_counted(
    store: Any, tmp_path: Path
) -> None:
    room = Mailroom(store, tmp_path / "files", limits=IntakeLimits(sender=SenderLimit(burst=1, every=60.0)))
    first = await room.take(STORY)
    added = [await room.take(f"新诉求：第{number}条") for number in range(PATIENCE)]
    dropped = [await room.take("还有") for _ in range(12)]
    fire = await room.take("长青小区三号楼着火了，楼上有人")

    facts = [entry.fact for entry in await store.entries(ticket_id=first.ticket_id)]
    assert {taken.ticket_id for taken in added} == {first.ticket_id}
    assert {taken.ticket_id for taken in dropped} == {""}
    assert [fact.values["count"] for fact in facts if fact.kind == "contact.dropped"] == [1, 10]
    assert fire.emergencies
    assert len(await store.correspondence.letters(first.ticket_id)) == 1 + PATIENCE + 1
