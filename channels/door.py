"""The public door (公众入口): one HTTP server for citizens and for peers that call back, apart from the console.

Channels that are reached over HTTP hang their routes on it. It answers what nobody has a route for with 404, keeps
every failure to the request that met it, and says 503 with Retry-After where the house cannot take a message now.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Protocol, Self, runtime_checkable
from weakref import WeakSet

import structlog
from aiohttp import WSCloseCode, web

from gateway.domain.errors import Refused, Unavailable
from gateway.ports.intake import Intake

log = structlog.get_logger(__name__)

LARGEST_BODY = 32 * 1024 * 1024
"""Octets of a request that no route bounds lower."""
STOP_LIMIT = 3.0
"""Seconds that requests under way get when the door closes."""
SOCKETS = web.AppKey("sockets", WeakSet[web.WebSocketResponse])
"""Every WebSocket that is open."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""What every answer says that says nothing else about it."""


@runtime_checkable
class OnDoor(Protocol):
    """A channel that is reached over HTTP."""

    def routes(self, intake: Intake) -> Iterable[web.AbstractRouteDef]:
        """Return its routes; paths are the channel's own and begin with its name."""
        ...


class Door:
    """The server. Use as an async context manager; inside the block `url` says where it listens.

    *port* 0 lets the system choose. Entering raises `OSError` when the address cannot be bound.
    """

    def __init__(self, host: str, port: int, routes: Sequence[web.AbstractRouteDef]) -> None:
        self._host = host
        self._port = port
        application = web.Application(client_max_size=LARGEST_BODY, middlewares=[_kept_apart])
        application.router.add_routes(routes)
        application.on_response_prepare.append(_with_headers)
        application[SOCKETS] = WeakSet()
        application.on_shutdown.append(_close_sockets)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=STOP_LIMIT)
        self.url = ""

    async def __aenter__(self) -> Self:
        """Begin to serve."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        log.info("door.opened", url=self.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is under way, and close."""
        await self._runner.cleanup()


@web.middleware
async def _kept_apart(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer for a handler that could not: a route that speaks another protocol answers its own way before this."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Unavailable as failure:
        wait = math.ceil(failure.retry_after or 10.0)
        return web.json_response({"error": "unavailable"}, status=503, headers={"Retry-After": str(wait)})
    except Refused as failure:
        return web.json_response({"error": str(failure)}, status=422)
    except Exception:
        route = request.match_info.route.resource
        log.exception("door.failed", route=route.canonical if route else "")
        return web.json_response({"error": "internal"}, status=500)


async def _close_sockets(application: web.Application) -> None:
    """Send everyone away who holds a WebSocket; whoever comes again meets the next node."""
    closing = [socket.close(code=WSCloseCode.GOING_AWAY, message=b"stopping") for socket in application[SOCKETS]]
    await asyncio.gather(*closing, return_exceptions=True)


async def _with_headers(request: web.Request, response: web.StreamResponse) -> None:
    if isinstance(response, web.WebSocketResponse):
        request.app[SOCKETS].add(response)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
