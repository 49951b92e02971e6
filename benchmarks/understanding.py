"""What understanding costs on one core: texts a second through the whole pipeline, and one partial of a call.

Run ``python benchmarks/understanding.py``. The texts are the sentences of ``tests/data/emergency``, ordinary ones and
emergencies as they come there, joined to 100 characters each; none is shown twice, so nothing is remembered.
A partial is what `Watch` does at each recognised character of a call that goes on for 30 of them. Times are of the
process's own work, which other programs on the machine disturb less.
"""

from __future__ import annotations

import json
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from time import process_time

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config import lexicons, profiles  # noqa: E402
from gateway.domain.call import LegId, Role  # noqa: E402
from gateway.domain.transcript import Utterance  # noqa: E402
from routing.conversation import Conversation, Turn  # noqa: E402
from routing.decide import Understander  # noqa: E402
from routing.emergency import Detector, Watch  # noqa: E402

CORPORA = ROOT / "tests" / "data" / "emergency"
LENGTH = 100
SPOKEN = 30
CALLS = 60


def sentences() -> list[str]:
    """Return the sentences of all corpora, shuffled the same way each time."""
    found = [
        json.loads(line)["text"] for path in sorted(CORPORA.glob("*.jsonl")) for line in path.open(encoding="utf-8")
    ]
    for path in sorted(CORPORA.glob("*.toml")):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        found += [*content["ordinary"]["texts"], *(text for texts in content["emergency"].values() for text in texts)]
    Random(1).shuffle(found)
    return found


def joined(said: list[str]) -> list[str]:
    """Return *said* as texts of 100 characters."""
    whole = "，".join(said)
    return [whole[at : at + LENGTH] for at in range(0, len(whole) - LENGTH, LENGTH)]


def main() -> None:
    """Print the figures."""
    words = lexicons.load(ROOT / "config" / "lexicons")
    profile = profiles.load(profiles.find("chifeng-2022"), datetime.now(UTC))
    understand = Understander(words, (), profile)
    texts = joined(sentences())
    understand(Conversation(turns=(Turn(role=Role.CITIZEN, text="喂你好"),)))
    start = process_time()
    for text in texts:
        understand(Conversation(turns=(Turn(role=Role.CITIZEN, text=text),)))
    spent = process_time() - start
    print(f"whole pipeline: {len(texts) / spent:.0f} texts of {LENGTH} characters a second ({len(texts)} texts)")
    detector = Detector(words.emergency)
    costs = [cost for text in texts[:CALLS] for cost in partials(detector, text[:SPOKEN])]
    most = sorted(costs)[len(costs) * 95 // 100]
    print(f"one partial: median {median(costs) * 1000:.2f} ms, 95 in 100 under {most * 1000:.2f} ms")


def partials(detector: Detector, text: str) -> list[float]:
    """Return what each partial of *text* costs, in seconds."""
    watch = Watch(detector)
    costs = []
    for end in range(1, len(text) + 1):
        heard = Utterance(leg_id=LegId("citizen"), number=1, text=text[:end], start=0.0, end=1.0, is_final=False)
        start = process_time()
        watch.hear(Role.CITIZEN, heard)
        costs.append(process_time() - start)
    return costs


if __name__ == "__main__":
    main()
