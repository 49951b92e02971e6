"""A cloud vendor as a link of short messages (`CloudLink`): we post to it, and it calls the public door.

The vendors do not sign their calls. What proves them is a secret part of the address that only they are given.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import structlog
from aiohttp import web
from yarl import URL

from channels.sip.numbers import read_number
from channels.sms.cloud.vendor import BadCall, Vendor, Written
from channels.sms.pace import Pace
from channels.sms.receipts import Receipts
from channels.sms.receiving import normal
from channels.sms.words import Verdict
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.clock import Clock
from gateway.ports.intake import IncomingMessage, Intake, OutgoingMessage

log = structlog.get_logger(__name__)

LIMIT = 10.0
"""Seconds for one request to the vendor."""
TURN_LIMIT = 30.0
"""Seconds that a message waits for its turn; beyond, it comes back later."""
LARGEST_CALL = 512 * 1024
"""Octets of a call of the vendor's."""
LIMITED_FOR = 60.0
"""Seconds until a message is tried again that the vendor's limits for one number were in the way of."""

Handle = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudAddress:
    """Where we and the vendor reach each other: its interface, "" for the public one, and our secret path."""

    name: str
    url: str
    token: str = field(repr=False)
    number: str = ""


class CloudLink:
    """One vendor's account."""

    def __init__(self, address: CloudAddress, vendor: Vendor, pace: Pace, receipts: Receipts, clock: Clock) -> None:
        self.name = address.name
        self.number = address.number
        self.status = "ok"
        self._address = address
        self._vendor = vendor
        self._pace = pace
        self._receipts = receipts
        self._clock = clock
        self._client: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def running(self, intake: Intake) -> AsyncIterator[None]:
        """Be able to send; what comes in comes over `routes`."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LIMIT)) as self._client:
            try:
                yield
            finally:
                self._client = None

    def routes(self, intake: Intake) -> Iterable[web.AbstractRouteDef]:
        """Yield where the vendor brings what petitioners wrote, and receipts."""

        async def written(body: bytes) -> None:
            for each in self._vendor.written(body):
                try:
                    await intake.take(self._incoming(each))
                except Refused as failure:
                    log.warning("sms.refused", link=self.name, reason=str(failure))

        async def reported(body: bytes) -> None:
            for each in self._vendor.receipts(body):
                await self._receipts.came(each, intake)

        yield web.post(f"/sms/{self.name}/{{token}}/up", self._called(written))
        yield web.post(f"/sms/{self.name}/{{token}}/report", self._called(reported))

    async def send(self, message: OutgoingMessage) -> str:
        """Post *message* and return the id that reports will bear. Raises `Unavailable`, `Refused`."""
        number = read_number(message.to).canonical
        if not message.text or not number.removeprefix("+").isdigit():
            raise Refused("a short message needs a text and a number")
        if self._client is None:
            raise Unavailable(f"link {self.name} is not running")
        loop = asyncio.get_running_loop()
        if (wait := self._pace.wait(loop.time())) > TURN_LIMIT:
            raise Unavailable(f"link {self.name} has its hands full", retry_after=wait)
        await asyncio.sleep(self._pace.take(loop.time()))
        async with self._receipts.sending():
            return await self._posted(self._client, number, message)

    async def _posted(self, client: aiohttp.ClientSession, number: str, message: OutgoingMessage) -> str:
        url = URL(self._address.url or self._vendor.url)
        request = self._vendor.request(url.authority, number, message.text, message.key, self._clock.now())
        target = URL(f"{url.origin()}/?{request.query}" if request.query else f"{url.origin()}/", encoded=True)
        try:
            async with client.post(
                target,
                data=request.body or None,
                headers=dict(request.headers),
                skip_auto_headers=("Content-Type",),  # what is not signed must not be there
                allow_redirects=False,
            ) as response:
                answer = self._vendor.answer(response.status, await response.content.read(LARGEST_CALL))
        except (aiohttp.ClientError, TimeoutError) as error:
            self.status = f"cannot be reached: {type(error).__name__}"
            raise Unavailable(f"link {self.name}: {type(error).__name__}") from error
        self.status = "ok" if answer.verdict is Verdict.ACCEPTED else answer.reason
        match answer.verdict:
            case Verdict.ACCEPTED:
                return await self._receipts.expect([answer.sent_id])
            case Verdict.BUSY:
                raise Unavailable(f"link {self.name}: {answer.reason}", retry_after=LIMITED_FOR)
            case Verdict.LATER:
                raise Unavailable(f"link {self.name}: {answer.reason}")
            case Verdict.NEVER:
                raise Refused(f"link {self.name}: {answer.reason}")

    def _called(self, handle: Handle) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            if not hmac.compare_digest(request.match_info["token"].encode(), self._address.token.encode()):
                raise web.HTTPNotFound
            body = b""
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > LARGEST_CALL:
                    return self._said("too large", 413)
            try:
                await handle(body)
            except BadCall as error:
                log.warning("sms.garbage", link=self.name, reason=str(error))
                return self._said("not understood", 400)
            except Unavailable as failure:
                log.warning("sms.postponed", link=self.name, reason=str(failure))
                return self._said("come again", 503)
            return self._said()

        return answer

    def _said(self, reason: str = "", status: int = 200) -> web.Response:
        return web.json_response(self._vendor.said(reason), status=status)

    def _incoming(self, written: Written) -> IncomingMessage:
        return IncomingMessage(
            channel=ChannelKind.SMS,
            external_id=f"{self.name}:{written.id}",
            sender=normal(written.sender),
            addressee=f"{self.number}{written.extension}",
            received_at=self._clock.now(),
            text=written.text,
            is_proven=True,
            values={"link": self.name},
        )
