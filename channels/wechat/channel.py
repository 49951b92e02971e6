"""The WeChat channel: an official account whose followers' messages become tickets.

A push is answered only after `Intake.take` has returned, at once with what the sender is to be told (被动回复). Where
it cannot be kept the answer is 503, never ``success``: WeChat pushes again.
"""

from __future__ import annotations

import asyncio
import math
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from aiohttp import web

from channels import wording
from channels.pieces import pieces, utf8_octets
from channels.wechat.api import WeChatApi
from channels.wechat.crypto import Envelope, NotGenuine, is_signed
from channels.wechat.incoming import incoming
from channels.wechat.outgoing import LONGEST_TEXT, Notice, WeChatWayOut
from channels.wechat.pending import ANSWER_WITHIN, LATER_AFTER, Answer, PendingMessages
from channels.wechat.reading import (
    Fields,
    Greeted,
    Ignored,
    Message,
    Push,
    Reading,
    Reported,
    Unreadable,
    Unwanted,
    fields,
    read,
)
from channels.wechat.writing import NOTHING, reply, sealed
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import GatewayError, Refused, Unavailable
from gateway.ports.intake import DeliveryReport, DeliveryState, Intake, Means, OutgoingMessage, WayOut

log = structlog.get_logger(__name__)

PATH = "/wechat"
LARGEST_PUSH = 1 << 17
"""Octets of a push; files do not travel in it."""
WINDOW = timedelta(minutes=10)
"""How far the time that a push is signed with may be from ours: an address that leaked is soon of no use."""

_SECONDS = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeChatSettings:
    """The account: ``token`` and ``aes_key`` as in its console, the key "" for plain messages; seconds."""

    app_id: str
    app_secret: str = field(repr=False)
    token: str = field(repr=False)
    aes_key: str = field(default="", repr=False)
    api: str = "https://api.weixin.qq.com"
    greeting: str = ""
    notice: Notice | None = None
    answer_within: float = ANSWER_WITHIN
    later_after: float = LATER_AFTER


class WeChatChannel:
    """`gateway.ports.intake.WrittenChannel` and `channels.door.OnDoor` for one official account.

    ``counts`` says how many pushes there were of each kind that made no ticket.
    """

    def __init__(self, settings: WeChatSettings, means: Means) -> None:
        """Raises `ValueError` for an ``aes_key`` that is none."""
        self._settings = settings
        self._means = means
        self._envelope = Envelope(settings.aes_key, settings.app_id) if settings.aes_key else None
        self._api = WeChatApi(settings.app_id, settings.app_secret, settings.api, means.shared, means.clock)
        self._way_out = WeChatWayOut(self._api, means, settings.notice)
        self._pending: PendingMessages | None = None
        self._problem = ""
        self.counts: Counter[str] = Counter()

    @property
    def kind(self) -> ChannelKind:
        """WeChat."""
        return ChannelKind.WECHAT

    @property
    def status(self) -> str:
        """``ok``, or what WeChat and we do not agree about."""
        return self._problem or self._api.problem or "ok"

    @property
    def way_out(self) -> WayOut:
        """To followers: whole for 48 hours after they wrote, then by notice."""
        return self._way_out

    def routes(self, intake: Intake) -> Iterable[web.AbstractRouteDef]:
        """Return the account's address: GET proves that it is ours, POST brings pushes."""

        async def prove(request: web.Request) -> web.Response:
            self._check(request)
            return web.Response(text=request.query.get("echostr", ""))

        async def receive(request: web.Request) -> web.Response:
            self._check(request)
            if (request.content_length or 0) > LARGEST_PUSH:
                raise web.HTTPRequestEntityTooLarge(max_size=LARGEST_PUSH, actual_size=request.content_length or 0)
            reading = self._opened(fields(await request.read()), request)
            if isinstance(reading, Unreadable):
                self.counts["unreadable"] += 1
                log.warning("wechat.unreadable", reason=reading.reason)
                raise web.HTTPBadRequest
            text = await self._answer(reading, intake)
            return web.Response(body=self._written(reading.push, text), content_type="application/xml", charset="utf-8")

        return [web.get(PATH, prove), web.post(PATH, receive)]

    @asynccontextmanager
    async def running(self, intake: Intake) -> AsyncIterator[None]:
        """Serve inside the block."""
        settings = self._settings
        async with self._api, asyncio.TaskGroup() as tasks:
            self._pending = PendingMessages(tasks, settings.answer_within, settings.later_after)
            try:
                yield
            finally:
                self._pending.stop()
                self._pending = None

    # -- what came -------------------------------------------------------------------------------------------

    def _check(self, request: web.Request) -> None:
        """Refuse a request that WeChat did not sign, or long ago."""
        query = request.query
        moment = query.get("timestamp", "")
        age = self._means.clock.now().timestamp() - int(moment) if _SECONDS.fullmatch(moment) else math.inf
        if not is_signed(query.get("signature", ""), self._settings.token, moment, query.get("nonce", "")):
            self.counts["wrong signature"] += 1
            raise web.HTTPForbidden
        if abs(age) > WINDOW.total_seconds():
            self.counts["wrong time"] += 1
            raise web.HTTPForbidden

    def _opened(self, said: Fields | Unreadable, request: web.Request) -> Reading:
        """Read what came, decrypted if the account's messages are."""
        if isinstance(said, Unreadable):
            return said
        if self._envelope is None:
            if "Encrypt" in said and "MsgType" not in said:
                self._problem = "messages come encrypted; wechat.aes_key is missing"
                raise Unavailable(self._problem)
            return read(said)
        query, encrypted = request.query, said.get("Encrypt", "")
        parts = (self._settings.token, query.get("timestamp", ""), query.get("nonce", ""), encrypted)
        if not encrypted or not is_signed(query.get("msg_signature", ""), *parts):
            self.counts["wrong signature"] += 1
            raise web.HTTPForbidden
        try:
            inner = fields(self._envelope.opened(encrypted))
        except NotGenuine as error:
            self._problem = f"messages cannot be decrypted: {error}; compare wechat.aes_key and wechat.app_id"
            return Unreadable(reason=str(error))
        self._problem = ""
        return inner if isinstance(inner, Unreadable) else read(inner)

    async def _answer(self, reading: Message | Greeted | Unwanted | Reported | Ignored, intake: Intake) -> str:
        """Return what the sender is to be told, "" for nothing. Raises `Unavailable`: it must come again."""
        match reading:
            case Message():
                return await self._answered_after_taking(reading, intake)
            case Greeted():
                self.counts["greeted"] += 1
                return self._settings.greeting
            case Unwanted(kind=kind):
                self.counts[kind] += 1
                return wording.ONLY_THESE
            case Reported():
                await self._report(reading, intake)
            case Ignored(kind=kind):
                self.counts[kind] += 1
        return ""

    async def _answered_after_taking(self, message: Message, intake: Intake) -> str:
        if self._pending is None:
            raise Unavailable("the channel is not running")

        async def take() -> Answer:
            try:
                whole = await incoming(message, self._api, self._means)
                taken = await intake.take(whole, answers_at_once=True)
            except Refused as error:
                self.counts["refused"] += 1
                log.info("wechat.refused", reason=type(error).__name__)
                return Answer(wording.NOT_TAKEN)
            text = taken.told
            if utf8_octets(text) > LONGEST_TEXT:
                text = "" if await tell(text) else next(pieces(text, LONGEST_TEXT, utf8_octets))
            return Answer(text, is_new=not taken.is_repeated)

        async def tell(text: str) -> bool:
            return await self._told(message.push, text)

        return await self._pending.answer(message.push.key, take, tell)

    async def _told(self, push: Push, text: str) -> bool:
        """Say by customer-service message what can no longer be, or is too long to be, the answer; tell if it went."""
        message = OutgoingMessage(key=f"answer {push.key}", channel=ChannelKind.WECHAT, to=push.sender, text=text)
        try:
            await self._way_out.send(message)
        except GatewayError as error:
            self.counts["untold"] += 1
            log.warning("wechat.untold", reason=str(error))
            return False
        return True

    async def _report(self, reported: Reported, intake: Intake) -> None:
        state = DeliveryState.FAILED if reported.failure else DeliveryState.DELIVERED
        await intake.report(
            DeliveryReport(
                channel=ChannelKind.WECHAT,
                sent_id=reported.sent_id,
                state=state,
                at=reported.push.sent_at,
                reason=reported.failure,
            )
        )

    def _written(self, push: Push, text: str) -> bytes:
        """Return the body of the answer, encrypted where pushes are."""
        if not text:
            return NOTHING
        moment = int(self._means.clock.now().timestamp())
        answer = reply(push, text, moment)
        if self._envelope is None:
            return answer
        nonce = secrets.token_hex(8)
        return sealed(answer, self._envelope, self._settings.token, moment, nonce, secrets.token_bytes(16))
