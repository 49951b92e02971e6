"""A session: one INVITE and the call it makes, from either side (RFC 3261 9, 13, 14, 15). What call control uses.

``user_agent.UserAgent`` makes sessions; ``session_in`` and ``session_out`` hold the two sides' first half,
``session_requests`` what the peer asks later, ``renegotiation`` the re-INVITEs; events are in ``session_events``::

    id            Call-ID            direction     Direction.IN / OUT      state        SessionState
    request       the INVITE         caller        NameAddr                called       Uri as dialled
    peer          trunk name or telephone user     remote_offer            SessionDescription | None
    invited_at    time.monotonic() at which the INVITE went out or came in

    async for event in session.events()     one consumer; ends after Rejected or Ended
    await session.ring(status=180, description=None)        IN, before the answer; with description: early media
    await session.answer(description)       IN; our answer, or our offer when remote_offer is None (late offer)
    await session.reject(status, reason=None)               IN; nothing happens once answered or over
    session.renegotiate = f                 called with the peer's new offer (None: it wants ours), and with its first
                                            one where we called without; returns our description, or None (or raises
                                            NotAcceptable) for 488
    await session.reoffer(description) -> SessionDescription      our re-INVITE, or before the answer our UPDATE;
                                            raises ReofferRefused, SessionOver
    session.on_refer = f                    called with a Referral whose target is permitted; False: it is declined
    await session.refer(refer_to)           ask the peer to call somebody; raises ReferRefused, SessionOver
    await session.hang_up(reason="")        in any state, any number of times; never raises
    session.release(reason)                 hang_up without waiting: the last signalling goes on in the background

``ring``, ``answer`` and ``reoffer`` raise SessionOver when the session has ended in the meantime (its events say
how), and OurMistake where the state never allowed the call. ``hang_up`` ends the events at once (Ended with
by_peer=False) and waits a configured moment for the peer to confirm; what is left goes on in the background.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Literal, ParamSpec

import structlog

from channels.sip.answering import UnacknowledgedAnswers
from channels.sip.authorization import Authorization
from channels.sip.bodies import SDP
from channels.sip.capabilities import ALLOW, SUPPORTED, allows
from channels.sip.dialog import Dialog
from channels.sip.digest import Credentials
from channels.sip.exchange import IncomingRequest, OutgoingRequest
from channels.sip.host import Host as Host
from channels.sip.message import Message, Request, Response, make_response
from channels.sip.referral import ReferTo
from channels.sip.referring import OnRefer, Referring
from channels.sip.refreshing import REFRESHING, Refreshing
from channels.sip.renegotiation import Renegotiation
from channels.sip.sdp import SessionDescription
from channels.sip.session_events import (
    Direction,
    Ended,
    InfoDigit,
    Rejected,
    Renegotiate,
    Renegotiated,
    SessionEvent,
    SessionState,
)
from channels.sip.target import Target
from channels.sip.uri import Uri
from gateway.domain.errors import OurMistake

MOST_EVENTS = 256
MOST_TRIES = 3
WITH_CONTACT = REFRESHING | {"REFER", "NOTIFY"}
P = ParamSpec("P")

log = structlog.get_logger(__name__)


class Session:
    """What both sides share: the dialog, the requests in it, and the end."""

    direction: Direction

    def __init__(
        self,
        host: Host,
        request: Request,
        *,
        local_tag: str,
        peer: str,
        fallback: Target,
        credentials: Credentials | None = None,
    ) -> None:
        self.id = request.call_id
        self.request = request
        self.caller = request.from_
        self.called = Uri.parse(request.uri)
        self.peer = peer
        self.state = SessionState.INVITED
        self.remote_offer: SessionDescription | None = None
        self.local_description: SessionDescription | None = None
        self.renegotiate: Renegotiate | None = None
        self.on_refer: OnRefer | None = None
        self.invited_at = host.endpoint.now()
        # For the modules of this package:
        self.host = host
        self.local_tag = local_tag
        self.fallback = fallback
        self.dialog: Dialog | None = None
        self.unacknowledged = UnacknowledgedAnswers()
        self.over = asyncio.Event()
        self.authorization = Authorization(credentials)
        self._events: asyncio.Queue[SessionEvent] = asyncio.Queue()
        self._settled = asyncio.Event()
        self.has_said_bye = False
        self.refreshing = Refreshing(self)
        self.referring = Referring(self)
        self.renegotiation = Renegotiation(self)
        self.takes_update = self.direction is Direction.IN and allows(request, "UPDATE")

    async def events(self) -> AsyncIterator[SessionEvent]:
        """Yield what happens, in order, until Rejected or Ended; for one consumer."""
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Rejected | Ended):
                return

    async def ring(self, status: int = 180, description: SessionDescription | None = None) -> None:
        """Send a provisional answer (101-199)."""
        raise OurMistake("only an incoming session can ring")

    async def answer(self, description: SessionDescription) -> None:
        """Answer the call."""
        raise OurMistake("only an incoming session can be answered")

    async def reject(self, status: int, reason: str | None = None, *, retry_after: int | None = None) -> None:
        """Refuse the call (300-699)."""
        raise OurMistake("only an incoming session can be rejected")

    async def reoffer(self, description: SessionDescription) -> SessionDescription:
        """Offer the peer another description (RFC 3261 14.1, 3311), again after a 491; return its answer."""
        return await self.renegotiation.reoffer(description)

    async def refer(self, refer_to: ReferTo, *, notify: bool = True) -> None:
        """Ask the peer to call *refer_to*; how that goes, `ReferProgress` events say unless *notify* is False.

        Raises ReferRefused, SessionOver.
        """
        await self.referring.ask(refer_to, notify=notify)

    async def refresh(self) -> None:
        """Tell the peer that the session lives, and hear it (RFC 4028 10). Raises ReofferRefused, SessionOver."""
        if self.takes_update or self.local_description is None:
            await self.renegotiation.refresh()
        else:
            answer = await self.renegotiation.reoffer(self.local_description)
            self.emit(Renegotiated(answer, is_answer=True))

    async def hang_up(self, reason: str = "") -> None:
        """End the session as its state asks; return when the peer has confirmed it, or after the host's limit."""
        self.release(reason)
        if not self.is_peer_there:
            return
        try:
            async with asyncio.timeout(self.host.hang_up_limit):
                await self._settled.wait()
        except TimeoutError:
            log.info("session.left_to_timers", session_id=self.id)

    @property
    def is_over(self) -> bool:
        """Whether the last event has been given out; signalling may still go on."""
        return self.over.is_set()

    @property
    def is_peer_there(self) -> bool:
        """Whether the peer was ever heard, so that waiting for it makes sense."""
        return True

    # For the modules of this package: what the user agent and the two sides call

    def release(self, reason: str) -> None:
        """Begin to end the session."""
        if self.is_over:
            return
        if self.state is SessionState.INVITED:
            self.withdraw(reason)
        elif self.state is SessionState.ANSWERED:
            self.state = SessionState.ENDING  # BYE must wait for the ACK, or for its absence (RFC 3261 15)
            self.conclude(Ended(by_peer=False, reason=reason))
        elif self.state is SessionState.TALKING:
            self.conclude(Ended(by_peer=False, reason=reason))
            self.say_bye()

    def withdraw(self, reason: str) -> None:
        """End a session that has no final answer yet."""
        raise NotImplementedError

    def dialog_of(self, request: Request) -> Dialog | None:
        """Return the dialog of this session that a request of the peer names."""
        return self.dialog if self.dialog is not None and self.dialog.is_between(request) else None

    def is_with(self, remote_tag: str) -> bool:
        """Whether the peer of this session has that tag."""
        return self.dialog is not None and self.dialog.remote_tag == remote_tag

    @property
    def early_dialog(self) -> Dialog | None:
        """The dialog in which an offer may be made before the answer: the first one must be answered reliably."""
        return None

    def open_offer(self, dialog: Dialog) -> Literal["ours", "theirs"] | None:
        """Whose offer in the INVITE, or in a provisional answer to it, waits for its answer."""
        return None

    def learn_methods(self, message: Message) -> None:
        """Note whether the peer takes UPDATE, where a message of its says which methods it takes."""
        if "Allow" in message.headers:
            self.takes_update = allows(message, "UPDATE")

    def take_prack(self, prack: IncomingRequest) -> None:
        """Serve the acknowledgement of a provisional answer: none of ours waits for one."""
        self.respond(prack, 481)

    def take_ack(self, ack: Request) -> None:
        """Take in the ACK to a 2xx of ours."""
        self.unacknowledged.acknowledge(ack)

    def emit(self, event: SessionEvent) -> None:
        """Give out an event; after the last one nothing, and no digits to a user who does not listen."""
        if self.is_over or (isinstance(event, InfoDigit) and self._events.qsize() >= MOST_EVENTS):
            return
        self._events.put_nowait(event)

    def conclude(self, last: Rejected | Ended) -> None:
        """Give out the last event and stop everything that needed a living session."""
        self.emit(last)
        self.over.set()
        self.renegotiation.stop()
        self.referring.stop()
        self.refreshing.stop()

    def settle(self) -> None:
        """Nothing is left to be said to the peer."""
        self.state = SessionState.ENDED
        self.unacknowledged.stop()
        self._settled.set()
        self.host.forget(self)

    def say_bye(self) -> None:
        """Send BYE, again until it is answered; whatever the answer, the session is settled then."""
        self.state = SessionState.ENDING
        self.has_said_bye = True
        self.unacknowledged.stop()
        self.send("BYE", self._after_bye)

    def respond(
        self,
        incoming: IncomingRequest,
        status: int,
        reason: str | None = None,
        *,
        description: SessionDescription | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Answer a request of the peer."""
        incoming.respond(self.response_to(incoming, status, reason, description=description, headers=headers))

    def response_to(
        self,
        incoming: IncomingRequest,
        status: int,
        reason: str | None = None,
        *,
        description: SessionDescription | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Response:
        """Build a response with our tag, and with Contact and capabilities where a dialog may come of it."""
        lines = list(headers)
        if incoming.request.method in WITH_CONTACT and 100 < status < 300:
            lines.append(("Contact", self.contact_for(incoming.source)))
        if incoming.request.method in REFRESHING and 200 <= status < 300:
            lines += self.refreshing.answer(incoming.request)
        if 100 < status < 300 or status == 405:
            lines += [("Allow", ALLOW), ("Supported", SUPPORTED)]
        body = description.encode() if description is not None else b""
        kind = SDP if description is not None else None
        return make_response(
            incoming.request, status, reason, to_tag=self.local_tag, headers=lines, body=body, content_type=kind
        )

    @property
    def local_uri(self) -> Uri:
        """Who we are in this session."""
        return self.dialog.local.uri if self.dialog is not None else self.called

    def contact_for(self, target: Target) -> str:
        """Return the Contact by which the peer reaches us."""
        local = self.called if self.direction is Direction.IN else self.caller.uri
        user = local.user if local.scheme in ("sip", "sips", "tel") else None
        is_secure = self.request.uri[:5].lower() == "sips:"
        return f"<{self.host.endpoint.local_uri(target, user, is_secure=is_secure)}>"

    def send(
        self,
        method: str,
        on_response: Callable[[Request, Response], None],
        *,
        description: SessionDescription | None = None,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        dialog: Dialog | None = None,
        tries: int = 0,
    ) -> OutgoingRequest:
        """Send a request in the dialog (or in *dialog*, a fork's).

        Again, if the peer asks for credentials or for a longer session interval.
        """
        dialog = dialog or self.dialog
        if dialog is None:
            raise OurMistake(f"{method} outside a dialog")
        again = partial(
            self.send, method, on_response, description=description, headers=headers, body=body, dialog=dialog
        )
        way = self.host.way_to(self, dialog.next_hop)
        request = dialog.request(method)
        request.body = body
        if method in WITH_CONTACT:
            request.headers.add("Contact", self.contact_for(way))
        if method in REFRESHING:
            request.headers.add("Allow", ALLOW)
            request.headers.add("Supported", SUPPORTED)
            headers = [*headers, *self.refreshing.request_headers()]
        for name, value in headers:
            request.headers.set(name, value)
        if description is not None:
            request.headers.add("Content-Type", SDP)
            request.body = description.encode()
        self.authorization.add_to(request)

        def take(response: Response) -> None:
            if tries < MOST_TRIES and self._may_try_again(request, response, tries):
                again(tries=tries + 1)
                return
            if request.method in REFRESHING:
                self.refreshing.take_answer(request, response)
            self.learn_methods(response)
            on_response(request, response)

        return self.host.endpoint.request(request, way, self.guarded(take))

    def acknowledge(
        self, invite: Request, dialog: Dialog, answer: SessionDescription | None = None
    ) -> tuple[Request, Target]:
        """Send the ACK for a 2xx to *invite*, with the *answer* to an offer in that; return it and where it went."""
        ack = dialog.ack(invite)
        if answer is not None:
            ack.headers.add("Content-Type", SDP)
            ack.body = answer.encode()
        way = self.host.way_to(self, dialog.next_hop)
        self.host.endpoint.send_ack(ack, way)
        return ack, way

    def abandon(self, reason: str) -> None:
        """End a session that has become unusable, with BYE."""
        if self.state in (SessionState.ANSWERED, SessionState.TALKING, SessionState.ENDING):
            self.conclude(Ended(by_peer=False, reason=reason))
            self.say_bye()

    def fail(self) -> None:
        """End a session whose handling broke on our side."""
        self.release("failure")

    def guarded(self, work: Callable[P, None]) -> Callable[P, None]:
        """Wrap what the endpoint calls back, so that an unexpected exception ends this session and no other."""

        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                work(*args, **kwargs)
            except Exception:
                log.exception("session.failed", session_id=self.id)
                self.fail()

        return run

    def _may_try_again(self, request: Request, response: Response, tries: int) -> bool:
        if response.status in (401, 407):
            return self.authorization.learn(request, response, tries)
        return self.refreshing.may_try_again(request, response)

    def _after_bye(self, request: Request, response: Response) -> None:
        if response.status >= 200:
            self.settle()

    def peer_left(self, reason: str) -> None:
        """The peer ended the session."""
        self.conclude(Ended(by_peer=True, reason=reason))
        self.settle()
