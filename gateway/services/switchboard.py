"""The switchboard (总机): all live calls of this node, and the calls a crash left unfinished."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import TracebackType
from uuid import uuid4

import structlog
from structlog.contextvars import bound_contextvars

from gateway.domain.call import CallId
from gateway.domain.errors import Refused
from gateway.domain.events import Fact
from gateway.domain.ticket import Ticket, TicketState
from gateway.ports.clock import Clock
from gateway.ports.memory import Store, Transaction
from gateway.ports.telephony import IncomingCall
from gateway.services.exchange import Exchange
from gateway.services.live_call import LiveCall
from gateway.services.tickets import save_change

log = structlog.get_logger(__name__)


def new_call_id() -> CallId:
    """Return a fresh call id."""
    return CallId(uuid4().hex[:16])


class Switchboard:
    """Gives every incoming call its life. Use as an async context manager; leaving it ends all calls."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._tasks: set[asyncio.Task[None]] = set()
        self.calls: dict[CallId, LiveCall] = {}

    async def __aenter__(self) -> Switchboard:
        """Be ready for calls."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all calls in good order."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, incoming: IncomingCall, call_id: CallId) -> None:
        """Let a call live until it ends; returns at once."""
        call = LiveCall(self._exchange, call_id, incoming)
        self.calls[call_id] = call
        task = asyncio.create_task(self._live(call), name=f"call {call_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def call(self, call_id: CallId) -> LiveCall:
        """Return a live call. Raises `Refused` when there is none of that id."""
        try:
            return self.calls[call_id]
        except KeyError:
            raise Refused(f"there is no live call {call_id}") from None

    async def over(self, call_id: CallId) -> None:
        """Wait until a call has ended and its end has been handed to the ledger."""
        lives = [task for task in self._tasks if task.get_name() == f"call {call_id}"]
        await asyncio.gather(*lives, return_exceptions=True)

    async def _live(self, call: LiveCall) -> None:
        with bound_contextvars(call_id=call.id, ticket_id=call.record.ticket.id):
            try:
                await call.run()
            except Exception:
                log.exception("call.failed")
            finally:
                del self.calls[call.id]


async def recover(store: Store, clock: Clock) -> list[Ticket]:
    """Close the calls that a crash cut off: their tickets say so (接听中断). Returns those tickets.

    Run once before calls are taken. Raises `Unavailable` while the store cannot.
    """
    unfinished = await store.unfinished_calls()
    for ticket in unfinished:
        await store.commit(lambda tx, cut=ticket: _cut_off(tx, cut, clock))  # type: ignore[misc]
        log.warning("call.cut_off", call_id=ticket.call_id, ticket_id=ticket.id)
    return list(unfinished)


def _cut_off(tx: Transaction, ticket: Ticket, clock: Clock) -> None:
    now = clock.now()
    save_change(tx, ticket.id, lambda t: replace(t, ended_at=now, ending="gateway failed", state=TicketState.CUT_OFF))
    tx.append(
        Fact(
            kind="call.cut_off",
            at=now,
            call_id=ticket.call_id,
            ticket_id=ticket.id,
            values={"reason": "gateway failed"},
        )
    )
