"""The caller's side of a session, from the INVITE to the answer it keeps (RFC 3261 13.2, 9.1, 22)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from channels.sip.bodies import SDP, UnusableBody, description_of
from channels.sip.dialog import MAX_FORWARDS, Dialog
from channels.sip.digest import Credentials
from channels.sip.exchange import OutgoingRequest, new_tag
from channels.sip.headers import Headers
from channels.sip.message import Request, Response
from channels.sip.sdp import SessionDescription
from channels.sip.session import ALLOW, Host, Session
from channels.sip.session_events import Answered, Direction, Ended, Progress, Rejected, SessionState
from channels.sip.target import Target
from channels.sip.uri import NameAddr

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """Whom to call, and how: the request-URI, where it is sent, and what the way asks for.

    ``peer`` names the trunk or the telephone; ``credentials`` answer its 401 or 407; ``route`` holds Route values.
    """

    uri: str
    target: Target
    peer: str
    credentials: Credentials | None = None
    route: tuple[str, ...] = ()


class OutgoingSession(Session):
    """A call of ours; ``start`` puts the INVITE on the wire."""

    direction = Direction.OUT

    def __init__(
        self,
        host: Host,
        callee: Callee,
        *,
        offer: SessionDescription,
        from_: NameAddr,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        tag = new_tag()
        self._callee = callee
        self._offer = offer
        self._from = from_.with_tag(tag)
        self._extra = tuple(headers)
        self._call_id = secrets.token_hex(16)
        super().__init__(
            host,
            self._invite(number=1),
            local_tag=tag,
            peer=callee.peer,
            fallback=callee.target,
            credentials=callee.credentials,
        )
        self._outgoing: OutgoingRequest | None = None
        self._tries = 0
        self._early: dict[str, SessionDescription] = {}
        self._acks: dict[str, tuple[Request, Target]] = {}

    def start(self) -> None:
        """Send the INVITE."""
        self.request.headers.set("Contact", self.contact_for(self._callee.target))
        self.authorization.add_to(self.request)
        self.invited_at = self.host.endpoint.now()
        self._outgoing = self.host.endpoint.request(
            self.request, self._callee.target, self.guarded(self._take_response)
        )

    @property
    def is_peer_there(self) -> bool:
        """Whether anything came back: nobody waits for a silent trunk to confirm that we gave up."""
        return self._outgoing is not None and self._outgoing.is_heard

    def withdraw(self, reason: str) -> None:
        """Give up before the answer: CANCEL, at the first provisional if none has come; one that crosses gets BYE."""
        self.state = SessionState.ENDING
        self.conclude(Ended(by_peer=False, reason=reason))
        if self._outgoing is not None:
            self._outgoing.cancel()

    def fail(self) -> None:
        """End a session whose handling broke on our side, perhaps in taking the very answer it waited for."""
        super().fail()
        if self.dialog is None and self._outgoing is not None and self._outgoing.is_answered:
            self.settle()

    def _take_response(self, response: Response) -> None:
        if response.status < 200:
            self._take_provisional(response)
        elif response.status < 300:
            self._take_answer(response)
        elif response.status in (401, 407) and self._may_try_again(response):
            self._tries += 1
            self.request = self._invite(number=self.request.cseq[0] + 1)
            self.start()
        else:
            self._take_refusal(response)

    def _take_provisional(self, response: Response) -> None:
        try:
            description = description_of(response)
        except UnusableBody:
            description = None
        tag = response.to.tag
        if description is not None and tag is not None:
            self._early[tag] = description
        self.emit(Progress(response.status, response.reason, description))

    def _take_answer(self, response: Response) -> None:
        """Acknowledge a 2xx: the first is kept, a fork's or one that comes after we gave up is ended at once."""
        tag = response.to.tag or ""
        if tag in self._acks:
            self.host.endpoint.send_ack(*self._acks[tag])
            return
        dialog = Dialog.of_caller(self.request, response)
        self._acks[tag] = self.acknowledge(self.request, dialog)
        if self.dialog is not None:
            log.info("session.fork_ended", session_id=self.id)
            self.send("BYE", lambda request, response: None, dialog=dialog)
            return
        self.dialog = dialog
        if self.state is not SessionState.INVITED:
            self.say_bye()
            return
        try:
            description = description_of(response) or self._early.get(tag)
        except UnusableBody:
            description = None
        if description is None:
            self.conclude(Rejected(488, "Answer without session description", is_local=True))
            self.say_bye()
            return
        self.state = SessionState.TALKING
        self._early.clear()
        self.emit(Answered(description))

    def _may_try_again(self, response: Response) -> bool:
        return self.state is SessionState.INVITED and self.authorization.learn(self.request, response, self._tries)

    def _take_refusal(self, response: Response) -> None:
        wait = (response.headers.get("Retry-After") or "").partition("(")[0].partition(";")[0].strip()
        self.conclude(
            Rejected(
                response.status,
                response.reason,
                causes=tuple(response.headers.all("Reason") + response.headers.all("Warning")),
                retry_after=int(wait) if wait.isascii() and wait.isdigit() else None,
                is_local=self._outgoing is not None and self._outgoing.failed,
            )
        )
        self.settle()

    def _invite(self, *, number: int) -> Request:
        headers = Headers()
        for route in self._callee.route:
            headers.add("Route", route)
        headers.add("Max-Forwards", MAX_FORWARDS)
        headers.add("From", str(self._from))
        headers.add("To", f"<{self._callee.uri}>")
        headers.add("Call-ID", self._call_id)
        headers.add("CSeq", f"{number} INVITE")
        headers.add("Allow", ALLOW)
        headers.add("Supported", "")
        for name, value in self._extra:
            headers.add(name, value)
        headers.add("Content-Type", SDP)
        return Request(method="INVITE", uri=self._callee.uri, headers=headers, body=self._offer.encode())
