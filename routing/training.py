"""Making models of `routing.learned` from labelled texts, and measuring them on texts they have not seen.

Texts of one normal form stay on one side of the split; every label has its share on both. An eighth of the training
side fits the temperature, then the model is trained on that whole side. The same examples give the same model.
scikit-learn does the fitting and is needed here only: `pip install "jiesu[learn]"`.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gateway.domain.errors import OurMistake
from routing.learned import LinearModel, Vocabulary, Weights, normal, softmax, vocabulary_of

LEAST_PER_LABEL = 8
"""Different texts that a label needs to be learnt."""
HELD_OUT = 5
"""One different text in so many of each label is held out."""
MOST_GRAMS = 60_000
_STRENGTH = 10.0
_TEMPERATURES = np.geomspace(0.05, 4.0, 60)


class LearningError(OurMistake):
    """Nothing can be learnt from these examples, or not honestly; the text is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text and what people decided about it. ``line`` is where it stands in its file, from 1."""

    text: str
    label: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Halves:
    """What is trained on and what is held out; ``too_rare`` counts the examples of labels that were left out."""

    train: tuple[Example, ...]
    held_out: tuple[Example, ...]
    too_rare: dict[str, int]


def split(examples: Iterable[Example]) -> Halves:
    """Hold out every fifth different text of each label. Raises `LearningError`: fewer than two can be learnt."""
    texts, too_rare = _frequent(examples)
    held_out = {text for ordered in texts.values() for text in _in_stable_order(ordered)[::HELD_OUT]}
    train: list[Example] = []
    kept: list[Example] = []
    for ordered in texts.values():
        for text, group in ordered.items():
            (kept if text in held_out else train).extend(group)
    halves = Halves(train=_by_line(train), held_out=_by_line(kept), too_rare=too_rare)
    refuse_leaks(halves.train, halves.held_out)
    return halves


def halves_of(train: Iterable[Example], held_out: Iterable[Example]) -> Halves:
    """Return two files' examples as they are. Raises `LearningError`: the same text in both, or too few labels."""
    texts, too_rare = _frequent(train)
    kept = tuple(example for example in held_out if normal(example.text))
    halves = Halves(
        train=_by_line(example for ordered in texts.values() for group in ordered.values() for example in group),
        held_out=tuple(example for example in kept if example.label in texts),
        too_rare=too_rare,
    )
    refuse_leaks(halves.train, kept)
    if not halves.held_out:
        raise LearningError("nothing is left to measure with: no held-out example has a label that can be learnt")
    return halves


def refuse_leaks(train: Iterable[Example], held_out: Iterable[Example]) -> None:
    """Raise `LearningError` if a text, digits and punctuation apart, is on both sides."""
    seen = {normal(example.text): example.line for example in train}
    leaks = [(seen[text], example.line) for example in held_out if (text := normal(example.text)) in seen]
    if leaks:
        shown = ", ".join(f"{one} and {other}" for one, other in leaks[:5])
        raise LearningError(f"the same text is trained on and held out, {len(leaks)} times: lines {shown}")


def train(examples: Sequence[Example], *, version: str) -> LinearModel:
    """Return a model of *examples*, which have at least two labels. Raises `LearningError` without scikit-learn."""
    parts = _in_stable_order({normal(example.text): None for example in examples})
    fitted_on = set(parts[::8])
    first = [example for example in examples if normal(example.text) not in fitted_on]
    rest = [example for example in examples if normal(example.text) in fitted_on]
    labels = tuple(sorted({example.label for example in examples}))
    temperature = 1.0
    if {example.label for example in first} == set(labels):
        vocabulary, weights, bias = _fitted(first, labels)
        temperature = _temperature(_scores(rest, vocabulary, weights, bias), _places(rest, labels))
    vocabulary, weights, bias = _fitted(examples, labels)
    return LinearModel(
        version=version,
        labels=labels,
        vocabulary=vocabulary,
        weights=weights,
        bias=bias,
        temperature=temperature,
    )


def _frequent(examples: Iterable[Example]) -> tuple[dict[str, dict[str, list[Example]]], dict[str, int]]:
    """Return the examples by label and normal text, without rare labels, and how many examples each of those has.

    A text that was decided differently at times stands, with all that people said of it, under the most frequent.
    """
    by_text: defaultdict[str, list[Example]] = defaultdict(list)
    for example in examples:
        if example.label and (text := normal(example.text)):
            by_text[text].append(example)
    by_label: defaultdict[str, dict[str, list[Example]]] = defaultdict(dict)
    for text, group in by_text.items():
        counts = Counter(example.label for example in group)
        by_label[min(counts, key=lambda label: (-counts[label], label))][text] = group
    frequent = {label: by_label[label] for label in sorted(by_label) if len(by_label[label]) >= LEAST_PER_LABEL}
    if len(frequent) < 2:
        raise LearningError(
            f"nothing can be learnt: {len(frequent)} labels have {LEAST_PER_LABEL} different texts, two are needed"
        )
    rare = Counter(example.label for group in by_text.values() for example in group if example.label not in frequent)
    kept = {
        label: {text: [each for each in group if each.label in frequent] for text, group in texts.items()}
        for label, texts in frequent.items()
    }
    return kept, dict(sorted(rare.items()))


def _in_stable_order(texts: Iterable[str]) -> list[str]:
    """Return *texts* in an order that depends on nothing but themselves and follows none of their features."""
    return sorted(texts, key=lambda text: hashlib.sha256(text.encode()).digest())


def _by_line(examples: Iterable[Example]) -> tuple[Example, ...]:
    return tuple(sorted(examples, key=lambda example: example.line))


def _fitted(examples: Sequence[Example], labels: tuple[str, ...]) -> tuple[Vocabulary, Weights, Weights]:
    """Fit one logistic regression per label against all others, by averaged stochastic gradient descent."""
    classifier_of = _scikit_learn()
    texts = [normal(example.text) for example in examples]
    vocabulary = vocabulary_of(sorted({*texts}), least=2 if len(texts) < 20_000 else 4, most=MOST_GRAMS)
    if not vocabulary.grams:
        raise LearningError("nothing can be learnt: hardly two texts have a character in common")
    classifier = classifier_of(
        loss="log_loss",
        alpha=1.0 / (_STRENGTH * len(examples)),
        average=True,
        max_iter=40,
        tol=1e-4,
        random_state=0,
        n_jobs=2,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether forty rounds were enough shows in the held-out report
        classifier.fit(_matrix(texts, vocabulary), _places(examples, labels))
    weights, bias = classifier.coef_.T, classifier.intercept_
    if len(labels) == 2:  # one column serves both
        weights, bias = np.hstack([-weights, weights]), np.concatenate([-bias, bias])
    return vocabulary, np.ascontiguousarray(weights, dtype=np.float32), np.asarray(bias, dtype=np.float32)


def _matrix(texts: Sequence[str], vocabulary: Vocabulary) -> Any:
    from scipy.sparse import csr_matrix

    rows = [vocabulary.weigh(text) for text in texts]
    starts = np.cumsum([0, *(len(places) for places, _ in rows)])
    places = np.concatenate([places for places, _ in rows])
    weights = np.concatenate([weights for _, weights in rows]).astype(np.float64)
    return csr_matrix((weights, places, starts), shape=(len(texts), len(vocabulary.grams)))


def _scikit_learn() -> Any:
    try:
        from sklearn.linear_model import SGDClassifier
    except ImportError as error:
        raise LearningError('learning needs scikit-learn: pip install "jiesu[learn]"') from error
    return SGDClassifier


def _scores(examples: Sequence[Example], vocabulary: Vocabulary, weights: Weights, bias: Weights) -> Weights:
    rows = (vocabulary.weigh(normal(example.text)) for example in examples)
    return np.array([seen @ weights[places] + bias for places, seen in rows], dtype=np.float32)


def _places(examples: Sequence[Example], labels: tuple[str, ...]) -> Any:
    place = {label: at for at, label in enumerate(labels)}
    return np.array([place[example.label] for example in examples])


def _temperature(scores: Weights, truth: Any) -> float:
    """Return the temperature under which the truth is likeliest, with a doubt of 1 in their number."""
    doubt = 1.0 / (len(truth) + 2)

    def surprise(temperature: float) -> float:
        logs = np.log(np.maximum(softmax(scores / np.float32(temperature)), 1e-12))
        return float(-((1 - doubt) * logs[np.arange(len(truth)), truth] + doubt * logs.mean(axis=1)).mean())

    return round(float(min(_TEMPERATURES, key=surprise)), 4)
