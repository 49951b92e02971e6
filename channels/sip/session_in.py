"""The callee's side of a session, from the INVITE to its ACK (RFC 3261 13.3, 9.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from channels.sip.agenda import Alarm
from channels.sip.bodies import UnusableBody, description_of
from channels.sip.capabilities import RELIABLE, requires, supports
from channels.sip.dialog import Dialog
from channels.sip.exchange import IncomingRequest
from channels.sip.identity import originally_called, wants_privacy
from channels.sip.message import Request
from channels.sip.offer_answer import NotAcceptable
from channels.sip.provisional import ReliableProvisionals
from channels.sip.reliability import Acknowledged
from channels.sip.sdp import SessionDescription
from channels.sip.session import Host, Session
from channels.sip.session_events import Answered, Direction, Ended, Renegotiated, SessionOver, SessionState
from channels.sip.uri import NameAddr
from gateway.domain.errors import OurMistake

RING_AGAIN = 60.0


class IncomingSession(Session):
    """A call to us. Making it raises UnusableBody, NoDialog or TooSmall where its INVITE cannot be served.

    Provisional answers are reliable (RFC 3262) where the caller requires that, and those with a description where he
    supports it. A description that has been acknowledged settles offer and answer: the 2xx then carries none.
    ``is_private``: the caller does not want to be shown. ``originally_called`` is whom he dialled, before diversions.
    ``replaces`` is the session that ends when this one is answered (RFC 3891).
    """

    direction = Direction.IN

    def __init__(
        self, host: Host, invite: IncomingRequest, *, peer: str, caller: NameAddr, replaces: Session | None = None
    ) -> None:
        super().__init__(host, invite.request, local_tag=invite.tag, peer=peer, fallback=invite.source)
        self.caller = caller
        self.is_private = wants_privacy(invite.request)
        self.originally_called = originally_called(invite.request) or self.called
        self.replaces = replaces
        self.refreshing.check(invite.request)
        self.remote_offer = description_of(invite.request)
        self.dialog = Dialog.of_callee(invite.request, invite.tag)
        self._invite = invite
        self._ringing: Alarm | None = None
        self._provisionals = ReliableProvisionals(invite, self.guarded(self._never_acknowledged))
        self._is_settled_early = False
        self._early_answer: SessionDescription | None = None

    async def ring(self, status: int = 180, description: SessionDescription | None = None) -> None:
        """Send a provisional answer (101-199), and again every minute lest a proxy give up (RFC 3261 13.3.1.1).

        To a caller who offers nothing and requires reliable answers the first one must offer (RFC 3262 5): one
        without *description* is not sent to him.
        """
        self._must_be_unanswered("ring")
        if not 100 < status < 200:
            raise OurMistake(f"{status} is no provisional answer to give")
        self._ring(status, description)

    async def answer(self, description: SessionDescription) -> None:
        """Answer with 200, again until the ACK comes; without one the session ends after 64*T1 with BYE.

        A description in a provisional answer is waited for first, and *description* is left out once it is settled.
        """
        self._must_be_unanswered("answer")
        self._stop_ringing()
        await self._provisionals.wait_no_description()
        self._must_be_unanswered("answer")
        self._provisionals.stop()
        self.state = SessionState.ANSWERED
        if not self._is_settled_early:
            self.local_description = description
        self.unacknowledged.send(
            self._invite,
            self.response_to(self._invite, 200, description=None if self._is_settled_early else description),
            holds_offer=self.remote_offer is None and not self._is_settled_early,
            on_ack=self._acknowledged,
            on_silence=self.guarded(lambda: self.abandon("never acknowledged")),
        )
        if self.replaces is not None:
            self.replaces.release("replaced")

    async def reject(self, status: int, reason: str | None = None, *, retry_after: int | None = None) -> None:
        """Refuse with 300-699, to be tried again after some seconds; nothing happens once answered or over."""
        if not 300 <= status < 700:
            raise OurMistake(f"{status} is no refusal")
        if self.state is SessionState.INVITED:
            headers = [] if retry_after is None else [("Retry-After", str(retry_after))]
            self._refuse(status, reason, Ended(by_peer=False, reason=reason or str(status)), headers)

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

    @property
    def early_dialog(self) -> Dialog | None:
        """The dialog, once offer and answer are settled before our answer."""
        return self.dialog if self._is_settled_early and self.takes_update else None

    def open_offer(self, dialog: Dialog) -> Literal["ours", "theirs"] | None:
        """Whose first offer waits for its answer."""
        if self.state is not SessionState.INVITED or self._is_settled_early:
            return None
        return "theirs" if self.remote_offer is not None else "ours"

    def take_prack(self, prack: IncomingRequest) -> None:
        """Serve the acknowledgement of a reliable provisional answer, with what it answers or offers (RFC 3262 5)."""
        try:
            acknowledged = Acknowledged.parse(prack.request.headers.get("RAck") or "")
            description = description_of(prack.request)
        except UnusableBody as unusable:
            self.respond(prack, unusable.status, unusable.reason)
            return
        except ValueError:
            self.respond(prack, 400, "Malformed RAck")
            return
        held_description = self._provisionals.holds_description
        if not self._provisionals.acknowledge(acknowledged):
            self.respond(prack, 481)
            return
        settles = held_description and not self._provisionals.holds_description and not self._is_settled_early
        if settles and self.remote_offer is None:
            self._take_early_answer(prack, description)
        else:
            self._is_settled_early = self._is_settled_early or settles
            self._take_offer(prack, description)
        self._provisionals.go_on()

    def _take_early_answer(self, prack: IncomingRequest, answer: SessionDescription | None) -> None:
        """Take the answer to the offer in our provisional; a PRACK without one ends the call."""
        if answer is None:
            self.respond(prack, 400, "No answer to the offer")
            self._refuse(488, None, Ended(by_peer=False, reason="no answer in the PRACK"))
            return
        self.respond(prack, 200)
        self._is_settled_early = True
        self._early_answer = answer

    def _take_offer(self, prack: IncomingRequest, offer: SessionDescription | None) -> None:
        """Answer the offer a PRACK may make once the first one is settled."""
        if offer is None:
            self.respond(prack, 200)
            return
        if not self._is_settled_early:
            self.respond(prack, 400, "No offer can be made yet")
            return
        try:
            ours = self.renegotiate(offer) if self.renegotiate is not None else None
        except NotAcceptable:
            ours = None
        if ours is None:
            self.respond(prack, 488)
            return
        self.local_description = ours
        self.respond(prack, 200, description=ours)
        self.emit(Renegotiated(offer))

    def _ring(self, status: int, description: SessionDescription | None) -> None:
        self._stop_ringing()
        must_be_reliable = requires(self.request, RELIABLE)
        if must_be_reliable and self.remote_offer is None and description is None and self.local_description is None:
            return
        is_reliable = must_be_reliable or (description is not None and supports(self.request, RELIABLE))
        if is_reliable:
            response = self.response_to(self._invite, status, description=description)
            self._provisionals.send(response, holds_description=description is not None)
        elif self.remote_offer is not None:
            self.respond(self._invite, status, description=description)
        else:  # an offer must be sent reliably, or not at all before the 2xx (RFC 3261 13.2.1)
            self.respond(self._invite, status)
        if description is not None:
            self.local_description = description
        endpoint = self.host.endpoint
        again = self.guarded(lambda: self._ring(status, None if is_reliable else description))
        self._ringing = endpoint.call_at(endpoint.now() + RING_AGAIN, again)

    def _stop_ringing(self) -> None:
        if self._ringing is not None:
            self.host.endpoint.call_off(self._ringing)

    def _never_acknowledged(self) -> None:
        if self.state is SessionState.INVITED:
            self._refuse(504, None, Ended(by_peer=False, reason="never acknowledged"))

    def _refuse(self, status: int, reason: str | None, last: Ended, headers: Sequence[tuple[str, str]] = ()) -> None:
        self._stop_ringing()
        self._provisionals.stop()
        self.respond(self._invite, status, reason, headers=headers)
        self.conclude(last)
        self.settle()

    def _acknowledged(self, ack: Request) -> None:
        if self.state is SessionState.ENDING:  # hung up while the ACK was under way
            self.say_bye()
            return
        answer = self._early_answer
        if self.remote_offer is None and not self._is_settled_early:
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
