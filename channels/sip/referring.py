"""REFER within a session, both roles (RFC 3515): who asks, who acts on it, and the NOTIFYs that tell how it went.

Shell. A referral of the peer is put before ``session.on_refer`` only when it points to a number of the directory, to
the hotline's own or into another session of ours; everything else is refused here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from channels.sip.callee import Callee
from channels.sip.exchange import IncomingRequest
from channels.sip.message import Request, Response
from channels.sip.referral import (
    SIPFRAG,
    BadReferral,
    ReferTo,
    event_of,
    fragment,
    is_terminated,
    read_fragment,
    refer_to_of,
    wants_no_notify,
)
from channels.sip.session_events import ReferProgress, ReferRefused, SessionOver, SessionState

if TYPE_CHECKING:
    from channels.sip.session import Session

LIFETIME = 300
"""Seconds for which a subscription made by REFER is said to last: longer than any telephone rings."""

log = structlog.get_logger(__name__)


class Referral:
    """The peer asks us to call somebody: ``callee`` from the directory, or ``session``, another one of ours.

    Where there is neither the hotline itself is meant. Whoever accepts it tells how the call goes by ``report``; a
    final status is the last word.
    """

    def __init__(
        self, referring: Referring, *, callee: Callee | None, session: Session | None, number: int, is_silent: bool
    ) -> None:
        self.callee = callee
        self.session = session
        self._referring = referring
        self._number = number
        self._is_silent = is_silent
        self._is_over = False

    def report(self, status: int, reason: str = "") -> None:
        """Tell the peer how the call goes; after a final status, or without its interest, nothing."""
        if self._is_silent or self._is_over:
            return
        self._is_over = status >= 200
        self._referring.notify(self._number, status, reason)


OnRefer = Callable[[Referral], bool]


class Referring:
    """The REFERs of one session, the peer's and ours."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._taken: list[int] = []
        self._waits_for_notify = False
        self._answer: asyncio.Future[Response] | None = None

    def take(self, refer: IncomingRequest) -> None:
        """Serve the peer's REFER: 202 and NOTIFYs when it is acted on, else a refusal."""
        session, request = self._session, refer.request
        try:
            refer_to = refer_to_of(request)
        except BadReferral as bad:
            session.respond(refer, bad.status, str(bad))
            return
        other = session.host.session_named(refer_to.replaces) if refer_to.replaces is not None else None
        callee = session.host.permitted(session, refer_to.uri) if refer_to.replaces is None else None
        is_ours = refer_to.replaces is None and session.host.is_hotline(session, refer_to.uri)
        if session.on_refer is None or session.state is not SessionState.TALKING:
            session.respond(refer, 603)
            return
        if callee is None and other is None and not is_ours:
            log.warning("referral.refused", session_id=session.id, peer=session.peer)
            session.respond(refer, 403)
            return
        is_silent = wants_no_notify(request)
        number = request.cseq[0]
        referral = Referral(self, callee=callee, session=other, number=number, is_silent=is_silent)
        if not session.on_refer(referral):
            session.respond(refer, 603)
            return
        session.respond(refer, 202, headers=[("Refer-Sub", "false")] if is_silent else [])
        if not is_silent:
            self._taken.append(number)
            referral.report(100)

    def notify(self, number: int, status: int, reason: str) -> None:
        """Send a NOTIFY for the peer's REFER of this CSeq."""
        session = self._session
        if session.is_over or number not in self._taken:
            return
        is_first = number == self._taken[0]
        is_last = status >= 200
        headers = [
            ("Event", "refer" if is_first else f"refer;id={number}"),
            ("Subscription-State", "terminated;reason=noresource" if is_last else f"active;expires={LIFETIME}"),
            ("Content-Type", SIPFRAG),
        ]
        session.send("NOTIFY", lambda request, response: None, headers=headers, body=fragment(status, reason))

    async def ask(self, refer_to: ReferTo, *, notify: bool) -> None:
        """Send our REFER and wait for its answer. Raises ReferRefused, SessionOver."""
        session = self._session
        if session.state is not SessionState.TALKING:
            raise SessionOver(f"session is {session.state.value}")
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def take(request: Request, response: Response) -> None:
            if response.status >= 200 and not answered.done():
                answered.set_result(response)

        self._answer = answered
        headers = [("Refer-To", str(refer_to)), ("Referred-By", f"<{session.local_uri}>")]
        if not notify:
            headers.append(("Refer-Sub", "false"))
        self._waits_for_notify = True  # a NOTIFY may overtake the answer
        session.send("REFER", take, headers=headers)
        response = await answered
        if response.status >= 300:
            self._waits_for_notify = False
            raise ReferRefused(response.status, response.reason)
        if wants_no_notify(response):
            self._waits_for_notify = False

    def take_notify(self, notify: IncomingRequest) -> None:
        """Serve a NOTIFY: it must belong to a REFER of ours."""
        session, request = self._session, notify.request
        if event_of(request) != "refer":
            session.respond(notify, 489, headers=[("Allow-Events", "refer")])
        elif not self._waits_for_notify:
            session.respond(notify, 481)
        else:
            self._tell(notify, is_last=is_terminated(request))

    def stop(self) -> None:
        """The session is over: whoever waits for the answer to our REFER waits no more."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(SessionOver("session is over"))
            self._answer.exception()

    def _tell(self, notify: IncomingRequest, *, is_last: bool) -> None:
        session = self._session
        try:
            status, reason = read_fragment(notify.request)
        except BadReferral as bad:
            if notify.request.body or not is_last:
                session.respond(notify, bad.status, str(bad))
                return
            status, reason = 408, ""  # the subscription ended without a word
        session.respond(notify, 200)
        if is_last or status >= 200:
            self._waits_for_notify = False
        session.emit(ReferProgress(status, reason, is_last=is_last or status >= 200))
