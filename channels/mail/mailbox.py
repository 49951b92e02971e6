"""Mail that lies in a hosted mailbox: IMAP (RFC 3501) with IDLE (RFC 2177), by imap_tools in a thread.

A message is fetched without being marked, taken, and only then marked as read, or moved where a folder for that is
named. What is new is what is unread, and what came after the last one that we took: a person who reads along does not
hide anything from us. Connections that fail are made again, with growing pauses.
"""

from __future__ import annotations

import asyncio
import imaplib
import math
import re
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

import structlog
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError
from imap_tools.idle import get_socket_poller

from channels.mail.letterbox import Envelope, Letterbox
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.clock import Clock
from gateway.ports.intake import SharedValues

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0
CONNECT_LIMIT = 10.0
LONGEST_IDLE = 25 * 60.0
"""Seconds after which IDLE is begun anew (RFC 2177 asks for less than 29 minutes)."""
STOP_LIMIT = 5.0
"""Seconds that a thread gets to notice that its connection has ended."""
REMEMBERED = timedelta(days=3650)
"""For how long the last message that was taken is remembered."""

_DATE = re.compile(rb'INTERNALDATE "([^"]{20,40})"')
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """Where a mailbox is and how it is opened.

    ``address`` is the mailbox's own; ``done`` the folder that taken messages go to, "" leaves them where they are,
    read. ``largest`` is octets of a message; ``limit`` seconds for one step; ``check_every`` seconds after which one
    looks although nobody said that there is something new.
    """

    name: str
    address: str
    host: str
    port: int
    username: str
    password: str
    encryption: Literal["tls", "starttls", "none"] = "tls"
    tls: ssl.SSLContext | None = None
    folder: str = "INBOX"
    done: str = ""
    largest: int = 25 * 1024 * 1024
    limit: float = 30.0
    check_every: float = 60.0


class HostedMailbox:
    """Watches one mailbox for as long as `run` runs."""

    def __init__(self, settings: MailboxSettings, letterbox: Letterbox, clock: Clock, shared: SharedValues) -> None:
        self._settings = settings
        self._letterbox = letterbox
        self._clock = clock
        self._shared = shared
        self._pause = FIRST_PAUSE
        self.name = settings.name
        self.problem = ""
        """What is wrong with it at the moment, "" for nothing."""

    async def run(self) -> None:
        """Fetch what comes, until cancelled."""
        while True:
            try:
                await self._session()
            except Unavailable as failure:
                self.problem = "what is there cannot be kept now"
                self._pause = max(self._pause, min(failure.retry_after or 0.0, LONGEST_PAUSE))
            except (OSError, imaplib.IMAP4.error, ImapToolsError, ValueError) as error:
                self.problem = type(error).__name__
            except Exception:  # what a strange server makes of the libraries must not end the gateway
                self.problem = "an error of ours"
                log.exception("mailbox.failed", name=self._settings.name)
            log.warning("mailbox.lost", name=self._settings.name, reason=self.problem, again_in=self._pause)
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _session(self) -> None:
        link = _Link(self._settings)
        try:
            await link.do(link.open)
            mark = await self._mark(link)
            log.info("mailbox.opened", name=self._settings.name)
            self.problem = ""
            while True:
                for uid in await link.do(link.new, mark):
                    await self._fetch(link, uid)
                    mark = max(mark, uid)
                    await self._shared.keep(self._key, f"{link.validity}:{mark}", self._clock.now() + REMEMBERED)
                self._pause = FIRST_PAUSE
                await link.do(link.wait)
        finally:
            await link.end()

    @property
    def _key(self) -> str:
        return f"mail.{self._settings.name}.taken"

    async def _mark(self, link: _Link) -> int:
        """Return the UID of the last message that was taken; of the newest that is there, under a new UIDVALIDITY."""
        validity, _, uid = (await self._shared.value(self._key) or "").partition(":")
        if validity == link.validity and uid.isdigit():
            return int(uid)
        await self._shared.keep(self._key, f"{link.validity}:{link.newest}", self._clock.now() + REMEMBERED)
        return link.newest

    async def _fetch(self, link: _Link, uid: int) -> None:
        found = await link.do(link.fetch, uid)
        if found is None:  # somebody else deleted or moved it
            return
        octets, received_at = found
        is_kept = True
        try:
            if octets is None:
                raise Refused(f"larger than {self._settings.largest} octets")
            await self._letterbox.put(
                octets,
                Envelope(received_at=received_at or self._clock.now(), recipients=(self._settings.address,)),
            )
        except Refused as refusal:
            log.warning("mailbox.refused", name=self._settings.name, uid=uid, reason=str(refusal))
            is_kept = False
        await link.do(link.done, uid, is_kept)


async def prove(settings: MailboxSettings) -> str:
    """Sign in, look at the folder, leave, and say what was found.

    Raises `OSError`, or what `imaplib` and `imap_tools` raise, when the server does not let us.
    """
    link = _Link(settings)
    try:
        await link.do(link.open)
        return f"{settings.folder} at {settings.host}:{settings.port}"
    finally:
        await link.end()


class _Link:
    """A connection to the server, with a thread of its own: what blocks is given to `do`."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings
        self._box: BaseMailBox | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"mailbox-{settings.name}")
        self.validity = ""
        self.newest = 0

    async def do(self, step: Callable[..., T], *arguments: object) -> T:
        """Return what *step* returns, done in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, step, *arguments)

    async def end(self) -> None:
        """End the connection, whatever the thread is doing with it, and let the thread go."""
        if self._box is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._box.client.sock, socket.SHUT_RDWR)
        closed = asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)
        await asyncio.wait({closed}, timeout=STOP_LIMIT)

    def _close(self) -> None:
        if self._box is not None:
            with suppress(OSError, imaplib.IMAP4.error):
                self._box.client.shutdown()

    @property
    def _opened(self) -> BaseMailBox:
        if self._box is None:
            raise imaplib.IMAP4.abort("not connected")
        return self._box

    def open(self) -> None:
        """Connect, sign in, and select the folder."""
        settings = self._settings
        tls = settings.tls or ssl.create_default_context()  # imaplib's own default believes every certificate
        where = {"host": settings.host, "port": settings.port, "timeout": min(settings.limit, CONNECT_LIMIT)}
        if settings.encryption == "tls":
            self._box = MailBox(**where, ssl_context=tls)
        elif settings.encryption == "starttls":
            self._box = MailBoxStartTls(**where, ssl_context=tls)
        else:
            self._box = MailBoxUnencrypted(**where)
        box = self._box
        box.client.sock.settimeout(settings.limit)
        box.login(settings.username, settings.password, initial_folder=None)
        if "ID" in box.client.capabilities:  # NetEase's servers refuse SELECT to those who do not say who they are
            box.client.xatom("ID", '("name" "jiesu")')
        answer = box.folder.status(settings.folder, ["UIDVALIDITY", "UIDNEXT"])
        self.validity, self.newest = str(answer["UIDVALIDITY"]), answer["UIDNEXT"] - 1
        box.folder.set(settings.folder)

    def new(self, mark: int) -> list[int]:
        """Return the UIDs of what was not taken yet, the oldest first."""
        box = self._opened
        box.client.noop()
        found = {int(uid) for uid in box.uids("ALL" if self._settings.done else "UNSEEN")}
        if not self._settings.done:
            found |= {int(uid) for uid in box.uids(f"UID {mark + 1}:*") if int(uid) > mark}
        return sorted(found)

    def fetch(self, uid: int) -> tuple[bytes | None, datetime | None] | None:
        """Return a message and when it arrived, no octets for one that is too large; None for one that is gone."""
        client = self._opened.client
        facts = _said(client.uid("FETCH", str(uid), "(RFC822.SIZE INTERNALDATE)"))
        size, date = _SIZE.search(facts), _DATE.search(facts)
        if size is None:
            return None
        if int(size[1]) > self._settings.largest:
            return None, None
        _, answer = client.uid("FETCH", str(uid), "(BODY.PEEK[])")
        octets = next((bytes(each[1]) for each in answer if isinstance(each, tuple)), None)
        return None if octets is None else (octets, _instant(date[1]) if date else None)

    def done(self, uid: int, is_kept: bool) -> None:
        """Mark a message as dealt with, and move it; one that was refused is flagged for a person to look at."""
        box = self._opened
        box.flag(str(uid), (r"\Seen",) if is_kept else (r"\Seen", r"\Flagged"), True)
        if self._settings.done:
            box.move(str(uid), self._settings.done)

    def wait(self) -> None:
        """Return when something happened in the folder, or after a while."""
        box, pause = self._opened, math.ceil(min(self._settings.check_every, LONGEST_IDLE))
        if "IDLE" in box.client.capabilities:
            box.idle.wait(timeout=pause)
        else:  # such a server says nothing by itself, unless it closes
            get_socket_poller(box.client.sock, pause)


def _said(answer: tuple[str, list[object]]) -> bytes:
    return b" ".join(each if isinstance(each, bytes) else b"" for each in answer[1])


def _instant(text: bytes) -> datetime | None:
    try:
        return datetime.strptime(text.decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None
