"""A model before texts it has not seen (留出评估): guesses, how honest its probabilities are, mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from routing.learned import Guess, LinearModel
from routing.scores import Scores, scores
from routing.training import Example

_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A held-out example and the model's guess, None where it knows nothing of the text."""

    example: Example
    guess: Guess | None

    @property
    def label(self) -> str:
        """The guess, "" for none."""
        return self.guess.label if self.guess is not None else ""

    @property
    def probability(self) -> float:
        """How sure the model is, 0.0 without a guess."""
        return self.guess.probability if self.guess is not None else 0.0

    @property
    def is_right(self) -> bool:
        """Whether people decided the same."""
        return self.label == self.example.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The figures of one model. ``decided`` is the share at or above the threshold, ``accuracy_decided`` theirs.

    ``calibration_error`` is the expected distance of probability and truth over ten bins; ``worst`` are the mistakes,
    the surest first.
    """

    scores: Scores
    decided: float
    accuracy_decided: float
    calibration_error: float
    worst: tuple[Judged, ...]


def measured(model: LinearModel, held_out: Iterable[Example], *, threshold: float) -> Measured:
    """Return what *model* makes of *held_out*, which has at least one example."""
    judged = [Judged(example=example, guess=model.guess(example.text)) for example in held_out]
    sure = [each for each in judged if each.probability >= threshold]
    mistakes = sorted((each for each in judged if not each.is_right), key=lambda each: -each.probability)
    return Measured(
        scores=scores([(each.example.label, each.label) for each in judged]),
        decided=len(sure) / len(judged),
        accuracy_decided=sum(each.is_right for each in sure) / len(sure) if sure else 0.0,
        calibration_error=_calibration_error(judged),
        worst=tuple(mistakes),
    )


def _calibration_error(judged: Sequence[Judged]) -> float:
    bins: list[list[Judged]] = [[] for _ in range(_BINS)]
    for each in judged:
        bins[min(int(each.probability * _BINS), _BINS - 1)].append(each)
    return sum(abs(sum(each.probability for each in bin) - sum(each.is_right for each in bin)) for bin in bins) / len(
        judged
    )
