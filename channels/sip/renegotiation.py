"""Changes to one session, the peer's and ours, by re-INVITE and UPDATE (RFC 3261 14, RFC 3311).

Hold, resume, late offers, refreshes, and glare.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from channels.sip.bodies import UnusableBody, description_of
from channels.sip.dialog import Dialog, NoDialog
from channels.sip.exchange import IncomingRequest
from channels.sip.message import Request, Response
from channels.sip.offer_answer import NotAcceptable
from channels.sip.sdp import SessionDescription
from channels.sip.session_events import (
    Direction,
    Renegotiated,
    ReofferRefused,
    SessionOver,
    SessionState,
)
from channels.sip.session_timer import TooSmall

if TYPE_CHECKING:
    from channels.sip.session import Session

MOST_GLARES = 5

log = structlog.get_logger(__name__)


class Renegotiation:
    """One offer at a time, whoever makes it; of two that cross, both are refused with 491 and tried again."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._turn = asyncio.Lock()
        self._final: asyncio.Future[Response] | None = None  # whoever waits for it may have given up
        self._none_of_ours = asyncio.Event()
        self._none_of_ours.set()
        self._has_offered = False

    async def reoffer(self, description: SessionDescription) -> SessionDescription:
        """Send our re-INVITE; return the peer's answer. Raises ReofferRefused, SessionOver."""
        async with self._turn:
            answer = self._answer_in(await self._ask(description))
            if answer is None:
                raise ReofferRefused(488, "no answer in the 2xx")
            self._session.local_description = description
            return answer

    async def refresh(self) -> None:
        """Send an UPDATE that offers nothing (RFC 4028 7.4). Raises ReofferRefused, SessionOver."""
        async with self._turn:
            await self._ask(None)

    def take(self, incoming: IncomingRequest, dialog: Dialog) -> None:
        """Serve the peer's re-INVITE or UPDATE in *dialog*."""
        session = self._session
        is_update = incoming.request.method == "UPDATE"
        offers = not is_update or bool(incoming.request.body)
        conflict = self._conflict(dialog, is_update=is_update) if offers else None
        try:
            session.refreshing.check(incoming.request)
        except TooSmall as small:
            session.respond(incoming, small.status, headers=[("Min-SE", str(small.least))])
            return
        if session.is_over:
            session.respond(incoming, 481)
        elif conflict is not None:
            session.respond(incoming, conflict, headers=[("Retry-After", "2")] if conflict == 500 else [])
        elif offers:
            self._answer(incoming, dialog)
        else:
            self._follow_contact(incoming.request, dialog)
            session.respond(incoming, 200)

    def stop(self) -> None:
        """The session is over: whoever waits for the answer to our offer waits no more."""
        if self._final is not None and not self._final.done():
            self._final.set_exception(SessionOver("session is over"))
        self._none_of_ours.set()

    def _conflict(self, dialog: Dialog, *, is_update: bool) -> int | None:
        """Say with what to refuse an offer that another one is in the way of (RFC 3261 14.2, RFC 3311 5.2)."""
        session = self._session
        whose = session.open_offer(dialog)
        if self._has_offered or session.unacknowledged.holds_offer or whose == "ours":
            return 491
        if session.state is SessionState.INVITED and not is_update:
            return 491 if session.direction is Direction.OUT else 500
        return 500 if whose == "theirs" else None

    def _answer(self, incoming: IncomingRequest, dialog: Dialog) -> None:
        session = self._session
        try:
            offer = description_of(incoming.request)
            ours = session.renegotiate(offer) if session.renegotiate is not None else None
        except UnusableBody as unusable:
            session.respond(incoming, unusable.status, unusable.reason)
            return
        except NotAcceptable:
            ours = None
        if ours is None:
            session.respond(incoming, 488)
            return
        session.local_description = ours
        self._follow_contact(incoming.request, dialog)
        if incoming.request.method == "UPDATE":
            session.respond(incoming, 200, description=ours)
        else:
            is_late = offer is None
            session.unacknowledged.send(
                incoming,
                session.response_to(incoming, 200, description=ours),
                holds_offer=is_late,
                on_ack=self._take_late_answer if is_late else _nothing_to_learn,
                on_silence=session.guarded(lambda: session.abandon("never acknowledged")),
            )
        if offer is not None:
            session.emit(Renegotiated(offer))

    def _take_late_answer(self, ack: Request) -> None:
        try:
            answer = description_of(ack)
        except UnusableBody:
            answer = None
        if answer is None:
            self._session.abandon("no answer in the ACK")
        else:
            self._session.emit(Renegotiated(answer, is_answer=True))

    async def _ask(self, description: SessionDescription | None) -> Response:
        """Have an offer, or nothing, carried to the peer; return the 2xx. Raises ReofferRefused, SessionOver."""
        session = self._session
        for _ in range(MOST_GLARES):
            response = await self._send(description)
            if response.status in (408, 481):  # a peer that lost the dialog has left (RFC 3261 14.1)
                session.abandon("the peer lost the dialog")
                raise SessionOver(f"{response.status} {response.reason}")
            if response.status < 300:
                return response
            if response.status != 491:
                raise ReofferRefused(response.status, response.reason)
            await self._pause(session.host.reoffer_delay(owns_call_id=session.direction is Direction.OUT))
        raise ReofferRefused(491, "the peer keeps offering, too")

    async def _send(self, description: SessionDescription | None) -> Response:
        """Send one re-INVITE or UPDATE and return its final response, acknowledged. Raises SessionOver."""
        session = self._session
        await self._none_of_ours.wait()
        await session.unacknowledged.wait_none()
        early = session.early_dialog if session.state is SessionState.INVITED else None
        dialog = session.dialog if session.state is SessionState.TALKING else early
        if dialog is None:
            raise SessionOver(f"session is {session.state.value}")
        method = "UPDATE" if description is None or early is not None else "INVITE"
        final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def take(request: Request, response: Response) -> None:
            if response.status < 200:
                return
            self._has_offered = False
            self._none_of_ours.set()
            if response.status < 300:
                self._follow_contact(response, dialog)
                if request.method == "INVITE":
                    session.acknowledge(request, dialog)
            if not final.done():
                final.set_result(response)

        self._final = final
        self._has_offered = description is not None
        self._none_of_ours.clear()
        session.send(method, take, description=description, dialog=dialog)
        return await final

    def _answer_in(self, response: Response) -> SessionDescription | None:
        try:
            return description_of(response)
        except UnusableBody as unusable:
            raise ReofferRefused(unusable.status, unusable.reason) from unusable

    def _follow_contact(self, message: Request | Response, dialog: Dialog) -> None:
        try:
            dialog.refresh_target(message)
        except NoDialog as error:
            log.info("session.contact_ignored", session_id=self._session.id, error=str(error))

    async def _pause(self, delay: float) -> None:
        """Wait for *delay* seconds, unless the session ends."""
        try:
            async with asyncio.timeout(delay):
                await self._session.over.wait()
        except TimeoutError:
            return
        raise SessionOver("session is over")


def _nothing_to_learn(ack: Request) -> None:
    """The answer went out in the 2xx."""
