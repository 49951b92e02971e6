"""The two server transactions of RFC 3261 17.2, with the Accepted state of RFC 6026; and answers that wait for ACK.

A 2xx to an INVITE is not the transaction's to repeat but its user's (RFC 3261 13.3.1.4): ``AnswerRepeat``.
"""

from __future__ import annotations

from channels.sip.message import Request, Response
from channels.sip.transaction import Action, Deliver, Machine, Send, TimedOut, Timers, TransactionState


class InviteServer(Machine):
    """RFC 3261 17.2.1 and RFC 6026 8.5: timers G (refuse again), H (no ACK), I and L (absorb what is sent again)."""

    def __init__(self, request: Request, *, reliable: bool, timers: Timers) -> None:
        super().__init__(timers)
        self.request = request
        self.state = TransactionState.PROCEEDING
        self._reliable = reliable
        self._interval = timers.t1
        self._last: Response | None = None

    @property
    def is_answered(self) -> bool:
        """Whether a final response has been given."""
        return self.state is not TransactionState.PROCEEDING

    @property
    def has_responded(self) -> bool:
        """Whether any response has been given."""
        return self._last is not None

    def receive(self, request: Request, now: float) -> list[Action]:
        """Take in the INVITE sent again, or an ACK that ``server_key`` matched."""
        if request.method == "ACK":
            return self._acknowledge(request, now)
        if self.state in (TransactionState.PROCEEDING, TransactionState.COMPLETED) and self._last is not None:
            return [Send(self._last)]
        return []

    def respond(self, response: Response, now: float) -> list[Action]:
        """Send the user's response; one that comes too late is dropped."""
        if self.state is TransactionState.ACCEPTED and 200 <= response.status < 300:
            return [Send(response)]
        if self.state is not TransactionState.PROCEEDING:
            return []
        self._last = response
        if response.status < 200:
            return [Send(response)]
        if response.status < 300:
            self.state = TransactionState.ACCEPTED
            return [Send(response), *self._linger("L", self.timers.limit, now)]
        self.state = TransactionState.COMPLETED
        self._due["H"] = now + self.timers.limit
        if not self._reliable:
            self._due["G"] = now + self._interval
        return [Send(response)]

    def _acknowledge(self, ack: Request, now: float) -> list[Action]:
        if self.state is TransactionState.ACCEPTED:
            return [Deliver(ack)]
        if self.state is TransactionState.COMPLETED:
            self.state = TransactionState.CONFIRMED
            return self._linger("I", 0.0 if self._reliable else self.timers.t4, now)
        return []

    def _fire(self, timer: str, now: float) -> list[Action]:
        if timer == "G" and self._last is not None:
            self._interval = min(2 * self._interval, self.timers.t2)
            self._due["G"] = now + self._interval
            return [Send(self._last)]
        if timer == "H":
            return [TimedOut(), *self._finish()]
        return self._finish()


class NonInviteServer(Machine):
    """RFC 3261 17.2.2: timer J (answer again whatever is asked again)."""

    def __init__(self, request: Request, *, reliable: bool, timers: Timers) -> None:
        super().__init__(timers)
        self.request = request
        self.state = TransactionState.TRYING
        self._reliable = reliable
        self._last: Response | None = None

    @property
    def is_answered(self) -> bool:
        """Whether a final response has been given."""
        return self.state in (TransactionState.COMPLETED, TransactionState.TERMINATED)

    @property
    def has_responded(self) -> bool:
        """Whether any response has been given."""
        return self._last is not None

    def receive(self, request: Request, now: float) -> list[Action]:
        """Take in the request sent again."""
        return [] if self._last is None else [Send(self._last)]

    def respond(self, response: Response, now: float) -> list[Action]:
        """Send the user's response; a second final one is dropped."""
        if self.is_answered:
            return []
        self._last = response
        if response.status < 200:
            self.state = TransactionState.PROCEEDING
            return [Send(response)]
        self.state = TransactionState.COMPLETED
        return [Send(response), *self._linger("J", 0.0 if self._reliable else self.timers.limit, now)]

    def _fire(self, timer: str, now: float) -> list[Action]:
        return self._finish()


class AnswerRepeat(Machine):
    """A 2xx to an INVITE, sent again until ``stop``, whatever the transport (RFC 3261 13.3.1.4).

    The interval doubles from T1 to T2; after 64*T1 without ACK it is ``TimedOut``.
    """

    def __init__(self, response: Response, *, timers: Timers) -> None:
        super().__init__(timers)
        self.response = response
        self._interval = timers.t1
        self._longest = timers.t2

    def start(self, now: float) -> list[Action]:
        """Begin the wait; the 2xx itself has gone out through its transaction."""
        self.state = TransactionState.ACCEPTED
        self._due = {"repeat": now + self._interval, "limit": now + self.timers.limit}
        return []

    def stop(self) -> list[Action]:
        """The ACK came, or the call is over."""
        return [] if self.state is TransactionState.TERMINATED else self._finish()

    def _fire(self, timer: str, now: float) -> list[Action]:
        if timer == "limit":
            return [TimedOut(), *self._finish()]
        self._interval = min(2 * self._interval, self._longest)
        self._due["repeat"] = now + self._interval
        return [Send(self.response)]


ServerMachine = InviteServer | NonInviteServer
