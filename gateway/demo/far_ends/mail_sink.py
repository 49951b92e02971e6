"""A smarthost on the loopback that keeps what it is given, and answers as it is told."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class MailSink:
    """``answers`` are given to commands by name instead of taking them. With *password* it wants to know who comes."""

    tls: ssl.SSLContext | None = None
    password: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    received: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _connections: list[SMTP] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(self._connection, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections:
            if connection.transport is not None:
                connection.transport.close()
        handlers = [each._handler_coroutine for each in self._connections if each._handler_coroutine is not None]
        for handler in handlers:
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.sockets[0].getsockname()[1])

    def _connection(self) -> SMTP:
        connection = SMTP(
            self,
            hostname="sink.invalid",
            tls_context=self.tls,
            authenticator=self._authenticate,
            auth_required=bool(self.password),
            loop=asyncio.get_running_loop(),
        )
        self._connections.append(connection)
        return connection

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        is_known = isinstance(data, LoginPassword) and data.password == self.password.encode()
        return AuthResult(success=is_known, handled=False)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or answer as told."""
        if "RCPT" not in self.answers:
            envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep a message, or answer as told."""
        if "DATA" not in self.answers:
            self.received.append(envelope)
            self.arrived.set()
            self.encrypted.append(session.ssl is not None)
        return self.answers.get("DATA", "250 OK")
