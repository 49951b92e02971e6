"""Emergencies that a recogniser wrote with the wrong characters (同音误识): 找火了 for 着火了.

`Ear` knows the words of a lexicon by their sound. Where a text sounds like one of them and is written otherwise, it
offers the text as it was probably said, with what that reading costs. Contexts are among the words too, so a
消防同道 is heard as the 消防通道 that it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from routing.pattern import alternatives, closing
from routing.sounds import Sounds

SAME_SOUND, NEAR_SOUND, LOST_SOUND, SAID_TWICE = 0.1, 0.2, 0.25, 0.05
"""What a character costs that is written with another of the same sound, with one that is mixed up with it, that is
missing, or that stands twice."""

_SHORTEST, _LONGEST = 2, 6
_LOSES_ONE_FROM = 5
"""Words of this length are known with one of their inner characters missing."""
_MOST = 100
"""Spellings of one phrase that are made before it is taken apart."""
_MARKS = 0xE000
"""Where the characters begin that stand for sounds: those for private use."""
_GAP = "\0"
_PARTICLES = "的了得是我他她你们就都也有里"
"""Characters that are in every sentence: a word of two with one of them says too little to be heard in others."""
_WORD = re.compile(f"(?![\u4e00-\u9fff]?[{_PARTICLES}].?$)[\u4e00-\u9fff]{{{_SHORTEST},{_LONGEST}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text as it was probably said. ``places`` says of each character where in the written text it stands."""

    text: str
    places: tuple[tuple[int, int], ...]
    costs: tuple[float, ...]

    def written(self, start: int, end: int) -> tuple[int, int]:
        """Return where text[start:end] of this reading stands in the written text."""
        return self.places[start][0], self.places[end - 1][1]

    @property
    def changed(self) -> frozenset[str]:
        """The characters that are not as they were written."""
        return frozenset(char for char, cost in zip(self.text, self.costs, strict=True) if cost)

    def cost(self, start: int, end: int) -> float:
        """Return what text[start:end] of this reading costs."""
        return sum(self.costs[start:end])


@dataclass(frozen=True, slots=True)
class _Guess:
    start: int
    end: int
    word: str
    cost: float

    @property
    def worth(self) -> float:
        return len(self.word) - 9 * self.cost


class Ear:
    """Hears *words* in texts that are written otherwise, by what *sounds* knows."""

    def __init__(self, words: Iterable[str], sounds: Sounds) -> None:
        self._sounds = sounds
        self._words = frozenset(words)
        self._known = self._words | sounds.ordinary
        marks = {
            fold: chr(_MARKS + at) for at, fold in enumerate({f: None for fs in sounds.folds.values() for f in fs})
        }
        self._marks = {char: tuple(marks[fold] for fold in folds) for char, folds in sounds.folds.items()}
        self._sounding: set[str] = set()
        self._first_mark = {ord(char): every[0] for char, every in self._marks.items()}
        self._by_sound: dict[str, list[str]] = {}
        self._shortened: dict[str, str] = {}
        for word in sorted(self._words):
            for sound in product(*(self._marks.get(char, (char,)) for char in word)):
                self._by_sound.setdefault("".join(sound), []).append(word)
            if len(word) >= _LOSES_ONE_FROM:
                for at in range(1, len(word) - 1):
                    self._shortened.setdefault(word[:at] + word[at + 1 :], word)

        self._sounding.update(self._by_sound)
        self._sounding.update(word.translate(self._first_mark) for word in (*self._known, *self._shortened))

    def heard(self, text: str) -> Reading | None:
        """Return *text* as it was probably said; None where that is what is written."""
        chars, places, costs = self._said_once(text)
        chosen = self._best("".join(chars))
        if not chosen and len(chars) == len(text):
            return None
        out: list[str] = []
        where: list[tuple[int, int]] = []
        price: list[float] = []
        at = 0
        for guess in chosen:
            out += chars[at : guess.start]
            where += places[at : guess.start]
            price += costs[at : guess.start]
            whole = (places[guess.start][0], places[guess.end - 1][1])
            aligned = len(guess.word) == guess.end - guess.start
            out += guess.word
            where += places[guess.start : guess.end] if aligned else [whole] * len(guess.word)
            price += [guess.cost / len(guess.word)] * len(guess.word)
            at = guess.end
        return Reading(
            text="".join((*out, *chars[at:])),
            places=(*where, *places[at:]),
            costs=(*price, *costs[at:]),
        )

    def _said_once(self, text: str) -> tuple[list[str], list[tuple[int, int]], list[float]]:
        """Return the characters with those left out that stand twice for no reason, their places, and the costs."""
        chars: list[str] = []
        places: list[tuple[int, int]] = []
        costs: list[float] = []
        for at, char in enumerate(text):
            if chars and chars[-1] == char and self._stutters(char):
                places[-1] = (places[-1][0], at + 1)
                costs[-1] = SAID_TWICE
                continue
            chars.append(char)
            places.append((at, at + 1))
            costs.append(0.0)
        return chars, places, costs

    def _stutters(self, char: str) -> bool:
        """Tell whether *char* stands twice for no reason: 妈妈 is a word, 着着 is none."""
        return char in self._sounds.readings and char * 2 not in self._known

    def _best(self, text: str) -> list[_Guess]:
        """Return guesses that don't overlap, in order; words that are written as they are keep their characters."""
        sound = text.translate(self._first_mark)
        found = []
        for start in range(len(text) - _SHORTEST + 1):
            for end in range(start + _SHORTEST, min(start + _LONGEST, len(text)) + 1):
                if sound[start:end] in self._sounding and (guess := self._guess(text, sound, start, end)) is not None:
                    found.append(guess)
        taken = [False] * len(text)
        chosen: list[_Guess] = []
        for guess in sorted(found, key=lambda guess: (-guess.worth, guess.start)):
            if not any(taken[guess.start : guess.end]):
                taken[guess.start : guess.end] = [True] * (guess.end - guess.start)
                if guess.cost:
                    chosen.append(guess)
        return sorted(chosen, key=lambda guess: guess.start)

    def _guess(self, text: str, sound: str, start: int, end: int) -> _Guess | None:
        """Return what text[start:end] is most likely instead: itself if it is a word."""
        written = text[start:end]
        if written in self._known:
            return _Guess(start, end, written, 0.0)
        likely = [
            (cost, word)
            for word in self._by_sound.get(sound[start:end], ())
            if (cost := self._cost(written, word)) is not None
        ]
        if likely:
            cost, word = min(likely)
            return _Guess(start, end, word, cost)
        whole = self._shortened.get(written)
        return _Guess(start, end, whole, LOST_SOUND) if whole is not None else None

    def _cost(self, written: str, word: str) -> float | None:
        """Return what it costs to take *written* for *word*; None if too little of it is there."""
        differing = [(one, other) for one, other in zip(written, word, strict=True) if one != other]
        if 2 * len(differing) > len(word):
            return None
        if len(word) == _SHORTEST and differing and differing[0][0] in _PARTICLES:
            return None
        return sum(SAME_SOUND if self._sounds.alike(one, other) else NEAR_SOUND for one, other in differing)


def words_of(phrases: Iterable[str], sets: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Return the words that *phrases* (see `routing.pattern`) are made of, as far as they leave no choice."""
    return frozenset(
        piece
        for phrase in phrases
        for spelled in _spelled(phrase, sets)
        for piece in spelled.split(_GAP)
        if _WORD.fullmatch(piece)
    )


def _spelled(phrase: str, sets: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield the spellings of *phrase*; where there are too many, of its parts."""
    texts, at = [""], 0
    while at < len(phrase):
        start, char = at, phrase[at]
        at += 1
        choice: Sequence[str] = (char,)
        if char == "(":
            at = closing(phrase, start) + 1
            choice = [
                text
                for each in alternatives(phrase[start + 1 : at - 1])
                for text in (_spelled(each, sets) if each else [""])
            ]
        elif char == "{":
            at = phrase.index("}", start) + 1
            choice = sets[phrase[start + 1 : at - 1]]
        elif char in "~$":
            choice = (_GAP,)
        if phrase[at : at + 1] == "?":
            at += 1
            choice = (*choice, "")
        if len(texts) * len(choice) > _MOST:
            yield from texts
            texts = list(choice)
        else:
            texts = [text + each for text in texts for each in choice]
    yield from texts
