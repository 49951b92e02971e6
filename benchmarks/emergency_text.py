"""How well the emergency lexicon tells emergencies from ordinary matters in written sentences.

Run ``python benchmarks/emergency_text.py [--failures] [CORPUS.toml ...]``. A sentence is right when all the lines it is
labelled with are found, an ordinary one when none is. Sentences found as an emergency of another line count as missed.

Also counted: ordinary sentences that raise a suspicion while they grow character by character and take it back before
their end, the price of not waiting for it.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config.lexicons import load_emergency  # noqa: E402
from routing.emergency import Detector  # noqa: E402

CORPORA = ROOT / "tests" / "data" / "emergency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a corpus showed: counts, and the sentences that went wrong with what was found in them."""

    emergencies: int
    ordinary: int
    missed: tuple[str, ...]
    false_alarms: tuple[str, ...]
    taken_back: tuple[str, ...]

    @property
    def recall(self) -> float:
        """The share of emergencies whose lines were all found."""
        return 1 - len(self.missed) / self.emergencies

    @property
    def precision(self) -> float:
        """The share of alarms that were right."""
        found = self.emergencies - len(self.missed)
        return found / (found + len(self.false_alarms))


def evaluate(detector: Detector, corpus: Path) -> Result:
    """Let *detector* judge every sentence of *corpus*."""
    content = tomllib.loads(corpus.read_text(encoding="utf-8"))
    labelled = [(lines.split("+"), text) for lines, texts in content["emergency"].items() for text in texts]
    ordinary = content["ordinary"]["texts"]
    missed = [
        f"{'+'.join(lines)} {text} {_found(detector, text)}"
        for lines, text in labelled
        if not set(lines) <= {str(hit.line) for hit in detector.look(text)}
    ]
    alarms = [f"{text} {_found(detector, text)}" for text in ordinary if detector.look(text)]
    quiet = [text for text in ordinary if not detector.look(text)]
    return Result(
        emergencies=len(labelled),
        ordinary=len(ordinary),
        missed=tuple(missed),
        false_alarms=tuple(alarms),
        taken_back=tuple(text for text in quiet if _suspected_on_the_way(detector, text)),
    )


def _suspected_on_the_way(detector: Detector, text: str) -> bool:
    return any(detector.look(text[:end], final=False) for end in range(1, len(text)))


def _found(detector: Detector, text: str) -> str:
    return "[" + ", ".join(f"{hit.line} {hit.rule} {hit.phrase}" for hit in detector.look(text)) + "]"


def main() -> None:
    """Print recall, precision and, when asked for, the sentences that went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="*", type=Path, default=sorted(CORPORA.glob("*.toml")))
    parser.add_argument("--failures", action="store_true", help="print the sentences that went wrong")
    arguments = parser.parse_args()
    detector = Detector(load_emergency(ROOT / "config" / "lexicons" / "emergency.toml"))
    for corpus in arguments.corpus:
        result = evaluate(detector, corpus)
        print(
            f"{corpus.stem}: recall {result.recall:.3f} of {result.emergencies} emergencies, "
            f"precision {result.precision:.3f} with {len(result.false_alarms)} false alarms in {result.ordinary}, "
            f"{len(result.taken_back)} more raised on the way and taken back"
        )
        if arguments.failures:
            for sentence in result.missed:
                print(f"  missed       {sentence}")
            for sentence in result.false_alarms:
                print(f"  false alarm  {sentence}")
            for sentence in result.taken_back:
                print(f"  taken back   {sentence}")


if __name__ == "__main__":
    main()
