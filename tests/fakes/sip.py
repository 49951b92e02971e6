"""User agents on the loopback with quick timers, and what they say to each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from channels.sip.connections import ListenAddress, Target
from channels.sip.digest import Credentials
from channels.sip.offer_answer import answer, make_offer
from channels.sip.sdp import Direction, SessionDescription
from channels.sip.session import Session
from channels.sip.session_events import SessionEvent
from channels.sip.session_out import Callee
from channels.sip.transaction import Timers
from channels.sip.uri import NameAddr, Uri
from channels.sip.user_agent import Trunk, UserAgent, UserAgentSettings

QUICK = Timers(t1=0.02, t2=0.08, t4=0.1)
LIMIT = 30.0
"""Seconds to wait for what must come; a machine that is busy with other things takes some."""
FAREWELL = 10.0
E = TypeVar("E", bound=SessionEvent)

HOTLINE = NameAddr(display="12345热线", uri=Uri(user="12345", host="hotline.invalid"))


async def ignore(session: Session) -> None:
    """Leave a call alone."""


def user_agent(
    on_invite: Callable[[Session], Awaitable[None]] = ignore,
    *,
    trunks: Sequence[Trunk] = (Trunk(name="loopback", target=Target("udp", "127.0.0.1", 5060)),),
    telephones: Mapping[str, str] | None = None,
    timers: Timers = QUICK,
    on_registered: Callable[[str], None] = lambda user: None,
    on_gone: Callable[[str], None] = lambda user: None,
    **more: Any,
) -> UserAgent:
    """Make a user agent on free ports that takes everybody on the loopback for its trunk; *more* are its settings."""
    more.setdefault("listen", [ListenAddress("udp", "127.0.0.1", 0), ListenAddress("tcp", "127.0.0.1", 0)])
    settings = UserAgentSettings(
        trunks=trunks, telephones=telephones or {}, timers=timers, hang_up_limit=FAREWELL, **more
    )
    return UserAgent(settings, on_invite, on_registered=on_registered, on_gone=on_gone)


def udp(agent: UserAgent) -> Target:
    """Return where *agent* listens for datagrams."""
    return next(address for address in agent.addresses if address.transport == "udp")


def tcp(agent: UserAgent) -> Target:
    """Return where *agent* accepts connections."""
    return next(address for address in agent.addresses if address.transport == "tcp")


def callee(target: Target, user: str = "119", credentials: Credentials | None = None) -> Callee:
    """Say how to call whoever listens at *target*."""
    uri = Uri(user=user, host=target.host, port=target.port)
    return Callee(uri=str(uri), target=target, peer="loopback", credentials=credentials)


def offer(port: int = 40000, direction: Direction = Direction.SENDRECV) -> SessionDescription:
    """Offer both laws."""
    return make_offer(address="127.0.0.1", port=port, session_id=1, direction=direction)


def reply(theirs: SessionDescription, port: int = 40002) -> SessionDescription:
    """Answer an offer."""
    return answer(theirs, address="127.0.0.1", port=port, session_id=2)[0]


async def answer_call(session: Session) -> None:
    """Ring and answer."""
    await session.ring()
    await session.answer(offer(40004) if session.remote_offer is None else reply(session.remote_offer))


class Listener:
    """The events of one session, one after the other."""

    def __init__(self, session: Session) -> None:
        self._events: AsyncIterator[SessionEvent] = session.events().__aiter__()

    async def next(self, kind: type[E]) -> E:
        """Skip to the next event of this kind."""
        async with asyncio.timeout(LIMIT):
            async for event in self._events:
                if isinstance(event, kind):
                    return event
        raise AssertionError(f"no {kind.__name__} came")
