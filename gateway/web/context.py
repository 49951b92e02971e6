"""What handlers work with: the parts that the composition root gives, and one visit's circumstances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.domain.account import Account
from gateway.domain.casework import Partner
from gateway.domain.errors import Unavailable
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.domain.profile import Profile
from gateway.domain.ticket import Ticket
from gateway.http_api.admission import Admission
from gateway.http_api.problems import Problem
from gateway.http_api.proxies import Network, visitor_address
from gateway.ports.casework import Cases
from gateway.ports.clock import Clock
from gateway.ports.correspondence import Correspondence
from gateway.ports.hearing import ModelDescription
from gateway.ports.intake import Files
from gateway.ports.memory import Accounts, Store
from gateway.ports.registers import Registers
from gateway.ports.sign_ins import SignIns
from gateway.ports.telephony import TrunkState
from gateway.services.case_file import CaseFiles
from gateway.services.casework import Casework
from gateway.services.desk import Desk
from gateway.services.feed import Feed
from gateway.services.knowledge import Librarian
from gateway.services.ledger import Ledger
from gateway.services.reports import Reporter
from gateway.services.switchboard import Switchboard
from gateway.services.tickets import TicketEditor
from gateway.services.unit_orders import UnitOrders
from gateway.web.sessions import COOKIE, Guesses, Session, Sessions
from routing.directory import Unit

NEW_TOKEN = web.RequestKey("new_token", str)
"""What the answer's cookie shall hold; empty takes it away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerAccess:
    """Another system that may ask here: who it is, and the key that it proves that with (ZH-21, NM-3.1).

    ``signed`` says of a timestamp, a signature and a body whether they are genuine at an instant: how it proves itself
    where it tells us something unasked.
    """

    partner: Partner
    api_key: str = field(repr=False)
    signed: Callable[[str, str, bytes, float], bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleParts:
    """What the console shows and works on.

    ``lines``, ``merged`` (lines), ``supervisors`` (their seats) and ``matters`` map ids to Chinese names, ``prompts`` a
    prompt's id to the words it says. ``health`` tells of each component ``ok`` or what is wrong with it; ``sip`` and
    ``media`` are the two without which no call can be taken. ``trunks`` tells how each of them fares.
    ``registry`` holds the metrics that are shown.
    """

    switchboard: Switchboard
    desk: Desk
    feed: Feed
    ledger: Ledger
    editor: TicketEditor
    librarian: Librarian
    store: Store
    accounts: Accounts
    sign_ins: SignIns
    clock: Clock
    model: Callable[[], ModelDescription]
    listening: Callable[[], bool]
    health: Callable[[], Mapping[str, str]]
    recordings: Path
    profile: Profile
    lines: Mapping[str, str]
    units: Mapping[str, Unit]
    matters: Mapping[str, str]
    prompts: Mapping[str, str]
    casework: Casework
    cases: Cases
    case_files: CaseFiles
    registers: Registers
    reporter: Reporter
    unit_orders: UnitOrders
    correspondence: Correspondence
    files: Files
    partners: Sequence[PartnerAccess] = ()
    trunks: Callable[[], Sequence[TrunkState]] = tuple
    merged: Mapping[str, str] = field(default_factory=dict)
    supervisors: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The console while it serves.

    ``live_pages`` are the WebSockets that are open; ``readers`` lets each stranger read the knowledge base so often,
    and ``crowd`` all of them together.
    """

    parts: ConsoleParts
    sessions: Sessions
    description: dict[str, Any]
    guesses: Guesses = field(default_factory=Guesses)
    readers: Admission = field(default_factory=Admission)
    crowd: Admission = field(default_factory=lambda: Admission(rate=20.0, burst=100))
    live_pages: set[web.WebSocketResponse] = field(default_factory=set)
    secure_cookies: bool = False
    metrics_token: str = ""
    trusted_proxies: tuple[Network, ...] = ()

    async def session_of(self, request: web.Request) -> Session | None:
        """Return whose session a request belongs to. Raises `Unavailable`."""
        return await self.sessions.find(request.cookies.get(COOKIE, ""))

    async def still_signed_in(self, request: web.Request) -> bool:
        """Say whether the session of a page that stays open lasts; a store that cannot tell is no reason to end."""
        try:
            return await self.session_of(request) is not None
        except Unavailable:
            return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request: where it goes, and who makes it."""

    context: Context
    request: web.Request
    session: Session | None

    @property
    def parts(self) -> ConsoleParts:
        """What the console works on."""
        return self.context.parts

    @property
    def signed_in(self) -> Session:
        """The session of a visitor who had to sign in to get here."""
        assert self.session is not None
        return self.session

    @property
    def account(self) -> Account:
        """Who it is."""
        return self.signed_in.account

    @property
    def address(self) -> str:
        """Where the visitor is: the far end of the connection, or whom our own proxies name (`trusted_proxies`)."""
        forwarded = self.request.headers.getall("X-Forwarded-For", [])
        return visitor_address(self.request.remote or "", forwarded, self.context.trusted_proxies)

    def admit_stranger(self) -> None:
        """Let a stranger ask. Raises `Problem` when he, or all strangers together, ask too often: calls come first."""
        now = self.parts.clock.monotonic()
        wait = self.context.readers.wait(self.address, now) or self.context.crowd.wait("", now)
        if wait > 0:
            raise Problem(429, "too_many_requests", "查询太频繁，请稍后再试", retry_after=wait)

    def tell(self, kind: str, ticket: Ticket | None = None, **values: Json) -> None:
        """Journal what this visitor did."""
        self.parts.ledger.tell(
            Fact(
                kind=kind,
                at=self.parts.clock.now(),
                call_id=ticket.call_id if ticket else None,
                ticket_id=ticket.id if ticket else None,
                values={"by": self.account.name, **values},
            )
        )

    def sees(self, kind: str, ticket: Ticket, part: str = "") -> None:
        """Journal that this visitor looked at something, once in a while however often the page asks for it."""
        if self.signed_in.sees((kind, ticket.id, part), self.parts.clock.monotonic()):
            self.tell(kind, ticket, **({"part": part} if part else {}))
