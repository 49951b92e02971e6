"""What the demonstration says in the terminal (演示用语): each fact of a call as a Chinese sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gateway.app import Gateway
from gateway.demo.heard import Hearing
from gateway.demo.letters import lines_of
from gateway.demo.place import HOTLINE
from gateway.domain.call import Role
from gateway.domain.contact import ChannelKind
from gateway.domain.events import Fact
from gateway.domain.ticket import Ticket, TicketState

TITLE: Final = "接诉 · 12345 热线前台演示"
STORIES: Final = {
    1: "第一个来电：市民报告火情，边说边识别，转接119",
    2: "第二个来电：市民反映停水三天，三方通话转自来水公司；同时收到短信、邮件和网页表单",
}
WRITTEN: Final = "书面来件：短信、邮件、网页表单、Telegram 语音"
ROLES: Final = {
    Role.CITIZEN.value: "市民",
    Role.AGENT.value: "坐席",
    Role.EMERGENCY_DESK.value: "119值班台",
    Role.UNIT.value: "自来水公司",
}
CHANNELS: Final = {
    ChannelKind.SMS: "短信",
    ChannelKind.MAIL: "邮件",
    ChannelKind.WEB: "网页表单",
    ChannelKind.TELEGRAM: "Telegram 语音",
}
PARTIES: Final = {"citizen": "市民", "agent": "坐席", "desk": "119值班台", "unit": "自来水公司"}
STATES: Final = {
    TicketState.OPEN: "受理中",
    TicketState.HANDED_TO_EMERGENCY: "已转紧急",
    TicketState.TAKEN: "已受理",
    TicketState.CUT_OFF: "接听中断",
}
FIELDS: Final = {
    "time": "时间",
    "place": "地点",
    "person": "人物",
    "cause": "起因",
    "course": "经过",
    "outcome": "诉求",
}
ENDINGS: Final = {"finished": "办结", "citizen hung up": "市民挂机", "no agent": "无人接听"}


def sentence(fact: Fact) -> str | None:
    """Return *fact* in a sentence, None for what is no step of the story."""
    say = _SENTENCES.get(fact.kind)
    return say(fact.values) if say else None


def is_alarming(fact: Fact) -> bool:
    """Whether the eye must be drawn to it."""
    return fact.kind in ("emergency.suspected", "handoff.alarm", "call.degraded", "recogniser.lost")


def duration(seconds: float) -> str:
    """Return seconds of a call as people read them."""
    return f"{seconds:6.1f} 秒"


def gateway_facts(gateway: Gateway) -> list[tuple[str, str]]:
    """Return what a visitor must know of the gateway: name and value."""
    address = gateway.telephony.agent.addresses[0]
    password = gateway.first_password
    return [
        ("网页", gateway.console.url),
        ("市民页面", gateway.written.url),
        ("登录", f"admin  密码 {password}（首次密码，只显示这一次）" if password else "admin"),
        ("电话", f"sip:{HOTLINE}@{address.host}:{address.port}（{address.transport}）"),
        ("语音识别", gateway.model.description_zh),
        ("城市规则", f"{gateway.profile.name}，{gateway.profile.document}"),
    ]


def heard_lines(found: Mapping[str, Hearing]) -> list[str]:
    """Say who heard whom, and how clearly."""
    lines = []
    for party, hearing in found.items():
        least, most = hearing.margin
        whom = "、".join(PARTIES[each] for each in hearing.parties) or "无人"
        lines.append(f"{PARTIES[party]}听到：{whom}（波形相关：听到的 ≥ {least:.2f}，其余 ≤ {most:.2f}）")
    return lines


def warnings(ticket: Ticket) -> str:
    """Say what the eye must be drawn to on a written ticket; "" for nothing."""
    found = [f"紧急 {'、'.join(lines)}"] if (lines := lines_of(ticket)) else []
    return "；".join([*found, *(["仅可文字联系，请勿致电"] if ticket.is_text_only else [])])


def _role(values: Mapping[str, object]) -> str:
    role = str(values.get("role", ""))
    return ROLES.get(role, role)


def _invited(values: Mapping[str, object]) -> str | None:
    return f"呼叫坐席 {values['number']}" if values["role"] == Role.AGENT.value else None


def _answered(values: Mapping[str, object]) -> str | None:
    return "坐席接听" if values["role"] == Role.AGENT.value else None


def _ended(values: Mapping[str, object]) -> str:
    return f"{_role(values)}{'挂机' if values['by_peer'] else '退出通话'}"


_SENTENCES: Final[dict[str, Callable[[Mapping[str, object]], str | None]]] = {
    "call.answered": lambda values: "总机接听，播放问候语和录音告知",
    "leg.invited": _invited,
    "leg.answered": _answered,
    "leg.ended": _ended,
    "digit.pressed": lambda values: f"听到按键 {values['digit']}",
    "emergency.suspected": lambda values: f"发现紧急情况：“{values['phrase']}”（{values['line']}）",
    "emergency.withdrawn": lambda values: f"后文否定了“{values['phrase']}”（{values['line']}）",
    "handoff.invited": lambda values: f"呼叫{values['line']}值班台，市民照常通话，不保持、不等待",
    "handoff.desk_answered": lambda values: f"{values['line']}值班台接听，先听简短通报",
    "handoff.desk_joined": lambda values: "市民、坐席、值班台三方通话",
    "handoff.desk_accepted": lambda values: f"{values['line']}值班台按键接收，坐席退出",
    "handoff.desk_failed": lambda values: f"{values['line']}未接通：{values['detail']}",
    "handoff.failed": lambda values: f"{values['line']}呼叫失败：{values['detail']}",
    "handoff.chain_exhausted": lambda values: f"{values['line']}所有号码均未接通",
    "handoff.alarm": lambda values: f"告警：{values['detail']}",
    "transfer.unit_dialled": lambda values: "坐席咨询自来水公司，市民听音乐等候（限时）",
    "transfer.unit_answered": lambda values: "自来水公司接听，与坐席单独通话",
    "transfer.agent_joined": lambda values: "市民、坐席、自来水公司三方通话",
    "transfer.agent_left": lambda values: "坐席退出，市民与自来水公司继续通话",
    "transfer.unit_failed": lambda values: f"咨询未成，市民回到坐席：{values['detail']}",
    "transfer.agent_retrieved": lambda values: "坐席取回市民",
    "transcript.gap": lambda values: "转写中断",
    "recogniser.lost": lambda values: "语音识别中断，通话照常",
    "recogniser.back": lambda values: "语音识别恢复",
    "call.degraded": lambda values: f"通话的一个辅助功能失败：{values['task']}",
    "call.ended": lambda values: f"通话结束（{ENDINGS.get(str(values['reason']), values['reason'])}）",
}
