"""The callee's side of a session, from the INVITE to its ACK (RFC 3261 13.3, 9.2)."""

from __future__ import annotations

from channels.sip.agenda import Alarm
from channels.sip.bodies import UnusableBody, description_of
from channels.sip.dialog import Dialog
from channels.sip.exchange import IncomingRequest
from channels.sip.message import Request
from channels.sip.sdp import SessionDescription
from channels.sip.session import Host, Session
from channels.sip.session_events import Answered, Direction, Ended, SessionOver, SessionState
from channels.sip.uri import NameAddr
from gateway.domain.errors import OurMistake

RING_AGAIN = 60.0


class IncomingSession(Session):
    """A call to us. Making it raises UnusableBody or NoDialog where its INVITE cannot be served."""

    direction = Direction.IN

    def __init__(self, host: Host, invite: IncomingRequest, *, peer: str, caller: NameAddr) -> None:
        super().__init__(host, invite.request, local_tag=invite.tag, peer=peer, fallback=invite.source)
        self.caller = caller
        self.remote_offer = description_of(invite.request)
        self.dialog = Dialog.of_callee(invite.request, invite.tag)
        self._invite = invite
        self._ringing: Alarm | None = None

    async def ring(self, status: int = 180, description: SessionDescription | None = None) -> None:
        """Send a provisional answer (101-199), and again every minute lest a proxy give up (RFC 3261 13.3.1.1)."""
        self._must_be_unanswered("ring")
        if not 100 < status < 200:
            raise OurMistake(f"{status} is no provisional answer to give")
        self._ring(status, description)

    async def answer(self, description: SessionDescription) -> None:
        """Answer with 200, again until the ACK comes; without one the session ends after 64*T1 with BYE."""
        self._must_be_unanswered("answer")
        self._stop_ringing()
        self.state = SessionState.ANSWERED
        self.unacknowledged.send(
            self._invite,
            self.response_to(self._invite, 200, description=description),
            holds_offer=self.remote_offer is None,
            on_ack=self._acknowledged,
            on_silence=self.guarded(lambda: self.abandon("never acknowledged")),
        )

    async def reject(self, status: int, reason: str | None = None) -> None:
        """Refuse with 300-699; nothing happens once the session is answered or over."""
        if not 300 <= status < 700:
            raise OurMistake(f"{status} is no refusal")
        if self.state is SessionState.INVITED:
            self._refuse(status, reason, Ended(by_peer=False, reason=reason or str(status)))

    def withdraw(self, reason: str) -> None:
        """Hang up before the answer: 480."""
        self._refuse(480, None, Ended(by_peer=False, reason=reason))

    def fail(self) -> None:
        """End a session whose handling broke on our side: 500, or BYE."""
        if self.state is SessionState.INVITED:
            self._refuse(500, None, Ended(by_peer=False, reason="failure"))
        else:
            super().fail()

    def is_of(self, invite: IncomingRequest) -> bool:
        """Whether *invite* is what made this session."""
        return invite is self._invite

    def cancelled(self) -> None:
        """The caller took the INVITE back; its CANCEL has been answered."""
        if self.state is SessionState.INVITED:
            self._refuse(487, None, Ended(by_peer=True, reason="cancelled"))

    def peer_left(self, reason: str) -> None:
        """BYE, which may also come before our answer: then the INVITE is refused with 487 (RFC 3261 15.1.2)."""
        if self.state is SessionState.INVITED:
            self._refuse(487, None, Ended(by_peer=True, reason=reason))
        else:
            super().peer_left(reason)

    def _ring(self, status: int, description: SessionDescription | None) -> None:
        self.respond(self._invite, status, description=description)
        self._stop_ringing()
        endpoint = self.host.endpoint
        again = self.guarded(lambda: self._ring(status, description))
        self._ringing = endpoint.call_at(endpoint.now() + RING_AGAIN, again)

    def _stop_ringing(self) -> None:
        if self._ringing is not None:
            self.host.endpoint.call_off(self._ringing)

    def _refuse(self, status: int, reason: str | None, last: Ended) -> None:
        self._stop_ringing()
        self.respond(self._invite, status, reason)
        self.conclude(last)
        self.settle()

    def _acknowledged(self, ack: Request) -> None:
        if self.state is SessionState.ENDING:  # hung up while the ACK was under way
            self.say_bye()
            return
        answer = None
        if self.remote_offer is None:
            try:
                answer = description_of(ack)
            except UnusableBody:
                answer = None
            if answer is None:
                self.abandon("no answer in the ACK")
                return
        self.state = SessionState.TALKING
        self.emit(Answered(answer))

    def _must_be_unanswered(self, what: str) -> None:
        if self.is_over:
            raise SessionOver(f"cannot {what}: session is {self.state.value}")
        if self.state is not SessionState.INVITED:
            raise OurMistake(f"cannot {what}: session is {self.state.value}")
