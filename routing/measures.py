"""How well guesses agree with the truth: accuracy, precision, recall and F1 (准确率、召回率)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of one class: how often it was ``true``, how often it was ``guessed``, how often both."""

    true: int
    guessed: int
    right: int

    @property
    def recall(self) -> float | None:
        """The share of what is true that was guessed; None where nothing is true."""
        return self.right / self.true if self.true else None

    @property
    def precision(self) -> float | None:
        """The share of guesses that are true; None where nothing was guessed."""
        return self.right / self.guessed if self.guessed else None

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.right / (self.true + self.guessed) if self.true + self.guessed else 0.0


def per_class(pairs: Sequence[tuple[frozenset[str], frozenset[str]]]) -> dict[str, Counts]:
    """Return the counts of every class in *pairs* of what is true and what was guessed, by class."""
    classes = sorted({name for pair in pairs for side in pair for name in side})
    return {
        name: Counts(
            true=sum(name in true for true, _ in pairs),
            guessed=sum(name in guessed for _, guessed in pairs),
            right=sum(name in true and name in guessed for true, guessed in pairs),
        )
        for name in classes
    }


def macro_f1(counts: Iterable[Counts]) -> float:
    """Return the mean F1 of the classes that are true at least once; 0.0 if there are none."""
    values = [each.f1 for each in counts if each.true]
    return sum(values) / len(values) if values else 0.0
