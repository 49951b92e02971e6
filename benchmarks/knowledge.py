"""How long a search of the knowledge base takes: ``python -m benchmarks.knowledge [ARTICLES]`` (10,000 unless told).

Makes articles from the sentences of the samples, so that common words are in thousands of them, which is the worst that
can be; prints for each question the median and the longest wall-clock time and the processor's, in milliseconds.
"""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from config.knowledge import load
from config.settings import Settings
from gateway.city_parts import SystemClock, open_library
from gateway.domain.knowledge import ArticleId, Content, Submission
from gateway.services.knowledge import Librarian
from gateway.storage.store import SqlStore

TIMES = 20
QUESTIONS = (
    "喂你好我家停水三天了怎么办",
    "暖气不热",
    "老板拖欠工资不给",
    "孩子上小学需要什么材料什么时候报名",
    "兴福小区没水",
    "水",
    "你好是12345吗我想反映一下我们小区从前天晚上开始就没有水了打物业电话没人接供水公司说在抢修但是一直没有修好",
)


def made(count: int) -> list[Submission]:
    """Return *count* articles, the same ones each time."""
    dice = random.Random(1)
    samples = [each.content for path in sorted(Path("config/knowledge").glob("*.toml")) for each in load(path)]
    sentences = [text for content in samples for text in re.split("(?<=[。；\n])", content.body) if len(text) > 8]
    titles, questions = [content.title for content in samples], [ask for each in samples for ask in each.questions]
    letters = "".join(dict.fromkeys("".join(sentences + titles + questions)))

    def name() -> str:
        return "".join(dice.choices(letters, k=dice.randint(2, 4)))

    return [
        Submission(
            id=ArticleId(f"a{number:06}"),
            content=Content(
                title=name() + dice.choice(titles),
                unit=f"unit{dice.randrange(80)}",
                body="".join(name() + dice.choice(sentences) for _ in range(8)),
                questions=(name() + dice.choice(questions), dice.choice(questions)),
                keywords=(name(), name()),
            ),
        )
        for number in range(count)
    ]


async def measure(librarian: Librarian, question: str) -> str:
    """Return a line about one question."""
    waits, worked = [], []
    for _ in range(TIMES):
        begun, busy = time.perf_counter(), time.process_time()
        await librarian.search(question)
        waits.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - busy) * 1000)
    median, longest = statistics.median(waits), max(waits)
    return f"{median:7.1f} {longest:7.1f} {statistics.median(worked):7.1f}  {question[:24]}"


async def main(count: int) -> None:
    """Import, then ask."""
    with tempfile.TemporaryDirectory() as folder:
        path, clock = Path(folder) / "jiesu.sqlite", SystemClock()
        async with SqlStore(path, clock=clock) as store:
            librarian = open_library(Settings(), store, clock)
            begun = time.perf_counter()
            await librarian.take_in(made(count), by="benchmark")
            print(f"{count} articles in {time.perf_counter() - begun:.0f} s, {path.stat().st_size / 1e6:.0f} MB")
            print(" median longest     cpu  ms a search")
            for question in QUESTIONS:
                print(await measure(librarian, question))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
