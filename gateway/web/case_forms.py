"""What may be done with a case now, as forms (办理表单): made from the commands, the rules and who asks.

A form says which fields there are, what each may be, which the regulation asks for, and the article that the command
rests on. The rules still decide when the command comes: a form is an offer, no promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from enum import Enum
from typing import Any, Literal, get_type_hints

import msgspec

from gateway.domain.case import COMMANDS, Case, Command, Publication
from gateway.domain.casework import Actor, ActorKind, CaseRecord
from gateway.domain.decision import Citation
from gateway.domain.errors import Refused
from gateway.domain.profile import Profile, Ruling
from gateway.domain.rules import (
    ACCEPT,
    ANSWER,
    APPEAL,
    APPEND,
    ARCHIVE,
    AUDIT,
    CATEGORIES,
    CONTACT_AT_ONCE,
    DESIGNATION,
    DUTY,
    EXTENSION,
    FILING,
    FOLLOW_UP,
    LEAD_UNIT,
    ONWARD,
    PERIOD,
    PUBLICATION,
    REDO,
    REFUSE,
    REPLY,
    RESULT,
    RETURN,
    STAGE,
    SUBMISSION,
    SUPERVISE,
    SURVEY,
    URGE,
    Kind,
    Stage,
)
from gateway.services import permissions
from gateway.web.case_requests import SUMMARIES, UNASKED
from routing.casebook.moves import MOVES, UNSEALED

FieldKind = Literal[
    "text", "lines", "number", "flag", "choice", "unit", "units", "line", "span", "instant", "article", "version"
]
Group = Literal["next", "petitioner", "unit", "desk", "lead"]

LABELS: Mapping[str, str] = {
    "answer": "办理结果摘要",
    "approved_by": "批准人",
    "approver": "审核签批人",
    "article": "答复所依据的知识",
    "as_reported": "与单位反馈的情况一致",
    "assist": "协办单位",
    "basis": "依据",
    "case_number": "立案编号",
    "category": "类别",
    "contact_given": "留有联系方式",
    "days": "工作日数",
    "decided_by": "决定机关",
    "designated": "争议后指定承办",
    "evidence": "依据",
    "form": "督办方式",
    "grade": "办理情况评价",
    "granted": "支持申诉",
    "handled_at": "办理时间",
    "handler": "经办人",
    "kind": "不予受理的情形",
    "leader": "领导",
    "line": "紧急专线",
    "matter": "事项",
    "no_case_reason": "不予立案的理由",
    "opinion": "拟办意见",
    "outcome": "回访结果",
    "petitioner": "诉求人号码",
    "publish": "同意公开",
    "question": "诉求摘要",
    "real_name": "提供实名",
    "reason": "理由",
    "result": "办理结果",
    "secrecy_checked_by": "保密审查人",
    "service": "话务服务评价",
    "signed_by": "签字的单位主要领导",
    "stricter": "法律规定的更短期限",
    "suggest": "建议转派单位",
    "telephone": "联系电话",
    "text": "内容",
    "to": "承办单位",
    "told_petitioner": "已回复诉求人",
    "trigger": "督办情形",
    "unit": "责任单位",
    "urgency": "紧急程度",
    "version": "版本",
}
"""What each field of a command is called on a screen."""

_LONG = frozenset(
    {"answer", "basis", "evidence", "no_case_reason", "opinion", "outcome", "question", "reason", "result", "text"}
)
_KIND_OF: Mapping[str, FieldKind] = {
    "to": "unit",
    "suggest": "unit",
    "assist": "units",
    "line": "line",
    "stricter": "span",
    "handled_at": "instant",
    "article": "article",
    "version": "version",
    "category": "choice",
    "grade": "choice",
    "form": "choice",
    "trigger": "choice",
}
_FILLED_IN = frozenset({"petitioner", "matter"})
"""Fields that the ticket fills in when they are left empty."""

_GROUPS: Mapping[Group, str] = {
    "next": "accept answer dispatch sign reply audit_pass audit_fail return_agree return_refuse extend_agree "
    "extend_refuse redo_agree redo_refuse appeal_answer withhold_agree withhold_refuse grade",
    "petitioner": "urge append redo_request wish follow_up follow_up_failed restriction_appeal",
    "unit": "contact return extend order_reply endorse withhold appeal",
    "desk": "refuse hand_off amend publish withdraw archive",
}
_GROUP_OF = {word: group for group, words in _GROUPS.items() for word in words.split()}

_RESTS_ON: Mapping[str, tuple[tuple[Kind[Any], str], ...]] = {
    "accept": ((STAGE, "accepted"), (ACCEPT, "")),
    "answer": ((STAGE, "answered"), (ANSWER, "")),
    "refuse": ((STAGE, "refused"),),
    "hand_off": ((STAGE, "handed_off"), (REFUSE, "emergency")),
    "dispatch": ((STAGE, "dispatched"), (LEAD_UNIT, ""), (DUTY, "territory")),
    "sign": ((STAGE, "signed"),),
    "contact": ((CONTACT_AT_ONCE, ""), (PERIOD, "contact")),
    "return": ((RETURN, ""),),
    "return_agree": ((RETURN, ""),),
    "return_refuse": ((RETURN, ""),),
    "extend": ((EXTENSION, ""),),
    "extend_agree": ((EXTENSION, ""),),
    "extend_refuse": ((EXTENSION, ""),),
    "urge": ((URGE, ""),),
    "append": ((APPEND, ""),),
    "reply": ((REPLY, ""), (FILING, "")),
    "audit_pass": ((STAGE, "closed"), (RESULT, "")),
    "audit_fail": ((AUDIT, ""),),
    "grade": ((SURVEY, ""),),
    "follow_up": ((FOLLOW_UP, ""),),
    "follow_up_failed": ((FOLLOW_UP, ""),),
    "redo_request": ((REDO, ""),),
    "redo_agree": ((REDO, ""),),
    "redo_refuse": ((REDO, ""),),
    "appeal": ((APPEAL, ""),),
    "appeal_answer": ((APPEAL, ""),),
    "designate": ((DESIGNATION, ""),),
    "endorse": ((ONWARD, ""),),
    "submit": ((SUBMISSION, ""),),
    "instruct": ((SUBMISSION, ""),),
    "wish": ((PUBLICATION, ""),),
    "withhold": ((PUBLICATION, ""),),
    "withhold_agree": ((PUBLICATION, ""),),
    "withhold_refuse": ((PUBLICATION, ""),),
    "publish": ((PUBLICATION, ""),),
    "withdraw": ((PUBLICATION, ""),),
    "archive": ((ARCHIVE, ""),),
    "restrict": ((PERIOD, "restrict_until"),),
}
"""The rules that found a command, by kind and part."""

_NEEDS_RULE = frozenset(
    {"designate", "endorse", "submit", "instruct", "publish", "withhold", "wish", "archive", "appeal"}
)
"""Commands that a regulation without such a rule does not know."""

_ASKED_BY: Mapping[str, Callable[[Profile, str], tuple[str, ...]]] = {
    "accept": lambda profile, category: _fields_of(profile, ACCEPT, category),
    "return": lambda profile, category: _of(profile, RETURN, "fields"),
    "return_refuse": lambda profile, category: _of(profile, RETURN, "refusal_fields"),
    "extend": lambda profile, category: _of(profile, EXTENSION, "fields"),
    "extend_refuse": lambda profile, category: _of(profile, EXTENSION, "refusal_fields"),
    "reply": lambda profile, category: _fields_of(profile, REPLY, category),
    "audit_fail": lambda profile, category: _fields_of(profile, AUDIT, category),
    "appeal": lambda profile, category: _fields_of(profile, APPEAL, category),
    "submit": lambda profile, category: _of(profile, SUBMISSION, "fields"),
    "instruct": lambda profile, category: _of(profile, SUBMISSION, "instruction_fields"),
    "withhold": lambda profile, category: _of(profile, PUBLICATION, "unit_fields"),
    "append": lambda profile, category: ("text",),
    "designate": lambda profile, category: ("decided_by", "reason"),
    "dispatch": lambda profile, category: ("to",),
}

_WORTH: Mapping[str, Callable[[Case], bool]] = {
    "redo_agree": lambda case: case.is_redo_requested or case.is_unsatisfied,
    "redo_refuse": lambda case: case.is_redo_requested or case.is_unsatisfied,
    "appeal_answer": lambda case: case.is_appealed,
    "withhold_agree": lambda case: case.publication is Publication.ASKED,
    "withhold_refuse": lambda case: case.publication is Publication.ASKED,
    "withdraw": lambda case: case.publication is Publication.PUBLISHED,
    "publish": lambda case: case.publication is not Publication.PUBLISHED,
    "instruct": lambda case: case.is_submitted,
    "submit": lambda case: not case.is_submitted,
    "order_reply": lambda case: case.counted("order") > 0,
    "restriction_appeal": lambda case: _is_restricted(case),
    "restriction_lift": lambda case: _is_restricted(case),
    "restriction_uphold": lambda case: case.is_restriction_appealed,
    "archive": lambda case: case.archived_at is None,
    "endorse": lambda case: case.stage is Stage.REPLIED,
}
"""Of some commands, when they are worth a button."""


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """What a field may be; ``told`` is what the petitioner is told of it, ``citations`` what it rests on."""

    value: str
    words: str
    told: list[str] = []
    citations: list[Citation] = []


class FormField(msgspec.Struct, frozen=True, kw_only=True):
    """One field. ``needed``: the command cannot be sent without it; ``asked``: the regulation asks for it."""

    name: str
    label: str
    kind: FieldKind
    needed: bool
    asked: bool
    default: Any
    options: list[Option]


class CaseForm(msgspec.Struct, frozen=True, kw_only=True):
    """One command that may be given now: what it is called, where its button stands, its fields, its articles."""

    do: str
    words: str
    group: Group
    fields: list[FormField]
    citations: list[Citation]


def forms_for(
    actor: Actor, record: CaseRecord | None, profile: Profile, word: Callable[[str], str], category: str = ""
) -> list[CaseForm]:
    """Return what *actor* may do with a case, or with a ticket that is none yet; *word* names ids in Chinese."""
    case = record.case if record else None
    return [
        _form(actor, do, kind, profile, word, case.category if case else category)
        for do, kind in COMMANDS.items()
        if _is_open(do, kind, case, profile) and _may(actor, kind, record)
    ]


def _may(actor: Actor, kind: type[Command], record: CaseRecord | None) -> bool:
    try:
        permissions.check(actor, kind, record)
    except Refused:
        return False
    return True


def _is_open(do: str, kind: type[Command], case: Case | None, profile: Profile) -> bool:
    move = MOVES[kind]
    if case is None:
        return move.opens
    if case.stage not in move.stages or (case.archived_at is not None and kind not in UNSEALED):
        return False
    if do in _NEEDS_RULE and not _citations(do, profile):
        return False
    return do not in _WORTH or _WORTH[do](case)


def _form(
    actor: Actor, do: str, kind: type[Command], profile: Profile, word: Callable[[str], str], category: str
) -> CaseForm:
    asked = _ASKED_BY[do](profile, category) if do in _ASKED_BY else ()
    hints = get_type_hints(kind)
    made = [
        _field(do, field.name, hints[field.name], field.default, field.name in asked, profile, word)
        for field in fields(kind)
        if field.name not in UNASKED and not (field.name == "service" and not _grades_service(profile))
    ]
    passes_on = do == "dispatch" and actor.kind is ActorKind.UNIT
    return CaseForm(
        do=do,
        words="转派下级单位" if passes_on else SUMMARIES[do],
        group="unit" if passes_on else _GROUP_OF.get(do, "lead"),
        fields=made,
        citations=_citations(do, profile),
    )


def _field(
    do: str, name: str, hint: Any, default: Any, asked: bool, profile: Profile, word: Callable[[str], str]
) -> FormField:
    is_enum = isinstance(hint, type) and issubclass(hint, Enum)
    options = list(_options(do, name, hint if is_enum else None, profile, word))
    kind = _KIND_OF.get(name, "choice" if is_enum else "lines" if name in _LONG else "text")
    if do == "reply" and name == "unit":
        kind = "text"
    kind = "flag" if hint is bool else "number" if hint == int | None and kind != "version" else kind
    if kind == "choice" and not options:
        kind = "text"
    given = default.value if isinstance(default, Enum) else default
    return FormField(
        name=name,
        label=LABELS[name],
        kind=kind,
        needed=default is MISSING and kind != "flag",
        asked=asked and name not in _FILLED_IN,
        default=None if given is MISSING or isinstance(given, tuple) else given,
        options=options,
    )


def _options(
    do: str, name: str, enum: type[Enum] | None, profile: Profile, word: Callable[[str], str]
) -> Iterator[Option]:
    match name:
        case "category":
            for category in profile.categories or dict.fromkeys(CATEGORIES):
                found = profile.category_citations.get(category)
                words = profile.categories.get(category, word(category))
                yield Option(value=category, words=words, citations=[found] if found else [])
        case "grade" | "service":
            survey = profile.ruling(SURVEY)
            for grade in survey.value.scale if survey else ():
                yield Option(value=grade, words=word(grade))
        case "kind":
            for key, refusal in _rulings(profile, REFUSE):
                told = [word(each) for each in refusal.value.tell]
                yield Option(value=key, words=word(key), told=told, citations=list(refusal.citations))
        case "trigger":
            for key, supervision in _rulings(profile, SUPERVISE):
                if supervision.value.by_hand or do == "order":
                    yield Option(value=key, words=word(key), citations=list(supervision.citations))
        case "form":
            every = (form for _, each in _rulings(profile, SUPERVISE) for form in each.value.forms)
            for form in dict.fromkeys(every):
                yield Option(value=form, words=word(form))
        case _ if enum is not None:
            for member in enum:
                yield Option(value=str(member.value), words=word(str(member.value)))


def _citations(do: str, profile: Profile) -> list[Citation]:
    found: dict[str, Citation] = {}
    for kind, part in _RESTS_ON.get(do, ()):
        ruling = profile.ruling(kind, *((part,) if part else ()))
        found |= {citation.obligation: citation for citation in (ruling.citations if ruling else ())}
    return list(found.values())


def _rulings(profile: Profile, kind: Kind[Any]) -> Iterator[tuple[str, Ruling[Any]]]:
    for key, ruling in profile.rules.items():
        if key.startswith(f"{kind.name}."):
            yield key.rpartition(".")[2], ruling


def _of(profile: Profile, kind: Kind[Any], name: str) -> tuple[str, ...]:
    ruling = profile.ruling(kind)
    return tuple(getattr(ruling.value, name)) if ruling else ()


def _fields_of(profile: Profile, kind: Kind[Any], category: str) -> tuple[str, ...]:
    ruling = profile.ruling(kind)
    if ruling is None or (ruling.value.categories and category not in ruling.value.categories):
        return ()
    return (*ruling.value.fields, *ruling.value.either)


def _grades_service(profile: Profile) -> bool:
    survey = profile.ruling(SURVEY)
    return survey is not None and survey.value.grades_service


def _is_restricted(case: Case) -> bool:
    return any(period.kind.value == "restrict_until" and period.state.value == "running" for period in case.periods)
