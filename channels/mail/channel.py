"""The e-mail channel (电子邮件): a server, hosted mailboxes and a smarthost, each where the settings have one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from channels.mail.checks import SenderChecks
from channels.mail.identity import Identity
from channels.mail.letterbox import Letterbox
from channels.mail.mailbox import HostedMailbox, MailboxSettings
from channels.mail.smtp_in import ServerSettings, SmtpServer
from channels.mail.smtp_out import MailWayOut, Smarthost
from gateway.domain.contact import ChannelKind
from gateway.ports.intake import Intake, Means, WayOut

BIND_AGAIN = 10.0
"""Seconds between attempts to bind an address that is taken."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """Where SPF, DKIM and DMARC are looked up, none meaning this machine's name servers; *limit* in seconds."""

    nameservers: Sequence[tuple[str, int]] = ()
    limit: float = 3.0


class MailChannel:
    """`gateway.ports.intake.WrittenChannel` for mail. What is None or empty is not there."""

    def __init__(
        self,
        identity: Identity,
        means: Means,
        *,
        server: ServerSettings | None = None,
        mailboxes: Sequence[MailboxSettings] = (),
        smarthost: Smarthost | None = None,
        checks: CheckSettings | None = None,
    ) -> None:
        self._identity = identity
        self._means = means
        self._server_settings = server
        self._mailbox_settings = mailboxes
        self._check_settings = checks
        self._way_out = MailWayOut(smarthost, identity, means.files, means.clock) if smarthost else None
        self._mailboxes: list[HostedMailbox] = []
        self._problem = ""
        self.server: SmtpServer | None = None
        self.letterbox: Letterbox | None = None

    @property
    def kind(self) -> ChannelKind:
        """Mail."""
        return ChannelKind.MAIL

    @property
    def status(self) -> str:
        """``ok``, or everything that is wrong at the moment."""
        problems = [f"server: {self._problem}"] if self._problem else []
        problems += [f"mailbox {box.name}: {box.problem}" for box in self._mailboxes if box.problem]
        problems += [self._way_out.problem] if self._way_out and self._way_out.problem else []
        return "; ".join(problems) or "ok"

    @property
    def counts(self) -> Mapping[str, int]:
        """How many mails there were of each kind."""
        return self.letterbox.counts if self.letterbox else {}

    @property
    def way_out(self) -> WayOut | None:
        """The smarthost."""
        return self._way_out

    @asynccontextmanager
    async def running(self, intake: Intake) -> AsyncIterator[None]:
        """Serve inside the block."""
        async with AsyncExitStack() as stack:
            checks = None
            if self._check_settings is not None:
                checks = SenderChecks(self._check_settings.nameservers, limit=self._check_settings.limit)
                stack.callback(checks.close)
            letterbox = self.letterbox = Letterbox(intake, self._identity, checks)
            clock, shared = self._means.clock, self._means.shared
            self._mailboxes = [HostedMailbox(each, letterbox, clock, shared) for each in self._mailbox_settings]
            if self._server_settings is not None:
                self.server = SmtpServer(self._server_settings, self._identity, letterbox, clock)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(box.run(), name=f"mailbox {box.name}") for box in self._mailboxes]
                if self.server is not None:
                    listening = asyncio.Event()
                    tasks.append(group.create_task(self._serve(self.server, listening), name="mail server"))
                    await listening.wait()
                try:
                    yield
                finally:
                    for task in tasks:
                        task.cancel()

    async def _serve(self, server: SmtpServer, tried: asyncio.Event) -> None:
        """Listen until cancelled; *tried* is set once it listens, or could not."""
        while True:
            try:
                async with server:
                    self._problem = ""
                    tried.set()
                    await asyncio.Event().wait()
            except OSError as error:
                self._problem = f"cannot listen: {error.strerror or error}"
                log.error("mail.cannot_listen", reason=self._problem)
            tried.set()
            await asyncio.sleep(BIND_AGAIN)
