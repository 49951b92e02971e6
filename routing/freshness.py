"""When an article has to be confirmed again, until when a check must be answered, whether a notice came in time. Pure.

The periods are the profile's (``notice.*``). A regulation that asks for freshness without a number leaves the number to
the operator: then the citation of the duty stands beside a period of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from gateway.domain.decision import Citation
from gateway.domain.knowledge import Article, ArticleKind, Content
from gateway.domain.profile import Profile, Ruling
from gateway.domain.rules import DUTY, FRESHNESS, NOTICE, Span, SpanUnit
from routing.deadlines import Reckoning, elapsed
from routing.working_time import Deadline

UNSAID = Span(180, SpanUnit.NATURAL_DAYS)
"""How long it may where no rule says it."""

_NOTICE_OF = {ArticleKind.DUTY_ROSTER: "duty_roster", ArticleKind.CONSTRUCTION: "construction"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How long an article may go unconfirmed; ``is_ours`` where the number is not the regulation's."""

    span: Span
    citation: Citation | None
    is_ours: bool


def freshness(profile: Profile) -> Freshness:
    """Return the city's rule, or `UNSAID` with the article that founds the duty."""
    ruling = profile.ruling(FRESHNESS)
    if ruling is not None:
        return Freshness(span=ruling.value, citation=_first(ruling), is_ours=False)
    return Freshness(span=UNSAID, citation=_first(profile.ruling(DUTY, "knowledge")), is_ours=True)


def stale_from(article: Article, rule: Freshness, reckoning: Reckoning) -> datetime:
    """Return the instant from which *article* is stale."""
    return reckoning.deadline(rule.span, article.confirmed_at).at


def unconfirmed_since(rule: Freshness, now: datetime) -> datetime:
    """Return an instant such that whatever is stale at *now* was confirmed before it."""
    match rule.span.unit:
        case SpanUnit.WORKING_DAYS | SpanUnit.NATURAL_DAYS:
            return now - timedelta(days=rule.span.count)
        case SpanUnit.SAME_DAY:
            return now
        case _:
            return now - elapsed(rule.span)


def answer_by(profile: Profile, reckoning: Reckoning, raised_at: datetime) -> tuple[Deadline | None, Citation | None]:
    """Return until when a check raised at *raised_at* must be answered, and the article (ZH-19); None: no period."""
    ruling = profile.ruling(NOTICE, "knowledge_check")
    if ruling is None:
        return None, None
    return reckoning.deadline(ruling.value, raised_at), _first(ruling)


def reported_late(content: Content, reported_at: datetime, profile: Profile, reckoning: Reckoning) -> Citation | None:
    """Return the article (ZH-20) that a notice reported at *reported_at* came too late for, None if it came in time.

    The day on which it begins to hold is not counted: a week ahead of the 8th is the 1st.
    """
    ruling = profile.ruling(NOTICE, _NOTICE_OF[content.kind]) if content.kind in _NOTICE_OF else None
    if ruling is None or content.valid_from is None:
        return None
    begins = datetime.combine(content.valid_from, time.min, tzinfo=reckoning.zone)
    return _first(ruling) if reckoning.deadline(ruling.value, reported_at - timedelta(days=1)).at > begins else None


def _first(ruling: Ruling[Any] | None) -> Citation | None:
    return ruling.citations[0] if ruling is not None and ruling.citations else None
