"""Casework put together: casebooks from the profiles, Chinese from the phrase book, partners from the settings.

Beside it run the clock of cases and the outbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from channels.webhook.sender import Webhook, WebhookSender
from config import calendars, phrases
from config.profiles import ProfileFile, find, read_file
from config.settings import Settings
from config.toml_file import TomlFile
from gateway.domain.case import Fact
from gateway.domain.casework import Channel, Message, Partner
from gateway.domain.profile import Profile
from gateway.ports.clock import Clock
from gateway.services.books import Books
from gateway.services.case_clock import CaseClock
from gateway.services.case_file import CaseFiles
from gateway.services.case_messages import Words
from gateway.services.casework import Casework
from gateway.services.feed import Feed
from gateway.services.outbox import Outbox, Patience
from gateway.services.recounting import Recounting
from gateway.storage.store import SqlStore

CALENDARS = Path(calendars.__file__).parent / "calendars"
URGENT = Patience(first_wait=timedelta(seconds=1), longest_wait=timedelta(seconds=30), attempts=60)
"""An emergency is tried again at once, and for about half an hour: then it is no news to anybody."""


_INSTANTS = {"due", "was", "until", "keep_until"}
"""Details of facts that are instants; text in the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseworkParts:
    """Casework and what shows it."""

    casework: Casework
    files: CaseFiles
    clock: CaseClock
    recounting: Recounting


def open_casework(settings: Settings, store: SqlStore, clock: Clock, feed: Feed) -> CaseworkParts:
    """Return casework over *store*. Raises `ProfileError`, `CalendarError`."""
    rulebooks, phrasing = books(settings.node.profile), words()
    casework = Casework(
        store=store,
        books=rulebooks,
        feed=feed,
        clock=clock,
        units={unit.id for unit in settings.unit},
        authorities={unit.id: unit.authority for unit in settings.unit if unit.authority},
        words=phrasing,
        partners=[
            Partner(id=each.id, unit=each.unit, is_master=each.master) for each in settings.partner if each.webhook
        ],
        digest_age=settings.casework.digest_age,
    )
    every = settings.casework.sweep_interval.total_seconds()
    return CaseworkParts(
        casework=casework,
        files=CaseFiles(store, store.cases, rulebooks, phrasing),
        clock=CaseClock(casework, store, store.cases, clock, every=every),
        recounting=Recounting(casework, store, store.cases, clock, partial(calendars.load, CALENDARS)),
    )


@asynccontextmanager
async def running(parts: CaseworkParts, settings: Settings, store: SqlStore, clock: Clock) -> AsyncIterator[None]:
    """Let the clock of cases and the outboxes run inside the block; emergencies have one for themselves."""
    webhooks = {each.id: Webhook(url=each.webhook, secret=each.secret) for each in settings.partner if each.webhook}
    desks = {each.line: Webhook(url=each.webhook, secret=each.secret) for each in settings.emergency_line}
    body = partial(_body, parts.files, clock)
    async with (
        WebhookSender(webhooks, body, clock) as sender,
        WebhookSender({line: desk for line, desk in desks.items() if desk.url}, _report, clock, limit=5.0) as alarm,
    ):
        outbox = Outbox(store, store.cases, clock, {Channel.PARTNER: sender} if webhooks else {})
        alarms = Outbox(store, store.cases, clock, {Channel.EMERGENCY: alarm}, every=0.25, patience=URGENT)
        tasks = [
            asyncio.create_task(parts.clock.run(), name="case clock"),
            asyncio.create_task(parts.recounting.run(), name="recounting"),
            asyncio.create_task(outbox.run(), name="outbox"),
            asyncio.create_task(alarms.run(), name="emergency outbox"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _body(files: CaseFiles, clock: Clock, message: Message) -> bytes:
    return await files.pushed(message, clock.now())


async def _report(message: Message) -> bytes:
    """Return an emergency as it was when it was reported: each state has a report of its own."""
    told = {"event": message.kind, "key": message.key, "at": message.at, "text": message.text}
    return msgspec.json.encode({**told, "values": message.values})


def books(profile_id: str) -> Books:
    """Return the casebooks of a hotline under the rules of *profile_id*. Raises `ProfileError`, `CalendarError`."""
    zone: ZoneInfo = _file(profile_id).zone
    return Books(profile_id, zone, rules, calendars.load(CALENDARS))


def rules(profile_id: str, day: date) -> Profile:
    """Return a city's rules as they were on *day*. Raises `ProfileError`."""
    return _file(profile_id).on(day)


def words() -> Words:
    """Return what casework says in Chinese."""
    commands = TomlFile(phrases.PATH).convert(dict[str, dict[str, str]])["do"]
    return Words(fact=_sentence, quote=phrases.quoted, word=phrases.word, command=lambda word: commands.get(word, word))


@cache
def _file(profile_id: str) -> ProfileFile:
    return read_file(find(profile_id))


def _sentence(fact: Fact, profile: Profile) -> str:
    """Return what *fact* says; a fact out of the journal has its instants as text."""
    details = dict(fact.details)
    for name in _INSTANTS & details.keys():
        if isinstance(details[name], str) and (name != "was" or fact.name == "due"):
            details[name] = datetime.fromisoformat(details[name])
    return phrases.fact_sentence(
        Fact(at=fact.at, case=fact.case, name=fact.name, rows=fact.rows, details=details), profile.zone
    )
