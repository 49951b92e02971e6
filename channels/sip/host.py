"""What a session needs of the user agent it lives in."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from channels.sip.callee import Callee
from channels.sip.endpoint import Endpoint
from channels.sip.session_timer import TimerPolicy
from channels.sip.target import Target
from channels.sip.uri import Uri

if TYPE_CHECKING:
    from channels.sip.referral import Replaces
    from channels.sip.session import Session


class Host(Protocol):
    """The user agent, as its sessions see it."""

    endpoint: Endpoint
    hang_up_limit: float
    session_timer: TimerPolicy
    fail_over_after: float

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Have *work* done in a task that ends with the user agent."""
        ...

    def way_to(self, session: Session, uri: Uri) -> Target:
        """Where a request of this session to *uri* goes."""
        ...

    def permitted(self, session: Session, uri: Uri) -> Callee | None:
        """Return the way to where a 3xx or REFER points, if the configuration lets this peer lead us there."""
        ...

    def is_hotline(self, session: Session, uri: Uri) -> bool:
        """Whether a REFER of this session points to the hotline itself."""
        ...

    def session_named(self, replaces: Replaces) -> Session | None:
        """Return the session of ours that a Replaces names."""
        ...

    def reoffer_delay(self, *, owns_call_id: bool) -> float:
        """How long to wait after a 491, in seconds (RFC 3261 14.1)."""
        ...

    def forget(self, session: Session) -> None:
        """Nothing more will come of this session."""
        ...
