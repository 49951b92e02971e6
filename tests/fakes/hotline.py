"""A whole hotline without sockets: real services on fake telephony, scripted words, and a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import time
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from config import calendars, lexicons, profiles
from config.announcements import Announcements
from gateway import casework_parts
from gateway.domain.call import CallId, Destination, Role
from gateway.domain.casework import Partner
from gateway.domain.emergency import EmergencyLine
from gateway.domain.events import Fact
from gateway.domain.merging import MergedLine, Merging
from gateway.domain.ticket import Ticket
from gateway.services.case_file import CaseFiles
from gateway.services.casework import Casework
from gateway.services.desk import Agent, Desk
from gateway.services.exchange import DeskNumber, Exchange, Limits
from gateway.services.feed import Feed
from gateway.services.ledger import Ledger
from gateway.services.live_call import LiveCall
from gateway.services.switchboard import Switchboard
from gateway.services.tickets import TicketEditor
from gateway.storage.files import FileRoom
from routing.decide import Understander
from routing.directory import Telephones, Unit
from routing.emergency import Detector, Watch
from routing.working_time import OfficeHours, Span
from tests.fakes.recogniser import ScriptedRecognizer
from tests.fakes.store import MemoryStore
from tests.fakes.telephony import FakeLeg, FakeTelephony, FarEnd
from tests.fakes.virtual_time import START, VirtualClock

CONFIG = Path(__file__).parents[2] / "config"
LEXICONS = lexicons.load(CONFIG / "lexicons")
DETECTOR = Detector(LEXICONS.emergency)
PROFILE = profiles.load(CONFIG / "profiles" / "chifeng-2022.toml", at=START)
WATER = Unit(id="water", name="自来水公司", duties=("water_supply",))
FIRE_CHAIN = (
    DeskNumber(destination=Destination(number="119"), ring_limit=8.0),
    DeskNumber(destination=Destination(number="1190", trunk="carrier"), ring_limit=5.0),
)
WATER_TELEPHONES = Telephones(
    consultation=(DeskNumber(destination=Destination(number="9001"), ring_limit=30.0),),
    duty=(DeskNumber(destination=Destination(number="9009"), ring_limit=30.0),),
    hours=OfficeHours.daily(Span(opens=time(8, 30), closes=time(17, 30))),
)
MERGED = (
    MergedLine(
        number="12369",
        name="环保热线",
        merging=Merging.SUB_CENTRE,
        prompt="merged_sub_centre",
        agents=frozenset({"8002"}),
    ),
    MergedLine(number="12329", name="公积金热线", merging=Merging.WHOLE, prompt="merged_whole"),
    MergedLine(number="96116", name="供水热线", merging=Merging.SUB_CENTRE, prompt="merged_sub_centre", unit="water"),
)
LIMITS = Limits(brief=3.0)
CALENDAR = calendars.load(CONFIG / "calendars")
PROMPTS = Announcements(CONFIG / "prompts").words


class Hotline:
    """The hotline and the levers of a story."""

    def __init__(self, recordings: Path) -> None:
        self.store = MemoryStore()
        self.feed = Feed()
        self.files = FileRoom(recordings.parent / "files")
        self.ledger = Ledger(self.store, self.feed)
        self.telephony = FakeTelephony(
            far_ends={
                "8001": FarEnd(),
                "8002": FarEnd(),
                "119": FarEnd(),
                "1190@carrier": FarEnd(),
                "9001": FarEnd(),
                "9009": FarEnd(),
                "9900": FarEnd(),
            }
        )
        self.recognizer = ScriptedRecognizer()
        self.clock = VirtualClock()
        agents = [
            Agent(id=number, name=name, destination=Destination(number=number))
            for number, name in (("8001", "一号坐席"), ("8002", "环保坐席"))
        ]
        self.desk = Desk(agents, lambda agent: None, self.clock.monotonic)
        self.open_casework()
        self.exchange = Exchange(
            clock=self.clock,
            zone=ZoneInfo("Asia/Shanghai"),
            calls=self.telephony,
            recognizer=self.recognizer,
            ledger=self.ledger,
            feed=self.feed,
            desk=self.desk,
            profile=PROFILE,
            lines={EmergencyLine("119"): FIRE_CHAIN},
            units={"water": WATER},
            telephones={"water": WATER_TELEPHONES},
            understand=Understander(LEXICONS, (WATER,), PROFILE),
            new_watch=partial(Watch, DETECTOR),
            recordings=recordings,
            limits=LIMITS,
            take_case=self.casework.take_call,
            merged={line.number: line for line in MERGED},
            supervisors={"9900": Destination(number="9900")},
            reported_lines=frozenset({EmergencyLine("119")}),
            prompts=PROMPTS,
            calendar=CALENDAR,
        )
        self.switchboard = Switchboard(self.exchange)
        self.editor = TicketEditor(self.store, self.feed, self.clock)
        self._calls = 0

    def open_casework(self) -> None:
        """Let tickets become cases, on this hotline's clock."""
        rulebooks, phrasing = casework_parts.books("chifeng-2022"), casework_parts.words()
        self.casework = Casework(
            store=self.store,
            books=rulebooks,
            feed=self.feed,
            clock=self.clock,
            units=("water", "roads"),
            words=phrasing,
            partners=(Partner(id="water-system", unit="water"),),
        )
        self.case_files = CaseFiles(self.store, self.store.cases, rulebooks, phrasing)

    def sign_in(self, number: str = "8001") -> None:
        self.desk.telephone_changed(number, True)

    async def call_in(self, **values: Any) -> tuple[LiveCall, FakeLeg]:
        """Let a citizen call, and return the call once it is answered."""
        self._calls += 1
        incoming = self.telephony.incoming(CallId(f"call{self._calls}"), **values)
        self.switchboard.take(incoming, CallId(f"call{self._calls}"))
        call = self.switchboard.call(CallId(f"call{self._calls}"))
        await asyncio.sleep(0.1)
        return call, self.telephony.leg(Role.CITIZEN)

    async def say(self, leg: FakeLeg, text: str, *, final: bool = True) -> None:
        """Let *leg* say *text* now, and let the hotline take it in."""
        self.recognizer.say(leg.leg.id, text, self.clock.monotonic(), final=final)
        await asyncio.sleep(0.05)

    async def over(self, call: LiveCall) -> Ticket:
        """Wait until *call* is over and written, and return its ticket as stored."""
        await self.switchboard.over(call.id)
        await self.ledger.settle(5.0)
        ticket = await self.store.ticket(call.record.ticket.id)
        assert ticket is not None
        return ticket

    def told(self, call: LiveCall, kind: str) -> list[Fact]:
        return [fact for fact in call.record.facts if fact.kind == kind]


@asynccontextmanager
async def hotline(recordings: Path, *, limits: Limits | None = None) -> AsyncIterator[Hotline]:
    """Open a hotline with no agent signed in."""
    line = Hotline(recordings)
    if limits is not None:
        line.exchange = replace(line.exchange, limits=limits)
        line.switchboard = Switchboard(line.exchange)
    async with line.ledger, line.switchboard:
        yield line
