"""What the house lends a channel, in memory."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.domain.contact import ChannelKind
from gateway.domain.errors import GatewayError, Refused
from gateway.domain.ticket import TicketId
from gateway.ports.intake import Means, Progress


class MovableClock:
    """The calendar of this machine, until it is moved; the stop-watch runs by itself."""

    def __init__(self) -> None:
        self.moment: datetime | None = None

    def now(self) -> datetime:
        return self.moment or datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class MemoryFiles:
    """`gateway.ports.intake.Files` by hash."""

    kept: dict[str, bytes] = field(default_factory=dict)

    async def read(self, sha256: str) -> bytes:
        try:
            return self.kept[sha256]
        except KeyError:
            raise Refused(f"no file {sha256}") from None

    async def stream(self, sha256: str) -> AsyncIterator[bytes]:
        yield await self.read(sha256)


class NoEnquiries:
    """`gateway.ports.intake.Enquiries` that knows no ticket."""

    async def progress(self, ticket_id: TicketId, query_code: str) -> Progress | None:
        return None


@dataclass
class ScriptedTranscriber:
    """`gateway.ports.intake.Transcriber` that hears ``words`` in everything, or fails with ``fail``."""

    words: str = ""
    fail: Exception | None = None
    heard: list[bytes] = field(default_factory=list)

    async def transcribe(self, octets: bytes) -> str:
        self.heard.append(octets)
        if self.fail is not None:
            raise self.fail
        return self.words


@dataclass
class MemoryShared:
    """`gateway.ports.intake.SharedValues`; ``fail`` is raised while it is set."""

    kept: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    clock: MovableClock = field(default_factory=MovableClock)
    fail: GatewayError | None = None

    async def value(self, key: str) -> str | None:
        if self.fail is not None:
            raise self.fail
        value, until = self.kept.get(key, ("", self.clock.now()))
        return value if until > self.clock.now() else None

    async def keep(self, key: str, value: str, until: datetime) -> None:
        if self.fail is not None:
            raise self.fail
        self.kept[key] = (value, until)


@dataclass
class ScriptedVerification:
    """`gateway.ports.intake.Verification` whose code is always 123456; ``fail`` is raised while it is set."""

    fail: GatewayError | None = None
    asked: list[tuple[ChannelKind, str, str]] = field(default_factory=list)

    async def ask(self, channel: ChannelKind, address: str, stated: str) -> None:
        if self.fail is not None:
            raise self.fail
        self.asked.append((channel, address, stated))

    async def confirm(self, channel: ChannelKind, address: str, code: str) -> bool:
        return code == "123456" and any(each[:2] == (channel, address) for each in self.asked)


@dataclass
class MemoryMeans:
    """The parts of `Means`, each of which a test may change."""

    clock: MovableClock = field(default_factory=MovableClock)
    files: MemoryFiles = field(default_factory=MemoryFiles)
    transcriber: ScriptedTranscriber = field(default_factory=ScriptedTranscriber)
    shared: MemoryShared = field(default_factory=MemoryShared)
    verification: ScriptedVerification = field(default_factory=ScriptedVerification)

    @property
    def means(self) -> Means:
        self.shared.clock = self.clock
        return Means(
            clock=self.clock,
            zone=ZoneInfo("Asia/Shanghai"),
            files=self.files,
            enquiries=NoEnquiries(),
            transcriber=self.transcriber,
            shared=self.shared,
            verification=self.verification,
            is_urgent=lambda text: "着火" in text,
        )
