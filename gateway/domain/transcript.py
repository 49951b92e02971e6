"""What was said in a call (转写): words with times, utterances of a leg, gaps.

All times are seconds of the call: 0.0 is the instant the citizen's leg was answered, which is
also sample 0 of every recording of the call.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.call import LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One recognised word with its place in the audio, in seconds of the call."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """A stretch of one leg's speech as the recogniser understood it.

    ``is_final`` is False while the words may still change. Partials of one stretch share
    ``number``, which counts the stretches of the leg from 0; the final one replaces them.
    ``text`` carries no blanks between Chinese words. A final one without text takes back what was thought to be heard.
    """

    leg_id: LegId
    number: int
    text: str
    start: float
    end: float
    is_final: bool
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch of a leg that no recogniser heard (转写中断), and why."""

    leg_id: LegId
    start: float
    end: float
    reason: str
