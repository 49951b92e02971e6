"""Short messages as one way in and out (`SmsChannel`): every link to a centre or a cloud that the settings name.

An answer leaves by the link whose number the petitioner wrote to, and by the first one where no number tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol, runtime_checkable

from aiohttp import web

from channels.sms.link import Link
from channels.sms.receiving import Receiver
from channels.sms.sending import Sender
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused
from gateway.ports.intake import Intake, OutgoingMessage, WayOut


class SmsLink(Protocol):
    """One link: a centre's connection, or a cloud's interface."""

    @property
    def name(self) -> str:
        """Its name in the settings."""
        ...

    @property
    def number(self) -> str:
        """Our number there, the beginning of those that petitioners write to; "" when the vendor chooses one."""
        ...

    @property
    def status(self) -> str:
        """``ok``, or what is wrong with it."""
        ...

    def running(self, intake: Intake) -> AbstractAsyncContextManager[None]:
        """Serve inside the block."""
        ...

    async def send(self, message: OutgoingMessage) -> str:
        """Send as `WayOut` does."""
        ...


@runtime_checkable
class CalledBack(Protocol):
    """A link whose peer calls us over HTTP."""

    def routes(self, intake: Intake) -> Iterable[web.AbstractRouteDef]:
        """Return its routes, each under /sms/ and the link's name."""
        ...


class CentreLink:
    """A connection to a message centre, with what comes and goes over it."""

    def __init__(self, number: str, link: Link, receiver: Receiver, sender: Sender) -> None:
        self.number = number
        self._link = link
        self._receiver = receiver
        self._sender = sender

    @property
    def name(self) -> str:
        """The link's."""
        return self._link.name

    @property
    def status(self) -> str:
        """The link's."""
        return self._link.status

    @asynccontextmanager
    async def running(self, intake: Intake) -> AsyncIterator[None]:
        """Keep the connection up, and give up in time what parts never came for."""
        tasks = [
            asyncio.create_task(
                self._link.run(lambda content: self._receiver.take(content, intake)), name=f"sms {self.name}"
            ),
            asyncio.create_task(self._receiver.give_up_in_time(intake), name=f"sms {self.name} parts"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def send(self, message: OutgoingMessage) -> str:
        """Send over the connection."""
        return await self._sender.send(message)


class SmsChannel:
    """All links together. *links* are not empty."""

    kind = ChannelKind.SMS

    def __init__(self, links: Sequence[SmsLink]) -> None:
        self._links = tuple(links)

    @property
    def status(self) -> str:
        """``ok``, or each link that is not, with its reason."""
        ill = [f"{link.name}: {link.status}" for link in self._links if link.status != "ok"]
        return "; ".join(ill) or "ok"

    @property
    def way_out(self) -> WayOut | None:
        """Itself."""
        return self

    @asynccontextmanager
    async def running(self, intake: Intake) -> AsyncIterator[None]:
        """Run every link inside the block."""
        async with AsyncExitStack() as stack:
            for link in self._links:
                await stack.enter_async_context(link.running(intake))
            yield

    def routes(self, intake: Intake) -> Iterable[web.AbstractRouteDef]:
        """Yield the routes of the links that are called back."""
        for link in self._links:
            if isinstance(link, CalledBack):
                yield from link.routes(intake)

    async def send(self, message: OutgoingMessage) -> str:
        """Send by the link of the number that was written to, else by the first. Raises `Unavailable`, `Refused`."""
        if message.channel is not ChannelKind.SMS:
            raise Refused(f"a message for {message.channel.value} is no short message")
        return await self._link_for(message.sent_from).send(message)

    def _link_for(self, sent_from: str) -> SmsLink:
        fitting = [link for link in self._links if link.number and sent_from.startswith(link.number)]
        return max(fitting, key=lambda link: len(link.number), default=self._links[0])
