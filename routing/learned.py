"""What a city's own history has taught: linear models over character n-grams, which predict and say why.

A text is normalised (`normal`), cut into runs of one to three characters, weighed by tf-idf (1 + ln of the count,
times the inverse document frequency, to length 1) and multiplied with one column of weights per label; a softmax with
one fitted temperature turns the scores into calibrated probabilities (C. Guo et al., "On Calibration of Modern Neural
Networks", ICML 2017). Only numpy is needed. `routing.training` makes the models, `config.models` keeps them.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gateway.domain.decision import Decision, DecisionKind, Reason

Weights: TypeAlias = npt.NDArray[np.float32]

LONGEST_GRAM = 3
THRESHOLD = 0.7
"""From this calibrated probability on a model decides, unless the settings say otherwise."""
READ_AT_MOST = 1000
"""Characters of a text that are read; what the matter is stands at the beginning."""
_EVIDENCE = 3
_LOUDEST = 24
"""So many n-grams are looked at for evidence."""
_AUDIBLE = 0.4
"""Of how loud the loudest character is, so much makes another one part of the evidence."""
_REMEMBERED = 16
"""Texts whose n-grams are kept: the models of all tasks ask for the same one."""
_NOT_WORDS = re.compile(r"[\W\d_]+")


@lru_cache(maxsize=_REMEMBERED)
def normal(text: str) -> str:
    """Return *text* as the models read it: NFKC, lower case, without digits, spaces and punctuation.

    Two texts of one normal form are the same text: templates that differ in a date or a house number are.
    """
    return _NOT_WORDS.sub("", unicodedata.normalize("NFKC", text[:READ_AT_MOST]).lower())


@lru_cache(maxsize=_REMEMBERED)
def grams(normalised: str) -> Mapping[str, int]:
    """Return how often each run of 1 to `LONGEST_GRAM` characters stands in a normalised text."""
    runs = list(normalised)
    for length in range(2, LONGEST_GRAM + 1):
        runs += [normalised[at : at + length] for at in range(len(normalised) - length + 1)]
    return Counter(runs)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The n-grams a model knows; ``rarity`` is their inverse document frequency, of the same order."""

    grams: tuple[str, ...]
    rarity: Weights
    _places: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", {gram: at for at, gram in enumerate(self.grams)})

    def weigh(self, normalised: str) -> tuple[npt.NDArray[np.int32], Weights]:
        """Return the places of the known n-grams of a normalised text and their weights, together of length 1."""
        counted, place = grams(normalised), self._places.get
        known = {at: count for gram, count in counted.items() if (at := place(gram)) is not None}
        places = np.fromiter(known.keys(), np.int32, len(known))
        counts = np.fromiter(known.values(), np.float32, len(known))
        weights: Weights = ((1.0 + np.log(counts)) * self.rarity[places]).astype(np.float32)
        length = np.linalg.norm(weights)
        return places, (weights / length).astype(np.float32) if known else weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A model's best label with its calibrated probability, the next best, and the words that spoke for the best."""

    label: str
    probability: float
    runner_up: str
    runner_up_probability: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearModel:
    """One task's model. ``weights`` has a row per n-gram and a column per label; ``bias`` a number per label.

    Scores are divided by ``temperature`` before the softmax.
    """

    version: str
    labels: tuple[str, ...]
    vocabulary: Vocabulary
    weights: Weights
    bias: Weights
    temperature: float

    def guess(self, text: str) -> Guess | None:
        """Return what *text* most probably is; None when it holds nothing that the model knows."""
        normalised = normal(text)
        places, weights = self.vocabulary.weigh(normalised)
        if not places.size:
            return None
        rows = self.weights[places]
        probabilities = softmax((weights @ rows + self.bias) / np.float32(self.temperature))
        order = np.argsort(-probabilities, kind="stable")
        best, second = int(order[0]), int(order[1])
        spoke = weights * (rows[:, best] - rows.mean(axis=1))
        loudness = {self.vocabulary.grams[places[at]]: float(spoke[at]) for at in np.argsort(-spoke)[:_LOUDEST]}
        return Guess(
            label=self.labels[best],
            probability=float(probabilities[best]),
            runner_up=self.labels[second],
            runner_up_probability=float(probabilities[second]),
            evidence=_words_that_spoke(normalised, loudness),
        )


def softmax(scores: Weights) -> Weights:
    """Return the probabilities that *scores* stand for, along the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """The models in use, by what they decide; none of them is how a new city begins."""

    models: Mapping[DecisionKind, LinearModel] = field(default_factory=dict)
    threshold: float = THRESHOLD

    def settle(
        self, kind: DecisionKind, text: str, by_rules: Decision, *, allowed: Collection[str] | None = None
    ) -> Decision:
        """Return the model's decision where it is sure enough, else *by_rules*; what the other said is a reason, too.

        Only labels among *allowed* can be decided, None allows all. Without a model *by_rules* comes back as it is.
        """
        model = self.models.get(kind)
        guess = model.guess(text) if model is not None else None
        if model is None or guess is None:
            return by_rules
        reason = Reason(rule=f"learned.{model.version}.{guess.label}", evidence=_words(guess))
        is_sure = guess.probability >= self.threshold and (allowed is None or guess.label in allowed)
        if is_sure:
            return Decision(kind=kind, outcome=guess.label, reasons=(reason, *by_rules.reasons))
        return Decision(kind=kind, outcome=by_rules.outcome, reasons=(*by_rules.reasons, reason))


def _words(guess: Guess) -> str:
    spoke = f"（{'、'.join(guess.evidence)}）" if guess.evidence else ""
    return f"{guess.probability:.2f}{spoke}，其次 {guess.runner_up} {guess.runner_up_probability:.2f}"


def _words_that_spoke(normalised: str, loudness: Mapping[str, float]) -> tuple[str, ...]:
    """Return the stretches of a text whose n-grams spoke most, the loudest first; *loudness* by n-gram."""
    by_character = [0.0] * len(normalised)
    for gram, loud in loudness.items():
        if loud <= 0:
            continue
        at = normalised.find(gram)
        while at >= 0:
            for place in range(at, at + len(gram)):
                by_character[place] += loud
            at = normalised.find(gram, at + 1)
    audible = max(by_character) * _AUDIBLE
    runs: dict[str, float] = {}
    for is_audible, run in groupby(range(len(normalised)), key=lambda at: by_character[at] > audible > 0):
        if is_audible:
            places = list(run)
            runs[normalised[places[0] : places[-1] + 1]] = sum(by_character[at] for at in places)
    return tuple(sorted(runs, key=lambda words: (-runs[words], words))[:_EVIDENCE])


def vocabulary_of(texts: Sequence[str], *, least: int, most: int) -> Vocabulary:
    """Return the n-grams that stand in at least *least* of the normalised *texts*, at most the *most* frequent ones."""
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(grams(text).keys())
    kept = sorted((gram for gram, count in seen.items() if count >= least), key=lambda gram: (-seen[gram], gram))
    known = tuple(sorted(kept[:most]))
    rarity = np.array([math.log((1 + len(texts)) / (1 + seen[gram])) + 1 for gram in known], dtype=np.float32)
    return Vocabulary(known, rarity)
