"""Re-INVITEs of one session, the peer's and ours (RFC 3261 14): hold, resume, late offers, and glare."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from channels.sip.bodies import UnusableBody, description_of
from channels.sip.dialog import NoDialog
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

    async def reoffer(self, description: SessionDescription) -> SessionDescription:
        """Send our re-INVITE; return the peer's answer. Raises ReofferRefused, SessionOver."""
        async with self._turn:
            for _ in range(MOST_GLARES):
                response = await self._offer(description)
                if response.status != 491:
                    return self._judge(response)
                delay = self._session.host.reoffer_delay(owns_call_id=self._session.direction is Direction.OUT)
                await self._pause(delay)
            raise ReofferRefused(491, "the peer keeps offering, too")

    def take(self, invite: IncomingRequest) -> None:
        """Serve the peer's re-INVITE."""
        session = self._session
        if session.is_over:
            session.respond(invite, 481)
        elif not self._none_of_ours.is_set() or session.unacknowledged.holds_offer:
            session.respond(invite, 491)
        elif session.state is SessionState.INVITED:
            session.respond(invite, 500, headers=[("Retry-After", "2")])  # RFC 3261 14.2
        else:
            self._answer(invite)

    def stop(self) -> None:
        """The session is over: whoever waits for the answer to our offer waits no more."""
        if self._final is not None and not self._final.done():
            self._final.set_exception(SessionOver("session is over"))
        self._none_of_ours.set()

    def _answer(self, invite: IncomingRequest) -> None:
        session = self._session
        try:
            offer = description_of(invite.request)
            ours = session.renegotiate(offer) if session.renegotiate is not None else None
        except UnusableBody as unusable:
            session.respond(invite, unusable.status, unusable.reason)
            return
        except NotAcceptable:
            ours = None
        if ours is None:
            session.respond(invite, 488)
            return
        self._follow_contact(invite.request)
        is_late = offer is None
        session.unacknowledged.send(
            invite,
            session.response_to(invite, 200, description=ours),
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
            self._session.emit(Renegotiated(answer))

    async def _offer(self, description: SessionDescription) -> Response:
        """Send one re-INVITE and return its final response, acknowledged. Raises SessionOver."""
        session = self._session
        await self._none_of_ours.wait()
        await session.unacknowledged.wait_none()
        if session.state is not SessionState.TALKING:
            raise SessionOver(f"session is {session.state.value}")
        final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def take(request: Request, response: Response) -> None:
            if response.status < 200:
                return
            self._none_of_ours.set()
            if response.status < 300 and session.dialog is not None:
                self._follow_contact(response)
                session.acknowledge(request, session.dialog)
            if not final.done():
                final.set_result(response)

        self._final = final
        self._none_of_ours.clear()
        session.send("INVITE", take, description=description)
        return await final

    def _judge(self, response: Response) -> SessionDescription:
        """Return the answer a final response carries; a peer that lost the dialog has left (RFC 3261 14.1)."""
        if response.status in (408, 481):
            self._session.abandon("the peer lost the dialog")
            raise SessionOver(f"{response.status} {response.reason}")
        if response.status >= 300:
            raise ReofferRefused(response.status, response.reason)
        try:
            answer = description_of(response)
        except UnusableBody as unusable:
            raise ReofferRefused(unusable.status, unusable.reason) from unusable
        if answer is None:
            raise ReofferRefused(488, "no answer in the 2xx")
        return answer

    def _follow_contact(self, message: Request | Response) -> None:
        if self._session.dialog is not None:
            try:
                self._session.dialog.refresh_target(message)
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
