"""Which call of ours a new one may take the place of (RFC 3891 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from channels.sip.message import Request
from channels.sip.referral import BadReferral, Replaces, replaces_of
from channels.sip.session_events import Direction, SessionState

if TYPE_CHECKING:
    from channels.sip.session import Session


def to_replace(
    invite: Request, peer: str, find: Callable[[Replaces], Session | None], trunk: Callable[[str], object | None]
) -> Session | None:
    """Return the session that *invite* of *peer* takes the place of; None if it wants to replace none.

    A call is only taken over by who holds it: by the same trunk, or by another telephone that proved its password.
    Raises BadReferral.
    """
    replaces = replaces_of(invite)
    if replaces is None:
        return None
    session = find(replaces)
    is_early = session is not None and session.state is SessionState.INVITED
    if session is None or (is_early and session.direction is Direction.IN):
        raise BadReferral("No such call to replace", status=481)
    if session.is_over:
        raise BadReferral("The call to replace is over", status=603)
    if replaces.early_only and not is_early:
        raise BadReferral("The call to replace is answered", status=486)
    if session.peer != peer and (trunk(peer) or trunk(session.peer)):
        raise BadReferral("Not a call of yours", status=403)
    return session
