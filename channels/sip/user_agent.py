"""The hotline's SIP user agent: trunks and telephones, who may talk, and the sessions they make (RFC 3261 8, 11).

::

    agent = UserAgent(UserAgentSettings(listen=[ListenAddress("udp", "127.0.0.1", 0)], trunks=[...], telephones={...}),
                      on_invite=serve)       # async def serve(session: Session) -> None, a task of its own per call
    async with agent:
        agent.addresses                      # as bound
        agent.trunk(name, number) -> Callee             raises OurMistake for an unknown name
        agent.telephone(user) -> Callee | None          None while it is not registered
        await agent.invite(callee, offer=..., from_=..., headers=()) -> Session
        await agent.options(target, limit=2.0) -> int | None            None: silence
        agent.registrar.contact(user) -> Binding | None

Requests from a trunk's address, from a telephone that proves its password, and within a session are served. Anyone
else is not answered; only REGISTER is challenged, the same for every user. An exception in ``on_invite`` ends that
session with 500 or BYE and no other.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Self

import structlog

from channels.sip.agenda import Alarm
from channels.sip.agent_settings import UserAgentSettings as UserAgentSettings
from channels.sip.bodies import SDP, UnusableBody, accepts_sdp
from channels.sip.capabilities import ALLOW, METHODS, SUPPORTED, not_understood
from channels.sip.dialog import NoDialog
from channels.sip.digest import DigestServer
from channels.sip.emergency_data import Along
from channels.sip.endpoint import Endpoint
from channels.sip.exchange import IncomingRequest
from channels.sip.gatekeeper import Gatekeeper
from channels.sip.identity import ANONYMOUS
from channels.sip.message import Request, Response, make_response
from channels.sip.pinging import ping
from channels.sip.referral import BadReferral, Replaces
from channels.sip.registrar import Registrar
from channels.sip.replacing import to_replace
from channels.sip.resolver import Resolver
from channels.sip.sdp import SessionDescription
from channels.sip.session import Session
from channels.sip.session_in import IncomingSession
from channels.sip.session_out import NOTHING, Callee, OutgoingSession
from channels.sip.session_requests import serve
from channels.sip.session_timer import TooSmall
from channels.sip.target import ListenAddress, Target
from channels.sip.transaction import Timers
from channels.sip.trunk import Trunk as Trunk
from channels.sip.trunk import Trunks
from channels.sip.uri import NameAddr, Uri
from channels.sip.ways import Ways
from gateway.domain.errors import Unavailable

SERVED = frozenset({*METHODS, "REGISTER"})
WITHIN_A_SESSION = frozenset({"BYE", "INFO", "PRACK", "UPDATE", "NOTIFY"})
NOT_ALLOWED = frozenset({"SUBSCRIBE", "MESSAGE", "PUBLISH"})
SCHEMES = frozenset({"sip", "sips", "tel"})

log = structlog.get_logger(__name__)


class UserAgent:
    """See the module."""

    def __init__(
        self,
        settings: UserAgentSettings,
        on_invite: Callable[[Session], Awaitable[None]],
        *,
        on_registered: Callable[[str], None] = lambda user: None,
        on_gone: Callable[[str], None] = lambda user: None,
    ) -> None:
        self.hang_up_limit = settings.hang_up_limit
        self.session_timer = settings.session_timer
        self.fail_over_after = settings.fail_over_after
        self._resolver = Resolver(settings.nameservers)
        self.endpoint = Endpoint(
            settings.listen,
            handler=self,
            advertise=settings.advertise,
            user_agent=settings.user_agent,
            timers=settings.timers,
            tls=settings.tls,
        )
        self.registrar = Registrar(
            settings.telephones,
            DigestServer(settings.realm, settings.nonce_key, algorithms=settings.digest),
            expiry=settings.expiry,
            on_registered=on_registered,
            on_gone=on_gone,
        )
        self._listen = tuple(settings.listen)
        self._trunks = Trunks(settings.trunks)
        self._on_invite = on_invite
        self._sessions: dict[tuple[str, str], Session] = {}
        self.ways = Ways(self._trunks, self.registrar, self.endpoint, settings.find_number)
        self._is_hotline = settings.is_hotline
        self._gatekeeper = Gatekeeper(
            self._trunks,
            self.registrar,
            settings.strangers,
            lambda: {session.fallback.host for session in self.sessions},
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._expiry_alarm: Alarm | None = None

    async def __aenter__(self) -> Self:
        for trunk in self._trunks:
            with suppress(Unavailable):  # asked again with every call
                await self.locate(trunk.first_hop)
        await self.endpoint.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            async with asyncio.TaskGroup() as farewell:
                for session in self.sessions:
                    farewell.create_task(session.hang_up("shutdown"), name=f"hang up {session.id}")
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.endpoint.__aexit__()

    @property
    def addresses(self) -> tuple[ListenAddress, ...]:
        """Where we listen, with the ports we were given."""
        return self.endpoint.addresses

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The sessions of which anything may still come."""
        return tuple(self._sessions.values())

    def trunk(self, name: str, number: str) -> Callee:
        """Say how to reach *number* over a trunk."""
        return self.ways.over_trunk(name, number)

    def telephone(self, user: str) -> Callee | None:
        """Say how to reach a telephone of ours, if it is registered."""
        return self.ways.to_telephone(user)

    async def invite(
        self,
        callee: Callee,
        *,
        offer: SessionDescription | None,
        from_: NameAddr,
        headers: Sequence[tuple[str, str]] = (),
        along: Along = NOTHING,
    ) -> Session:
        """Call; return as soon as the INVITE is on the wire. What comes of it, the session's events say.

        Without an *offer* the far end makes one, which the session's ``renegotiate`` answers. What goes *along* is left
        out for a far end that does not take it.

        Raises Unavailable when the name of the callee's host is not known to the DNS, OurMistake without a listener.
        """
        first, *others = await self.locate(callee.target)
        callee = replace(callee, target=first, others=tuple(others))
        trunk = self._trunks.get(callee.peer)
        if trunk is not None and (trunk.asserts or trunk.is_private):
            me = from_.uri if not trunk.asserts else replace(from_.uri, user=trunk.asserts)
            headers = [*headers, *trunk.identity(me.user or "", self.endpoint.local_uri(callee.target).host)]
            from_ = ANONYMOUS if trunk.is_private else from_
        session = OutgoingSession(self, callee, offer=offer, from_=from_, headers=headers, along=along)
        self._sessions[session.id, session.local_tag] = session
        try:
            session.start()
        except BaseException:
            self.forget(session)
            raise
        return session

    async def options(self, target: Target, limit: float = 2.0) -> int | None:
        """Ask whether anyone is there; return the status of whatever answer comes within *limit* seconds, or None."""
        return await self._ping(target, Uri(host=target.host, port=target.port or None), (), limit)

    async def check(self, name: str, limit: float = 2.0) -> int | None:
        """Ask whether a trunk is there, by the way its calls go; see `options`. Raises OurMistake for no trunk."""
        trunk = self.ways.trunk(name)
        return await self._ping(trunk.first_hop, trunk.uri(None), trunk.route, limit)

    async def _ping(self, target: Target, uri: Uri, route: Sequence[str], limit: float) -> int | None:
        try:
            places = await self.locate(target, fresh=True)
        except Unavailable:
            return None
        return await ping(self.endpoint, places, uri, route, limit)

    # What the endpoint asks (endpoint.Handler)

    def hears(self, host: str) -> bool:
        """Whether anything from this host is read."""
        return self._gatekeeper.hears(host, self.endpoint.now())

    def knows(self, host: str) -> bool:
        """Whether a trunk, a telephone or a call of ours is there."""
        return self._gatekeeper.knows(host, self.endpoint.now())

    def admits(self, request: Request, source: Target) -> bool:
        """Whether this request may be answered at all."""
        return self._gatekeeper.admits(request, source) or self._session_of(request) is not None

    def on_request(self, incoming: IncomingRequest) -> None:
        """Serve an admitted request (RFC 3261 8.2)."""
        request = incoming.request
        if request.method in NOT_ALLOWED:
            self._refuse(incoming, 405, headers=[("Allow", ALLOW)])
        elif request.method not in SERVED:
            self._refuse(incoming, 501)
        elif Uri.parse(request.uri).scheme not in SCHEMES:
            self._refuse(incoming, 416)
        elif request.uri[:5].lower() == "sips:" and incoming.source.transport != "tls":
            self._refuse(incoming, 480, headers=[("Warning", '380 jiesu "SIPS Not Allowed"')])  # RFC 5630 5.1.1
        elif unknown := not_understood(request):
            self._refuse(incoming, 420, headers=[("Unsupported", option) for option in unknown])
        elif request.to.tag is not None or request.method in WITHIN_A_SESSION:
            self._serve_in_session(incoming)
        elif request.method == "REFER":
            self._refuse(incoming, 403, "REFER only within a call")
        elif request.method == "REGISTER":
            self._serve_register(incoming)
        elif request.method == "OPTIONS":
            self._refuse(incoming, 200, headers=[("Allow", ALLOW), ("Accept", SDP), ("Supported", SUPPORTED)])
        else:
            self._serve_invite(incoming)

    def on_cancel(self, invite: IncomingRequest) -> None:
        """End the session whose INVITE is taken back; a re-INVITE is always answered before its CANCEL can come."""
        for session in self.sessions:
            if isinstance(session, IncomingSession) and session.is_of(invite):
                session.cancelled()
                return

    def on_ack(self, ack: Request) -> None:
        """Give an ACK to the session it names."""
        session = self._session_of(ack)
        if session is not None:
            session.guarded(session.take_ack)(ack)

    # What sessions ask (session.Host)

    def way_to(self, session: Session, uri: Uri) -> Target:
        """Where a request of this session to *uri* goes."""
        return self.ways.within(session, uri)

    def permitted(self, session: Session, uri: Uri) -> Callee | None:
        """Return the way to where a 3xx or REFER points, if it is in the directory."""
        return self.ways.permitted(session.peer, uri)

    def is_hotline(self, session: Session, uri: Uri) -> bool:
        """Whether a number is our own, wherever the URI would have us look for it."""
        return self._is_hotline(session.peer, uri)

    def session_named(self, replaces: Replaces) -> Session | None:
        """Return the session of ours that a Replaces names."""
        session = self._sessions.get((replaces.call_id, replaces.to_tag))
        return session if session is not None and session.is_with(replaces.from_tag) else None

    def reoffer_delay(self, *, owns_call_id: bool) -> float:
        """How long to wait after a 491 (RFC 3261 14.1): 2.1 to 4 s for who made the call, 0 to 2 s for the other."""
        scale = self.endpoint.timers.t1 / Timers().t1
        return scale * (random.uniform(2.1, 4.0) if owns_call_id else random.uniform(0.0, 2.0))

    def forget(self, session: Session) -> None:
        """Nothing more will come of this session."""
        self._sessions.pop((session.id, session.local_tag), None)

    # Requests

    def _serve_in_session(self, incoming: IncomingRequest) -> None:
        session = self._session_of(incoming.request)
        if session is None:
            self._refuse(incoming, 481)
        else:
            session.guarded(serve)(session, incoming)
            if session.is_over and not incoming.is_answered:
                self._refuse(incoming, 500)

    def _serve_register(self, incoming: IncomingRequest) -> None:
        now = self.endpoint.now()
        response = self._gatekeeper.register(incoming.request, incoming.source, now, to_tag=incoming.tag)
        if response.status == 401:
            incoming.respond_once(response)
            return
        incoming.respond(response)
        self._watch_expiry()

    def _serve_invite(self, incoming: IncomingRequest) -> None:
        now = self.endpoint.now()
        peer = self._gatekeeper.identify(incoming.request, incoming.source, now, to_tag=incoming.tag)
        if isinstance(peer, Response):
            incoming.respond(peer)
            return
        if self._is_merged(incoming.request):
            self._refuse(incoming, 482)
            return
        if not accepts_sdp(incoming.request):
            self._refuse(incoming, 406)
            return
        try:
            session = IncomingSession(
                self,
                incoming,
                peer=peer,
                caller=self._gatekeeper.caller_of(incoming.request, peer),
                replaces=to_replace(incoming.request, peer, self.session_named, self._trunks.get),
            )
        except BadReferral as bad:
            self._refuse(incoming, bad.status, str(bad))
            return
        except UnusableBody as unusable:
            accept = [("Accept", SDP)] if unusable.status == 415 else []
            self._refuse(incoming, unusable.status, unusable.reason, headers=accept)
            return
        except TooSmall as small:
            self._refuse(incoming, small.status, headers=[("Min-SE", str(small.least))])
            return
        except NoDialog as error:
            self._refuse(incoming, 400, str(error))
            return
        self._sessions[session.id, session.local_tag] = session
        self.spawn(self._serve(session))

    async def _serve(self, session: Session) -> None:
        try:
            await self._on_invite(session)
        except Exception:
            log.exception("session.failed", session_id=session.id)
            session.fail()

    async def locate(self, target: Target, *, fresh: bool = False) -> list[Target]:
        """Give a target its IP addresses, and know it again when requests come from there."""
        found = await self._resolver.locate(target, self._listen, fresh=fresh)
        self._trunks.remember(target, found)
        return found

    def _session_of(self, request: Request) -> Session | None:
        """The session whose dialog a request names by Call-ID and both tags."""
        try:
            session = self._sessions.get((request.call_id, request.to.tag or ""))
            if session is None or session.dialog_of(request) is None:
                return None
        except ValueError:  # a bad message's headers
            return None
        return session

    def _is_merged(self, request: Request) -> bool:
        """Whether this INVITE has reached us before, on another way (RFC 3261 8.2.2.2)."""
        return any(
            session.id == request.call_id
            and session.request.cseq == request.cseq
            and session.request.from_.tag == request.from_.tag
            for session in self.sessions
        )

    def _refuse(
        self,
        incoming: IncomingRequest,
        status: int,
        reason: str | None = None,
        *,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        incoming.respond(make_response(incoming.request, status, reason, to_tag=incoming.tag, headers=headers))

    def _watch_expiry(self) -> None:
        if self._expiry_alarm is not None:
            self.endpoint.call_off(self._expiry_alarm)
        deadline = self.registrar.next_deadline()
        self._expiry_alarm = None if deadline is None else self.endpoint.call_at(deadline, self._expire)

    def _expire(self) -> None:
        self.registrar.expire(self.endpoint.now())
        self._watch_expiry()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Have *work* done in a task that ends with the user agent."""
        task = asyncio.get_running_loop().create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("sip.task_failed")
