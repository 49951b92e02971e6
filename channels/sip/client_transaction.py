"""The two client transactions of RFC 3261 17.1, with the Accepted state of RFC 6026.

The INVITE machine acknowledges refusals itself; the ACK for a 2xx is the dialog's (RFC 3261 13.2.2.4).
"""

from __future__ import annotations

from channels.sip.headers import Headers
from channels.sip.message import Request, Response
from channels.sip.transaction import Action, Deliver, Machine, Send, TimedOut, Timers, TransactionState


class InviteClient(Machine):
    """RFC 3261 17.1.1 and RFC 6026 8.4: timers A (send again), B (give up), D and M (absorb answers sent again)."""

    def __init__(self, request: Request, *, reliable: bool, timers: Timers) -> None:
        super().__init__(timers)
        self.request = request
        self._reliable = reliable
        self._interval = timers.t1
        self._ack: Request | None = None

    def start(self, now: float) -> list[Action]:
        """Send the INVITE."""
        self.state = TransactionState.CALLING
        self._due["B"] = now + self.timers.limit
        if not self._reliable:
            self._due["A"] = now + self._interval
        return [Send(self.request)]

    def receive(self, response: Response, now: float) -> list[Action]:
        """Take in a response that ``client_key`` matched."""
        if self.state in (TransactionState.CALLING, TransactionState.PROCEEDING):
            return self._take_first(response, now)
        if self.state is TransactionState.ACCEPTED and 200 <= response.status < 300:
            return [Deliver(response)]
        if self.state is TransactionState.COMPLETED and response.status >= 300 and self._ack is not None:
            return [Send(self._ack)]
        return []

    def cancelled(self, now: float) -> None:
        """A CANCEL is on its way: without a final answer within 64*T1 the INVITE counts as cancelled (RFC 3261 9.1)."""
        if self.state is TransactionState.PROCEEDING:
            self._due["cancelled"] = now + self.timers.limit

    def _take_first(self, response: Response, now: float) -> list[Action]:
        if response.status < 200:
            self.state = TransactionState.PROCEEDING
            self._due.pop("A", None)
            self._due.pop("B", None)
            return [Deliver(response)]
        if response.status < 300:
            self.state = TransactionState.ACCEPTED
            return [Deliver(response), *self._linger("M", self.timers.limit, now)]
        self.state = TransactionState.COMPLETED
        self._ack = ack_for_refusal(self.request, response)
        wait = 0.0 if self._reliable else self.timers.limit
        return [Send(self._ack), Deliver(response), *self._linger("D", wait, now)]

    def _fire(self, timer: str, now: float) -> list[Action]:
        if timer == "A":
            self._interval *= 2
            self._due["A"] = now + self._interval
            return [Send(self.request)]
        if timer in ("B", "cancelled"):
            return [TimedOut(), *self._finish()]
        return self._finish()


class NonInviteClient(Machine):
    """RFC 3261 17.1.2: timers E (send again), F (give up), K (absorb answers sent again)."""

    def __init__(self, request: Request, *, reliable: bool, timers: Timers) -> None:
        super().__init__(timers)
        self.request = request
        self._reliable = reliable
        self._interval = timers.t1

    def start(self, now: float) -> list[Action]:
        """Send the request."""
        self.state = TransactionState.TRYING
        self._due["F"] = now + self.timers.limit
        if not self._reliable:
            self._due["E"] = now + self._interval
        return [Send(self.request)]

    def receive(self, response: Response, now: float) -> list[Action]:
        """Take in a response that ``client_key`` matched."""
        if self.state not in (TransactionState.TRYING, TransactionState.PROCEEDING):
            return []
        if response.status < 200:
            self.state = TransactionState.PROCEEDING
            self._interval = self.timers.t2
            return [Deliver(response)]
        self.state = TransactionState.COMPLETED
        return [Deliver(response), *self._linger("K", 0.0 if self._reliable else self.timers.t4, now)]

    def _fire(self, timer: str, now: float) -> list[Action]:
        if timer == "E":
            self._interval = min(2 * self._interval, self.timers.t2)
            self._due["E"] = now + self._interval
            return [Send(self.request)]
        if timer == "F":
            return [TimedOut(), *self._finish()]
        return self._finish()


ClientMachine = InviteClient | NonInviteClient


def ack_for_refusal(invite: Request, response: Response) -> Request:
    """Build the ACK for a 3xx-6xx: same branch and route as the INVITE, To of the response (RFC 3261 17.1.1.3)."""
    headers = Headers()
    headers.add("Via", str(invite.via))
    for route in invite.headers.all("Route"):
        headers.add("Route", route)
    headers.add("Max-Forwards", "70")
    headers.add("From", invite.headers.get("From") or "")
    headers.add("To", response.headers.get("To") or "")
    headers.add("Call-ID", invite.call_id)
    headers.add("CSeq", f"{invite.cseq[0]} ACK")
    return Request(method="ACK", uri=invite.uri, headers=headers)


def cancel_for(invite: Request) -> Request:
    """Build the CANCEL of an INVITE: everything equal but the method (RFC 3261 9.1)."""
    headers = Headers()
    headers.add("Via", str(invite.via))
    for route in invite.headers.all("Route"):
        headers.add("Route", route)
    headers.add("Max-Forwards", "70")
    for name in ("From", "To", "Call-ID"):
        headers.add(name, invite.headers.get(name) or "")
    headers.add("CSeq", f"{invite.cseq[0]} CANCEL")
    return Request(method="CANCEL", uri=invite.uri, headers=headers)
