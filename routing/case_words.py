"""What a case is found by (案件检索词): the words it says, the words of a question, and the terms of both. Pure.

The terms are those of the knowledge base (`routing.search.pairs`), so one way of cutting Chinese serves both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import astuple

from gateway.domain.case import Case
from gateway.domain.ticket import Elements
from routing.search import normal, pairs

LONGEST = 4000
"""Characters of a case that it is found by."""
MOST_WORDS = 12
"""Words of a question that are looked at."""

_WORD = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffffa-z0-9]+")


def words_of(case: Case, summary: str, elements: Elements, result: object) -> str:
    """Return what a case says, as it is compared; *result* is what the unit reported, if that is words."""
    reported = result if isinstance(result, str) else ""
    said = (case.id, case.petitioner, case.matter, summary, *astuple(elements), reported)
    return normal("\n".join(dict.fromkeys(text for text in said if text)))[:LONGEST]


def asked_words(text: str) -> tuple[str, ...]:
    """Return the words of a question, as they are compared: what stands between spaces and signs."""
    return tuple(dict.fromkeys(_WORD.findall(normal(text))))[:MOST_WORDS]


def terms_of(words: Iterable[str]) -> set[str]:
    """Return the terms that *words* are found by; a lone Chinese character is none, every pair has two."""
    return {term for word in words for term in pairs(word) if len(term) > 1 or term.isascii()}
