"""What every written channel owes its peer: an acknowledgement means one ticket, whatever fails in between.

The node is a process of its own with its real store; the peer is outside of it and knows only the protocol.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from tests.contract.channels.chat_drivers import CHAT_DRIVERS
from tests.contract.channels.citizen_drivers import CITIZEN_DRIVERS
from tests.contract.channels.drivers import DRIVERS, Driver, Outcome
from tests.contract.channels.mailbox_driver import MailboxDriver
from tests.contract.channels.sms_drivers import SMS_DRIVERS
from tests.peers.written_node import POINTS

WATER = "我住长青小区，家里停水两天了"
HOUSE = Path(__file__).parents[3]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Of a node: it keeps its bytecode, so that the next one starts sooner."""
PATIENCE = 120.0
"""Seconds that anything here may take on a busy machine."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Node:
    """A node that is started, killed and started again on the same folder."""

    def __init__(self, folder: Path, driver: type[Driver]) -> None:
        self.port, self.door = free_port(), free_port()
        self.peer = driver(port=self.port, door=self.door)
        self.database = folder / "var" / "jiesu.sqlite"
        self.file = folder / "gateway.toml"
        lines = driver.settings.replace("{port}", str(self.port)).replace("{door}", str(self.door))
        self.file.write_text(
            f'[public]\nlisten = "127.0.0.1:{self.door}"\n[written]\nsender_limit = false\n{lines}',
            encoding="utf-8",
        )

    @asynccontextmanager
    async def running(self, point: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
        arguments = ["-m", "tests.peers.written_node", str(self.file), *([point] if point else [])]
        log = self.file.with_suffix(".log")
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *arguments, cwd=HOUSE, stdout=asyncio.subprocess.PIPE, stderr=errors, env=ENVIRONMENT
            )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(PATIENCE):
                while not (line := await process.stdout.readline()).startswith(b"{"):
                    assert line, f"the node has ended before it served: {log.read_text('utf-8')[-2000:]}"
            json.loads(line)
            yield process
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.terminate()
            await process.wait()

    async def deliver(self, number: int, text: str) -> Outcome:
        """Deliver until the peer is told anything but to come again."""
        return await self.until({Outcome.TAKEN, Outcome.REFUSED}, number, text)

    async def until(self, wanted: set[Outcome], number: int, text: str) -> Outcome:
        """Deliver again, with a peer's pauses, until the outcome is one of *wanted*."""
        deadline = time.monotonic() + PATIENCE
        for pause in chain((0.0,), repeat(0.2)):
            await asyncio.sleep(pause)
            if (outcome := await self.peer.deliver(number, text)) in wanted or time.monotonic() > deadline:
                return outcome
        raise AssertionError("unreachable")

    def kept(self) -> list[tuple[str, str]]:
        """Return the ticket and the text of every contact of the channel."""
        with sqlite3.connect(self.database) as database:
            rows = database.execute(
                "SELECT ticket_id, text FROM contacts WHERE channel = ?", (self.peer.kind.value,)
            ).fetchall()
            tickets = {row[0] for row in database.execute("SELECT id FROM tickets")}
        assert {ticket for ticket, _ in rows} == tickets, "a contact without its ticket, or the other way round"
        return rows


ALL = (
    *DRIVERS,
    *CHAT_DRIVERS,
    *CITIZEN_DRIVERS,
    *SMS_DRIVERS,
    pytest.param(MailboxDriver, marks=pytest.mark.peer("dovecot")),
)


@pytest.fixture(params=ALL, ids=lambda driver: driver.name)
async def node(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(tmp_path, request.param)
    peer: Any = made.peer
    async with peer.running():
        yield made


async def test_a_message_becomes_one_ticket_however_often_it_is_delivered(node: Node) -> None:
    async with node.running():
        outcomes = [await node.deliver(1, WATER) for _ in range(3)]

    kept = node.kept()
    assert outcomes == [Outcome.TAKEN] * 3
    assert len(kept) == 1
    assert WATER in kept[0][1]


async def test_messages_of_many_in_any_order_and_at_once_become_a_ticket_each(node: Node) -> None:
    numbers = [*range(1, 16), *range(1, 6)]
    random.Random(7).shuffle(numbers)
    async with node.running():
        outcomes = await asyncio.gather(*(node.deliver(number, f"{WATER}{number}号楼") for number in numbers))

    kept = node.kept()
    assert set(outcomes) == {Outcome.TAKEN}
    assert len({ticket for ticket, _ in kept}) == len(kept) == 15


async def test_rubbish_hurts_nobody_who_comes_after_it(node: Node) -> None:
    async with node.running():
        await node.peer.rubbish()
        outcome = await node.deliver(1, WATER)

    assert outcome is Outcome.TAKEN
    assert len(node.kept()) == 1


async def test_what_is_too_large_is_refused_for_good_and_leaves_nothing(node: Node) -> None:
    async with node.running():
        outcome = await node.peer.too_much(1)
        after = await node.deliver(2, WATER)

    assert outcome is Outcome.REFUSED
    assert after is Outcome.TAKEN
    assert len(node.kept()) == 1


async def test_a_peer_is_told_to_come_again_while_the_store_is_away_and_nothing_is_lost_or_doubled(node: Node) -> None:
    async with node.running():
        with sqlite3.connect(node.database, isolation_level=None) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            first = await node.until({Outcome.LATER}, 1, WATER)
            lock.execute("ROLLBACK")
        then = await node.deliver(1, WATER)

    assert first is Outcome.LATER
    assert then is Outcome.TAKEN
    assert len(node.kept()) == 1


@pytest.mark.parametrize("point", POINTS)
async def test_a_node_killed_between_receipt_and_acknowledgement_keeps_exactly_one_ticket(
    node: Node, point: str
) -> None:
    async with node.running(point) as doomed:
        first = await node.peer.deliver(1, WATER)
        async with asyncio.timeout(PATIENCE):
            await doomed.wait()
    async with node.running():
        then = await node.deliver(1, WATER)

    assert first is not Outcome.TAKEN
    assert then is Outcome.TAKEN
    assert Counter(text for _, text in node.kept()).total() == 1
