"""What may be asked of a case (办理请求): a msgspec type for each command of the casebook, made from the command.

A command that the casebook learns is in the interface, and in its description, without a line here but its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta

from gateway.domain.case import COMMANDS, Command
from gateway.domain.rules import Span

SUMMARIES: Mapping[str, str] = {
    "accept": "受理",
    "answer": "即时答复",
    "refuse": "不予受理",
    "hand_off": "转紧急专线",
    "dispatch": "派单、转派",
    "sign": "签收",
    "return": "申请退单",
    "return_agree": "同意退单",
    "return_refuse": "不同意退单",
    "extend": "申请延期",
    "extend_agree": "同意延期",
    "extend_refuse": "不同意延期",
    "urge": "催办",
    "append": "追加内容",
    "contact": "已联系诉求人",
    "reply": "反馈办理情况",
    "audit_pass": "审核通过，办结",
    "audit_fail": "审核退回",
    "grade": "评价",
    "follow_up_failed": "回访未接通",
    "redo_request": "要求重办",
    "redo_agree": "同意重办",
    "redo_refuse": "不同意重办",
    "appeal": "申诉",
    "supervise": "督办",
    "amend": "变更类别、事项",
    "designate": "指定承办单位",
    "endorse": "上级单位审核通过",
    "submit": "呈报领导",
    "instruct": "登记批示",
    "order": "发出督办单等",
    "order_reply": "反馈督办",
    "follow_up": "登记回访结果",
    "appeal_answer": "答复申诉",
    "wish": "登记公开意愿",
    "withhold": "申请不公开",
    "withhold_agree": "同意不公开",
    "withhold_refuse": "不同意不公开",
    "publish": "公开",
    "withdraw": "撤回公开",
    "restrict": "限制使用热线电话",
    "restriction_appeal": "登记对限制的申诉",
    "restriction_lift": "解除限制",
    "restriction_uphold": "维持限制",
    "archive": "归档",
}

LONGEST = 4000
"""Characters of a text."""
_TEXT = Annotated[str, Meta(max_length=LONGEST)]
_NAME = Annotated[str, Meta(max_length=64)]
_SPAN = "^([1-9][0-9]{0,3} (working day|natural day|hour|minute)s?|same day)$"
_NARROWED: Mapping[Any, Any] = {
    str: _TEXT,
    tuple[str, ...]: Annotated[tuple[_NAME, ...], Meta(max_length=20)],
    int | None: Annotated[int, Meta(ge=1, le=366)] | None,
    Span | None: Annotated[str, Meta(pattern=_SPAN)] | None,
}
UNASKED = ("channel",)
"""Fields of commands that the ticket knows."""


class CaseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A command as somebody gives it who saw the case at ``revision`` (0: there was none yet)."""

    revision: Annotated[int, Meta(ge=0)]


class PartnerRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A command as another system gives it; without ``revision`` it does not mind what others did meanwhile."""

    revision: Annotated[int, Meta(ge=0)] | None = None


def request_types(base: type[msgspec.Struct], prefix: str) -> Mapping[str, type[msgspec.Struct]]:
    """Return for each command's word the type of its request, with the fields of *base*."""
    return {word: _request_type(base, prefix, word, kind) for word, kind in COMMANDS.items()}


def command_of(word: str, request: msgspec.Struct) -> Command:
    """Return the command that *request* asks for."""
    kind = COMMANDS[word]
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind) if field.name not in UNASKED]
    return kind(**{name: _read(hints[name], getattr(request, name)) for name in names})


def _request_type(base: type[msgspec.Struct], prefix: str, word: str, kind: type[Command]) -> type[msgspec.Struct]:
    name = prefix + "".join(part.capitalize() for part in word.split("_"))
    return msgspec.defstruct(
        name,
        list(_fields(kind)),
        bases=(base,),
        namespace={"__doc__": kind.__doc__},
        frozen=True,
        forbid_unknown_fields=True,
        kw_only=True,
    )


def _fields(kind: type[Command]) -> Iterator[tuple[str, Any] | tuple[str, Any, Any]]:
    hints = get_type_hints(kind)
    for field in fields(kind):
        if field.name not in UNASKED:
            type_ = _NARROWED.get(hints[field.name], hints[field.name])
            yield (field.name, type_) if _is_needed(field) else (field.name, type_, field.default)


def _read(kind: Any, value: Any) -> Any:
    return Span.parse(value) if kind == Span | None and value is not None else value


def _is_needed(field: Field[Any]) -> bool:
    return field.default is MISSING
