"""The console's web server (坐席台网页): serves the route table and the page, and keeps every failure to itself.

Every handler has a limit; whatever one raises becomes a JSON problem. Nothing here is awaited by a call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType

import structlog
from aiohttp import web
from prometheus_client import Counter

from gateway.http_api.openapi import PARTNER, SESSION, document
from gateway.http_api.problems import Problem
from gateway.http_api.proxies import Network
from gateway.http_api.routes import Route
from gateway.http_api.serving import answer_of, arguments_of, check_origin, note_begun, problem_response, served
from gateway.web.calls_api import call_routes
from gateway.web.case_commands_api import command_routes
from gateway.web.cases_api import case_routes
from gateway.web.context import NEW_TOKEN, ConsoleParts, Context, Visit
from gateway.web.exchange_api import exchange_routes, proven
from gateway.web.inbox_api import inbox_routes
from gateway.web.incidents_api import incident_routes
from gateway.web.knowledge_api import knowledge_routes
from gateway.web.knowledge_exchange_api import knowledge_exchange_routes
from gateway.web.letters_api import letter_routes
from gateway.web.live import close_pages, live_routes
from gateway.web.messages import AnyMessage
from gateway.web.mirror_api import mirror_routes
from gateway.web.passwords import ensure_first_account
from gateway.web.reports_api import report_routes
from gateway.web.session_api import session_routes
from gateway.web.sessions import COOKIE, Session, Sessions
from gateway.web.system_api import system_routes
from gateway.web.tickets_api import ticket_routes

__all__ = ["ROUTES", "Console", "ConsoleParts", "ensure_first_account"]

log = structlog.get_logger(__name__)

ROUTES = (
    session_routes
    + call_routes
    + ticket_routes
    + case_routes
    + command_routes
    + inbox_routes
    + letter_routes
    + incident_routes
    + exchange_routes
    + mirror_routes
    + knowledge_exchange_routes
    + report_routes
    + knowledge_routes
    + system_routes
    + live_routes
).routes
"""Everything the interface has, in the order of its description."""

STATIC = Path(__file__).parent / "static"
LARGEST_BODY = 64 * 1024
STOP_LIMIT = 3.0
"""Seconds that requests under way get when the console stops."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self' data:; media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Console:
    """The web server. Use as an async context manager; inside the block `url` says where it is.

    *port* 0 lets the system choose. *session_lifetime* is in seconds; *secure_cookies* belongs to a TLS proxy in front;
    whoever sends *metrics_token* as a bearer token may read the metrics from elsewhere; *trusted_proxies* may say for
    whom they ask. Entering raises `OSError` when the address cannot be bound.
    """

    def __init__(
        self,
        parts: ConsoleParts,
        host: str,
        port: int,
        *,
        session_lifetime: float = 12 * 3600.0,
        secure_cookies: bool = False,
        metrics_token: str = "",
        trusted_proxies: Sequence[Network] = (),
    ) -> None:
        self._host = host
        self._port = port
        self._requests = Counter(
            "jiesu_http_requests", "Answers of the console", ["method", "route", "status"], registry=parts.registry
        )
        self._context = Context(
            parts=parts,
            sessions=Sessions(parts.sign_ins, parts.accounts, parts.clock, lifetime=session_lifetime),
            description=document(
                ROUTES,
                title="jiesu 接诉",
                version=parts.versions.get("jiesu", "0"),
                schemes={
                    SESSION: {"type": "apiKey", "in": "cookie", "name": COOKIE},
                    PARTNER: {"type": "http", "scheme": "bearer"},
                },
                messages=AnyMessage,
            ),
            secure_cookies=secure_cookies,
            metrics_token=metrics_token,
            trusted_proxies=tuple(trusted_proxies),
        )
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=STOP_LIMIT)
        self.url = ""

    async def __aenter__(self) -> Console:
        """Begin to serve."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        log.info("console.started", url=self.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send all pages away and stop."""
        await self._runner.cleanup()

    @property
    def live_pages(self) -> set[web.WebSocketResponse]:
        """The live pages that are open."""
        return self._context.live_pages

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=LARGEST_BODY)
        for route in ROUTES:
            application.router.add_route(route.method, route.path, self._serving(route))
        application.router.add_get("/", _show_page)
        application.router.add_static("/static", STATIC)
        application.router.add_route("*", "/api/{rest:.*}", _no_such_route)
        application.on_response_prepare.append(_before_head)
        application.on_shutdown.append(self._close_pages)
        return application

    async def _close_pages(self, _: web.Application) -> None:
        await close_pages(self._context.live_pages)

    def _serving(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            response = await served(route, request, lambda: self._answer(route, request))
            self._requests.labels(route.method, route.path, str(response.status)).inc()
            return response

        return serve

    async def _answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        context = self._context
        session = await context.session_of(request) if route.roles or route.path == "/api/session" else None
        if route.method != "GET" or route.path == "/api/live":
            check_origin(request)  # the cookie is SameSite already, this is the second lock
        _check_visitor(route, session)
        visit = Visit(context=context, request=request, session=session)
        if route.for_partners:
            await proven(visit)
        answer = await route.handler(visit, **await arguments_of(route, request))
        response = answer_of(answer)
        if not isinstance(answer, web.StreamResponse):
            self._set_cookie(request, response)
        return response

    def _set_cookie(self, request: web.Request, response: web.StreamResponse) -> None:
        token = request.get(NEW_TOKEN)
        if token is None:
            return
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(self._context.sessions.lifetime) if token else 0,
            httponly=True,
            samesite="Strict",
            secure=self._context.secure_cookies,
            path="/",
        )


def _check_visitor(route: Route, session: Session | None) -> None:
    if not route.roles:
        return
    if session is None:
        raise Problem(401, "sign_in", "请先登录")
    if session.account.role not in route.roles:
        raise Problem(403, "forbidden", "您的账号没有这个权限")


async def _show_page(_: web.Request) -> web.StreamResponse:
    return web.FileResponse(STATIC / "index.html")


async def _no_such_route(_: web.Request) -> web.StreamResponse:
    return problem_response(Problem(404, "not_found", "没有这个接口"))


async def _before_head(request: web.Request, response: web.StreamResponse) -> None:
    await note_begun(request, response)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path == "/" or request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-cache")
