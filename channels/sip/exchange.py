"""One transaction each, as its user holds it: a request and what comes of it, between machine and endpoint.

Shell. Callbacks are called on the event loop, never concurrently; none may block.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable
from typing import Protocol

from channels.sip.client_transaction import ClientMachine, InviteClient, cancel_for
from channels.sip.connections import Flow
from channels.sip.message import Request, Response, make_response
from channels.sip.reliability import ProvisionalRepeat
from channels.sip.server_transaction import AnswerRepeat, ServerMachine
from channels.sip.transaction import (
    Action,
    Deliver,
    Finished,
    Machine,
    Send,
    TimedOut,
    Timers,
    TransactionState,
    TransportLost,
    client_key,
    server_key,
)

WAITING = frozenset((TransactionState.CALLING, TransactionState.TRYING, TransactionState.PROCEEDING))


class Carrier(Protocol):
    """What an exchange needs of the endpoint it belongs to."""

    timers: Timers

    def now(self) -> float:
        """The clock of all deadlines."""
        ...

    def carry_out(self, exchange: Exchange, actions: list[Action]) -> None:
        """Do what a machine asked for, and note when it wants to be looked at again."""
        ...

    def send_on(self, flow: Flow, request: Request, on_response: Callable[[Response], None]) -> OutgoingRequest:
        """Send a request that has its Via already."""
        ...

    def take_ack(self, ack: Request) -> None:
        """Pass on an ACK for a 2xx."""
        ...


class Exchange:
    """A machine with the flow its messages take, in the endpoint's agenda."""

    def __init__(self, endpoint: Carrier, machine: Machine, flow: Flow, key: Hashable) -> None:
        self._endpoint = endpoint
        self.machine = machine
        self.flow = flow
        self.key = key

    def next_deadline(self) -> float | None:
        """When the machine wants to be looked at."""
        return self.machine.next_deadline()

    def fire(self, now: float) -> None:
        """Do what has become due."""
        self._endpoint.carry_out(self, self.machine.tick(now))

    def take(self, action: Action) -> None:
        """Tell the user what the machine found."""


class OutgoingRequest(Exchange):
    """A request of ours and what comes back: ``on_response`` gets every provisional and final response.

    Silence yields a local 408 and a lost transport a local 503; then ``failed`` is True. ``is_heard``: something came.
    """

    machine: ClientMachine

    def __init__(
        self,
        endpoint: Carrier,
        machine: ClientMachine,
        flow: Flow,
        on_response: Callable[[Response], None],
    ) -> None:
        super().__init__(endpoint, machine, flow, client_key(machine.request))
        self.request = machine.request
        self.on_response = on_response
        self.failed = False
        self.is_heard = False
        self._wants_cancel = False

    @property
    def is_answered(self) -> bool:
        """Whether a final response has come, or will not come any more."""
        return self.machine.state not in WAITING

    def cancel(self) -> None:
        """Take the INVITE back: at once if the peer has been heard, else at its first provisional (RFC 3261 9.1)."""
        self._wants_cancel = True
        if self.machine.state is TransactionState.PROCEEDING:
            self._send_cancel()

    def take(self, action: Action) -> None:
        """Give the user a response of the peer, or one of our own for silence."""
        if isinstance(action, Deliver) and isinstance(action.message, Response):
            self.is_heard = True
            if self._wants_cancel and action.message.status < 200:
                self._send_cancel()
            self.on_response(action.message)
        elif isinstance(action, TimedOut):
            self.failed = True
            self.on_response(make_response(self.request, 408))
        elif isinstance(action, TransportLost):
            self.failed = True
            self.on_response(make_response(self.request, 503))

    def _send_cancel(self) -> None:
        if isinstance(self.machine, InviteClient) and self._wants_cancel:
            self._wants_cancel = False
            self.machine.cancelled(self._endpoint.now())
            self._endpoint.carry_out(self, [])  # for the deadline just set
            self._endpoint.send_on(self.flow, cancel_for(self.request), lambda _: None)


class IncomingRequest(Exchange):
    """A request of a peer, to be answered with ``respond``.

    ``source`` is where it came from, ``tag`` the To tag of every response to it.
    """

    machine: ServerMachine

    def __init__(self, endpoint: Carrier, machine: ServerMachine, flow: Flow, source: Flow) -> None:
        super().__init__(endpoint, machine, flow, server_key(machine.request))
        self.request = machine.request
        self.source = source.target
        self.tag = new_tag()

    @property
    def is_answered(self) -> bool:
        """Whether a final response has gone out."""
        return self.machine.is_answered

    @property
    def has_responded(self) -> bool:
        """Whether any response has gone out."""
        return self.machine.has_responded

    def respond(self, response: Response) -> None:
        """Send a response; after a final one nothing but the same 2xx to an INVITE goes out."""
        self._endpoint.carry_out(self, self.machine.respond(response, self._endpoint.now()))

    def respond_once(self, response: Response) -> None:
        """Send a final response and forget: a challenge must not cost us memory (RFC 3261 26.3.2.4)."""
        self._endpoint.carry_out(self, [Send(response), Finished()])

    def answer_until_acknowledged(self, response: Response, on_silence: Callable[[], None]) -> RepeatedAnswer:
        """Send a 2xx to an INVITE again and again until ``stop``; *on_silence* is called when no ACK comes."""
        return self._repeat(AnswerRepeat(response, timers=self._endpoint.timers), on_silence)

    def repeat_until_acknowledged(self, response: Response, on_silence: Callable[[], None]) -> RepeatedAnswer:
        """Send a reliable provisional answer until ``stop``; *on_silence* is called when no PRACK comes (RFC 3262)."""
        return self._repeat(ProvisionalRepeat(response, timers=self._endpoint.timers), on_silence)

    def take(self, action: Action) -> None:
        """Pass on the ACK that names this very transaction, as peers of RFC 2543 send it."""
        if isinstance(action, Deliver) and isinstance(action.message, Request):
            self._endpoint.take_ack(action.message)

    def _repeat(self, machine: AnswerRepeat, on_silence: Callable[[], None]) -> RepeatedAnswer:
        self.respond(machine.response)
        repeated = RepeatedAnswer(self._endpoint, machine, self, on_silence)
        repeated.start()
        return repeated


class RepeatedAnswer(Exchange):
    """A 2xx on its way until the ACK comes, or a reliable provisional answer until its PRACK does."""

    machine: AnswerRepeat

    def __init__(
        self, endpoint: Carrier, machine: AnswerRepeat, invite: IncomingRequest, on_silence: Callable[[], None]
    ) -> None:
        super().__init__(endpoint, machine, invite.flow, None)
        self._invite = invite
        self._on_silence = on_silence

    def start(self) -> None:
        """Begin to wait."""
        self._endpoint.carry_out(self, self.machine.start(self._endpoint.now()))

    def stop(self) -> None:
        """The acknowledgement came, or nobody waits for it any more."""
        self._endpoint.carry_out(self, self.machine.stop())

    def take(self, action: Action) -> None:
        """Tell that no acknowledgement came."""
        if isinstance(action, TimedOut):
            self._on_silence()


def new_tag() -> str:
    """Return a tag no one can guess (RFC 3261 19.3)."""
    return secrets.token_hex(8)
