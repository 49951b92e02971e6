"""Reports and registers (通报、台账): figures of a period, numbered papers, orders to units, what is published."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.domain.casework import ActorKind
from gateway.domain.decision import Citation
from gateway.domain.profile import Profile
from gateway.domain.register import Number, Paper, PaperQuery, PaperState, Register
from gateway.domain.report import ClauseFigures, Days, HardCase, MatterFigures, Rate, Report, UnitFigures
from gateway.domain.rules import Trigger
from gateway.http_api.problems import Problem, not_found
from gateway.http_api.routes import EVERYONE, SUPERVISORS, RouteTable
from gateway.web.case_asking import PAGE, actor_of
from gateway.web.context import Visit

report_routes = RouteTable()

_NUMBER = "^[0-9]{4}-[1-9][0-9]{0,8}$"
_OF_UNITS = (Register.SUPERVISION,)
"""Registers of which a unit sees its own papers."""


class ReportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """With ``unit`` about the cases in which it has a part; a unit's person has his unit's."""

    unit: Annotated[str, Meta(max_length=64)] = ""


class RateView(msgspec.Struct, frozen=True, kw_only=True):
    """So many of so many; ``share`` from 0 to 1, null of nothing."""

    part: int
    whole: int
    share: float | None


class UnitView(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit made of its cases: `gateway.domain.report.UnitFigures`."""

    unit: str
    name: str
    tickets: int
    closed: int
    overdue: int
    returns: int
    redos: int
    orders: int
    rates: dict[str, RateView]
    score: float | None
    rank: int | None
    is_flagged: bool
    supervise: list[str]


class ReportView(msgspec.Struct, frozen=True, kw_only=True):
    """A report, with the articles that call for it."""

    kind: str
    first: date
    last: date
    made_at: datetime
    received: int
    before: int
    by_stage: dict[str, int]
    by_category: dict[str, int]
    by_day: dict[str, int]
    triggers: dict[str, int]
    units: list[UnitView]
    clauses: list[ClauseFigures]
    matters: list[MatterFigures]
    hard: list[HardCase]
    citations: list[Citation]


class RegisterQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which papers; ``after`` is the ``next_after`` of the page before. A unit sees its own."""

    state: PaperState | None = None
    unit: Annotated[str, Meta(max_length=64)] = ""
    case_id: Annotated[str, Meta(max_length=64)] = ""
    after: Annotated[str, Meta(pattern=_NUMBER)] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 50


class PaperView(msgspec.Struct, frozen=True, kw_only=True):
    """One paper of a register, with its articles."""

    register: Register
    number: str
    case_id: str
    unit: str
    state: PaperState
    opened_at: datetime
    due: datetime | None
    closed_at: datetime | None
    values: dict[str, Any]
    citations: list[Citation]


class PaperPage(msgspec.Struct, frozen=True, kw_only=True):
    """Papers, the newest number first."""

    papers: list[PaperView]
    next_after: str


class UnitOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An order to a unit as a whole, to be answered within ``days`` working days."""

    unit: Annotated[str, Meta(min_length=1, max_length=64)]
    trigger: Trigger
    form: Annotated[str, Meta(min_length=1, max_length=32)]
    reason: Annotated[str, Meta(min_length=1, max_length=4000)]
    days: Annotated[int, Meta(ge=1, le=60)]


class OrderAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A unit's answer to an order."""

    text: Annotated[str, Meta(min_length=1, max_length=4000)]


class PublicationQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which of what was published, the newest first."""

    after: Annotated[str, Meta(pattern=_NUMBER)] | None = None
    limit: Annotated[int, Meta(ge=1, le=50)] = 20


class PublicationView(msgspec.Struct, frozen=True, kw_only=True):
    """What was wanted and what came of it, without anything that tells who."""

    number: str
    published_at: datetime | None
    category: str
    matter: str
    question: str
    answer: str


class PublicationPage(msgspec.Struct, frozen=True, kw_only=True):
    """What was published."""

    publications: list[PublicationView]
    next_after: str


@report_routes.declare(
    "GET",
    "/api/reports/{days}",
    "统计报告：周 2026-W10、月 2026-03、季 2026-Q1、年 2026、任意起止日",
    roles=EVERYONE,
    limit=60.0,
)
async def show_report(visit: Visit, days: str, query: ReportQuery) -> ReportView:
    """Make a report now; a unit's person has his unit's."""
    try:
        asked = Days.parse(days)
    except ValueError as error:
        raise Problem(422, "invalid", "起止日期不正确，例如 2026-W10、2026-03、2026-Q1、2026", field="days") from error
    who = actor_of(visit.account)
    report = await visit.parts.reporter.report(asked, who.unit if who.kind is ActorKind.UNIT else query.unit)
    return _report_view(report, visit)


@report_routes.declare("GET", "/api/registers/{register}", "台账：督办、呈办、公开、归档、限制来电", roles=EVERYONE)
async def list_papers(visit: Visit, register: str, query: RegisterQuery) -> PaperPage:
    """List the papers of a register; a unit's person the orders to his unit."""
    known = _register_of(register)
    who = actor_of(visit.account)
    is_unit = who.kind is ActorKind.UNIT
    if is_unit and known not in _OF_UNITS:
        raise Problem(403, "forbidden", "您的身份不能查看这本台账")
    found = await visit.parts.registers.page(
        PaperQuery(
            register=known,
            state=query.state,
            case_id=query.case_id,
            unit=who.unit if is_unit else query.unit,
            after=Number.parse(query.after) if query.after else None,
            limit=query.limit,
        )
    )
    profile = _profile(visit)
    return PaperPage(
        papers=[_paper_view(paper, profile) for paper in found],
        next_after=str(found[-1].number) if len(found) == query.limit else "",
    )


@report_routes.declare(
    "POST",
    "/api/registers/supervision",
    "对单位发出督办",
    roles=SUPERVISORS,
    refusal="规定中没有这样的督办，或没有这个单位",
)
async def order_unit(visit: Visit, body: UnitOrder) -> PaperView:
    """Order a unit as a whole to act."""
    paper = await visit.parts.unit_orders.give(
        body.unit, body.trigger, body.form, body.reason, body.days, by=actor_of(visit.account)
    )
    return _paper_view(paper, _profile(visit))


@report_routes.declare(
    "POST",
    "/api/registers/supervision/{number}/answer",
    "单位反馈督办",
    roles=EVERYONE,
    refusal="这份督办不在这里等候反馈",
)
async def answer_order(visit: Visit, number: str, body: OrderAnswer) -> PaperView:
    """Answer an order to a unit as a whole."""
    try:
        paper = await visit.parts.registers.paper(Register.SUPERVISION, Number.parse(number))
    except ValueError:
        paper = None
    who = actor_of(visit.account)
    if paper is None or (who.kind is ActorKind.UNIT and paper.unit != who.unit):
        raise not_found("没有这份督办，或与本单位无关")
    return _paper_view(await visit.parts.unit_orders.answer(paper, body.text, by=who), _profile(visit))


@report_routes.declare("GET", "/open/publications", "公开查询已公开的诉求和办理结果", roles=frozenset())
async def list_publications(visit: Visit, query: PublicationQuery) -> PublicationPage:
    """List what was published, without a sign-in."""
    visit.admit_stranger()
    found = await visit.parts.registers.page(
        PaperQuery(
            register=Register.PUBLICATION,
            state=PaperState.PUBLISHED,
            after=Number.parse(query.after) if query.after else None,
            limit=query.limit,
        )
    )
    return PublicationPage(
        publications=[_publication_view(paper, _profile(visit)) for paper in found],
        next_after=str(found[-1].number) if len(found) == query.limit else "",
    )


def _register_of(name: str) -> Register:
    try:
        return Register(name)
    except ValueError as error:
        raise not_found("没有这本台账") from error


def _profile(visit: Visit) -> Profile:
    return visit.parts.casework.books.at(visit.parts.clock.now()).profile


def _report_view(report: Report, visit: Visit) -> ReportView:
    profile = _profile(visit)
    return ReportView(
        kind=report.days.kind.value,
        first=report.days.first,
        last=report.days.last,
        made_at=report.made_at,
        received=report.received,
        before=report.before,
        by_stage=dict(report.by_stage),
        by_category=dict(report.by_category),
        by_day={day.isoformat(): count for day, count in report.by_day.items()},
        triggers=dict(report.triggers),
        units=[_unit_view(each, visit) for each in report.units],
        clauses=list(report.clauses),
        matters=list(report.matters),
        hard=list(report.hard),
        citations=[profile.citations[row] for row in report.rows if row in profile.citations],
    )


def _unit_view(figures: UnitFigures, visit: Visit) -> UnitView:
    unit = visit.parts.units.get(figures.unit)
    plain = ("unit", "tickets", "closed", "overdue", "returns", "redos", "orders", "score", "rank", "is_flagged")
    rates = ("response", "timeliness", "resolution", "satisfaction", "knowledge")
    return UnitView(
        **{name: getattr(figures, name) for name in plain},
        name=unit.name if unit else figures.unit,
        rates={name: _rate_view(getattr(figures, name)) for name in rates},
        supervise=list(figures.supervise),
    )


def _rate_view(rate: Rate) -> RateView:
    return RateView(part=rate.part, whole=rate.whole, share=rate.share)


def _paper_view(paper: Paper, profile: Profile) -> PaperView:
    plain = ("register", "case_id", "unit", "state", "opened_at", "due", "closed_at")
    return PaperView(
        **{name: getattr(paper, name) for name in plain},
        number=str(paper.number),
        values=dict(paper.values),
        citations=[profile.citations[row] for row in paper.rows if row in profile.citations],
    )


def _publication_view(paper: Paper, profile: Profile) -> PublicationView:
    said = {name: str(paper.values.get(name, "")) for name in ("matter", "question", "answer")}
    category = str(paper.values.get("category", ""))
    return PublicationView(
        number=str(paper.number),
        published_at=paper.closed_at or paper.opened_at,
        category=profile.categories.get(category, category),
        **said,
    )
