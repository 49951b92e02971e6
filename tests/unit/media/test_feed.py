"""A feed gives its reader the newest, and ends when it is closed."""

from __future__ import annotations

import asyncio

from channels.media.feed import Feed


async def test_a_slow_reader_loses_the_oldest() -> None:
    feed: Feed[int] = Feed(3)
    for number in range(5):
        feed.put(number)
    feed.close()

    assert [number async for number in feed] == [2, 3, 4]
    assert feed.dropped == 2


async def test_a_reader_that_waits_is_woken_by_an_item_and_by_the_end() -> None:
    feed: Feed[int] = Feed(3)

    async def read() -> list[int]:
        return [number async for number in feed]

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        await asyncio.sleep(0)
        feed.put(1)
        await asyncio.sleep(0)
        feed.close()
        feed.put(2)

    assert reading.result() == [1]


async def test_a_reader_that_gave_up_may_come_back() -> None:
    feed: Feed[int] = Feed(3)
    reading = asyncio.ensure_future(anext(feed))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    feed.put(1)

    assert await anext(feed) == 1


async def test_leaving_the_block_closes_it_once() -> None:
    closed: list[bool] = []
    with Feed[int](1, lambda: closed.append(True)) as feed:
        feed.close()

    assert closed == [True]
