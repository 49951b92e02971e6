"""Emergencies told to the lines' own systems (警情通报): the story of a call or a written contact, by signed webhook.

The telephone is the way to a desk; this puts the same in writing on its screen. A report goes into the outbox in the
unit of work that found the emergency, and from there at once to the ``webhook`` of its ``[[emergency_line]]``. The
JSON is described in docs/exchange.md.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum

from gateway.domain.call import CallId
from gateway.domain.casework import Channel, Message
from gateway.domain.contact import ChannelKind, Point
from gateway.domain.emergency import EmergencyLine
from gateway.domain.json import Json
from gateway.domain.ticket import TicketId
from gateway.ports.memory import Transaction

CALL, TEXT = "emergency.call", "emergency.text"
"""The kinds of report: of somebody who is on the telephone, and of something written."""


class ReportState(Enum):
    """How an emergency stands. What is written is only ever reported; the others follow a call's hand-off."""

    REPORTED = "reported"
    DIALLING = "dialling"
    JOINED = "joined"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    EXHAUSTED = "exhausted"
    ABANDONED = "abandoned"


_SAID = {
    ReportState.REPORTED: "请核实处置",
    ReportState.DIALLING: "正在呼叫贵方值班台",
    ReportState.JOINED: "已与贵方值班台三方通话",
    ReportState.ACCEPTED: "贵方值班台已接收",
    ReportState.DISMISSED: "已按误报取消",
    ReportState.EXHAUSTED: "贵方值班台无人接听，请回拨诉求人",
    ReportState.ABANDONED: "诉求人已挂机，请回拨诉求人",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyStory:
    """What is known of an emergency when it is told.

    ``caller`` is his number, or his address on the channel; ``phrase`` and ``rule`` are what was heard or read that
    says so (empty when a person said so); ``place`` is as he named it, ``point`` where his channel knows it.
    """

    ticket_id: TicketId
    channel: ChannelKind
    caller: str
    call_id: CallId | None = None
    caller_name: str = ""
    telephone: str = ""
    phrase: str = ""
    rule: str = ""
    matter: str = ""
    place: str = ""
    point: Point | None = None
    summary: str = ""

    @property
    def kind(self) -> str:
        """Which kind of report it makes."""
        return TEXT if self.call_id is None else CALL


def report_emergency(
    tx: Transaction,
    line: EmergencyLine,
    story: EmergencyStory,
    *,
    now: datetime,
    state: ReportState = ReportState.REPORTED,
    attempt: int = 1,
) -> Message:
    """Put a report for *line* into the outbox, within *tx*, and return it.

    The same state of the same ticket, line and *attempt* (a hand-off begun anew) is told once: a report that is there
    already is returned as it stands. A line without a webhook is refused when the report is to be sent.
    """
    key = f"emergency:{story.ticket_id}:{line}:{attempt}:{state.value}"
    known = tx.cases.message(key)
    if known is not None:
        return known
    message = Message(
        key=key,
        channel=Channel.EMERGENCY,
        to=line,
        kind=story.kind,
        case_id=story.ticket_id,
        text=_sentence(line, story, state),
        at=now,
        due=now,
        values={"line": line, "state": state.value, **_values(story)},
    )
    tx.cases.save_message(message)
    return message


def _values(story: EmergencyStory) -> dict[str, Json]:
    """Return the story as JSON."""
    return {
        "ticket": story.ticket_id,
        "call": story.call_id,
        "channel": story.channel.value,
        "caller": story.caller,
        "caller_name": story.caller_name,
        "telephone": story.telephone or (story.caller if story.call_id else ""),
        "phrase": story.phrase,
        "rule": story.rule,
        "matter": story.matter,
        "place": story.place,
        "point": asdict(story.point) if story.point else None,
        "summary": story.summary,
    }


def _sentence(line: EmergencyLine, story: EmergencyStory, state: ReportState) -> str:
    """Return what a person at the desk reads first."""
    parts = [
        f"12345转{line}",
        _SAID[state],
        f"诉求人：{' '.join(filter(None, (story.caller_name, story.telephone or story.caller)))}",
        f"地点：{story.place or (story.point.name if story.point else '') or '未说明'}",
        f"内容：{story.summary or story.phrase or '未说明'}",
    ]
    return "；".join(parts) + "。"
