"""The toy language of the demo model (``grammar.toml``): its sentences, and the words it knows."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path

from asr.training.pronunciation import is_pronounceable

Sentence = list[str]

_GRAMMAR = tomllib.loads(Path(__file__).with_name("grammar.toml").read_text(encoding="utf-8"))
_SLOTS: dict[str, list[str]] = {f"{{{name}}}": words.split() for name, words in _GRAMMAR["slots"].items()}
_WEIGHTED = [sentence.split(": ") for sentence in _GRAMMAR["sentences"]]
_PATTERNS = [words.split() for _, words in _WEIGHTED]
_WEIGHTS = [int(weight) for weight, _ in _WEIGHTED]

UNSEEN: list[Sentence] = [line.split() for line in _GRAMMAR["unseen"].splitlines()]
"""Sentences for measurements; nothing is trained on them."""


def sentence(rng: random.Random) -> Sentence:
    """Return a sentence of the language."""
    (pattern,) = rng.choices(_PATTERNS, _WEIGHTS)
    return [rng.choice(_SLOTS[word]) if word in _SLOTS else word for word in pattern]


def own_words() -> set[str]:
    """Return every word that the language uses."""
    words = {word for slot in _SLOTS.values() for word in slot}
    words.update(word for pattern in _PATTERNS for word in pattern if word not in _SLOTS)
    words.update(_GRAMMAR["words"].split(), *UNSEEN)
    return words


def vocabulary(size: int) -> list[str]:
    """Return the language's words, filled up to *size* with the most frequent ones of jieba's dictionary."""
    words = own_words()
    for word, _ in common_words(longest=3):
        if len(words) >= size:
            break
        words.add(word)
    return sorted(words)


def common_words(*, longest: int) -> Iterator[tuple[str, int]]:
    """Yield jieba's words of 2 to *longest* characters with their counts, the most frequent first."""
    import jieba  # type: ignore[import-not-found, import-untyped, unused-ignore]

    entries = []
    for line in Path(jieba.__file__).with_name("dict.txt").read_text(encoding="utf-8").splitlines():
        word, times, _ = line.split()
        if 2 <= len(word) <= longest and all("一" <= character <= "鿿" for character in word):
            entries.append((int(times), word))
    for count, word in sorted(entries, reverse=True):
        if is_pronounceable(word):
            yield word, count
