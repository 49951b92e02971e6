"""A node of casework in a process of its own, to be killed: it sweeps, and it sends webhooks.

    python -m tests.peers.casework_node STORE INSTANT URL SECRET

It prints a line for every message that has arrived, before it is noted as done: a kill then falls between the two.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from channels.webhook.sender import Webhook, WebhookSender
from gateway.domain.casework import Channel, Message, Partner
from gateway.services.outbox import Outbox
from gateway.storage.store import SqlStore
from tests.fakes.caseroom import CaseRoom
from tests.fakes.store import SetClock


class Telling:
    """A sender that says what it has sent, and then takes its time."""

    def __init__(self, inner: WebhookSender) -> None:
        self.inner = inner

    async def send(self, message: Message) -> None:
        await self.inner.send(message)
        print(message.key, flush=True)
        await asyncio.sleep(0.05)


async def main(path: str, now: str, url: str, secret: str) -> None:
    """Live until killed."""
    async with SqlStore(Path(path), clock=SetClock()) as store:
        room = CaseRoom(store, now=now, partners=(Partner(id="region"),))

        async def body(message: Message) -> bytes:
            return await room.files.pushed(message, room.clock.now())

        async with WebhookSender({"region": Webhook(url=url, secret=secret)}, body, room.clock) as sender:
            outbox = Outbox(store, store.cases, room.clock, {Channel.PARTNER: Telling(sender)}, every=0.01)
            await asyncio.gather(room.case_clock.run(), outbox.run())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
