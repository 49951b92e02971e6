"""The outbox (待发消息): gives what the store holds for other systems to whoever can send it, until it has arrived.

A message is claimed for a while in the store before it is tried, so two nodes do not send it at once; a node that dies
with it in hand leaves it to be tried again when the claim is over. It may so arrive twice, always under the same key:
whoever receives it counts it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from gateway.domain.casework import Channel, Message
from gateway.domain.errors import GatewayError, Refused, Unavailable
from gateway.ports.casework import Cases, Sender
from gateway.ports.clock import Clock
from gateway.ports.memory import Store, Transaction

log = structlog.get_logger(__name__)

AT_ONCE = 20
"""Messages on their way at the same time."""
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""When a message is tried again that waits for a person."""
CLAIM = timedelta(minutes=2)
"""How long a node that took a message may keep others from it; longer than any attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long messages are tried, and how often.

    ``first_wait`` passes after the first failure, twice as long after each further one, ``longest_wait`` at most; after
    ``attempts`` nobody is there to hear it: three days as it stands here.
    """

    first_wait: timedelta = timedelta(seconds=10)
    longest_wait: timedelta = timedelta(hours=1)
    attempts: int = 80


class ForPeople(Refused):
    """No machine can tell this; a person has to."""


class Outbox:
    """Sends the messages of those channels that have a sender; *gave_up* hears of those that nobody took."""

    def __init__(
        self,
        store: Store,
        cases: Cases,
        clock: Clock,
        senders: Mapping[Channel, Sender],
        *,
        every: float = 2.0,
        patience: Patience = Patience(),
        gave_up: Callable[[Message], None] = lambda message: None,
    ) -> None:
        self._store = store
        self._cases = cases
        self._clock = clock
        self._senders = senders
        self._every = every
        self._patience = patience
        self._gave_up = gave_up

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            try:
                while await self.send_due():
                    pass
            except Unavailable as lost:
                log.warning("outbox.waits", reason=str(lost))
            except Exception:  # a fault of ours with one message must not silence all others for good
                log.exception("outbox.failed")
            await asyncio.sleep(self._every)

    async def send_due(self) -> int:
        """Try what is due, some messages at a time; return how many were tried."""
        if not self._senders:
            return 0
        due = await self._cases.next_message(self._senders)
        if due is None or due > self._clock.now():
            return 0
        claimed = await self._store.commit(self._claim)
        await asyncio.gather(*(self._try(message) for message in claimed))
        return len(claimed)

    def _claim(self, tx: Transaction) -> list[Message]:
        now = self._clock.now()
        claimed = [
            replace(message, attempts=message.attempts + 1, due=now + CLAIM)
            for message in tx.cases.due_messages(self._senders, now, AT_ONCE)
        ]
        for message in claimed:
            tx.cases.save_message(message)
        return claimed

    async def _try(self, message: Message) -> None:
        try:
            await self._senders[message.channel].send(message)
        except ForPeople as reason:
            outcome = replace(message, due=NEVER, error=str(reason))
        except Refused as final:
            outcome = replace(message, given_up=True, error=str(final))
        except GatewayError as failure:
            outcome = self._later(message, failure)
        else:
            outcome = replace(message, done_at=self._clock.now(), error="")
        if outcome.error:
            log.warning("message.not_sent", key=message.key, attempts=message.attempts, reason=outcome.error)
        await self._store.commit(lambda tx: tx.cases.save_message(outcome))
        if outcome.given_up:
            self._gave_up(outcome)

    def _later(self, message: Message, failure: GatewayError) -> Message:
        """Put it off: for as long as whoever refused asks for, else twice as long as the last time."""
        wait = min(self._patience.first_wait * 2 ** min(message.attempts - 1, 16), self._patience.longest_wait)
        if isinstance(failure, Unavailable) and failure.retry_after is not None:
            wait = timedelta(seconds=failure.retry_after)
        given_up = message.attempts >= self._patience.attempts
        return replace(message, due=self._clock.now() + wait, error=str(failure), given_up=given_up)
