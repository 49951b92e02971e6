"""The Telegram channel: a bot whose private chats become tickets, by webhook on the public door or by long polling.

An update is acknowledged (200, or the offset) only after `Intake.take` has returned. Group chats and other bots are
ignored; what no ticket can hold gets a courteous answer and nothing more.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from aiohttp import web

from channels import wording
from channels.telegram.albums import WINDOW, Albums
from channels.telegram.api import TelegramApi
from channels.telegram.courtesies import Courtesies
from channels.telegram.incoming import external_id, incoming
from channels.telegram.outgoing import TelegramWayOut
from channels.telegram.polling import WAIT, Poller
from channels.telegram.reading import (
    LARGEST_FILE,
    Greeted,
    Ignored,
    Message,
    Reading,
    Unreadable,
    Unwanted,
    read_octets,
)
from channels.telegram.webhook import CHECK_INTERVAL, SECRET_HEADER, Webhook, secret_of
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import Intake, Means, WayOut

log = structlog.get_logger(__name__)

PATH = "/telegram"
LARGEST_UPDATE = 1 << 20
"""Octets of an update; files do not travel in it."""
SMALL = 1_000_000
LARGE_AT_ONCE = 4
"""Messages with files beyond `SMALL` octets that are held in memory at a time; texts and voice notes never wait."""
ALBUM_KEPT = timedelta(hours=48)
"""How long it is known what an album was made of: Telegram brings updates again for 24 hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramSettings:
    """The bot. ``webhook`` is the door's address as citizens know it, "" for long polling; spans in seconds."""

    token: str = field(repr=False)
    api: str = "https://api.telegram.org"
    webhook: str = ""
    greeting: str = ""
    album_window: float = WINDOW
    poll_wait: float = WAIT
    pause: float = 1.0
    check_interval: float = CHECK_INTERVAL


class TelegramChannel:
    """`gateway.ports.intake.WrittenChannel` and `channels.door.OnDoor` for one bot.

    ``counts`` says how many updates there were of each kind that made no ticket.
    """

    def __init__(self, settings: TelegramSettings, means: Means) -> None:
        self._settings = settings
        self._means = means
        self._api = TelegramApi(settings.token, settings.api)
        self._way_out = TelegramWayOut(self._api, means.files)
        self._albums = Albums(settings.album_window)
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._updates: Poller | Webhook | None = None
        self._name = ""
        self._courtesies: Courtesies | None = None
        self.counts: Counter[str] = Counter()

    @property
    def kind(self) -> ChannelKind:
        """Telegram."""
        return ChannelKind.TELEGRAM

    @property
    def status(self) -> str:
        """``ok``, or why updates do not come."""
        if self._api.is_refused:
            return "Telegram refuses the token"
        return "not running" if self._updates is None else self._updates.status

    @property
    def way_out(self) -> WayOut:
        """To private chats."""
        return self._way_out

    @property
    def secret(self) -> str:
        """What Telegram says with each update that it brings."""
        return secret_of(self._settings.token)

    def routes(self, intake: Intake) -> Iterable[web.AbstractRouteDef]:
        """Return the webhook's route; none when updates are fetched."""
        if not self._settings.webhook:
            return []

        async def receive(request: web.Request) -> web.Response:
            given = request.headers.get(SECRET_HEADER, "")
            if not hmac.compare_digest(given.encode("utf-8", "replace"), self.secret.encode()):
                self.counts["wrong secret"] += 1
                raise web.HTTPForbidden
            if (request.content_length or 0) > LARGEST_UPDATE:
                raise web.HTTPRequestEntityTooLarge(max_size=LARGEST_UPDATE, actual_size=request.content_length or 0)
            if self._courtesies is None:
                raise Unavailable("the channel is not running")
            await self._received(read_octets(await request.read()), intake)
            return web.Response()

        return [web.post(PATH, receive)]

    @asynccontextmanager
    async def running(self, intake: Intake) -> AsyncIterator[None]:
        """Serve inside the block; connections that fail are made again."""
        async with self._api, asyncio.TaskGroup() as tasks:
            self._courtesies = courtesies = Courtesies(self._api, self._means.clock, tasks)
            self._updates = self._source(intake)
            coming = tasks.create_task(self._updates.run(), name="telegram updates")
            try:
                yield
            finally:
                self._courtesies = None
                courtesies.stop()
                coming.cancel()

    def _source(self, intake: Intake) -> Poller | Webhook:
        """Return what sees to it that updates come."""
        settings = self._settings
        if settings.webhook:
            address = settings.webhook.rstrip("/") + PATH
            interval, pause = settings.check_interval, settings.pause
            return Webhook(self._api, address, self.secret, self._means.clock, interval=interval, pause=pause)

        async def deal(readings: Sequence[Reading]) -> None:
            messages = [reading for reading in readings if isinstance(reading, Message)]
            if messages:
                await self._take(messages, intake)
            else:
                self._answered(readings[0])

        wait, pause, window = settings.poll_wait, settings.pause, settings.album_window
        return Poller(self._api, deal, wait=wait, pause=pause, window=window)

    # -- what came -------------------------------------------------------------------------------------------

    async def _received(self, reading: Reading, intake: Intake) -> None:
        """Deal with one update of the webhook. Raises `Unavailable` when it must come again."""
        if not isinstance(reading, Message):
            self._answered(reading)
        elif reading.album:
            await self._albums.take(reading, lambda members: self._take(members, intake))
        else:
            await self._take([reading], intake)

    async def _take(self, members: Sequence[Message], intake: Intake) -> None:
        """Have a message, or the messages of an album, taken."""
        if not self._name:
            self._name = await self._api.name()
        for whole in await self._as_before(members):
            octets = sum(
                LARGEST_FILE if member.file.size is None else member.file.size for member in whole if member.file
            )
            try:
                async with nullcontext() if octets <= SMALL else self._large:
                    await intake.take(await incoming(whole, self._name, self._api, self._means))
            except Refused as error:
                self.counts["refused"] += 1
                log.info("telegram.refused", reason=type(error).__name__)
                self._say(whole[0].chat, wording.NOT_TAKEN)

    async def _as_before(self, members: Sequence[Message]) -> Sequence[Sequence[Message]]:
        """Return *members* as they belong together: as they did the last time, if they came before.

        What an album is made of is written down before it is taken. When its updates come again and there are more of
        them, because the gateway died between the first and the last, the new ones are a message of their own; else
        they would be taken for what is known, and lost.
        """
        if not members[0].album:
            return [members]
        shared, rest, wholes = self._means.shared, list(members), []
        while rest:
            key = f"telegram album {external_id(rest[0])}"
            before = await shared.value(key)
            if before is None:
                before = " ".join(str(member.id) for member in rest)
                await shared.keep(key, before, self._means.clock.now() + ALBUM_KEPT)
            ids = {int(number) for number in before.split()} | {rest[0].id}
            wholes.append([member for member in rest if member.id in ids])
            rest = [member for member in rest if member.id not in ids]
        return wholes

    def _answered(self, reading: Reading) -> None:
        """Count what makes no ticket, and be courteous where a person waits for an answer."""
        match reading:
            case Greeted(chat):
                self.counts["greeted"] += 1
                self._say(chat, self._settings.greeting)
            case Unwanted(chat, kind):
                self.counts[kind] += 1
                self._say(chat, wording.ONLY_THESE)
            case Ignored(kind):
                self.counts[kind] += 1
            case Unreadable(reason):
                self.counts["unreadable"] += 1
                log.warning("telegram.unreadable", reason=reason)
            case Message():
                raise AssertionError("messages are taken")

    def _say(self, chat: int, text: str) -> None:
        if self._courtesies is not None:
            self._courtesies.say(chat, text)
