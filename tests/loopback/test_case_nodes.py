"""The clock of casework over real processes on one PostgreSQL: once, in order, whoever dies meanwhile."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gateway.domain.casework import DIGEST, Channel
from gateway.services.case_clock import BATCH
from gateway.storage.journal import verify
from gateway.storage.postgresql import PostgresDatabase
from gateway.storage.store import SqlStore
from tests.fakes.caseroom import CaseRoom
from tests.fakes.store import SetClock

pytestmark = pytest.mark.peer("postgresql")
ROOT = Path(__file__).resolve().parents[2]
MONDAY = "2026-03-23 09:00"
"""A weekend after the last period has ended."""


async def test_nodes_that_were_away_for_a_weekend_bring_everything_once_and_in_order_though_one_is_killed(
    postgresql_url: str, tmp_path: Path
) -> None:
    here = PostgresDatabase(postgresql_url, anchored=tmp_path / "here" / "postgresql")
    async with SqlStore(here, clock=SetClock(), patience=60.0) as store:
        room = CaseRoom(store)
        tickets = [await room.ticket(f"20260302-{number:06}") for number in range(4 * BATCH + 7)]
        for ticket in tickets:
            await room.do(ticket, "accept", category="help")
            await room.do(ticket, "dispatch", to="water")
        told_before = len(await store.cases.messages(Channel.UNIT, limit=10_000))
        entries_before = len(await store.entries(limit=1_000_000))

    survivors = await asyncio.to_thread(_live_and_die, postgresql_url, tmp_path)

    async with SqlStore(here, clock=SetClock(), patience=60.0) as store:
        assert await CaseRoom(store, now=MONDAY).case_clock.catch_up() == [], "nothing was left"
        later = (await store.entries(limit=1_000_000))[entries_before:]
        brought = [entry.fact for entry in later if entry.fact.kind.startswith("case.")]
        cards = Counter((fact.ticket_id, fact.values["colour"]) for fact in brought if fact.kind == "case.card")
        supervised = Counter(fact.ticket_id for fact in brought if fact.kind == "case.supervise")
        told = await store.cases.messages(Channel.UNIT, to="water", limit=10_000)
    assert survivors == 0
    assert set(cards) == {(ticket, colour) for ticket in tickets for colour in ("yellow", "red")}
    assert set(cards.values()) == {1}
    assert supervised == Counter(tickets)
    assert [fact.at for fact in brought] == sorted(fact.at for fact in brought)
    assert [message.kind for message in told][: len(told) - told_before] == [DIGEST], "one digest, no storm"
    assert verify(here).ok


def _live_and_die(url: str, folder: Path) -> int:
    """Let three nodes catch up together, kill one after its first batch; return the others' worst exit."""
    nodes = [_node(url, folder / f"node {number}" / "postgresql") for number in range(3)]
    victim, *others = nodes
    for node in nodes:
        assert node.stdout is not None
        while (line := node.stdout.readline()) and line != "ready\n":
            pass
        assert line, node.stderr and node.stderr.read()
    for node in nodes:
        assert node.stdin is not None
        node.stdin.write("go\n")
        node.stdin.flush()
    assert victim.stdout is not None
    while (line := victim.stdout.readline()) and not line.startswith(("batch", "done")):
        pass
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    for node in others:
        node.communicate()
    return max(node.returncode for node in others)


def _node(url: str, anchor: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.peers.sweeping_node", url, str(anchor), MONDAY]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
