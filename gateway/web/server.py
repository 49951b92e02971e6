"""The console's web server (坐席台网页): serves the route table and the page, and keeps every failure to itself.

Every handler has a limit; whatever one raises becomes a JSON problem. Nothing here is awaited by a call.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
from aiohttp import web
from prometheus_client import Counter

from gateway.domain.errors import GatewayError
from gateway.web.calls_api import call_routes
from gateway.web.cases_api import case_routes
from gateway.web.context import NEW_TOKEN, ConsoleParts, Context, Visit
from gateway.web.exchange_api import exchange_routes, partner_of
from gateway.web.knowledge_api import knowledge_routes
from gateway.web.live import close_pages, live_routes
from gateway.web.messages import AnyMessage
from gateway.web.openapi import document
from gateway.web.passwords import ensure_first_account
from gateway.web.problems import Problem, problem_of
from gateway.web.routes import Route
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
    + exchange_routes
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
BEGUN = web.RequestKey("begun", web.StreamResponse)
"""The response whose head has gone out."""
_UNKNOWN_FIELD = re.compile(r"(?:unknown|required) field `([^`]+)`")
_PLACE = re.compile(r"`\$\.?([^`]*)`")


class Console:
    """The web server. Use as an async context manager; inside the block `url` says where it is.

    *port* 0 lets the system choose. *session_lifetime* is in seconds; *secure_cookies* belongs to a TLS proxy in front;
    whoever sends *metrics_token* as a bearer token may read the metrics from elsewhere. Entering raises `OSError` when
    the address cannot be bound.
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
    ) -> None:
        self._host = host
        self._port = port
        self._requests = Counter(
            "jiesu_http_requests", "Answers of the console", ["method", "route", "status"], registry=parts.registry
        )
        self._context = Context(
            parts=parts,
            sessions=Sessions(session_lifetime),
            description=document(ROUTES, version=parts.versions.get("jiesu", "0"), messages=AnyMessage),
            secure_cookies=secure_cookies,
            metrics_token=metrics_token,
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
            response: web.StreamResponse
            try:
                response = await self._answer(route, request)
            except Problem as problem:
                response = _problem_response(problem)
            except GatewayError as failure:
                response = _problem_response(problem_of(failure, route.refusal))
            except TimeoutError:
                log.error("request.too_slow", operation=route.operation)
                response = _problem_response(Problem(503, "too_slow", "系统忙，请稍后重试", retry_after=5.0))
            except web.HTTPRequestEntityTooLarge:
                response = _problem_response(Problem(413, "too_large", "提交的内容太大"))
            except ConnectionError:
                raise
            except Exception:
                log.exception("request.failed", operation=route.operation)
                response = _problem_response(Problem(500, "our_fault", "系统出错，已记录；通话不受影响"))
            response = _cut_off(request, response)
            self._requests.labels(route.method, route.path, str(response.status)).inc()
            return response

        return serve

    async def _answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        context = self._context
        session = context.sessions.find(request.cookies.get(COOKIE, ""), context.parts.clock.monotonic())
        _check_origin(route, request)
        _check_visitor(route, session)
        visit = Visit(context=context, request=request, session=session)
        if route.for_partners:
            partner_of(visit)
        async with asyncio.timeout(route.limit):
            arguments: dict[str, Any] = dict(request.match_info)
            if route.query is not None:
                arguments["query"] = _query(route.query, request)
            if route.body is not None:
                arguments["body"] = await _body(route.body, request)
            answer = await route.handler(visit, **arguments)
        if isinstance(answer, web.StreamResponse):
            return answer
        response = _json_response(204 if answer is None else 200, answer)
        self._set_cookie(request, response)
        return response

    def _set_cookie(self, request: web.Request, response: web.Response) -> None:
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


def _cut_off(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Return *response*, unless another had begun when its handler failed: that one ends with its connection."""
    begun: web.StreamResponse | None = request.get(BEGUN)
    if begun is None or begun is response:
        return response
    if request.transport is not None:
        request.transport.abort()
    return begun


def _check_origin(route: Route, request: web.Request) -> None:
    """Refuse what another site's page sends: the cookie is SameSite already, this is the second lock."""
    if route.method == "GET" and route.path != "/api/live":
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Problem(403, "wrong_origin", "请求来自其他网站，已拒绝")
    if origin is None and request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "wrong_origin", "请求来自其他网站，已拒绝")


def _check_visitor(route: Route, session: Session | None) -> None:
    if not route.roles:
        return
    if session is None:
        raise Problem(401, "sign_in", "请先登录")
    if session.account.role not in route.roles:
        raise Problem(403, "forbidden", "您的账号没有这个权限")


async def _body(kind: type[msgspec.Struct], request: web.Request) -> msgspec.Struct:
    if request.content_type != "application/json":
        raise Problem(415, "not_json", "请求内容必须是 JSON")
    content = await request.read()
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, "not_json", "请求内容不是有效的 JSON") from error


def _query(kind: type[msgspec.Struct], request: web.Request) -> msgspec.Struct:
    try:
        return msgspec.convert(dict(request.query), type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error


def _invalid(error: msgspec.ValidationError) -> Problem:
    """Return the problem of a request whose shape is wrong, naming the field."""
    text = str(error)
    place, name = _PLACE.search(text), _UNKNOWN_FIELD.search(text)
    parts = [found[1] for found in (place, name) if found and found[1]]
    field = ".".join(parts)
    return Problem(422, "invalid", f"字段 {field} 不正确" if field else "请求内容不正确", field=field, detail=text)


def _json_response(status: int, answer: object) -> web.Response:
    body = b"" if answer is None else msgspec.json.encode(answer)
    return web.Response(
        status=status, body=body, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def _problem_response(problem: Problem) -> web.Response:
    response = _json_response(problem.status, problem.view)
    response.headers.update(problem.headers)
    return response


async def _show_page(_: web.Request) -> web.StreamResponse:
    return web.FileResponse(STATIC / "index.html")


async def _no_such_route(_: web.Request) -> web.StreamResponse:
    return _problem_response(Problem(404, "not_found", "没有这个接口"))


async def _before_head(request: web.Request, response: web.StreamResponse) -> None:
    request[BEGUN] = response
    response.headers.update(HEADERS)
    if request.path == "/" or request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-cache")
