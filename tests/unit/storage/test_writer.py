from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TypeVar

import pytest

from gateway.domain.errors import Unavailable
from gateway.storage.writer import GROUP_LIMIT, SILENCE_LIMIT, GroupCommitWriter, Lost

T = TypeVar("T")
Page = list[str]

CALL = ContextVar("CALL", default="none")


class ScriptedSession:
    """A session on a list: `gate` holds every transaction at its beginning, `fault` breaks the steps named `faulty`."""

    def __init__(self) -> None:
        self.durable: Page = []
        self.history: list[str] = []
        self.fault: Exception = Lost("the disk is full")
        self.faulty: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.tended = threading.Event()
        self._draft: Page = []

    def begin(self) -> None:
        self.entered.set()
        self.gate.wait()
        self._step("begin")
        self._draft = list(self.durable)

    def run(self, work: Callable[[Page], T]) -> T:
        self._step("run")
        page = list(self._draft)
        result = work(page)
        self._draft = page
        return result

    def commit(self) -> None:
        self._step("commit")
        self.durable = self._draft

    def tend(self) -> None:
        self._step("tend")
        self.tended.set()

    def abandon(self) -> None:
        self.history.append("abandon")

    def close(self) -> None:
        self.history.append("close")

    def _step(self, name: str) -> None:
        self.history.append(name)
        if name in self.faulty:
            raise self.fault


@asynccontextmanager
async def writing(
    session: ScriptedSession, *, queue_limit: int = 1000, tend_every: float = 60.0
) -> AsyncIterator[GroupCommitWriter[Page]]:
    writer = GroupCommitWriter(session, queue_limit=queue_limit, tend_every=tend_every)
    writer.start()
    try:
        yield writer
    finally:
        session.gate.set()
        await writer.close()


def put(word: str) -> Callable[[Page], int]:
    def work(page: Page) -> int:
        page.append(word)
        return len(page)

    return work


async def held(writer: GroupCommitWriter[Page], session: ScriptedSession) -> asyncio.Task[int]:
    """Bring the writer to hold a transaction open, so that whatever comes now must wait."""
    session.entered.clear()
    session.gate.clear()
    first = asyncio.create_task(writer.commit(put("first")))
    await asyncio.to_thread(session.entered.wait)
    return first


async def test_all_that_waits_shares_one_commit() -> None:
    session = ScriptedSession()
    async with writing(session) as writer:
        first = await held(writer, session)
        others = [asyncio.create_task(writer.commit(put(str(number)))) for number in range(50)]
        await asyncio.sleep(0)
        assert writer.status.waiting == 50
        session.gate.set()

        assert await asyncio.gather(first, *others) == list(range(1, 52))
        assert session.history.count("commit") == 2
        status = writer.status
        assert (status.units, status.groups, status.last_group, status.largest_group) == (51, 2, 50, 50)


async def test_a_flood_is_cut_into_groups() -> None:
    session = ScriptedSession()
    async with writing(session) as writer:
        first = await held(writer, session)
        others = [asyncio.create_task(writer.commit(put("x"))) for _ in range(GROUP_LIMIT + 1)]
        await asyncio.sleep(0)
        session.gate.set()
        await asyncio.gather(first, *others)

        assert session.history.count("commit") == 3
        assert writer.status.largest_group == GROUP_LIMIT


async def test_a_unit_that_raises_undoes_itself_and_the_others_of_its_group_stay() -> None:
    def broken(page: Page) -> None:
        page.append("never")
        raise LookupError("no such unit")

    session = ScriptedSession()
    async with writing(session) as writer:
        first = await held(writer, session)
        tasks = [asyncio.create_task(writer.commit(work)) for work in (put("a"), broken, put("b"))]
        await asyncio.sleep(0)
        session.gate.set()
        await asyncio.wait([first, *tasks])

        assert session.durable == ["first", "a", "b"]
        assert isinstance(tasks[1].exception(), LookupError)
        assert not writer.status.error


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("begin", Lost("the file is locked")),
        ("run", Lost("the disk is full")),
        ("commit", Lost("the disk is full")),
        ("begin", ValueError("a fault of ours")),
        ("commit", ValueError("a fault of ours")),
    ],
)
async def test_a_lost_transaction_fails_all_its_waiters_and_the_next_one_is_tried(step: str, fault: Exception) -> None:
    session = ScriptedSession()
    async with writing(session) as writer:
        session.fault, session.faulty = fault, {step, "tend"}
        outcomes = await asyncio.gather(*(writer.commit(put(word)) for word in "abc"), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
        assert {outcome.retry_after for outcome in outcomes if isinstance(outcome, Unavailable)} == {1.0}
        assert writer.status.error

        session.faulty = set()
        assert await writer.commit(put("d")) == 1
        assert session.durable == ["d"]
        assert not writer.status.error


async def test_an_idle_writer_finds_out_by_itself_that_the_database_is_back() -> None:
    session = ScriptedSession()
    async with writing(session, tend_every=0.001) as writer:
        session.faulty = {"commit", "tend"}
        with pytest.raises(Unavailable):
            await writer.commit(put("a"))
        session.tended.clear()
        session.faulty = set()
        await asyncio.to_thread(session.tended.wait)
        await writer.close()

        assert not writer.status.error


async def test_a_session_that_does_not_answer_is_told_while_its_units_wait() -> None:
    session, now = ScriptedSession(), [0.0]
    writer = GroupCommitWriter(session, tend_every=60.0, monotonic=lambda: now[0])
    writer.start()
    told = [writer.status.error]
    first = await held(writer, session)
    told.append(writer.status.error)
    now[0] += SILENCE_LIMIT + 1
    told.append(writer.status.error)
    session.gate.set()
    await first
    await writer.close()
    told.append(writer.status.error)

    assert told == ["", "", "no answer for 6 s", ""]


async def test_a_full_queue_pushes_back_and_loses_nothing() -> None:
    session = ScriptedSession()
    async with writing(session, queue_limit=2) as writer:
        first = await held(writer, session)
        others = [asyncio.create_task(writer.commit(put(word))) for word in "ab"]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as refusal:
            await writer.commit(put("c"))
        session.gate.set()
        await asyncio.gather(first, *others)

        assert refusal.value.retry_after is not None
        assert session.durable == ["first", "a", "b"]


async def test_closing_finishes_what_waits_and_takes_no_more() -> None:
    session = ScriptedSession()
    async with writing(session) as writer:
        first = await held(writer, session)
        others = [asyncio.create_task(writer.commit(put(word))) for word in "ab"]
        await asyncio.sleep(0)
        closing = asyncio.create_task(writer.close())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await writer.commit(put("late"))
        session.gate.set()
        await closing

        assert await asyncio.gather(first, *others) == [1, 2, 3]
        assert session.durable == ["first", "a", "b"]
        assert session.history[-1] == "close"


async def test_what_was_handed_over_is_written_though_its_sender_was_cancelled() -> None:
    session = ScriptedSession()
    async with writing(session) as writer:
        first = await held(writer, session)
        gone = asyncio.create_task(writer.commit(put("gone")))
        await asyncio.sleep(0)
        gone.cancel()
        session.gate.set()
        await asyncio.wait([first, gone])
        await writer.commit(put("last"))

        assert gone.cancelled()
        assert session.durable == ["first", "gone", "last"]


async def test_work_runs_in_the_context_of_its_sender() -> None:
    session = ScriptedSession()
    async with writing(session) as writer:

        async def ask(call: str) -> str:
            CALL.set(call)
            return await writer.commit(lambda page: CALL.get())

        assert list(await asyncio.gather(ask("call-1"), ask("call-2"))) == ["call-1", "call-2"]


async def test_a_loop_that_ended_keeps_nobody_else_waiting() -> None:
    session = ScriptedSession()
    async with writing(session) as writer:
        first = await held(writer, session)

        async def leave() -> None:
            task = asyncio.ensure_future(writer.commit(put("theirs")))
            await asyncio.sleep(0)
            task.cancel()

        await asyncio.to_thread(asyncio.run, leave())
        ours = asyncio.create_task(writer.commit(put("ours")))
        await asyncio.sleep(0)
        session.gate.set()

        assert list(await asyncio.gather(first, ours)) == [1, 3]
