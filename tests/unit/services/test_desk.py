from __future__ import annotations

import asyncio

import pytest

from gateway.domain.call import CallId, Destination
from gateway.domain.errors import OurMistake
from gateway.services.desk import Agent, Desk, Presence
from tests.fakes.virtual_time import run_virtually


def desk_of(*numbers: str) -> Desk:
    agents = [Agent(id=number, name=number, destination=Destination(number=number)) for number in numbers]
    return Desk(agents, lambda agent: None, lambda: asyncio.get_running_loop().time())


def presence_of(desk: Desk) -> Presence:
    return desk.agents[0].presence


def test_the_agent_idle_longest_is_rung_first() -> None:
    async def story() -> None:
        desk = desk_of("8001", "8002")
        desk.telephone_changed("8002", True)
        await asyncio.sleep(1)
        desk.telephone_changed("8001", True)

        assert (await desk.take(CallId("a"))).id == "8002"
        assert (await desk.take(CallId("b"))).id == "8001"

    run_virtually(story())


def test_calls_get_agents_in_the_order_they_asked() -> None:
    async def story() -> None:
        desk = desk_of("8001")
        order: list[str] = []

        async def wait(name: str) -> None:
            await desk.take(CallId(name))
            order.append(name)

        async with asyncio.TaskGroup() as calls:
            for name in ("first", "second"):
                calls.create_task(wait(name))
                await asyncio.sleep(0)
            assert desk.queue_length == 2
            desk.telephone_changed("8001", True)
            await asyncio.sleep(0)
            desk.release("8001", 0.0)

        assert order == ["first", "second"]

    run_virtually(story())


def test_a_call_that_gives_up_in_the_same_moment_returns_its_agent() -> None:
    async def story() -> None:
        desk = desk_of("8001")
        waiting = asyncio.ensure_future(desk.take(CallId("a")))
        await asyncio.sleep(0)
        desk.telephone_changed("8001", True)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

        assert presence_of(desk) is Presence.READY
        assert desk.queue_length == 0

    run_virtually(story())


def test_wrap_up_ends_by_itself_and_only_its_own_timer_ends_it() -> None:
    async def story() -> None:
        desk = desk_of("8001")
        desk.telephone_changed("8001", True)
        await desk.take(CallId("a"))
        desk.release("8001", 30.0)
        await asyncio.sleep(20)
        desk.pause("8001", False)
        await desk.take(CallId("b"))
        desk.release("8001", 30.0)
        await asyncio.sleep(15)
        assert presence_of(desk) is Presence.WRAP_UP
        await asyncio.sleep(16)

        assert presence_of(desk) is Presence.READY

    run_virtually(story())


def test_a_telephone_that_vanishes_in_a_call_signs_its_agent_out_afterwards() -> None:
    async def story() -> None:
        desk = desk_of("8001")
        desk.telephone_changed("8001", True)
        await desk.take(CallId("a"))
        desk.telephone_changed("8001", False)
        assert presence_of(desk) is Presence.IN_CALL
        desk.release("8001", 0.0)

        assert presence_of(desk) is Presence.SIGNED_OUT
        assert not desk.is_staffed

    run_virtually(story())


def test_a_pause_is_for_agents_who_are_there_and_free() -> None:
    async def story() -> None:
        desk = desk_of("8001")
        with pytest.raises(OurMistake, match="SIGNED_OUT"):
            desk.pause("8001", True)
        desk.telephone_changed("8001", True)
        desk.pause("8001", True)
        desk.telephone_changed("8001", True)
        assert presence_of(desk) is Presence.PAUSED
        desk.pause("8001", False)
        await desk.take(CallId("a"))

        with pytest.raises(OurMistake, match="IN_CALL"):
            desk.pause("8001", True)

    run_virtually(story())


def test_a_call_that_only_some_agents_may_have_does_not_hold_up_those_behind_it() -> None:
    async def story() -> None:
        desk = desk_of("8001", "8002")
        desk.telephone_changed("8001", True)
        own = asyncio.create_task(desk.take(CallId("own"), frozenset({"8002"})))
        await asyncio.sleep(0)
        assert (await desk.take(CallId("any"))).id == "8001"
        assert not desk.has_staff(["8002"])
        desk.telephone_changed("8002", True)

        assert (await own).id == "8002"

    run_virtually(story())


def test_a_call_knows_how_many_are_before_it() -> None:
    async def story() -> None:
        desk = desk_of("8001")
        waiting = [asyncio.create_task(desk.take(CallId(name))) for name in ("a", "b", "c")]
        await asyncio.sleep(0)
        assert [desk.ahead_of(CallId(name)) for name in ("a", "b", "c", "d")] == [0, 1, 2, None]
        waiting[0].cancel()
        await asyncio.sleep(0)
        assert desk.ahead_of(CallId("c")) == 1
        desk.telephone_changed("8001", True)
        await asyncio.sleep(0)

        assert desk.ahead_of(CallId("b")) is None
        assert desk.ahead_of(CallId("c")) == 0
        waiting[2].cancel()

    run_virtually(story())
