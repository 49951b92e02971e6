"""What few words of a petitioner's ask for (诉求人短语): a grade, an urging, an objection, a person. Pure.

Whatever is not exactly one of these is something that he tells, and stays that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from gateway.domain.case import Append, Case, Command, Grade, RestrictionAppeal, Urge
from gateway.domain.profile import Profile
from gateway.domain.rules import OVER, SURVEY, PeriodKind, Stage

_NOT_WORDS = re.compile(r"[\s。.,，！!？?~、:：;；\"'“”‘’（）()【】\[\]-]+")
_PERSON = re.compile(r"(?:我?[要找转接请]+|转接)?人工(?:客服|服务|坐席|座席)?")
_URGE = re.compile(r"(?:我要)?(?:催办|催单|催促|催一下|催一催)")
_GRADE = re.compile(r"(?:满意度)?(?:评价|评分)?(?:是|为)?(.+)")
_APPEAL = ("申诉", "我要申诉", "异议", "我有异议")


def wants_person(text: str) -> bool:
    """Say whether *text* asks for a person (转人工), and for nothing else."""
    return _PERSON.fullmatch(_bare(text)) is not None


def objects(text: str) -> bool:
    """Say whether *text* begins as an objection does (申诉)."""
    return _bare(text).startswith(_APPEAL)


def grade_of(text: str, scale: Sequence[str]) -> str:
    """Return the grade of *scale* that *text* gives, as its word or its number from 1 in the scale's order; else ""."""
    found = _GRADE.fullmatch(_bare(text))
    word = found[1] if found else ""
    if word in scale:
        return word
    return scale[int(word) - 1] if word in map(str, range(1, len(scale) + 1)) else ""


def is_grade_for(case: Case, profile: Profile, text: str) -> bool:
    """Say whether *text* is a grade, and *case* one whose petitioner was asked for it and has not given any."""
    return case.stage is Stage.CLOSED and not case.grade and bool(grade_of(text, _scale(case, profile)))


def command_of(case: Case, profile: Profile, text: str) -> Command | None:
    """Return what *text* does to *case*; None when it is merely kept with the ticket."""
    if case.running(PeriodKind.RESTRICT_UNTIL) is not None and objects(text):
        return RestrictionAppeal(text=text)
    if case.stage is Stage.CLOSED and (grade := grade_of(text, _scale(case, profile))):
        return Grade(grade=grade)
    if case.stage in OVER or wants_person(text):
        return None
    return Urge() if _URGE.fullmatch(_bare(text)) else Append(text=text)


def _scale(case: Case, profile: Profile) -> Sequence[str]:
    survey = profile.ruling(SURVEY)
    return () if survey is None or case.category in survey.value.excluded else survey.value.scale


def _bare(text: str) -> str:
    """Return *text* without what stands between words."""
    return _NOT_WORDS.sub("", unicodedata.normalize("NFKC", text))
