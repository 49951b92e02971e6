"""A process that is killed in the middle of its work: what it acknowledged is there, and the chain holds."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.domain.call import CallId
from gateway.storage.journal import show, verify
from gateway.storage.location import database_of_node
from gateway.storage.store import SqlStore
from tests.fakes.store import SetClock

ROOT = Path(__file__).resolve().parents[3]
ACKNOWLEDGED = 300

CHILD = """
import asyncio, itertools, sys
from datetime import UTC, datetime
from pathlib import Path
from gateway.domain.call import CallId
from gateway.domain.events import Fact
from gateway.storage.location import database_of_node
from gateway.storage.store import SqlStore
from tests.fakes.store import SetClock

async def main(data, url):
    numbers = itertools.count()
    async with SqlStore(database_of_node(data, url), clock=SetClock()) as store:
        async def send():
            for number in numbers:
                fact = Fact(kind="call.offered", at=datetime.now(UTC), call_id=CallId("c"), values={"n": number})
                entry = await store.commit(lambda tx, fact=fact: tx.append(fact))
                print(number, entry.seq, entry.hash, flush=True)

        async with asyncio.TaskGroup() as senders:
            for _ in range(20):
                senders.create_task(send())

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgresql"))])
@pytest.mark.parametrize("lives", [1, 3])
async def test_what_a_killed_process_acknowledged_is_there(
    tmp_path: Path, lives: int, kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgresql_url") if kind == "postgresql" else ""
    database = database_of_node(tmp_path, url)
    promised: dict[int, tuple[int, str]] = {}
    for _ in range(lives):
        promised |= _live_and_die(tmp_path, url)

    assert len(promised) >= ACKNOWLEDGED * lives
    verdict = verify(database)
    assert verdict.ok, verdict.reason
    kept = {entry.seq: entry for entry in show(database, CallId("c"))}
    for seq, (number, digest) in promised.items():
        assert (kept[seq].fact.values["n"], kept[seq].hash) == (number, digest)
    async with SqlStore(database, clock=SetClock()) as store:
        assert [entry.fact.kind for entry in await store.entries(after=len(kept))] == [], "nothing is doubted"


def _live_and_die(data: Path, url: str) -> dict[int, tuple[int, str]]:
    """Let a process work until it has acknowledged enough, kill it, and return what it promised."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(data), url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        lines = [child.stdout.readline() for _ in range(ACKNOWLEDGED)]
        child.send_signal(signal.SIGKILL)
        rest, complaints = child.stdout.read(), child.stderr.read()  # communicate() would skip what readline() buffered
    assert child.returncode == -signal.SIGKILL, complaints
    words = [line.split() for line in (*lines, *rest.splitlines(keepends=True)) if line.endswith("\n")]
    return {int(seq): (int(number), digest) for number, seq, digest in words}
