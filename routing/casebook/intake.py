"""The front of the loop: a matter is accepted, answered at once, refused, handed to another line, or dispatched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.case import Accept, Answer, Case, Dispatch, HandOff, Refuse
from gateway.domain.rules import (
    ACCEPT,
    ANSWER,
    CATEGORY,
    DESIGNATION,
    LEAD_UNIT,
    ONWARD,
    PERIOD,
    REFUSE,
    STRICTER_LAW,
    SUBMISSION,
    Moment,
    PeriodKind,
    RefusalKind,
    Stage,
    Trigger,
)
from routing.casebook.draft import Denied, Draft, require_rule, rows_of

BY_TELEPHONE = ("telephone", "phone", "电话", "热线电话")
"""How a scenario or a channel says that somebody called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the world outside means for a case: an earlier one of the same matter, a restricted telephone, a burst.

    ``is_drawn``: the lot of a sampled follow-up falls on it. ``is_live``: people act on it, who can be asked for more
    than a scenario states.
    """

    earlier: Case | None = None
    restricted_until: datetime | None = None
    is_burst: bool = False
    is_drawn: bool = False
    is_live: bool = False


ALONE = Surroundings()


def accept(draft: Draft, command: Accept, around: Surroundings) -> None:
    """Take a matter (受理)."""
    draft.change(
        category=command.category,
        urgency=command.urgency,
        is_by_telephone=command.channel in BY_TELEPHONE,
        petitioner=command.petitioner,
        matter=command.matter,
        can_be_reached=command.contact_given,
    )
    category = draft.profile.ruling(CATEGORY, command.category)
    if category is None:
        raise Denied("not_allowed", tuple({row.obligation: row for row in draft.profile.category_citations.values()}))
    if around.restricted_until is not None and draft.case.is_by_telephone:
        rule = draft.profile.ruling(PERIOD, PeriodKind.RESTRICT_UNTIL.value)
        raise Denied("not_allowed", rows_of(rule))
    needs = draft.profile.ruling(ACCEPT)
    try:
        require_rule(command, needs, command.category)
    except Denied:
        draft.tell("petitioner", "refusal_basis", rows_of(needs))
        raise
    draft.enter(Stage.ACCEPTED, category.rows)
    repeat = draft.profile.ruling(REFUSE, RefusalKind.REPEAT.value)
    if around.earlier is not None and repeat is not None:
        draft.say("repeats", repeat.rows, earlier=around.earlier.id)
    draft.begin(Moment.ACCEPTED)
    if around.is_burst:
        draft.supervise(Trigger.BURST)


def answer(draft: Draft, command: Answer, around: Surroundings) -> None:
    """Answer at once from the knowledge base (即时答复)."""
    rule = draft.profile.ruling(ANSWER)
    if rule is None or draft.case.category not in rule.value:
        raise Denied("not_allowed", rows_of(rule))
    article = f"{command.article}@{command.version}" if command.article and command.version else command.article
    draft.change(article=article)
    draft.enter(Stage.ANSWERED, rule.rows, **({"article": article} if article else {}))
    draft.lift(rule.rows)


def refuse(draft: Draft, command: Refuse, around: Surroundings) -> None:
    """Refuse a matter, and tell the petitioner why (不予受理).

    What is repeated of a matter that is under way or closed makes no second case: the petitioner is told how it stands.
    """
    rule = draft.profile.ruling(REFUSE, command.kind.value)
    if rule is None:
        raise Denied("not_allowed", rows_of(*(draft.profile.ruling(REFUSE, kind.value) for kind in RefusalKind)))
    same = draft.case.stage is not Stage.ACCEPTED
    if same and command.kind is not RefusalKind.REPEAT:
        raise draft.wrong_stage()
    draft.change(petitioner=command.petitioner or draft.case.petitioner, matter=command.matter or draft.case.matter)
    if not same:
        draft.change(refusal=command.kind)
        draft.enter(Stage.REFUSED, rule.rows, kind=command.kind.value)
        draft.lift(rule.rows)
    earlier = draft.case if same else around.earlier
    is_over = earlier is not None and earlier.stage in (Stage.CLOSED, Stage.ANSWERED)
    for what in rule.value.tell:
        draft.tell("petitioner", ("result" if is_over else "progress") if what == "how_it_stands" else what, rule.rows)
    for what in rule.value.tell_unit:
        draft.tell("unit", what, rule.rows)
    if command.kind is RefusalKind.PUBLIC_ORDER:
        draft.begin(Moment.REFUSED)


def hand_off(draft: Draft, command: HandOff, around: Surroundings) -> None:
    """Pass a matter to an emergency line (转紧急专线)."""
    emergency = draft.profile.emergency
    rows = (emergency.citation.obligation,)
    if command.line not in emergency.lines:
        raise Denied("not_allowed", rows)
    draft.change(stage=Stage.HANDED_OFF, over_at=draft.now)
    draft.say("stage", rows, stage=Stage.HANDED_OFF.value, line=command.line)
    draft.lift(rows)


def dispatch(draft: Draft, command: Dispatch, around: Surroundings) -> None:
    """Send a case to a unit; a unit that has it may send it on to one of its own (派单、转派)."""
    if draft.case.stage is not Stage.ACCEPTED:
        onward = draft.profile.ruling(ONWARD)
        if onward is None:
            raise draft.wrong_stage()
        draft.change(unit=command.to, stage=Stage.DISPATCHED)
        draft.say("stage", onward.rows, stage=Stage.DISPATCHED.value, to=command.to, onward=True)
        return
    submission = draft.profile.ruling(SUBMISSION)
    if draft.case.is_submitted:
        raise Denied("not_allowed", rows_of(submission))
    stricter = draft.demand(STRICTER_LAW) if command.stricter is not None else None
    designation = draft.profile.ruling(DESIGNATION) if command.designated else None
    because = rows_of(designation, submission if draft.case.is_instructed else None)
    to_unit(draft, command.to, command.assist, is_designated=command.designated, because=because)
    handle = draft.case.running(PeriodKind.HANDLE)
    if command.stricter is not None and handle is not None:
        end = draft.reckoning.deadline(command.stricter, draft.now)
        if end.at < handle.due:
            draft.give(PeriodKind.HANDLE, command.stricter, draft.now, rows_of(stricter))


def to_unit(draft: Draft, unit: str, assist: tuple[str, ...], *, is_designated: bool, because: tuple[str, ...]) -> None:
    """Put a case into a unit's hands; every period of the unit begins."""
    lead = draft.profile.ruling(LEAD_UNIT) if assist else None
    draft.change(
        unit=unit,
        assist=assist,
        is_signed=False,
        is_designated=is_designated,
        is_return_refused=False,
        before=None,
        counts={**draft.case.counts, "extension": 0},
    )
    more = {"assist": list(assist)} if assist else {}
    draft.enter(Stage.DISPATCHED, (*because, *rows_of(lead)), to=unit, **more)
    draft.meet(PeriodKind.DISPATCH, PeriodKind.PHONE_UNIT)
    draft.drop(PeriodKind.SIGN, PeriodKind.RETURN, PeriodKind.CONTACT, PeriodKind.HANDLE)
    draft.begin(Moment.DISPATCHED)
    draft.telephone_unit()
    if assist:
        draft.supervise(Trigger.SEVERAL_UNITS)
