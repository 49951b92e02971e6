"""Finding Chinese text (全文检索): what a text is found by, what a question asks for, which answer comes first. Pure.

Chinese has no spaces, so a text is found by its pairs of neighbouring characters (二元组), which need no dictionary and
miss no new word; by whole words that somebody named (keywords, the lexicon's words), which are rarer and so weigh more;
and, for its title, keywords and questions, by how those pairs sound, since a recogniser writes names by ear.

Weights are those of BM25F (Robertson and Zaragoza 2009, 3.6). What a term weighs in a text does not depend on other
texts, so it is computed once, when the text is saved (`Indexer.impacts`); how rare a term is, when it is looked for.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from gateway.domain.knowledge import NOTICES, Content, Version

SATURATION = 1.2
"""BM25's k1: how soon saying it again adds nothing."""
LENGTH = 0.5
"""BM25's b: how much a longer field must say it more often."""
FIELDS = {"title": (3.0, 14), "questions": (2.0, 40), "keywords": (2.5, 12), "place": (1.5, 12), "body": (1.0, 300)}
"""Of each field its boost, and the terms that it has typically."""
BY_NAME = ("title", "questions", "keywords", "place")
"""The fields that are also found by sound and by single characters."""
SOUND = 0.35
"""What a pair that only sounds alike weighs, against the pair itself."""
SYNONYM = 0.6
WORD = 1.5
TOPIC = 0.8
"""What a ticket's matter or unit weighs beside the words."""
LONGEST_WORD = 8
LONGEST_QUESTION = 200
"""Characters of a question that are looked at, the last ones: what is said now matters more than the greeting."""
MOST_TERMS = 32
MOST_POSTINGS = 12_000
"""Entries of the index that one search reads at most, so that its time does not grow with what common terms it has."""
ENOUGH = 0.25
"""A hit needs this share of the best one's score."""
NOTICE_ENOUGH = 0.3
"""A notice needs this share to stand before all else."""

_RUN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+|[a-z0-9]+")
_FOLDED = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"), ("l", "n"), ("hu", "f"))
"""What is often not told apart by ear, and so not by us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLexicon:
    """What the search knows of the language: groups of words that mean the same, phrases that ask nothing.

    ``words`` are the words of three characters and more that texts are to be found by as a whole; ``sounds`` maps a
    character to its syllable without tone.
    """

    synonyms: tuple[tuple[str, ...], ...] = ()
    filler: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    sounds: Mapping[str, str] = field(default_factory=dict)


def normal(text: str) -> str:
    """Return *text* as it is compared: full-width forms and capitals folded (NFKC)."""
    return unicodedata.normalize("NFKC", text).casefold()


def pairs(text: str) -> Iterator[str]:
    """Yield the terms of a normal *text*: neighbouring characters, a lone character, a number or foreign word."""
    for match in _RUN.finditer(text):
        run = match[0]
        if run.isascii() or len(run) == 1:
            yield run
        else:
            yield from (run[at : at + 2] for at in range(len(run) - 1))


def by_matter(matter: str) -> str:
    """Return the term by which the articles of a matter are found."""
    return f"#{matter}"


def by_unit(unit: str) -> str:
    """Return the term by which the articles of a unit are found."""
    return f"@{unit}"


class Indexer:
    """Says what texts are found by, and what questions look for."""

    def __init__(self, lexicon: SearchLexicon) -> None:
        self._filler = sorted((normal(phrase) for phrase in lexicon.filler), key=len, reverse=True)
        self._synonyms = [tuple(normal(word) for word in group) for group in lexicon.synonyms]
        self._sound_of = {character: folded(syllable) for character, syllable in lexicon.sounds.items()}
        self._words = sorted(normal(word) for word in lexicon.words if len(word) > 2)

    def impacts(self, content: Content) -> dict[str, float]:
        """Return the terms that *content* is found by, each with its weight in it: above 0, below k1 + 1."""
        weights: Counter[str] = Counter()
        for name, (boost, typical) in FIELDS.items():
            found = Counter(self._field_terms(content, name))
            share = boost / (1 - LENGTH + LENGTH * found.total() / typical)
            for term, times in found.items():
                weights[term] += times * share  # type: ignore[assignment]  # Counter counts in floats as well
        for matter in content.matters:
            weights[by_matter(matter)] = 1
        weights[by_unit(content.unit)] = 1
        return {term: weight * (SATURATION + 1) / (weight + SATURATION) for term, weight in weights.items()}

    def question(self, words: str, *, matter: str = "", unit: str = "") -> Question:
        """Return what *words*, as typed or said, look for; *matter* and *unit* are what is known besides."""
        text = normal(words)[-LONGEST_QUESTION:]
        bare = self._without_filler(text)
        asked = bare if any(pairs(bare)) else text
        weights: dict[str, float] = dict.fromkeys(pairs(asked), 1.0)
        for word in _long_words(asked):
            weights.setdefault(word, WORD)
        for word in self._same_meaning(asked):
            for term in (*pairs(word), word):
                weights.setdefault(term, SYNONYM)
        for sound in self._sounds(asked):
            weights.setdefault(sound, SOUND)
        topics = [by_matter(matter)] * bool(matter) + [by_unit(unit)] * bool(unit)
        weights |= dict.fromkeys(topics, TOPIC)
        return Question(text=asked, weights=weights, topics=frozenset(topics), others=tuple(self._same_meaning(asked)))

    def ranked(self, question: Question, found: Iterable[tuple[Version, float]], limit: int) -> list[Hit]:
        """Return the hits worth showing: of what was *found*, with its score there, the best first, notices before all.

        Closeness to the title or to one of the questions raises a score; what only brushes against the question goes.
        A notice of the ticket's own matter or unit that shares its words is shown however well something else answers.
        """
        asked, sounds = set(pairs(question.text)), set(self._sounds(question.text))
        hits: list[Hit] = []
        pressing: set[str] = set()
        for version, score in found:
            content = version.content
            names = normal("\n".join((content.title, *content.questions, *content.keywords, content.place)))
            evidence = _found_in(question, f"{names}\n{normal(content.body)}")
            topical = len(question.topics & {by_unit(content.unit), *map(by_matter, content.matters)})
            sounding = len(sounds & set(self._sounds(names)))
            telling = _is_telling(question, evidence, names)
            if not (topical or sounding > 1 or telling):
                continue
            if topical and telling and content.kind in NOTICES:
                pressing.add(version.article_id)
            closeness = max(_alike(asked, set(pairs(normal(name)))) for name in (content.title, *content.questions))
            hits.append(Hit(version=version, score=score * (1 + closeness + 0.25 * topical), evidence=evidence))
        best = max((hit.score for hit in hits), default=0.0)

        def place(hit: Hit) -> tuple[bool, float, str]:
            name, is_notice = hit.version.article_id, hit.version.content.kind in NOTICES
            is_first = name in pressing or (is_notice and hit.score >= best * NOTICE_ENOUGH)
            return not is_first, -hit.score, name

        worth = (hit for hit in hits if hit.score >= best * ENOUGH or hit.version.article_id in pressing)
        return sorted(worth, key=place)[:limit]

    def _field_terms(self, content: Content, name: str) -> Iterator[str]:
        value = getattr(content, name)
        for text in map(normal, (value,) if isinstance(value, str) else value):
            yield from pairs(text)
            yield from (word for word in self._words if word in text)
            if name in BY_NAME:
                yield from (character for run in _RUN.findall(text) if not run.isascii() for character in run)
                yield from self._sounds(text)
            if name == "keywords" and len(text) > 2 and text not in self._words:
                yield text

    def _without_filler(self, text: str) -> str:
        for phrase in self._filler:
            text = text.replace(phrase, " ")
        return text

    def _same_meaning(self, text: str) -> Iterator[str]:
        for group in self._synonyms:
            if any(word in text for word in group):
                yield from (word for word in group if word not in text)

    def _sounds(self, text: str) -> Iterator[str]:
        for run in _RUN.findall(text):
            syllables = [self._sound_of.get(character, "") for character in run]
            yield from (f"~{first} {second}" for first, second in pairwise(syllables) if first and second)


def folded(syllable: str) -> str:
    """Return *syllable* with the differences gone that many do not speak or hear: zh/z, l/n, hu/f, -ng/-n."""
    for one, other in _FOLDED:
        if one == "ng":
            syllable = re.sub("ng$", other, syllable)
        elif syllable.startswith(one):
            syllable = other + syllable.removeprefix(one)
    return syllable


def _long_words(text: str) -> Iterator[str]:
    """Yield every stretch that might be a whole word that somebody named."""
    for run in _RUN.findall(text):
        for length in range(3, min(LONGEST_WORD, len(run)) + 1):
            yield from (run[at : at + length] for at in range(len(run) - length + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is looked for: the text left to ask, its terms with their weights, and words of the same meaning."""

    text: str
    weights: Mapping[str, float]
    topics: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()

    def weigh(self, frequencies: Mapping[str, int], total: int) -> dict[str, float]:
        """Return the terms worth reading, with what each is worth; *frequencies* says in how many of *total* each is.

        The best come first, and as many as `MOST_TERMS` and `MOST_POSTINGS` allow.
        """
        known = {
            term: weight * math.log(1 + (total - frequencies[term] + 0.5) / (frequencies[term] + 0.5))
            for term, weight in self.weights.items()
            if frequencies.get(term)
        }
        chosen: dict[str, float] = {}
        postings = 0
        for term in sorted(known, key=lambda term: (-known[term], term)):
            postings += frequencies[term]
            if chosen and (len(chosen) == MOST_TERMS or postings > MOST_POSTINGS):
                break
            chosen[term] = known[term]
        return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An article that was found: its published version, how well it fits, and the words that it was found by."""

    version: Version
    score: float
    evidence: tuple[str, ...]


def _is_telling(question: Question, evidence: tuple[str, ...], names: str) -> bool:
    """Say whether *evidence* is more than a pair that any text may have: longer, several, in a name, or all asked."""
    pieces = "".join(evidence)
    return len(pieces) > 2 or pieces == question.text.strip() or any(word in names for word in evidence)


def _found_in(question: Question, haystack: str) -> tuple[str, ...]:
    """Return the longest stretches of the question that *haystack* has, and its words of the same meaning."""
    found: dict[str, None] = {}
    for run in _RUN.findall(question.text):
        at = 0
        while at < len(run):
            end = len(run) if run.isascii() else _reach(run, at, haystack)
            if run[at:end] in haystack and (end - at > 1 or len(run) == 1):
                found[run[at:end]] = None
            at = max(at + 1, end)
    return (*found, *(word for word in question.others if word in haystack))


def _reach(run: str, at: int, haystack: str) -> int:
    """Return where the longest stretch of *run* from *at* that *haystack* has ends."""
    end = at + 1
    while end < len(run) and run[at : end + 1] in haystack:
        end += 1
    return end


def _alike(one: set[str], other: set[str]) -> float:
    """Return how alike two sets of terms are (Dice), from 0 to 1."""
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 0.0
