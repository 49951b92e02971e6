"""Messages that are being taken, while WeChat hangs up and pushes again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from channels.wechat.pending import REMEMBERED, Answer, PendingMessages
from gateway.domain.errors import Unavailable


class Person:
    """Whose message is taken, and who is told when nobody waits any more."""

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()
        self.began = asyncio.Event()
        self.was_told = asyncio.Event()
        self.told: list[str] = []
        self.tries = 0
        self.is_out_of_reach = False
        self.is_new = True
        self.failure: Exception | None = None

    async def work(self) -> Answer:
        self.tries += 1
        self.began.set()
        await self.may_go_on.wait()
        if self.failure is not None:
            raise self.failure
        return Answer("已收到", self.is_new)

    async def late(self, text: str) -> bool:
        self.was_told.set()
        if self.is_out_of_reach:
            return False
        self.told.append(text)
        return True


async def test_two_pushes_at_once_are_one_piece_of_work() -> None:
    person = Person()
    async with asyncio.TaskGroup() as tasks:
        pending = PendingMessages(tasks)
        first, second = (tasks.create_task(pending.answer("1", person.work, person.late)) for _ in range(2))
        person.may_go_on.set()

    assert (first.result(), second.result(), person.tries, person.told) == ("已收到", "已收到", 1, [])


async def test_whoever_was_told_late_is_not_told_again() -> None:
    person = Person()
    async with asyncio.TaskGroup() as tasks:
        pending = PendingMessages(tasks, answer_within=0.1)
        with pytest.raises(Unavailable):
            await pending.answer("1", person.work, person.late)
        person.may_go_on.set()
        await person.was_told.wait()
        again = await pending.answer("1", person.work, person.late)

    assert (again, person.told, person.tries) == ("", ["已收到"], 1)


async def test_whoever_could_not_be_told_late_is_told_at_the_next_push() -> None:
    person = Person()
    person.is_out_of_reach = True
    async with asyncio.TaskGroup() as tasks:
        pending = PendingMessages(tasks, answer_within=0.1)
        with pytest.raises(Unavailable):
            await pending.answer("1", person.work, person.late)
        person.may_go_on.set()
        await person.was_told.wait()
        again = await pending.answer("1", person.work, person.late)

    assert (again, person.told) == ("已收到", [])


@pytest.mark.parametrize("failure", [Unavailable("store away"), ZeroDivisionError()])
async def test_work_that_failed_is_begun_anew_by_the_next_push(failure: Exception) -> None:
    person = Person()
    person.may_go_on.set()
    person.failure = failure
    async with asyncio.TaskGroup() as tasks:
        pending = PendingMessages(tasks)
        with pytest.raises(Unavailable):
            await pending.answer("1", person.work, person.late)
        person.failure = None
        again = await pending.answer("1", person.work, person.late)
        pending.stop()

    assert (again, person.tries) == ("已收到", 2)


async def test_what_no_push_could_have_kept_is_kept_later_and_its_sender_told() -> None:
    person = Person()
    person.may_go_on.set()
    person.failure = Unavailable("store away")
    async with asyncio.TaskGroup() as tasks:
        pending = PendingMessages(tasks, later_after=0.01)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await pending.answer("1", person.work, person.late)
        person.failure = None
        await person.was_told.wait()

    assert person.told == ["已收到"]


async def test_what_a_later_push_kept_is_not_tried_again() -> None:
    person = Person()
    person.may_go_on.set()
    person.failure = Unavailable("store away")
    async with asyncio.TaskGroup() as tasks:
        pending = PendingMessages(tasks, later_after=0.01)
        with pytest.raises(Unavailable):
            await pending.answer("1", person.work, person.late)
        person.failure = None
        await pending.answer("1", person.work, person.late)

    assert (person.tries, person.told) == (2, [])


async def test_what_another_node_kept_is_told_by_that_node() -> None:
    person = Person()
    person.may_go_on.set()
    person.failure = Unavailable("store away")
    async with asyncio.TaskGroup() as tasks:
        pending = PendingMessages(tasks, later_after=0.01)
        with pytest.raises(Unavailable):
            await pending.answer("1", person.work, person.late)
        person.failure, person.is_new = None, False

    assert (person.tries, person.told) == (2, [])


async def test_a_push_that_is_stopped_must_come_again() -> None:
    person = Person()
    async with asyncio.TaskGroup() as tasks:
        pending = PendingMessages(tasks)
        answering = tasks.create_task(failure_of(pending.answer("1", person.work, person.late)))
        await person.began.wait()
        pending.stop()

    assert isinstance(answering.result(), Unavailable)


async def test_only_so_many_answers_are_remembered() -> None:
    person = Person()
    person.may_go_on.set()
    async with asyncio.TaskGroup() as tasks:
        pending = PendingMessages(tasks)
        for number in range(REMEMBERED + 2):
            await pending.answer(str(number), person.work, person.late)
        tries = person.tries
        await pending.answer(str(REMEMBERED + 1), person.work, person.late)
        remembered = person.tries
        await pending.answer("0", person.work, person.late)

    assert (remembered, person.tries) == (tries, tries + 1)


async def failure_of(answer: Awaitable[str]) -> Unavailable | None:
    try:
        await answer
    except Unavailable as error:
        return error
    return None
