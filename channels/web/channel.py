"""The two written channels on the public door: the citizens' page (WEB) and the city's own app (APP)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from channels.web.app_routes import app_routes, owner_of
from channels.web.conversations import Conversations
from channels.web.house import House, Visit, bearer, is_conversation
from channels.web.page_routes import page_routes
from channels.web.socket import converse, opened
from channels.web.terms import Terms
from channels.web.visitors import Pace, Visitors
from gateway.domain.contact import ChannelKind
from gateway.http_api.admission import Admission
from gateway.http_api.openapi import PARTNER, document
from gateway.http_api.problems import Problem
from gateway.http_api.routes import Route, RouteTable
from gateway.http_api.serving import FormLimits, answer_of, arguments_of, check_origin, problem_response, served
from gateway.ports.intake import ChatLog, Intake, Means, WayOut

STATIC = Path(__file__).parent / "static"
SOCKETS = 2000
"""Open conversations at once on this node, and how many of one address."""
SOCKETS_OF_ADDRESS = 100
VERSION = "1"
"""Of the app's interface; a change that breaks an app makes a new one, with its own paths."""
_PAGE = "/web/"
_STYLED = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self' {sockets}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self' {embedders}"
)

Act = Callable[[Route, web.Request], Awaitable[web.StreamResponse]]


class WebChannel:
    """The citizens' page. *embedders* are the origins whose pages may show it in a frame; *url* is the door's own."""

    kind = ChannelKind.WEB
    status = "ok"

    def __init__(
        self,
        means: Means,
        chats: ChatLog,
        terms: Terms,
        *,
        pace: Pace | None = None,
        url: str = "",
        embedders: Sequence[str] = (),
        proxies: Sequence[str] = (),
    ) -> None:
        self._conversations = Conversations(self.kind, chats, means.assistant, means.clock, is_ours=is_conversation)
        own = urlsplit(url).netloc
        self._house = House(
            kind=self.kind,
            addressee="web",
            terms=terms,
            conversations=self._conversations,
            enquiries=means.enquiries,
            files=means.files,
            visitors=Visitors(means.clock, pace or Pace(), proxies),
            clock=means.clock,
            hosts=(own,) if own else (),
            verification=means.verification,
            is_urgent=means.is_urgent,
        )
        self._embedders = tuple(embedders)
        self._sockets: dict[web.WebSocketResponse, str] = {}

    @property
    def way_out(self) -> WayOut:
        """What is sent waits in the conversation until the page has it."""
        return self._conversations

    def running(self, intake: Intake) -> AbstractAsyncContextManager[None]:
        """Nothing runs but the door's routes."""
        return nullcontext()

    def routes(self, intake: Intake) -> Iterable[web.AbstractRouteDef]:
        """Return the page, its files, its interface, and the script for other sites."""

        async def act(route: Route, request: web.Request) -> web.StreamResponse:
            if route.method != "GET":
                check_origin(request, *self._house.hosts)
            terms = self._house.terms
            arguments = await arguments_of(route, request, FormLimits(terms.files, terms.form_size))
            return answer_of(await route.handler(self._visit(intake, request), **arguments))

        async def talk(request: web.Request) -> web.StreamResponse:
            try:
                return await self._talk(intake, request)
            except Problem as problem:
                return problem_response(problem)

        yield from _served(page_routes, act)
        yield web.get("/web/conversation", talk)
        yield web.get("/", self._to_page)
        yield web.get("/web", self._to_page)
        yield web.get(_PAGE, self._show_page)
        yield web.get("/embed.js", _file(STATIC / "embed.js"))
        for path in sorted(STATIC.rglob("*.*")):
            if path.suffix != ".html":
                yield web.get(f"{_PAGE}{path.relative_to(STATIC).as_posix()}", _file(path))

    async def _talk(self, intake: Intake, request: web.Request) -> web.StreamResponse:
        check_origin(request, *self._house.hosts)
        visit = self._visit(intake, request)
        of_address = sum(address == visit.caller for address in self._sockets.values())
        if len(self._sockets) >= SOCKETS or of_address >= SOCKETS_OF_ADDRESS:
            raise Problem(503, "too_many", "同时在线的对话太多，请稍后再试", retry_after=10.0)
        socket = opened()
        self._sockets[socket] = visit.caller
        try:
            await socket.prepare(request)
            await converse(visit, socket)
        finally:
            del self._sockets[socket]
        return socket

    def _visit(self, intake: Intake, request: web.Request) -> Visit:
        address = self._house.visitors.address(request)
        return Visit(house=self._house, intake=intake, request=request, caller=address)

    async def _to_page(self, _: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(_PAGE)

    async def _show_page(self, request: web.Request) -> web.StreamResponse:
        hosts = {request.host, *self._house.hosts}
        policy = _STYLED.format(
            sockets=" ".join(f"ws://{host} wss://{host}" for host in sorted(hosts)),
            embedders=" ".join(self._embedders),
        )
        return web.FileResponse(
            STATIC / "index.html",
            headers={
                "Content-Security-Policy": policy,
                "Cache-Control": "no-cache",
                "Permissions-Policy": "geolocation=(self), camera=(self)",
            },
        )


@dataclass(frozen=True, slots=True)
class Client:
    """An app: the SHA-256 of its key in hexadecimal, and how often it may ask."""

    key_sha256: str
    requests_per_minute: int = 600


class AppChannel:
    """The city's own apps, by their ids."""

    kind = ChannelKind.APP
    status = "ok"

    def __init__(self, means: Means, chats: ChatLog, terms: Terms, clients: Mapping[str, Client]) -> None:
        self._conversations = Conversations(
            self.kind, chats, means.assistant, means.clock, is_ours=lambda to: owner_of(to) in clients
        )
        self._house = House(
            kind=self.kind,
            addressee="app",
            terms=terms,
            conversations=self._conversations,
            enquiries=means.enquiries,
            files=means.files,
            visitors=Visitors(means.clock, Pace()),
            clock=means.clock,
            verification=means.verification,
            is_urgent=means.is_urgent,
        )
        self._keys = {name: bytes.fromhex(client.key_sha256) for name, client in clients.items()}
        self._paces = {
            name: Admission(rate=client.requests_per_minute / 60, burst=client.requests_per_minute)
            for name, client in clients.items()
        }
        self._description = document(
            app_routes.routes,
            title="接诉 jiesu：城市 APP 接口",
            version=VERSION,
            schemes={PARTNER: {"type": "http", "scheme": "bearer"}},
        )

    @property
    def way_out(self) -> WayOut:
        """What is sent waits in the conversation until the app has confirmed it."""
        return self._conversations

    def running(self, intake: Intake) -> AbstractAsyncContextManager[None]:
        """Nothing runs but the door's routes."""
        return nullcontext()

    def routes(self, intake: Intake) -> Iterable[web.AbstractRouteDef]:
        """Return the interface and its description."""

        async def act(route: Route, request: web.Request) -> web.StreamResponse:
            visit = Visit(house=self._house, intake=intake, request=request, caller=self._app(request))
            terms = self._house.terms
            arguments = await arguments_of(route, request, FormLimits(terms.files, terms.form_size))
            return answer_of(await route.handler(visit, **arguments))

        yield from _served(app_routes, act)
        yield web.get("/app/openapi.json", self._describe)

    def _app(self, request: web.Request) -> str:
        """Return whose key it is. Raises `Problem`."""
        digest = hashlib.sha256(bearer(request).encode("utf-8", "surrogateescape")).digest()
        known = [name for name, key in self._keys.items() if hmac.compare_digest(key, digest)]
        if not known:
            raise Problem(401, "bad_key", "密钥不正确", headers={"WWW-Authenticate": "Bearer"})
        if wait := self._paces[known[0]].wait(known[0], self._house.clock.monotonic()):
            raise Problem(429, "too_often", "调用过于频繁", retry_after=wait)
        return known[0]

    async def _describe(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self._description, headers={"Cache-Control": "no-cache"})


def _served(table: RouteTable, act: Act) -> Iterable[web.AbstractRouteDef]:
    for route in table.routes:
        yield web.route(route.method, route.path, _serving(route, act))


def _serving(route: Route, act: Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await served(route, request, lambda: act(route, request))

    return serve


def _file(path: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})

    return serve
