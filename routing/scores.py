"""How well guesses meet the truth (评估): accuracy, per-label precision and recall, macro-F1, confusions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScore:
    """One label: ``n`` is how often it is the truth. Without a guess precision, without a truth recall, is 0.0."""

    label: str
    n: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Figures of one set; ``macro_f1`` is the mean over the labels that are the truth at least once.

    ``confusions`` are (truth, guess, how often) where the two differ, the most frequent first; a guess of "" is none.
    """

    n: int
    accuracy: float
    macro_f1: float
    labels: tuple[LabelScore, ...]
    confusions: tuple[tuple[str, str, int], ...]


def scores(pairs: Sequence[tuple[str, str]]) -> Scores:
    """Return the figures of *pairs* of truth and guess."""
    met = Counter(pairs)
    truths, guesses = Counter(truth for truth, _ in pairs), Counter(guess for _, guess in pairs)
    labels = tuple(
        _label(label, truths[label], guesses[label], met[label, label]) for label in sorted({*truths, *guesses} - {""})
    )
    judged = [each.f1 for each in labels if each.n]
    return Scores(
        n=len(pairs),
        accuracy=_share(sum(met[label, label] for label in truths), len(pairs)),
        macro_f1=_share(sum(judged), len(judged)),
        labels=labels,
        confusions=tuple(
            (truth, guess, count)
            for (truth, guess), count in sorted(met.items(), key=lambda each: (-each[1], each[0]))
            if truth != guess
        ),
    )


def _label(label: str, n: int, guessed: int, right: int) -> LabelScore:
    precision, recall = _share(right, guessed), _share(right, n)
    f1 = _share(2 * precision * recall, precision + recall)
    return LabelScore(label=label, n=n, precision=precision, recall=recall, f1=f1)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
