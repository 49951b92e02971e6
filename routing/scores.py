"""How well guesses meet the truth (评估), one label each: figures by label, and what is taken for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from routing.measures import Counts, macro_f1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Figures of one set; ``macro_f1`` is the mean over the labels that are the truth at least once.

    ``confusions`` are (truth, guess, how often) where the two differ, the most frequent first; a guess of "" is none.
    """

    n: int
    accuracy: float
    macro_f1: float
    labels: Mapping[str, Counts]
    confusions: tuple[tuple[str, str, int], ...]


def scores(pairs: Sequence[tuple[str, str]]) -> Scores:
    """Return the figures of *pairs* of truth and guess."""
    met = Counter(pairs)
    truths, guesses = Counter(truth for truth, _ in pairs), Counter(guess for _, guess in pairs)
    labels = {
        label: Counts(true=truths[label], guessed=guesses[label], right=met[label, label])
        for label in sorted({*truths, *guesses} - {""})
    }
    right = sum(counts.right for counts in labels.values())
    return Scores(
        n=len(pairs),
        accuracy=right / len(pairs) if pairs else 0.0,
        macro_f1=macro_f1(labels.values()),
        labels=labels,
        confusions=tuple(
            (truth, guess, count)
            for (truth, guess), count in sorted(met.items(), key=lambda each: (-each[1], each[0]))
            if truth != guess
        ),
    )
