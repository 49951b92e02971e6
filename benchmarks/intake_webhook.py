"""Signed JSON by the thousand: how fast an inlet takes it, ours and a bare aiohttp that discards what it is given.

`blast` is what `benchmarks.intake` aims at a whole node, `echo` the bare server; servers run in processes of their own.
"""

from __future__ import annotations

import asyncio
import json
from time import perf_counter, time

import aiohttp
from aiohttp import web

from channels.webhook.signature import SIGNATURE, TIMESTAMP, signed

TEXT = "我住在和平路十二号，门前的路灯坏了三天，晚上走路很危险，请尽快派人来修。谢谢！" * 3
SECRET = "s" * 40


async def blast(
    host: str, port: int, *, count: int, connections: int = 16, first: int = 0, until_taken: bool = False
) -> float:
    """Post *count* messages over *connections*, each of its own sender, numbered from *first*; the seconds in all.

    Raises `AssertionError` for any answer but the expected one; with *until_taken* a message is sent again until it is
    taken, whatever happens to the far end meanwhile.
    """
    numbers = iter(range(first, first + count))
    url = f"http://{host}:{port}/inlet/portal"

    async def post(http: aiohttp.ClientSession, number: int) -> int:
        message = {"id": f"n{number}", "sender": f"86139{number:08d}", "text": f"{TEXT}{number}", "proven": True}
        body, stamp = json.dumps(message, ensure_ascii=False).encode(), int(time())
        headers = {TIMESTAMP: str(stamp), SIGNATURE: signed(SECRET, stamp, body)}
        async with http.post(url, data=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def bring(http: aiohttp.ClientSession) -> None:
        for number in numbers:
            while True:
                try:
                    status = await post(http, number)
                except aiohttp.ClientError:
                    status = 0
                if status == 200:
                    break
                assert until_taken, status
                await asyncio.sleep(0.2)

    began = perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as http:
        await asyncio.gather(*(bring(http) for _ in range(connections)))
    return perf_counter() - began


async def echo(port: int) -> None:
    """Answer what an inlet answers, and keep nothing; prints a line once it serves."""

    async def take(request: web.Request) -> web.Response:
        posted = json.loads(await request.read())
        return web.json_response({"ticket": posted["id"], "query_code": "", "opened": True, "repeated": False})

    application = web.Application()
    application.router.add_post("/inlet/portal", take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("{}", flush=True)
    await asyncio.Event().wait()
