"""The sender of webhooks (`Sender`): one signed POST for each message, to a partner or an emergency line's system.

A case's webhook is not a picture of the moment it was made but of the moment it is sent, never an older one;
``revision`` tells which is newer when two overtake each other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import aiohttp

from channels.webhook.signature import EVENT, KEY, SIGNATURE, TIMESTAMP, signed
from gateway.domain.casework import Message
from gateway.domain.errors import Refused, Unavailable
from gateway.ports.clock import Clock

LIMIT = 20.0
"""Seconds for one attempt, connection and answer included."""
GONE = 410
"""The receiver says that there is nobody any more (RFC 9110 15.5.11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where another system wants to be told, and the secret that both know."""

    url: str
    secret: str = field(repr=False)


Body = Callable[[Message], Awaitable[bytes]]
"""Gives the body of a message: JSON, as it stands now."""


class WebhookSender:
    """Posts messages to other systems. Use as an async context manager."""

    def __init__(self, webhooks: Mapping[str, Webhook], body: Body, clock: Clock, *, limit: float = LIMIT) -> None:
        self._webhooks = webhooks
        self._body = body
        self._clock = clock
        self._limit = limit
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Be ready to send."""
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._limit))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let all connections go."""
        if self._client is not None:
            await self._client.close()

    async def send(self, message: Message) -> None:
        """Deliver *message*. Raises `Unavailable` unless the answer is 2xx; `Refused` for 410, or without webhook."""
        webhook = self._webhooks.get(message.to)
        if webhook is None or self._client is None:
            raise Refused(f"{message.to} has no webhook")
        body = await self._body(message)
        timestamp = int(self._clock.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP: str(timestamp),
            SIGNATURE: signed(webhook.secret, timestamp, body),
            KEY: message.key,
            EVENT: message.kind,
        }
        try:
            async with self._client.post(webhook.url, data=body, headers=headers, allow_redirects=False) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"{message.to}: {type(error).__name__}") from error
        if status == GONE:
            raise Refused(f"{message.to} answered 410 Gone")
        if not 200 <= status < 300:
            raise Unavailable(f"{message.to} answered {status}")
