"""Keeping one session's timer (RFC 4028): our refreshes on time, and BYE when a refresh stays out.

Shell over ``session_timer``. A refresh is an UPDATE without description where the peer takes UPDATE, else a re-INVITE
with the description that holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from channels.sip.agenda import Alarm
from channels.sip.message import Request, Response
from channels.sip.session_events import ReofferRefused, SessionOver
from channels.sip.session_timer import Timer

if TYPE_CHECKING:
    from channels.sip.session import Session

REFRESHING = frozenset({"INVITE", "UPDATE"})

log = structlog.get_logger(__name__)


class Refreshing:
    """The timer of one session with its two alarms."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._timer = Timer(session.host.session_timer)
        self._refresh: Alarm | None = None
        self._expiry: Alarm | None = None

    def request_headers(self) -> list[tuple[str, str]]:
        """Return what our INVITE or UPDATE says about the timer."""
        return self._timer.request_headers()

    def check(self, request: Request) -> None:
        """Raise TooSmall for an INVITE or UPDATE with an interval too small for us."""
        self._timer.check(request)

    def answer(self, request: Request) -> list[tuple[str, str]]:
        """Agree with the peer's INVITE or UPDATE, start anew, and return what our 2xx says."""
        headers = self._timer.answer(request)
        self._start()
        return headers

    def take_answer(self, request: Request, response: Response) -> None:
        """Take in a 2xx to our INVITE or UPDATE, and start anew."""
        if request.method in REFRESHING and 200 <= response.status < 300:
            self._timer.read_answer(response)
            self._start()

    def may_try_again(self, request: Request, response: Response) -> bool:
        """Whether a refusal is a 422 that a longer interval would turn."""
        return request.method in REFRESHING and response.status == 422 and self._timer.raise_interval(response)

    def stop(self) -> None:
        """The session is over."""
        for alarm in (self._refresh, self._expiry):
            if alarm is not None:
                self._session.host.endpoint.call_off(alarm)
        self._refresh = self._expiry = None

    def _start(self) -> None:
        self.stop()
        session, agreed = self._session, self._timer.agreement
        if agreed is None or session.is_over:
            return
        endpoint = session.host.endpoint
        now = endpoint.now()
        self._expiry = endpoint.call_at(
            now + agreed.give_up_after, session.guarded(lambda: session.abandon("session expired"))
        )
        if agreed.we_refresh:
            self._refresh = endpoint.call_at(
                now + agreed.refresh_after, session.guarded(lambda: session.host.spawn(self._do_refresh()))
            )

    async def _do_refresh(self) -> None:
        try:
            await self._session.refresh()
        except SessionOver:
            return
        except ReofferRefused as refused:  # the session stands until it expires
            log.info("session.refresh_refused", session_id=self._session.id, status=refused.status)
