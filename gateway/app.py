"""The composition root: the one module that chooses an engine, a store and a channel, and puts them together.

Things are started from the ground up (store, recogniser, media, services, telephony, console) and stopped in the
opposite order, so that a call always stands on something.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import CollectorRegistry

from asr.models import ModelKind
from asr.probe import Unusable, probe
from asr.recogniser import VoskRecognizer
from channels.media.client import MediaEngine, MediaSettings
from channels.sip.call_control import SipCallControl
from channels.sip.user_agent import UserAgentSettings
from config import calendars, lexicons, models
from config.announcements import DEFAULT_FOLDER, Announcements
from config.settings import Settings
from config.values import Address
from config.values import ListenAddress as ConfiguredAddress
from gateway import line_parts
from gateway.casework_parts import CaseworkParts, open_casework, running
from gateway.city_parts import CONFIG, SystemClock, model_of, open_gazetteer, open_library, partners_of, profile_of
from gateway.domain.call import CallId
from gateway.domain.errors import OurMistake, UnusableSetting
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.intake_parts import Ground, IntakeParts, open_intake, serving
from gateway.ports.telephony import IncomingCall
from gateway.recording_parts import open_archive
from gateway.services.archive import Archive
from gateway.services.desk import Agent, Desk
from gateway.services.exchange import Exchange
from gateway.services.feed import Feed
from gateway.services.incidents import IncidentWatch
from gateway.services.knowledge import Librarian
from gateway.services.knowledge_rounds import Rounds
from gateway.services.ledger import Ledger
from gateway.services.reports import Reporter
from gateway.services.switchboard import Switchboard, recover
from gateway.services.tickets import TicketEditor
from gateway.services.unit_orders import UnitOrders
from gateway.services.unit_records import records_of_units
from gateway.sip_parts import call_settings, user_agent_settings
from gateway.storage.database import Database
from gateway.storage.location import database_of_node
from gateway.storage.node_claim import claimed
from gateway.storage.store import SqlStore
from gateway.telemetry import Metrics, follow
from gateway.web.server import Console, ConsoleParts, ensure_first_account
from gateway.written_metrics import WrittenMetrics
from routing.decide import Understander
from routing.emergency import Detector, Watch

log = structlog.get_logger(__name__)

HOME = Path(__file__).parent.parent
VERSION = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


class Gateway:
    """One node in service. Use as an async context manager; raises one-line errors for what it cannot use."""

    def __init__(self, settings: Settings, *, on_loading: Callable[[float], None] = lambda seconds: None) -> None:
        self._settings = settings
        self._on_loading = on_loading
        self._stack = AsyncExitStack()
        self.clock = SystemClock()
        self.feed = Feed()
        self._registry = CollectorRegistry()
        self.model = model_of(settings)
        self.profile = profile_of(settings, self.clock.now())
        self.lexicons = lexicons.load(CONFIG / "lexicons")
        self.learned = models.learned(settings)
        self.gazetteer = open_gazetteer(settings)
        self.announcements = Announcements(Path(settings.media.prompts) if settings.media.prompts else DEFAULT_FOLDER)
        self.units = line_parts.units(settings)
        self.first_password: str | None = None
        self.store: SqlStore
        self.ledger: Ledger
        self.casework: CaseworkParts
        self.recognizer: VoskRecognizer
        self.media: MediaEngine
        self.desk: Desk
        self.librarian: Librarian
        self.switchboard: Switchboard
        self.telephony: SipCallControl
        self.written: IntakeParts
        self.console: Console

    async def __aenter__(self) -> Self:
        """Start everything; what a crash left unfinished is closed first."""
        try:
            await self._start(self._stack)
        except BaseException:
            await self._stack.aclose()  # not told of the failure: a task group in there would wrap it in a group
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the calls, write what is left, stop everything."""
        await self._stack.aclose()

    def announcement(self) -> Iterator[str]:
        """Say in a few lines where the gateway can be reached and who listens."""
        yield f"page:      {self.console.url}"
        if self.written.url:
            yield f"public:    {self.written.url}"
        for address in self.telephony.agent.addresses:
            yield f"SIP:       {address.transport}:{address.host}:{address.port}"
        yield f"listening: {self.model.description_zh}"
        yield f"profile:   {self.profile.name}"
        if self.first_password is not None:
            yield f"first sign-in: user admin, password {self.first_password} (shown this once)"

    def health(self) -> dict[str, str]:
        """Return each component's state: ``ok``, or what is wrong with it."""
        store = self.store.status
        trunks = {f"trunk {trunk.name}": trunk.status for trunk in self.telephony.trunks}
        return {
            "sip": "ok",
            "media": "ok" if self.media.is_serving else "restarting",
            "store": "ok" if store.ok and not self.ledger.is_behind else store.error or "behind",
            "deadlines": self.casework.clock.error or "ok",
            "recogniser": "ok" if self.recognizer.is_hearing else "not listening",
            **self.written.status,
            **{name: "ok" if status in ("in service", "unknown") else status for name, status in trunks.items()},
        }

    # -- putting together ------------------------------------------------------------------------------------

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        with _as_setting("node.data", settings.node.data):
            data = _made(Path(settings.node.data))
        self.store = await stack.enter_async_context(
            SqlStore(self._database(data), clock=self.clock, node=settings.node.name)
        )
        stack.enter_context(claimed(data, settings.node.name, settings.node.database))
        await recover(self.store, self.clock)
        self.ledger = await stack.enter_async_context(Ledger(self.store, self.feed))
        self.casework = open_casework(settings, self.store, self.clock, self.feed)
        await self._prove_model()
        self.recognizer = await stack.enter_async_context(self._recognizer())
        self.media = await stack.enter_async_context(MediaEngine(self._media_settings()))
        self.desk = Desk(line_parts.agents(settings), self._agent_changed, self.clock.monotonic)
        self.telephony = SipCallControl(
            call_settings(self._settings, self.announcements.files),
            self.sip_settings(),
            self.media,
            take=self._take,
            telephone_changed=self.desk.telephone_changed,
        )
        recordings = _made(data / "recordings")
        archive = await stack.enter_async_context(
            open_archive(settings, self.store, self.ledger, self.clock, recordings)
        )
        exchange = self._exchange(recordings, archive)
        self.librarian = open_library(settings, self.store, self.clock, self.feed, self.casework.casework.answered)
        await stack.enter_async_context(Rounds(self.librarian))
        self.switchboard = await stack.enter_async_context(Switchboard(exchange))
        self.written = await open_intake(self._ground(data, exchange))
        with _as_setting("public.listen", settings.public.listen):
            await stack.enter_async_context(serving(self.written, settings))
        await stack.enter_async_context(running(self.casework, settings, self.store, self.clock))
        await self._count(stack)
        await self._watch_incidents(stack)
        with _as_setting("web.listen", settings.web.listen):
            self.console = await stack.enter_async_context(self._console(exchange))
        self.first_password = await ensure_first_account(self.store)
        with _as_setting("sip.listen", ", ".join(settings.sip.listen)):
            await stack.enter_async_context(self.telephony)

    def _ground(self, data: Path, exchange: Exchange) -> Ground:
        return Ground(
            settings=self._settings,
            data=data,
            store=self.store,
            clock=self.clock,
            feed=self.feed,
            profile=self.profile,
            casework=self.casework,
            librarian=self.librarian,
            recognizer=self.recognizer,
            lexicon_folder=CONFIG / "lexicons",
            detector=Detector(self.lexicons.emergency),
            understand=exchange.understand,
        )

    def _database(self, data: Path) -> Database:
        try:
            return database_of_node(data, self._settings.node.database)
        except OurMistake as error:
            raise UnusableSetting(f"node.database: {error}") from error

    async def _count(self, stack: AsyncExitStack) -> None:
        """Follow what happens for `/metrics`, for as long as the gateway stands."""
        metrics = Metrics(self._registry)
        self._registry.register(WrittenMetrics(self.written.intake.outcomes, self.written.channels, self.written.told))
        metrics.watch(
            calls_live=lambda: len(self.switchboard.calls),
            waiting=lambda: self.desk.queue_length,
            listening=lambda: self.recognizer.is_hearing,
            behind=lambda: self.ledger.behind,
            agents=lambda: self.desk.agents,
            media=lambda: asdict(self.media.statistics()),
        )
        counting = asyncio.create_task(follow(self.feed, metrics), name="metrics")
        stack.callback(counting.cancel)

    async def _watch_incidents(self, stack: AsyncExitStack) -> None:
        """Write down when many tickets are of one incident, for as long as the gateway stands."""
        watching = asyncio.create_task(IncidentWatch(self.store, self.feed, self.clock).follow(), name="incidents")
        stack.callback(watching.cancel)

    async def _prove_model(self) -> None:
        """Load a model that is not ours where its failure hurts nobody (libvosk may abort the process it is in)."""
        if self.model.kind is ModelKind.DEMO:
            return
        outcome = await probe(self.model.path, on_loading=self._on_loading)
        if isinstance(outcome, Unusable):
            raise UnusableSetting(f"asr.model = {self.model.path}: {outcome.reason}")

    def _take(self, incoming: IncomingCall, call_id: CallId) -> None:
        self.switchboard.take(incoming, call_id)

    def _exchange(self, recordings: Path, archive: Archive) -> Exchange:
        settings = self._settings
        detector = Detector(self.lexicons.emergency)
        return Exchange(
            clock=self.clock,
            zone=ZoneInfo(settings.node.timezone),
            calls=self.telephony,
            recognizer=self.recognizer,
            ledger=self.ledger,
            feed=self.feed,
            desk=self.desk,
            profile=self.profile,
            lines=line_parts.emergency_lines(settings),
            units=self.units,
            telephones=line_parts.telephones(settings, self.profile),
            understand=Understander(
                self.lexicons, tuple(self.units.values()), self.profile, self.learned, gazetteer=self.gazetteer
            ),
            new_watch=partial(Watch, detector),
            recordings=recordings,
            archive=archive,
            limits=line_parts.limits(settings),
            greets=settings.media.greeting,
            take_case=self.casework.casework.take_call if settings.casework.takes_calls else None,
            is_restricted=self._is_restricted,
            merged=line_parts.merged_lines(settings, self.announcements.words),
            supervisors=line_parts.supervisors(settings),
            reported_lines=line_parts.reported_lines(settings),
            prompts=self.announcements.words,
            calendar=calendars.load(CONFIG / "calendars"),
        )

    async def _is_restricted(self, number: str) -> bool:
        return await self.store.cases.restricted_until(number, self.clock.now()) is not None

    def _recognizer(self) -> VoskRecognizer:
        return VoskRecognizer(
            self.model,
            on_loading=self._on_loading,
            on_lost=lambda reason: self._tell("recogniser.lost", reason=reason),
            on_back=lambda deaf: self._tell("recogniser.back", deaf=round(deaf, 3)),
        )

    def _media_settings(self) -> MediaSettings:
        media = self._settings.media
        hosts = [ConfiguredAddress.parse(text).host for text in self._settings.sip.listen]
        return MediaSettings(
            address=next((host for host in hosts if ":" not in host), "0.0.0.0"),
            ipv6_address=next((host for host in hosts if ":" in host), None),
            advertised=self._settings.sip.advertise or None,
            ports=media.ports,
            port_rest=media.port_rest.total_seconds(),
            silent_after=media.silence_alert.total_seconds(),
        )

    def sip_settings(self) -> UserAgentSettings:
        """Return what the SIP user agent is made of."""
        return user_agent_settings(self._settings)

    def _console(self, exchange: Exchange) -> Console:
        settings = self._settings
        host, port = Address.parse(settings.web.listen)
        parts = ConsoleParts(
            switchboard=self.switchboard,
            desk=self.desk,
            feed=self.feed,
            ledger=self.ledger,
            editor=TicketEditor(self.store, self.feed, self.clock, self.casework.casework.amended),
            casework=self.casework.casework,
            cases=self.store.cases,
            case_files=self.casework.files,
            registers=self.store.registers,
            reporter=Reporter(
                self.store.cases,
                self.casework.casework.books,
                self.clock,
                partial(records_of_units, self.librarian, self.clock),
            ),
            correspondence=self.store.correspondence,
            files=self.written.files,
            unit_orders=UnitOrders(self.store, self.casework.casework.books, self.clock, self.units),
            partners=partners_of(settings),
            store=self.store,
            accounts=self.store,
            clock=self.clock,
            sign_ins=self.store.sign_ins,
            librarian=self.librarian,
            model=lambda: self.recognizer.model,
            listening=lambda: self.recognizer.is_hearing,
            recordings=exchange.recordings,
            profile=self.profile,
            units=self.units,
            lines={line.line: line.name for line in settings.emergency_line},
            merged={line.number: line.name for line in settings.merged_line},
            supervisors={each.agent: each.name for each in settings.telephone if each.role == "supervisor"},
            matters={topic.id: topic.name for topic in self.lexicons.matters},
            prompts=self.announcements.words,
            health=self.health,
            trunks=lambda: self.telephony.trunks,
            registry=self._registry,
            versions={"jiesu": VERSION},
        )
        return Console(
            parts,
            host,
            port,
            session_lifetime=settings.web.session_lifetime.total_seconds(),
            secure_cookies=settings.web.secure_cookies,
            trusted_proxies=[ipaddress.ip_network(each) for each in settings.web.trusted_proxies],
        )

    def _agent_changed(self, agent: Agent) -> None:
        self._tell("agent.changed", agent=agent.id, presence=agent.presence.value, call=agent.call_id)

    def _tell(self, kind: str, **values: Json) -> None:
        self.ledger.tell(Fact(kind=kind, at=self.clock.now(), values=values))


@contextmanager
def _as_setting(key: str, value: str) -> Iterator[None]:
    """Name the setting whose address cannot be bound."""
    try:
        yield
    except OSError as error:
        raise UnusableSetting(f"{key} = {value}: {os.strerror(error.errno or 0)}") from error


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
