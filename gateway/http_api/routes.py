"""The route table: every entry of the interface declared once, for serving, checking requests and describing.

A handler is a typed function. Its first parameter is the visit; further ones are the path's placeholders, and ``body``,
``query`` and ``headers``, whose types are msgspec Structs (``idempotency_key`` is the header ``Idempotency-Key``), and
``files``, a tuple of `Part`s, where the body may also come as a form with files. Its return type is the answer: a
Struct, None (204), or a prepared response.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

import msgspec
from aiohttp import web

from gateway.domain.account import AccountRole

Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)

EVERYONE = frozenset(AccountRole)
STAFF = EVERYONE - {AccountRole.UNIT}
"""The hotline's own people."""
SUPERVISORS = frozenset({AccountRole.SUPERVISOR, AccountRole.ADMINISTRATOR})
ADMINISTRATORS = frozenset({AccountRole.ADMINISTRATOR})
NOT_NOW = "这一步现在不能做"
MOST_FILES = 20
"""Of any form; a door may allow fewer."""
_SHAPES = ("body", "query", "headers", "files")
"""Parameters that are no placeholders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One entry.

    ``roles`` is who may use it, empty for a door that needs no sign-in. ``for_partners``: other systems, which prove
    themselves with a key, to the handler.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    roles: frozenset[AccountRole]
    refusal: str
    limit: float | None
    body: type[msgspec.Struct] | None
    query: type[msgspec.Struct] | None
    answer: type[Any] | None
    placeholders: tuple[str, ...]
    headers: type[msgspec.Struct] | None = None
    takes_files: bool = False
    for_partners: bool = False

    @property
    def operation(self) -> str:
        """The handler's name, unique in the table."""
        return str(getattr(self.handler, "__name__", ""))

    @property
    def is_open(self) -> bool:
        """Whether it needs neither sign-in nor key."""
        return not self.roles and not self.for_partners

    @property
    def answers_itself(self) -> bool:
        """Whether the handler prepares its own response (sound, WebSocket, metrics)."""
        return isinstance(self.answer, type) and issubclass(self.answer, web.StreamResponse)


class RouteTable:
    """Routes in the order they were declared."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def declare(
        self,
        method: str,
        path: str,
        summary: str,
        *,
        roles: frozenset[AccountRole] = STAFF,
        refusal: str = NOT_NOW,
        limit: float | None = 15.0,
        for_partners: bool = False,
    ) -> Callable[[H], H]:
        """Declare a handler that may take *limit* seconds; *refusal* says in Chinese what a final no means here."""

        def add(handler: H) -> H:
            hints = get_type_hints(handler)
            answer = hints.pop("return")
            names = tuple(inspect.signature(handler).parameters)[1:]
            self.routes.append(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    summary=summary,
                    roles=frozenset() if for_partners else roles,
                    for_partners=for_partners,
                    refusal=refusal,
                    limit=limit,
                    body=hints.get("body"),
                    query=hints.get("query"),
                    answer=None if answer is type(None) else answer,
                    placeholders=tuple(name for name in names if name not in _SHAPES),
                    headers=hints.get("headers"),
                    takes_files="files" in names,
                )
            )
            return handler

        return add

    def __add__(self, other: RouteTable) -> RouteTable:
        table = RouteTable()
        table.routes = [*self.routes, *other.routes]
        return table
