"""Everything that can be known of a contact so far, at once (接诉研判).

`Understander` is asked at every final utterance of a call, and once for a written contact. What one turn says never
changes, so it is read once and remembered; asking again costs only the new turn.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from gateway.domain.call import Role
from gateway.domain.decision import Citation, Decision, DecisionKind
from gateway.domain.emergency import EmergencyHit
from gateway.domain.profile import Profile
from gateway.domain.rules import DUTY
from gateway.domain.ticket import Elements
from routing.classify import classify, classify_emergency, count_words, evidence
from routing.conversation import Conversation
from routing.directory import Unit, unit_for
from routing.elements import Facts, elements, place_of, read
from routing.emergency import Detector
from routing.gazetteer import Gazetteer
from routing.learned import Learned
from routing.lexicon import Lexicons
from routing.numbers_zh import covered, normal

SUMMARY_LIMIT = 300
_TURNS_REMEMBERED = 4096
_SMALL_TALK = re.compile(
    "(?:喂|你好|您好|请问|一下|是的|对|好的?|嗯|哦|行|可以|谢谢你?|再见|拜拜|没有了|就这样|知道了|明白了"
    "|[，。！？,.!? ])*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """What was understood; a decision whose outcome is empty was not made."""

    category: Decision
    matter: Decision
    unit: Decision
    elements: Elements
    summary: str
    place: Decision


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one turn of the petitioner says by itself."""

    hits: tuple[EmergencyHit, ...]
    words: Counter[str]
    facts: Facts


class Understander:
    """Reads conversations by the city's lexicons, units and profile; call it with a conversation.

    What the city's history has *learned* comes before the lexicons where it is sure, and never before an emergency or
    an article.
    """

    def __init__(
        self,
        lexicons: Lexicons,
        units: Sequence[Unit],
        profile: Profile,
        learned: Learned | None = None,
        *,
        gazetteer: Gazetteer | None = None,
    ) -> None:
        self._categories = tuple(topic for topic in lexicons.categories if topic.id in profile.categories)
        self._matters = lexicons.matters
        self._units = tuple(units)
        self._profile = profile
        self._learned = learned or Learned()
        self._gazetteer = gazetteer
        self._detector = Detector(lexicons.emergency)
        self._read = lru_cache(maxsize=_TURNS_REMEMBERED)(self._read_anew)

    def __call__(self, conversation: Conversation) -> Understanding:
        """Return what is understood of *conversation*; only the petitioner's own words count."""
        turns = [turn for turn in conversation.turns if turn.role is Role.CITIZEN and turn.text.strip()]
        said = [turn.text.strip() for turn in turns]
        readings = [self._read(text) for text in said]
        facts = [replace(reading.facts, at=turn.at) for turn, reading in zip(turns, readings, strict=True)]
        hits = [hit for reading in readings for hit in reading.hits]
        words: Counter[str] = Counter()
        for reading in readings:
            words.update(reading.words)
        text = "" if hits else "，".join(said)  # of an emergency the models hear nothing
        category = self._learned.settle(
            DecisionKind.CATEGORY, text, self._category(hits, words), allowed=self._profile.categories
        )
        matter = self._learned.settle(DecisionKind.MATTER, text, self._matter(hits, words))
        place = place_of(facts, self._gazetteer)
        subject = tuple(self._subject(hits, matter, words))
        return Understanding(
            category=category,
            matter=matter,
            unit=self._unit(matter.outcome, "，".join((place.text, *place.areas)), text),
            elements=elements(facts, subject, place=place.text, zone=self._profile.zone),
            summary=summarise(said),
            place=place.decision,
        )

    def _unit(self, matter: str, place: str, text: str) -> Decision:
        by_rules = unit_for(matter, self._units, place=place, territory=self._territory())
        if any(reason.citation is not None for reason in by_rules.reasons):
            return by_rules
        known = {unit.id for unit in self._units}
        return self._learned.settle(DecisionKind.UNIT, text, by_rules, allowed=known)

    def _territory(self) -> Citation | None:
        """Return the article that puts territory before competence, if the regulation has one."""
        duty = self._profile.ruling(DUTY, "territory")
        return duty.citations[0] if duty is not None and "territory_first" in duty.value else None

    def _read_anew(self, text: str) -> _Reading:
        return _Reading(
            self._detector.look(text),
            count_words(text, (*self._categories, *self._matters)),
            read(text, self._gazetteer),
        )

    def _category(self, hits: Sequence[EmergencyHit], words: Counter[str]) -> Decision:
        citations = self._profile.category_citations
        urgent = classify_emergency(hits, self._categories, DecisionKind.CATEGORY, self._profile.emergency.citation)
        return (
            urgent if urgent.outcome else classify(words, self._categories, DecisionKind.CATEGORY, citations=citations)
        )

    def _matter(self, hits: Sequence[EmergencyHit], words: Counter[str]) -> Decision:
        urgent = classify_emergency(hits, self._matters, DecisionKind.MATTER, self._profile.emergency.citation)
        return urgent if urgent.outcome else classify(words, self._matters, DecisionKind.MATTER)

    def _subject(self, hits: Sequence[EmergencyHit], matter: Decision, words: Counter[str]) -> Iterable[str]:
        """The words that gave the matter away: those of the emergency, or else those of the lexicon."""
        yield from (hit.phrase for hit in hits)
        if not hits:
            for topic in self._matters:
                if topic.id == matter.outcome:
                    yield from evidence(topic, words)


def summarise(said: Sequence[str]) -> str:
    """Return the petitioner's own words, joined, without small talk and repetitions, at most 300 characters."""
    kept: list[str] = []
    for text in said:
        plain = text.rstrip("，。！？,.!? ")
        if not _SMALL_TALK.fullmatch(plain) and (not kept or plain != kept[-1]):
            kept.append(plain)
    summary = covered(normal("，".join(kept)))
    return summary if len(summary) <= SUMMARY_LIMIT else summary[: SUMMARY_LIMIT - 1] + "…"
