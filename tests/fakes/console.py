"""A console over a whole fake hotline: a real web server, real services, scripted telephony and words."""

from __future__ import annotations

import asyncio
import io
import math
import struct
import wave
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aiohttp import ClientSession, ClientTimeout, CookieJar, web
from prometheus_client import CollectorRegistry

from channels.webhook.signature import is_genuine
from gateway.domain.account import Account, AccountRole
from gateway.domain.call import Destination
from gateway.domain.casework import Partner
from gateway.domain.emergency import EmergencyLine
from gateway.domain.errors import Unavailable
from gateway.domain.ticket import Ticket
from gateway.ports.telephony import TrunkState
from gateway.services.desk import Agent, Desk
from gateway.services.exchange import DeskNumber
from gateway.services.live_call import LiveCall
from gateway.services.reports import Reporter
from gateway.services.switchboard import Switchboard
from gateway.services.tickets import TicketEditor
from gateway.services.unit_orders import UnitOrders
from gateway.services.unit_records import records_of_units
from gateway.telemetry import Metrics
from gateway.web.context import PartnerAccess
from gateway.web.passwords import hashed
from gateway.web.server import Console, ConsoleParts
from tests.fakes.hotline import FIRE_CHAIN, LEXICONS, PROFILE, Hotline
from tests.fakes.library import librarian_of
from tests.fakes.telephony import FakeLeg, FarEnd

PASSWORD = "correct horse battery"
PROVINCES_SECRET, WORKS_SECRET = "s" * 32, "w" * 32
PARTNERS = (
    PartnerAccess(partner=Partner(id="water-system", unit="water"), api_key="k" * 32),
    PartnerAccess(partner=Partner(id="region"), api_key="p" * 32),
    PartnerAccess(
        partner=Partner(id="province", is_master=True), api_key="", signed=partial(is_genuine, PROVINCES_SECRET)
    ),
    PartnerAccess(partner=Partner(id="works", unit="water"), api_key="", signed=partial(is_genuine, WORKS_SECRET)),
)
LINES = MappingProxyType({"110": "公安", "119": "消防", "120": "急救", "122": "交警"})


class WallClock:
    """`gateway.ports.clock.Clock`: today's calendar, and the running loop's stop-watch."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class MemoryAccounts:
    """`gateway.ports.memory.Accounts` in memory; `fail` makes it unavailable."""

    def __init__(self) -> None:
        self.known: dict[str, Account] = {}
        self.failing = False

    async def account(self, name: str) -> Account | None:
        self._reach()
        return self.known.get(name)

    async def accounts(self) -> Sequence[Account]:
        self._reach()
        return sorted(self.known.values(), key=lambda account: account.name)

    async def save_account(self, account: Account) -> None:
        self._reach()
        self.known[account.name] = account

    def _reach(self) -> None:
        if self.failing:
            raise Unavailable("the accounts were told to fail", retry_after=2.0)


class Office:
    """A console that serves, the hotline behind it, and people who may sign in with `PASSWORD`."""

    def __init__(self, line: Hotline, accounts: MemoryAccounts) -> None:
        self.line = line
        self.accounts = accounts
        self.components = {"sip": "ok", "media": "ok", "store": "ok", "recogniser": "ok"}
        self.trunks: list[TrunkState] = []
        self.parts = ConsoleParts(
            switchboard=line.switchboard,
            desk=line.desk,
            feed=line.feed,
            ledger=line.ledger,
            editor=TicketEditor(line.store, line.feed, line.clock),
            librarian=librarian_of(line),
            casework=line.casework,
            cases=line.store.cases,
            case_files=line.case_files,
            registers=line.store.registers,
            reporter=Reporter(
                line.store.cases,
                line.casework.books,
                line.clock,
                partial(records_of_units, librarian_of(line), line.clock),
            ),
            unit_orders=UnitOrders(line.store, line.casework.books, line.clock, line.exchange.units),
            correspondence=line.store.correspondence,
            files=line.files,
            partners=PARTNERS,
            store=line.store,
            accounts=accounts,
            sign_ins=line.store.sign_ins,
            clock=line.clock,
            model=lambda: line.recognizer.model,
            listening=lambda: line.recognizer.available,
            health=self.health,
            trunks=lambda: self.trunks,
            recordings=line.exchange.recordings,
            profile=PROFILE,
            lines=LINES,
            supervisors={"9900": "班长话机"},
            units=line.exchange.units,
            matters={topic.id: topic.name for topic in LEXICONS.matters},
            prompts={"greeting": "您好，这里是12345热线。", "call_ending": "感谢来电，再见。"},
            versions={"jiesu": "0.1.0"},
        )
        self.metrics = Metrics(self.parts.registry)
        self.console: Console

    def fresh_parts(self) -> ConsoleParts:
        """Return the parts for a second console; metrics cannot be shared."""
        return replace(self.parts, registry=CollectorRegistry())

    def health(self) -> Mapping[str, str]:
        return self.components

    @property
    def url(self) -> str:
        return self.console.url

    def visitor(self) -> ClientSession:
        """Return a client of nobody in particular."""
        return self.visitor_at(self.url)

    def visitor_at(self, url: str) -> ClientSession:
        """Return a client of nobody in particular, at another console."""
        jar = CookieJar(unsafe=True)  # aiohttp's word for keeping the cookies of a bare address
        return ClientSession(url, cookie_jar=jar, timeout=ClientTimeout(total=30))

    async def sign_in(self, client: ClientSession, name: str) -> None:
        """Let *client* sign in as *name*."""
        async with client.post("/api/session", json={"name": name, "password": PASSWORD}) as answer:
            assert answer.status == 200, await answer.text()

    @asynccontextmanager
    async def signed_in(self, name: str) -> AsyncIterator[ClientSession]:
        """Give a client that is signed in as *name*."""
        async with self.visitor() as client:
            await self.sign_in(client, name)
            yield client

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until *holds*, asked again whenever something happens in the hotline."""
        with self.line.feed.watch() as happening:
            news = aiter(happening)
            async with asyncio.timeout(20.0):
                while not holds():
                    await anext(news)

    async def talking(self, **values: Any) -> tuple[LiveCall, FakeLeg]:
        """Let a citizen call and be joined with the agent."""
        call, citizen = await self.line.call_in(**values)
        await self.until(lambda: call.record.ticket.agent)
        return call, citizen

    def say(self, leg: FakeLeg, text: str, at: float, *, final: bool = True) -> None:
        """Let *leg* be heard saying *text* at *at* seconds of the call."""
        self.line.recognizer.say(leg.leg.id, text, at, final=final)

    async def end(self, call: LiveCall) -> Ticket:
        """Let the citizen hang up, and wait until everything is written."""
        citizen = next(leg for leg in self.line.telephony.legs if leg.leg.call_id == call.id)
        citizen.far_end_hangs_up()
        return await self.line.over(call)

    @property
    def live_pages(self) -> set[web.WebSocketResponse]:
        """The pages' WebSockets, as the server holds them."""
        return self.console.live_pages


@asynccontextmanager
async def office(recordings: Path) -> AsyncIterator[Office]:
    """Open a hotline with its console.

    Agent 8001's telephone is registered, everybody answers at once, and nobody is greeted: no test waits for it.
    """
    line, accounts = Hotline(recordings), MemoryAccounts()
    _on_wall_time(line)
    password = await hashed(PASSWORD)
    for account in (
        Account(name="admin", display_name="管理员", role=AccountRole.ADMINISTRATOR, password_hash=password),
        Account(name="agent", display_name="李静", role=AccountRole.AGENT, password_hash=password, agent_id="8001"),
        Account(name="other", display_name="王芳", role=AccountRole.AGENT, password_hash=password, agent_id="8002"),
        Account(
            name="leader",
            display_name="张班长",
            role=AccountRole.SUPERVISOR,
            password_hash=password,
            agent_id="9900",
        ),
        Account(name="water", display_name="水务员", role=AccountRole.UNIT, password_hash=password, unit="water"),
        Account(name="roads", display_name="市政员", role=AccountRole.UNIT, password_hash=password, unit="roads"),
    ):
        await accounts.save_account(account)
    async with line.ledger, line.switchboard:
        place = Office(line, accounts)
        async with Console(place.parts, "127.0.0.1", 0) as place.console:
            line.sign_in()
            yield place


def _on_wall_time(line: Hotline) -> None:
    """Let *line* live on the wall's clock, with a second agent and all four emergency lines."""
    line.clock = clock = WallClock()  # type: ignore[assignment]
    agents = [
        Agent(id="8001", name="李静", destination=Destination(number="8001")),
        Agent(id="8002", name="王芳", destination=Destination(number="8002")),
    ]
    line.desk = Desk(agents, lambda agent: None, clock.monotonic)
    lines = {EmergencyLine(name): _chain(name) for name in LINES}
    line.open_casework()
    line.exchange = replace(
        line.exchange,
        clock=clock,
        desk=line.desk,
        lines=lines,
        greets=False,
        take_case=line.casework.take_call,
    )
    numbers = ("8001", "8002", "9001", *LINES)
    line.telephony.far_ends |= {number: FarEnd(answers_after=0.0) for number in numbers}
    line.switchboard = Switchboard(line.exchange)


def _chain(name: str) -> tuple[DeskNumber, ...]:
    return FIRE_CHAIN if name == "119" else (DeskNumber(destination=Destination(number=name), ring_limit=8.0),)


RATE = 8000


def tone(seconds: float, hertz: float = 440.0) -> bytes:
    """Return a WAV as the recorder writes them: 8 kHz, two tracks, 16 bits."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        samples = [int(6000 * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(int(seconds * RATE))]
        file.writeframes(b"".join(struct.pack("<2h", sample, -sample) for sample in samples))
    return content.getvalue()
