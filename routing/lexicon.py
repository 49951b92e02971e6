"""The lexicons as values: what the rule files under ``config/lexicons`` hold once loaded.

A lexicon knows words, never a decision about what to do. Every entry has an id that reasons quote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from gateway.domain.emergency import EmergencyLine
from routing.sounds import Sounds


class Side(Enum):
    """On which side of a phrase a context has to stand."""

    BEFORE = "before"
    AFTER = "after"
    AROUND = "around"


class Scope(Enum):
    """How far a context reaches: over commas, over full stops, or neither."""

    CLAUSE = "clause"
    SENTENCE = "sentence"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Words near a phrase that change what it means, such as a negation before it.

    ``within`` is how many characters may stand between the two. A match of ``but`` that overlaps the context or
    stands between it and the phrase lifts the context again: 去年着过火，今天又着火了. So does a match of ``lifted``
    anywhere in the text: 医保能报吗 is a question, 人叫不醒了医保能报吗 is not one that may wait.
    """

    id: str
    side: Side
    scope: Scope
    within: int
    phrases: tuple[str, ...]
    but: tuple[str, ...] = ()
    lifted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyEntry:
    """Phrases that make an emergency of ``line`` likely.

    The contexts of ``unless`` take the likelihood away; one of ``needs``, where given, must be there. ``settled``
    entries wait for the final utterance. ``alone`` entries, a bare cry for help, count only where no other entry does.
    """

    id: str
    line: EmergencyLine
    phrases: tuple[str, ...]
    unless: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    settled: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmergencyLexicon:
    """All that `routing.emergency` knows. ``harmless`` phrases (消防通道, 火锅) hide the characters they cover.

    No gap in the phrases of an entry leaps over a character of ``gap_stops``. By ``sounds`` phrases are found that a
    recogniser wrote with other characters.
    """

    entries: tuple[EmergencyEntry, ...]
    contexts: Mapping[str, Context] = field(default_factory=dict)
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    harmless: tuple[str, ...] = ()
    gap_stops: str = ""
    sounds: Sounds = field(default_factory=Sounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A category or a matter: its id, its Chinese name, and literal words with the weight each lends it.

    A standing emergency of one of ``lines`` makes this topic certain.
    """

    id: str
    name: str
    words: Mapping[str, float]
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicons:
    """Everything routing knows of the language."""

    emergency: EmergencyLexicon
    categories: tuple[Topic, ...]
    matters: tuple[Topic, ...]
