"""What other systems tell us unasked (数据交换的收件口): a master's tickets as they stand, commands for ours.

It takes what jiesu's own webhooks send (docs/exchange.md), signed with the partner's secret, each `Jiesu-Key` once. So
two jiesu, or anything that speaks the same, mirror one another. The answer is 200 whatever the rules made of it: the
sender has nothing to try again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.domain.case import COMMANDS, Fact, Period, PeriodState
from gateway.domain.casework import Delivery
from gateway.domain.errors import Refused
from gateway.domain.rules import PeriodKind, Span, Stage, Urgency
from gateway.domain.ticket import Elements, TicketId
from gateway.http_api.problems import Problem
from gateway.http_api.routes import RouteTable
from gateway.ports.memory import Transaction
from gateway.services import permissions
from gateway.services.case_messages import CHANGED
from gateway.services.forwarding import COMMAND, DENIED, say_no
from gateway.services.mirroring import Copy, follow, told_no
from gateway.web.case_commands_api import denial
from gateway.web.case_requests import PartnerRequest, command_of, request_types
from gateway.web.context import PartnerAccess, Visit
from gateway.web.exchange_api import actor_of_partner, proven

mirror_routes = RouteTable()

_REQUESTS: Mapping[str, type[msgspec.Struct]] = {
    word: kind for word, kind in request_types(PartnerRequest, "Forwarded").items() if permissions.is_for_partners(word)
}
Text = Annotated[str, Meta(max_length=4000)]
Short = Annotated[str, Meta(max_length=128)]


class CaseCopied(msgspec.Struct, frozen=True, kw_only=True):
    """A master's case in a list's form; what else it says is passed over."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    revision: Annotated[int, Meta(ge=1)]
    stage: Stage
    received_at: Annotated[datetime, Meta(tz=True)]
    category: Short = ""
    urgency: Urgency = Urgency.NORMAL
    unit: Short = ""
    assist: Annotated[tuple[Short, ...], Meta(max_length=20)] = ()
    matter: Text = ""
    grade: Short = ""


class CitationCopied(msgspec.Struct, frozen=True, kw_only=True):
    """An article, by the id of its obligation."""

    obligation: Short = ""


class PeriodCopied(msgspec.Struct, frozen=True, kw_only=True):
    """A period that the master gave."""

    kind: PeriodKind
    span: Annotated[str, Meta(max_length=32)]
    since: Annotated[datetime, Meta(tz=True)]
    due: Annotated[datetime, Meta(tz=True)]
    state: PeriodState
    provisional: bool = False
    citations: Annotated[tuple[CitationCopied, ...], Meta(max_length=20)] = ()


class ElementsCopied(msgspec.Struct, frozen=True, kw_only=True):
    """The six elements of a matter (六要素)."""

    time: Text = ""
    place: Text = ""
    person: Text = ""
    cause: Text = ""
    course: Text = ""
    outcome: Text = ""


class FileCopied(msgspec.Struct, frozen=True, kw_only=True):
    """A master's case whole."""

    case: CaseCopied
    petitioner: Short = ""
    summary: Text = ""
    elements: ElementsCopied = ElementsCopied()
    periods: Annotated[tuple[PeriodCopied, ...], Meta(max_length=500)] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What another system tells us."""

    event: Short
    file: FileCopied | None = None
    values: dict[str, Any] = {}


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What it came to: ``followed``, ``unchanged``, ``done``, ``denied``, ``refused``, ``noted``, ``ignored``; why."""

    result: str
    ticket: str = ""
    why: str = ""


@mirror_routes.declare(
    "POST", "/api/exchange/inbox", "数据交换：对方平台的工单变化、转请我方办理的步骤", for_partners=True
)
async def take_told(visit: Visit, body: Told) -> Heard:
    """Follow a master's ticket, or carry out what somebody wants of one of ours; each key once."""
    access = await proven(visit)
    parts, now = visit.parts, visit.parts.clock.now()
    key = visit.request.headers.get("Jiesu-Key", "")
    if not 1 <= len(key) <= 400 or not key.isprintable():
        raise Problem(422, "invalid", "请求须带 Jiesu-Key（1 到 400 个字符）", field="Jiesu-Key")
    asked = hashlib.sha256(await visit.request.read()).hexdigest()

    def work(tx: Transaction) -> tuple[Heard, list[Fact]]:
        known = tx.cases.delivery(access.partner.id, key)
        if known is not None:
            return msgspec.json.decode(known.answer, type=Heard), []
        heard, facts = _take(visit, access, body, tx, now)
        answer = msgspec.json.encode(heard).decode()
        tx.cases.save_delivery(
            Delivery(partner=access.partner.id, key=key, asked=asked, status=200, answer=answer, at=now)
        )
        return heard, facts

    heard, facts = await parts.store.commit(work)
    parts.casework.publish(facts)
    return heard


def _take(visit: Visit, access: PartnerAccess, body: Told, tx: Transaction, now: datetime) -> tuple[Heard, list[Fact]]:
    if body.event == CHANGED and body.file is not None and access.partner.is_master:
        facts = follow(visit.parts.casework, tx, access.partner, _copy(body.file), now)
        return (Heard(result="followed", ticket=facts[0].case) if facts else Heard(result="unchanged")), facts
    if body.event == DENIED and body.file is not None and access.partner.is_master:
        facts = told_no(visit.parts.casework, tx, access.partner, body.file.case.id, body.values, now)
        return (Heard(result="noted", ticket=facts[0].case) if facts else Heard(result="ignored")), facts
    if body.event == COMMAND:
        heard, facts = _carry_out(visit, access, body.values, tx)
        if heard.result != "done" and tx.cases.case(TicketId(heard.ticket)) is not None:
            key, word = visit.request.headers["Jiesu-Key"], str(body.values.get("do", ""))
            say_no(tx, access.partner.id, heard.ticket, key, {"do": word, "why": heard.why}, now)
        return heard, facts
    return Heard(result="ignored"), []


def _carry_out(
    visit: Visit, access: PartnerAccess, values: Mapping[str, Any], tx: Transaction
) -> tuple[Heard, list[Fact]]:
    word, ticket_id = str(values.get("do", "")), TicketId(str(values.get("id", "")))
    if word not in _REQUESTS:
        return Heard(result="refused", ticket=ticket_id, why="do" if word not in COMMANDS else "forbidden"), []
    try:
        command = command_of(word, msgspec.convert(values.get("said", {}), _REQUESTS[word]))
        done = visit.parts.casework.work(tx, ticket_id, command, by=actor_of_partner(access))
    except msgspec.ValidationError as error:
        return Heard(result="refused", ticket=ticket_id, why=str(error)), []
    except Refused as refused:
        return Heard(result="refused", ticket=ticket_id, why=str(refused)), []
    if done.denials:
        why = denial(visit.parts, done).view.error.message
        return Heard(result="denied", ticket=ticket_id, why=why), list(done.facts)
    return Heard(result="done", ticket=ticket_id), list(done.facts)


def _copy(file: FileCopied) -> Copy:
    case = file.case
    return Copy(
        id=case.id,
        revision=case.revision,
        stage=case.stage,
        received_at=case.received_at,
        category=case.category,
        urgency=case.urgency,
        unit=case.unit,
        assist=case.assist,
        petitioner=file.petitioner,
        matter=case.matter,
        summary=file.summary,
        grade=case.grade,
        elements=Elements(**msgspec.structs.asdict(file.elements)),
        periods=[_period(each) for each in file.periods],
    )


def _period(copied: PeriodCopied) -> Period:
    try:
        span = Span.parse(copied.span)
    except ValueError as error:
        raise Problem(
            422, "invalid", "字段 file.periods.span 不正确", field="file.periods", detail=str(error)
        ) from error
    return Period(
        kind=copied.kind,
        span=span,
        original=span,
        since=copied.since,
        live_from=copied.since,
        due=copied.due,
        provisional=copied.provisional,
        rows=tuple(each.obligation for each in copied.citations if each.obligation),
        state=copied.state,
    )
