"""Mail as it is delivered to us: an SMTP server (RFC 5321) in our loop, with STARTTLS (RFC 3207) and SIZE (RFC 1870).

Shell over aiosmtpd's protocol. It relays for nobody: recipients that are not ours get 550, and AUTH is not spoken. 250
after the data means that the message is committed; while it cannot be, the peer is told 451 and comes again.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import structlog
from aiosmtpd.smtp import SMTP, Session, TLSSetupException, syntax
from aiosmtpd.smtp import Envelope as SmtpEnvelope

from channels.mail.admission import Admission, Limits
from channels.mail.data_phase import DataPhase
from channels.mail.identity import Identity
from channels.mail.letterbox import Envelope, Letterbox
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.clock import Clock

BUFFER = 128 * 1024
"""Octets that are read ahead of us; the base class takes this limit from the longest line."""
EVERYTHING = 1024 * 1024
"""More octets than ever are read ahead: the buffer and what one receive may bring."""
SOME_PROGRESS = 64 * 1024
"""Octets that a peer must bring within the idle limit to be allowed another."""
MOST_RECIPIENTS = 100
STOP_LIMIT = 5.0
"""Seconds that messages being committed get when the server stops."""

_PLAIN_PATH = re.compile(r"<([\w!#$%&'*+/=?^`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255})>", re.ASCII)

log = structlog.get_logger(__name__)
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's own log names senders and recipients


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """*hostname* greets; *tls* is offered by STARTTLS, and with *needs_tls* nothing is taken without it.

    *largest* is octets of a message, *idle_limit* seconds without a command or a whole message.
    """

    hostname: str
    listen: Sequence[tuple[str, int]]
    tls: ssl.SSLContext | None = None
    needs_tls: bool = False
    largest: int = 25 * 1024 * 1024
    idle_limit: float = 300.0
    limits: Limits = field(default_factory=Limits)


class SmtpServer:
    """The listening half. Use as an async context manager; inside the block `addresses` says where it listens.

    Entering raises `OSError` when an address cannot be bound.
    """

    def __init__(self, settings: ServerSettings, identity: Identity, letterbox: Letterbox, clock: Clock) -> None:
        self._settings = settings
        self._handler = _Handler(settings, identity, letterbox, clock, Admission(settings.limits))
        self._servers: list[asyncio.Server] = []
        self._open: set[_Connection] = set()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens, host and port."""
        return [socket.getsockname()[:2] for server in self._servers for socket in server.sockets]

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        try:
            for host, port in self._settings.listen:
                self._servers.append(await loop.create_server(self._connection, host, port))
        except OSError:
            for server in self._servers:
                server.close()
            raise
        log.info("mail.listening", addresses=[f"{host}:{port}" for host, port in self.addresses])
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take what is being committed, and close."""
        for server in self._servers:
            server.close()
        ends = [connection.hang_up() for connection in list(self._open)]
        waiting = [end for end in ends if end is not None]
        if waiting:
            await asyncio.wait(waiting, timeout=STOP_LIMIT)
        for connection in list(self._open):
            connection.abort()
        if waiting:
            await asyncio.wait(waiting, timeout=STOP_LIMIT)

    def _connection(self) -> _Connection:
        return _Connection(self._settings, self._handler, self._open)


class _Connection(SMTP):
    """One peer's connection."""

    line_length_limit = BUFFER

    def __init__(self, settings: ServerSettings, handler: _Handler, connections: set[_Connection]) -> None:
        super().__init__(
            handler,
            hostname=settings.hostname,
            ident="ESMTP",
            data_size_limit=settings.largest,
            enable_SMTPUTF8=True,
            tls_context=settings.tls,
            require_starttls=settings.needs_tls,
            timeout=settings.idle_limit,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            loop=asyncio.get_running_loop(),
        )
        self._admission = handler.admission
        self._largest = settings.largest
        self._connections = connections
        self._peer = ""
        self._is_admitted = False
        self._is_committing = False
        self._is_closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet a peer who may connect; the same is called again when TLS begins."""
        if not self._is_admitted:
            self._peer = str((transport.get_extra_info("peername") or ("",))[0])
            if not self._admission.opens(self._peer):
                log.info("mail.peer_refused", peer=self._peer)
                if isinstance(transport, asyncio.WriteTransport):
                    transport.write(b"421 4.7.0 Too many connections, come again later\r\n")
                transport.close()
                return
            self._is_admitted = True
            self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the peer."""
        if not self._is_admitted:
            return
        if self in self._connections:
            self._connections.discard(self)
            self._admission.closes(self._peer)
            super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Hear a peer who was admitted."""
        if self._is_admitted:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        """Let a peer go who has said his last word."""
        return super().eof_received() if self._is_admitted else False

    def hang_up(self) -> asyncio.Task[None] | None:
        """Close, or else once the message that is being committed is answered; return what ends then."""
        self._is_closing = True
        transport = self.transport
        if not self._is_committing and isinstance(transport, asyncio.WriteTransport) and not transport.is_closing():
            transport.write(b"421 4.3.2 Closing for maintenance, come again\r\n")
            transport.close()
        return self._handler_coroutine

    def abort(self) -> None:
        """Close whatever is under way."""
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Read an address; those that have nothing strange in them without the base class's whole grammar."""
        if match := _PLAIN_PATH.match(arg or ""):
            return match[1], arg[match.end() :]
        return super()._getaddr(arg)

    async def smtp_STARTTLS(self, arg: str) -> None:
        """Begin TLS; a peer who leaves in the middle of the handshake is gone, which the base class does not notice."""
        await super().smtp_STARTTLS(arg)
        if self._original_transport is not None and self.session is not None and self.session.ssl is None:
            raise TLSSetupException

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        """Take a message in the pieces in which it comes: the base class goes line by line, a megabyte for 100 ms."""
        assert self.envelope is not None
        if await self.check_helo_needed():
            return
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
        elif arg:
            await self.push("501 5.5.4 Syntax: DATA")
        else:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._take_data(self.envelope)

    async def _take_data(self, envelope: SmtpEnvelope) -> None:
        data, heard = DataPhase(self._largest), 0
        while not data.is_complete:
            octets = await self._reader.read(EVERYTHING)
            if not octets:
                raise ConnectionResetError
            data.feed(octets)
            heard += len(octets)
            if heard > SOME_PROGRESS:
                self._reset_timeout()
                heard = 0
        if data.rest:
            self._reader.feed_data(data.rest)
        if data.is_too_large:
            status = "552 5.3.4 Message too large"
        else:
            envelope.content = envelope.original_content = data.message
            self._is_committing = True
            try:
                status = await self._call_handler_hook("DATA")
            finally:
                self._is_committing = False
        self.envelope = self._create_envelope()
        await self.push(status)
        if self._is_closing and self.transport is not None:
            self.transport.close()

    async def smtp_VRFY(self, arg: str) -> None:
        """Tell nobody which mailboxes there are (RFC 5321 7.3)."""
        await self.push("252 2.5.0 Cannot say; bring your message")

    async def smtp_AUTH(self, arg: str) -> None:
        """Refuse: nobody signs in here."""
        await self.push("502 5.5.1 AUTH is not available")


class _Handler:
    """aiosmtpd's hooks: each returns the answer to a command."""

    def __init__(
        self, settings: ServerSettings, identity: Identity, letterbox: Letterbox, clock: Clock, admission: Admission
    ) -> None:
        self.admission = admission
        self._settings = settings
        self._identity = identity
        self._letterbox = letterbox
        self._clock = clock

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: SmtpEnvelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offer what we can."""
        session.host_name = hostname
        return [line for line in responses if not line[4:].startswith("AUTH")]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: SmtpEnvelope, address: str, options: list[str]
    ) -> str:
        """Begin a message."""
        if not self.admission.writes(_peer(session), self._clock.monotonic()):
            return "451 4.7.1 Too many messages, come again later"
        envelope.mail_from = address or "<>"
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: SmtpEnvelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient of ours and no other."""
        if not self._identity.is_ours(address):
            return "550 5.7.1 We do not relay; no such mailbox here"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: SmtpEnvelope) -> str:
        """Keep a message, and only then say so."""
        content = envelope.content
        assert isinstance(content, bytes)
        peer = _peer(session)
        try:
            await self._letterbox.put(
                content,
                Envelope(
                    received_at=self._clock.now(),
                    recipients=tuple(address.lower() for address in envelope.rcpt_tos),
                    mail_from=(envelope.mail_from or "").strip("<>").lower(),
                    peer="" if self.admission.is_relay(peer) else peer,
                    helo=(session.host_name or "").lower(),
                ),
            )
        except Unavailable as failure:
            log.warning("mail.deferred", reason=str(failure))
            return "451 4.3.0 Cannot be kept now, come again later"
        except Refused as refusal:
            log.info("mail.refused", reason=str(refusal))
            return "554 5.7.1 Not accepted"
        return "250 2.0.0 Kept"

    async def handle_exception(self, error: Exception) -> str:
        """Answer for a failure of our own, or of the peer's encryption."""
        if isinstance(error, (ConnectionError, TLSSetupException)):
            return "421 4.7.0 Connection failed"
        log.exception("mail.failed")
        return "451 4.3.0 Cannot be kept now, come again later"


def _peer(session: Session) -> str:
    return str((session.peer or ("",))[0])
