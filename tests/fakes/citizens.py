"""The public door with the citizens' page and an app behind it, and memory behind them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from channels.door import Door
from channels.web.channel import AppChannel, Client, WebChannel
from channels.web.house import conversation_of
from channels.web.terms import Terms
from channels.web.visitors import Pace
from gateway.domain.contact import Attachment, ContactId
from gateway.domain.ticket import TicketId
from gateway.ports.intake import AssistantAnswer, IncomingMessage, OutgoingMessage, Taken
from tests.fakes.chats import KnownTickets, MemoryChatLog, ScriptedAssistant
from tests.fakes.intake import MemoryIntake
from tests.fakes.means import MemoryMeans

TOKEN = "t" * 43
KEY = "k" * 8
APP_KEY = "an-app's-key-of-more-than-thirty-two-characters"
CONSENT = "您填写的内容仅用于办理您的诉求。"
FIRE = "厨房着火了"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
APP_BEARER = {"Authorization": f"Bearer {APP_KEY}"}
ARTICLE = AssistantAnswer(text="每人每月可提取一次，金额不超过当月租金。", source="《住房公积金提取指南》第3版")
IMAGE = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000"
    "01f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


class WatchfulIntake(MemoryIntake):
    """An intake that hears of fires, keeps files, and puts a sender's further messages on his open ticket.

    With a ``restriction`` it takes nothing and says so.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__()
        self._files = files
        self._open: dict[str, TicketId] = {}
        self.restriction = ""

    async def take(self, message: IncomingMessage, *, answers_at_once: bool = False) -> Taken:
        if self.restriction:
            return Taken(contact_id=ContactId(""), ticket_id=TicketId(""), opened=False, told=self.restriction)
        message = replace(message, ticket_id=self._open.get(message.sender))
        taken = await super().take(message, answers_at_once=answers_at_once)
        self._open.setdefault(message.sender, taken.ticket_id)
        if "着火" in message.text:
            taken = replace(taken, told="请立即拨打 119，或到安全的地方发短信 12110。", emergencies=("119",))
        return replace(taken, attachments=tuple(self._kept(part.name, part.content) for part in message.parts))

    def _kept(self, name: str, content: bytes) -> Attachment:
        sha256 = hashlib.sha256(content).hexdigest()
        self._files[sha256] = content
        return Attachment(sha256=sha256, name=name, media_type="image/png", size=len(content))


@dataclass
class Street:
    """The door as tests use it. ``url`` is where it listens, always the same once it has been opened."""

    terms: Terms = field(default_factory=lambda: Terms(consent=CONSENT))
    pace: Pace = field(default_factory=Pace)
    answers: Mapping[str, AssistantAnswer] = field(default_factory=lambda: {"公积金": ARTICLE})
    embedders: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    clients: Mapping[str, Client] = field(
        default_factory=lambda: {"city-app": Client(hashlib.sha256(APP_KEY.encode()).hexdigest(), 100_000)}
    )

    def __post_init__(self) -> None:
        self.house = MemoryMeans()
        self.chats = MemoryChatLog()
        self.assistant = ScriptedAssistant(self.answers)
        self.tickets = KnownTickets()
        self.intake = WatchfulIntake(self.house.files.kept)
        self.url = ""
        self._port = 0
        self._open = AsyncExitStack()
        self.web, self.app = self._channels()

    def _channels(self) -> tuple[WebChannel, AppChannel]:
        means = replace(self.house.means, enquiries=self.tickets, chats=self.chats, assistant=self.assistant)
        web = WebChannel(means, self.chats, self.terms, pace=self.pace, embedders=self.embedders, proxies=self.proxies)
        return web, AppChannel(means, self.chats, self.terms, self.clients)

    async def open(self) -> None:
        """Begin to serve, with nothing remembered but what is durable."""
        self.web, self.app = self._channels()
        door = Door("127.0.0.1", self._port, [*self.web.routes(self.intake), *self.app.routes(self.intake)])
        await self._open.enter_async_context(door)
        await self._open.enter_async_context(self.web.running(self.intake))
        self.url = door.url
        self._port = urlsplit(door.url).port or 0

    async def close(self) -> None:
        """Stop serving."""
        await self._open.aclose()

    async def answer(self, text: str, *, token: str = TOKEN, key: str = "answer-1") -> str:
        """Let an agent answer in the conversation of *token*."""
        return await self.say_to(conversation_of(token), text, key=key)

    async def say_to(self, conversation: str, text: str, *, key: str) -> str:
        """Let an agent answer in *conversation*."""
        channel = self.app if conversation.startswith("city-app.") else self.web
        message = OutgoingMessage(key=key, channel=channel.kind, to=conversation, text=text)
        return await channel.way_out.send(message)


@asynccontextmanager
async def street(place: Street) -> AsyncIterator[Street]:
    """Open *place* for the length of a block."""
    await place.open()
    try:
        yield place
    finally:
        await place.close()
