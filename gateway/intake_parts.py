"""The written intake put together: files, intake, reader, channels, public door, the way back."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

from asr.transcriber import FileTranscriber
from channels.door import Door, OnDoor
from config import lexicons
from config.answers import DEFAULT_FILE, AnswerTexts
from config.channels import Written
from config.settings import Settings
from config.values import Address
from gateway.casework_parts import CaseworkParts
from gateway.domain.casework import Channel
from gateway.domain.contact import ChannelKind
from gateway.domain.profile import Profile
from gateway.ports.clock import Clock
from gateway.ports.hearing import Recognizer
from gateway.ports.intake import Means, WayOut, WrittenChannel
from gateway.services.answering import QuietHours, WayBack
from gateway.services.assistant import KnowledgeAssistant
from gateway.services.chat_help import ChatHelp
from gateway.services.conversations import StoredChatLog, StoredValues
from gateway.services.counted import CountedIntake
from gateway.services.enquiries import TicketEnquiries
from gateway.services.feed import Feed
from gateway.services.flood import SenderLimit
from gateway.services.intake import IntakeLimits, WrittenIntake
from gateway.services.knowledge import Librarian
from gateway.services.open_requests import StoredOpenRequests
from gateway.services.outbox import Outbox
from gateway.services.reading import Reader
from gateway.services.verification import StoredVerification
from gateway.storage.files import FileRoom
from gateway.storage.store import SqlStore
from gateway.written_parts import channels_of
from routing.conversation import Conversation
from routing.decide import Understanding
from routing.emergency import Detector

SECRET = "query_code_secret"
"""Under this name the store keeps what query codes are made with."""
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the written intake stands on."""

    settings: Settings
    data: Path
    store: SqlStore
    clock: Clock
    feed: Feed
    profile: Profile
    casework: CaseworkParts
    librarian: Librarian
    recognizer: Recognizer
    lexicon_folder: Path
    detector: Detector
    understand: Callable[[Conversation], Understanding]


@dataclass(slots=True, kw_only=True)
class IntakeParts:
    """The intake, its files, its channels, what goes back (None without a way), and where the public door listens.

    ``told`` is `WayBack.outcomes`.
    """

    intake: CountedIntake
    files: FileRoom
    reader: Reader
    channels: Sequence[WrittenChannel]
    outbox: Outbox | None
    enquiries: TicketEnquiries
    told: Mapping[tuple[str, str], int]
    url: str = field(default="")

    @property
    def status(self) -> dict[str, str]:
        """Each channel's state: ``ok``, or what is wrong with it."""
        return {f"channel {channel.kind.value}": channel.status for channel in self.channels}


async def open_intake(ground: Ground) -> IntakeParts:
    """Return the parts, not serving yet. Raises `SettingsError` or `LexiconError`, and `Unavailable` without store."""
    settings, store, clock = ground.settings, ground.store, ground.clock
    written, zone = settings.written, ZoneInfo(settings.node.timezone)
    secret = await store.commit(lambda tx: tx.correspondence.keep_once(SECRET, secrets.token_hex(32)))
    texts = AnswerTexts(Path(written.answers) if written.answers else DEFAULT_FILE)
    files = FileRoom(ground.data / "files", scanner=written.scanner)
    text_only = lexicons.load_text_only(ground.lexicon_folder / "wishes.toml")
    casework = ground.casework.casework
    ways: dict[ChannelKind, WayOut] = {}
    assistant = KnowledgeAssistant(ground.librarian)
    chat_help = ChatHelp(assistant, texts, lambda text: bool(ground.detector.look(text)))
    reader = Reader(store, store.correspondence, ground.feed, ground.understand, casework, clock, chat_help)
    intake = WrittenIntake(
        store=store,
        files=files,
        feed=ground.feed,
        clock=clock,
        zone=zone,
        profile=ground.profile,
        find=ground.detector.look,
        wants_text_only=lambda text: text_only.search(text) is not None,
        reader=reader,
        casework=casework,
        texts=texts,
        secret=bytes.fromhex(secret),
        ways=ways,
        limits=_limits(written),
    )
    enquiries = TicketEnquiries(store, ground.casework.files, clock, intake.query_code)
    means = Means(
        clock=clock,
        zone=zone,
        files=files,
        enquiries=enquiries,
        transcriber=FileTranscriber(ground.recognizer),
        shared=StoredValues(store, store.correspondence, clock),
        chats=StoredChatLog(store, store.correspondence),
        assistant=assistant,
        requests=_requests(ground),
        verification=StoredVerification(store, clock, texts, ways, bytes.fromhex(secret)),
        is_urgent=lambda text: bool(ground.detector.look(text)),
    )
    channels = tuple(channels_of(settings, means))
    ways |= _ways(channels)
    way_back = WayBack(
        store=store,
        correspondence=store.correspondence,
        ways=ways,
        texts=texts,
        clock=clock,
        quiet=_quiet(written, zone),
        rate=SenderLimit(burst=max(1, int(written.sent_per_second)), every=1.0 / written.sent_per_second)
        if written.sent_per_second
        else None,
    )
    senders = {Channel.PETITIONER: way_back}
    return IntakeParts(
        intake=CountedIntake(intake),
        files=files,
        reader=reader,
        channels=channels,
        outbox=Outbox(store, store.cases, clock, senders, every=0.5, gave_up=way_back.gave_up) if ways else None,
        told=way_back.outcomes,
        enquiries=enquiries,
    )


@asynccontextmanager
async def serving(parts: IntakeParts, settings: Settings) -> AsyncIterator[None]:
    """Let channels, reader and public door run inside the block. Raises `OSError` when an address cannot be bound."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(parts.files)
        for task in (parts.reader.run(), *((parts.outbox.run(),) if parts.outbox else ())):
            stack.callback(asyncio.create_task(task, name="written").cancel)
        for channel in parts.channels:
            await stack.enter_async_context(channel.running(parts.intake))
        if settings.public.listen:
            routes = [
                route
                for channel in parts.channels
                if isinstance(channel, OnDoor)
                for route in channel.routes(parts.intake)
            ]
            door = await stack.enter_async_context(Door(*Address.parse(settings.public.listen), routes))
            parts.url = door.url
        yield


def _requests(ground: Ground) -> StoredOpenRequests:
    names = {unit.id: unit.name for unit in ground.settings.unit}
    store, words = ground.store, ground.casework.casework.words
    return StoredOpenRequests(store, store.correspondence, store.cases, lambda unit: names.get(unit, unit), words.word)


def _ways(channels: Sequence[WrittenChannel]) -> dict[ChannelKind, WayOut]:
    """Return the way out of each kind; of two channels of one kind the first that the settings name."""
    ways: dict[ChannelKind, WayOut] = {}
    for channel in channels:
        if channel.way_out is not None:
            ways.setdefault(channel.kind, channel.way_out)
    return ways


def _limits(written: Written) -> IntakeLimits:
    return IntakeLimits(
        text=written.longest_text,
        files=written.most_files,
        file_size=written.file_megabytes * MEGABYTE,
        all_files=written.all_files_megabytes * MEGABYTE,
        silence=written.conversation_silence,
        sender=SenderLimit(
            burst=written.sender_burst, every=written.sender_pause.total_seconds() if written.sender_limit else 0.0
        ),
    )


def _quiet(written: Written, zone: ZoneInfo) -> QuietHours | None:
    if not written.quiet_hours:
        return None
    begin, end = (time.fromisoformat(text) for text in written.quiet_hours)
    return QuietHours(begin=begin, end=end, zone=zone)
