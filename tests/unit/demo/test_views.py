"""The demonstration in the terminal: what a step, a sentence and a ticket look like."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from gateway.commands.demo import verdict
from gateway.demo import report
from gateway.demo.letters import Letter, Reply
from gateway.demo.live_view import LiveView
from gateway.demo.view import PlainView, view_for
from gateway.domain.call import CallId, LegId, Role
from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.decision import Decision, DecisionKind
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.domain.ticket import Elements, Ticket, TicketId
from gateway.domain.transcript import Utterance
from gateway.services.feed import FeedItem, Said, TicketChanged

CALL = CallId("c1")
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def fact(kind: str, offset: float, **values: Json) -> Fact:
    return Fact(kind=kind, at=NOW, call_id=CALL, offset=offset, values=values)


def said(text: str, start: float, *, is_final: bool = True, number: int = 0) -> Said:
    words = Utterance(leg_id=LegId("l1"), number=number, text=text, start=start, end=start + 1.0, is_final=is_final)
    return Said(call_id=CALL, role=Role.CITIZEN, utterance=words)


FIRE_SMS = Ticket(
    id=TicketId("20261121-2"),
    contact_id=ContactId("c2"),
    channel=ChannelKind.SMS,
    call_id=None,
    caller="13800000003",
    received_at=NOW,
    decisions=(Decision(kind=DecisionKind.EMERGENCY, outcome="119", reasons=()),),
    is_text_only=True,
)
ANSWERED = Letter(
    channel=ChannelKind.SMS, ticket=FIRE_SMS, opened=True, reply=Reply(FIRE_SMS.id, "您的消息已转给119，工单20261121-2")
)
FAILED = Letter(channel=ChannelKind.MAIL, failure="nothing came back")


NEW = Ticket(
    id=TicketId("20261121-1"),
    contact_id=ContactId("c1"),
    channel=ChannelKind.TELEPHONE,
    call_id=CALL,
    caller="13800000001",
    received_at=NOW,
)


STORY: list[FeedItem] = [
    TicketChanged(ticket=NEW),
    fact("call.answered", 0.0),
    fact("leg.answered", 1.0, leg="a1", role="agent"),
    said("着火", 2.0, is_final=False),
    fact("emergency.suspected", 2.5, phrase="着火", line="119"),
    said("我家着火了", 2.0),
    fact("handoff.desk_joined", 4.0, line="119"),
    TicketChanged(ticket=replace(NEW, elements=Elements(cause="着火"), revision=2)),
    fact("something.unheard_of", 5.0),
]


def lines_of(items: list[FeedItem]) -> list[str]:
    out = io.StringIO()
    view = view_for(out)
    assert isinstance(view, PlainView)
    with view.showing():
        for item in items:
            view.take(item)
    return [line.strip() for line in out.getvalue().splitlines()]


def picture_of(items: list[FeedItem], *, width: int = 150, height: int = 50) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=True, color_system=None)
    view = LiveView(console)
    with view.showing():
        for item in items:
            view.take(item)
    return out.getvalue()


def test_lines_tell_steps_finished_sentences_and_what_is_new_on_the_ticket() -> None:
    lines = lines_of(STORY)

    assert "工单  状态：受理中" in lines
    assert "2.5 秒  ★ 发现紧急情况：“着火”（119）" in lines
    assert "2.0 秒  市民：我家着火了" in lines
    assert "4.0 秒  市民、坐席、值班台三方通话" in lines
    assert lines[-1] == "工单  起因：着火"
    assert sum("状态" in line for line in lines) == 1


def test_words_that_may_still_change_are_not_written_in_lines() -> None:
    assert not any(line.partition("  ")[2] == "市民：着火" for line in lines_of(STORY))


@pytest.mark.parametrize(("width", "height"), [(150, 50), (96, 30), (80, 24)])
def test_the_picture_shows_who_is_there_what_is_said_and_what_happened(width: int, height: int) -> None:
    picture = picture_of(STORY, width=width, height=height)

    assert "13800000001   ● 市民  ● 坐席" in picture
    assert "我家着火了" in picture
    assert "发现紧急情况" in picture


def test_a_wide_picture_shows_the_ticket_too() -> None:
    assert "20261121-1" in picture_of(STORY, width=150)
    assert "20261121-1" not in picture_of(STORY, width=96)


def test_words_that_never_became_final_are_dropped_when_the_call_is_over() -> None:
    unfinished = [*STORY, said("业务", 9.0, is_final=False, number=1)]

    assert "业务" in picture_of(unfinished)
    assert (
        "业务" not in picture_of([*unfinished, fact("call.ended", 10.0, reason="finished")]).rsplit("╰", 1)[0][-3000:]
    )


def test_lines_tell_what_was_written_at_once_and_what_was_told_back_at_the_end() -> None:
    out = io.StringIO()
    view = PlainView(out)
    view.take(TicketChanged(ticket=FIRE_SMS))
    view.take(TicketChanged(ticket=replace(FIRE_SMS, revision=2)))
    view.letter(ANSWERED)
    view.over([ANSWERED, FAILED])
    lines = [line.strip() for line in out.getvalue().splitlines()]

    assert lines[0] == "【短信】工单 20261121-2  ★ 紧急 119；仅可文字联系，请勿致电"
    assert lines[1] == "【短信】回告已送达"
    assert "回告：您的消息已转给119，工单20261121-2" in lines
    assert lines[-1] == "未成：nothing came back"


@pytest.mark.parametrize(("width", "height"), [(150, 50), (96, 30)])
def test_the_picture_shows_what_was_written_below_the_calls(width: int, height: int) -> None:
    out = io.StringIO()
    view = LiveView(Console(file=out, width=width, height=height, force_terminal=True, color_system=None))
    with view.showing():
        for item in [*STORY, TicketChanged(ticket=FIRE_SMS)]:
            view.take(item)
        view.letter(ANSWERED)
        view.letter(FAILED)
    last = out.getvalue().rpartition("书面来件")[2]

    assert "20261121-2" in last
    assert "紧急 119" in last
    assert "nothing" in last


def test_a_letter_that_failed_is_reported_and_makes_the_demonstration_fail(capsys: pytest.CaptureFixture[str]) -> None:
    answered, failed = report.letter(ANSWERED), report.letter(FAILED)

    assert (answered["told_back"], answered["emergency"], answered["text_only"]) == (True, ["119"], True)
    assert (failed["told_back"], failed["ticket"], failed["failure"]) == (False, None, "nothing came back")
    assert verdict({"letters": [answered]}) == 0
    assert verdict({"letters": [answered, failed]}) == 1
    assert capsys.readouterr().err == "jiesu demo: mail: nothing came back\n"
