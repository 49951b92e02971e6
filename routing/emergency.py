"""Emergency detection (紧急情况识别) on text that is still being spoken.

`Detector` looks at one text; `Watch` follows a call and says which suspicions are new and which have fallen.
What is an emergency, and which words around it take that back, stands in ``config/lexicons/emergency.toml``;
here is only how phrases, contexts and audio positions meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain

from gateway.domain.call import LegId, Role
from gateway.domain.emergency import EmergencyHit, EmergencyLine
from gateway.domain.transcript import Utterance, Word
from routing.emergency_sounds import Ear, Reading, words_of
from routing.lexicon import Context, EmergencyEntry, EmergencyLexicon, Scope, Side
from routing.pattern import PUNCTUATION, PatternError, compile_pattern
from routing.sieve import Sieve

_STOPS = {Scope.CLAUSE: PUNCTUATION, Scope.SENTENCE: "。！？!?\n", Scope.TEXT: ""}
_NARROW = {ord("０") + digit: str(digit) for digit in range(10)}
_NAMES = re.compile(r"\{(\w+)\}")
_BLANK = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class _Context:
    """A context ready to be looked for."""

    id: str
    side: Side
    stops: str
    within: int
    phrases: re.Pattern[str]
    is_bound: bool
    """Whether a phrase of this context says where the other begins, which no look at the whole text can tell."""
    but: re.Pattern[str] | None
    lifted: re.Pattern[str] | None

    def may_stand(self, text: str) -> bool:
        """Tell whether this context stands anywhere in *text*, wherever the phrase is."""
        return self.is_bound or self.phrases.search(text) is not None

    def holds(self, text: str, start: int, end: int) -> bool:
        """Tell whether this context stands near the phrase at text[start:end]."""
        if not self._stands(text, start, end):
            return False
        return self.lifted is None or not self.lifted.search(text)

    def _stands(self, text: str, start: int, end: int) -> bool:
        if self.side is not Side.AFTER:
            begin = max((text.rfind(stop, 0, start) + 1 for stop in self.stops), default=0)
            for match in self.phrases.finditer(text, begin, start):
                if start - match.end() <= self.within and not self._lifted(text, begin, match.start(), start):
                    return True
        if self.side is not Side.BEFORE:
            finish = min((at for stop in self.stops if (at := text.find(stop, end)) >= 0), default=len(text))
            for match in self.phrases.finditer(text, end, finish):
                if match.start() - end <= self.within and not self._lifted(text, end, end, match.end(), finish):
                    return True
        return False

    def _lifted(self, text: str, begin: int, low: int, high: int, finish: int | None = None) -> bool:
        """Tell whether a ``but`` phrase within text[begin:finish] overlaps text[low:high]."""
        if self.but is None:
            return False
        found = self.but.finditer(text, begin, high if finish is None else finish)
        return any(match.end() > low and match.start() < high for match in found)


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """A lexicon entry ready to be looked for."""

    entry: EmergencyEntry
    unless: tuple[_Context, ...]
    needs: tuple[_Context, ...]

    def find(
        self, phrases: Sequence[re.Pattern[str]], text: str, hidden: Sequence[tuple[int, int]], near: Set[str]
    ) -> tuple[int, int] | None:
        """Return where one of this entry's *phrases* first stands with all its conditions met.

        *near* are the contexts that can stand in *text* at all.
        """
        for start, end in _in_order(phrases, text):
            if any(start < high and low < end for low, high in hidden):
                continue
            if self.needs and not any(each.id in near and each.holds(text, start, end) for each in self.needs):
                continue
            if not any(each.id in near and each.holds(text, start, end) for each in self.unless):
                return start, end
        return None


SHORTEST_BY_SOUND = 3
"""Characters of a phrase known by its sound, unless one of `_DONE` follows: 转人工 is not 撞人, 着伙了 is 着火了."""
_DONE = ("了", "啦", "着")


class Detector:
    """Finds the emergencies that a text speaks of; raises `PatternError` on a malformed lexicon."""

    def __init__(self, lexicon: EmergencyLexicon) -> None:
        self._contexts = contexts = {name: _ready(context, lexicon) for name, context in lexicon.contexts.items()}
        try:
            self._entries = tuple(
                _Entry(
                    entry,
                    tuple(contexts[name] for name in entry.unless),
                    tuple(contexts[name] for name in entry.needs),
                )
                for entry in lexicon.entries
            )
        except KeyError as error:
            raise PatternError(f"there is no context {error.args[0]!r}") from None
        self._harmless = compile_pattern(lexicon.harmless, lexicon.sets) if lexicon.harmless else None
        phrases = [(entry, phrase) for entry in self._entries for phrase in entry.entry.phrases]
        self._phrases = [
            (entry, compile_pattern([phrase], lexicon.sets, lexicon.gap_stops)) for entry, phrase in phrases
        ]
        self._sieve = Sieve([phrase for _, phrase in phrases], lexicon.sets)
        self._characters = [
            frozenset(phrase).union(*(member for name in _NAMES.findall(phrase) for member in lexicon.sets[name]))
            for _, phrase in phrases
        ]
        self._order = {entry.id: at for at, entry in enumerate(lexicon.entries)}
        self._entry_of = {entry.id: entry for entry in lexicon.entries}
        self._ear = _ear(lexicon)
        self._context_at = [(name, phrase) for name, each in lexicon.contexts.items() for phrase in each.phrases]
        self._context_sieve = Sieve([phrase for _, phrase in self._context_at], lexicon.sets)

    def look(self, text: str, words: Sequence[Word] = (), *, final: bool = True) -> tuple[EmergencyHit, ...]:
        """Return at most one hit for each entry, in the lexicon's order.

        *words* place the hits in the audio; without them, as for written text, hits carry no times. With *final*
        False the text may still grow, and entries that wait for the end of the utterance stay silent.
        """
        plain = _BLANK.sub("", text).translate(_NARROW)
        found = self._find(plain, final=final)
        hits = {entry.id: _hit(entry, plain, span, words) for entry, span in found}
        if (reading := self._ear.heard(plain)) is not None:
            for entry, span in self._find(reading.text, final=final, spelled_with=reading.changed):
                cost = reading.cost(*span)
                if (cost and _is_telling(reading.text, *span)) or (entry.needs and not cost):
                    hits.setdefault(entry.id, _misheard(entry, plain, reading, span, words))
        told = [rule for rule in hits if not self._entry_of[rule].alone] or hits
        return tuple(hits[rule] for rule in sorted(told, key=self._order.__getitem__))

    def _near(self, plain: str) -> frozenset[str]:
        """Return the ids of the contexts that can stand somewhere in *plain*."""
        possible = {self._context_at[index][0] for index in self._context_sieve.possible(plain)}
        return frozenset(name for name in possible if self._contexts[name].may_stand(plain))

    def _find(
        self, plain: str, *, final: bool, spelled_with: frozenset[str] | None = None
    ) -> list[tuple[EmergencyEntry, tuple[int, int]]]:
        """Return which entries stand in *plain*, and where; only phrases with one of the characters *spelled_with*."""
        possible: dict[_Entry, list[re.Pattern[str]]] = {}
        for index in self._sieve.possible(plain):
            if spelled_with is not None and spelled_with.isdisjoint(self._characters[index]):
                continue
            entry, phrase = self._phrases[index]
            possible.setdefault(entry, []).append(phrase)
        if not possible:
            return []
        hidden = [match.span() for match in self._harmless.finditer(plain)] if self._harmless else []
        near = self._near(plain)
        return [
            (entry.entry, span)
            for entry, phrases in possible.items()
            if (final or not entry.entry.settled) and (span := entry.find(phrases, plain, hidden, near))
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one utterance changed: suspicions that are new, and those that its final words took back."""

    raised: tuple[EmergencyHit, ...] = ()
    withdrawn: tuple[EmergencyHit, ...] = ()


@dataclass(slots=True)
class Watch:
    """The suspicions of one call.

    Only the citizen's words raise one. A hit on a partial stands at least until the final of its stretch: words that
    flicker do not. Each (line, rule) is raised once as long as it stands; taken back, it may be raised again.
    """

    detector: Detector
    _hits: dict[tuple[EmergencyLine, str], EmergencyHit] = field(default_factory=dict)
    _stretches: dict[tuple[EmergencyLine, str], set[tuple[LegId, int]]] = field(default_factory=dict)

    @property
    def standing(self) -> tuple[EmergencyHit, ...]:
        """The hits that have not been taken back, oldest first."""
        return tuple(self._hits.values())

    def hear(self, role: Role, utterance: Utterance) -> Heard:
        """Take the next utterance of a leg, partial or final, and return what it changed."""
        if role is not Role.CITIZEN:
            return Heard()
        stretch = (utterance.leg_id, utterance.number)
        seen = self.detector.look(utterance.text, utterance.words, final=utterance.is_final)
        hits = {(hit.line, hit.rule): hit for hit in seen}
        raised = tuple(hit for key, hit in hits.items() if key not in self._hits)
        for key, hit in hits.items():
            self._hits.setdefault(key, hit)
            self._stretches.setdefault(key, set()).add(stretch)
        withdrawn = tuple(self._contradicted(stretch, hits)) if utterance.is_final else ()
        return Heard(raised=raised, withdrawn=withdrawn)

    def _contradicted(
        self, stretch: tuple[LegId, int], hits: dict[tuple[EmergencyLine, str], EmergencyHit]
    ) -> Iterator[EmergencyHit]:
        for key in [key for key, stretches in self._stretches.items() if stretch in stretches and key not in hits]:
            self._stretches[key].discard(stretch)
            if not self._stretches[key]:
                del self._stretches[key]
                yield self._hits.pop(key)


def _is_telling(text: str, start: int, end: int) -> bool:
    """Say whether text[start:end] is enough to be known by its sound alone."""
    return end - start >= SHORTEST_BY_SOUND or text.startswith(_DONE, end)


def _in_order(phrases: Sequence[re.Pattern[str]], text: str) -> Iterator[tuple[int, int]]:
    """Yield where the phrases stand, leftmost first; of those that begin at one place the earlier phrase first."""
    at = 0
    while found := [match for phrase in phrases if (match := phrase.search(text, at))]:
        first = min(found, key=lambda match: match.start())
        yield from dict.fromkeys(match.span() for match in found if match.start() == first.start())
        at = max(first.end(), first.start() + 1)


def _ready(context: Context, lexicon: EmergencyLexicon) -> _Context:
    return _Context(
        context.id,
        context.side,
        _STOPS[context.scope],
        context.within,
        compile_pattern(context.phrases, lexicon.sets),
        any("$" in phrase for phrase in context.phrases),
        compile_pattern(context.but, lexicon.sets) if context.but else None,
        compile_pattern(context.lifted, lexicon.sets) if context.lifted else None,
    )


def _hit(entry: EmergencyEntry, text: str, span: tuple[int, int], words: Sequence[Word]) -> EmergencyHit:
    start, end = _place(text, span, words)
    return EmergencyHit(line=entry.line, phrase=text[slice(*span)], rule=entry.id, start=start, end=end)


def _misheard(
    entry: EmergencyEntry, text: str, reading: Reading, span: tuple[int, int], words: Sequence[Word]
) -> EmergencyHit:
    written = reading.written(*span)
    return replace(
        _hit(entry, text, written, words),
        meant=reading.text[slice(*span)],
        weight=round(max(1 - reading.cost(*span), 0.0), 2),
    )


@lru_cache(maxsize=4)
def _ear(lexicon: EmergencyLexicon) -> Ear:
    """Return the ear of *lexicon*, which all detectors of it share."""
    return Ear(_vocabulary(lexicon), lexicon.sounds)


def _vocabulary(lexicon: EmergencyLexicon) -> frozenset[str]:
    """Return every word that *lexicon* is made of."""
    contexts = lexicon.contexts.values()
    phrases = [
        *(phrase for entry in lexicon.entries for phrase in entry.phrases),
        *(phrase for context in contexts for phrase in (*context.phrases, *context.but, *context.lifted)),
        *lexicon.harmless,
        *(member for members in lexicon.sets.values() for member in members),
    ]
    return words_of(phrases, lexicon.sets)


def _place(text: str, span: tuple[int, int], words: Sequence[Word]) -> tuple[float | None, float | None]:
    """Return when text[slice(*span)] was said, in seconds of the call.

    Where the words do not spell the text, the whole stretch is the honest answer.
    """
    if not words:
        return None, None
    owners = list(chain.from_iterable([word] * len(_BLANK.sub("", word.text)) for word in words))
    if len(owners) != len(text):
        return words[0].start, words[-1].end
    return owners[span[0]].start, owners[span[1] - 1].end
