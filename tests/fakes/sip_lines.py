"""A peer in the test's hands and our user agent, on one line: the peer calls, or is called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from channels.sip.connections import Target
from channels.sip.digest import Credentials
from channels.sip.message import Request, Response
from channels.sip.session import Session
from channels.sip.session_events import Answered
from channels.sip.user_agent import UserAgent
from tests.fakes.sip import HOTLINE, Listener, answer_call, callee, offer, reply, udp, user_agent
from tests.fakes.sip_peer import RawPeer


@dataclass
class CalledLine:
    """A peer that calls, our user agent, and the sessions that reached it."""

    peer: RawPeer
    agent: UserAgent
    sessions: asyncio.Queue[Session]

    @property
    def us(self) -> Target:
        return udp(self.agent)

    async def talk(self) -> tuple[Request, Response, Session, Listener]:
        """Set up a call that we answer."""
        invite = self.peer.invite(self.us)
        self.peer.send(invite, self.us)
        session = await self.sessions.get()
        await answer_call(session)
        answer = await self.peer.response(200)
        self.peer.send(self.peer.ack(invite, answer, self.us), self.us)
        listener = Listener(session)
        await listener.next(Answered)
        return invite, answer, session, listener

    async def ask(self, request: Request) -> Response:
        """Send a request and return its final answer."""
        self.peer.send(request, self.us)
        while True:
            message = await self.peer.next()
            if isinstance(message, Response) and message.cseq == request.cseq and message.status >= 200:
                return message


@dataclass
class CallingLine:
    """A peer and our user agent, which calls it."""

    peer: RawPeer
    agent: UserAgent

    @property
    def us(self) -> Target:
        return udp(self.agent)

    async def call(self, credentials: Credentials | None = None) -> tuple[Session, Listener, Request]:
        """Call the peer; return the INVITE it got."""
        session = await self.agent.invite(
            callee(self.peer.target, credentials=credentials), offer=offer(), from_=HOTLINE, headers=[("X-Ticket", "7")]
        )
        return session, Listener(session), await self.peer.request("INVITE")

    async def talk(self) -> tuple[Session, Listener, Request]:
        """Call the peer, which answers."""
        session, listener, invite = await self.call()
        self.peer.reply(invite, 200, self.us, description=reply(offer()))
        await listener.next(Answered)
        await self.peer.request("ACK")
        return session, listener, invite


@asynccontextmanager
async def called_line(**more: Any) -> AsyncIterator[CalledLine]:
    """Let a peer call us; *more* goes to `user_agent`."""
    sessions: asyncio.Queue[Session] = asyncio.Queue()

    async def keep(session: Session) -> None:
        sessions.put_nowait(session)

    async with user_agent(keep, **more) as agent, RawPeer() as peer:
        yield CalledLine(peer, agent, sessions)
        agent.hang_up_limit = 0  # the peer is the test's, and answers no farewell


@asynccontextmanager
async def calling_line(**more: Any) -> AsyncIterator[CallingLine]:
    """Let us call a peer; *more* goes to `user_agent`."""
    async with user_agent(**more) as agent, RawPeer() as peer:
        yield CallingLine(peer, agent)
        agent.hang_up_limit = 0  # the peer is the test's, and answers no farewell
