"""What goes wrong, as the page is told (错误): an HTTP status, a code, and a sentence in Chinese.

`gateway.domain.errors` says what callers may act on; here each of its classes gets its status. Texts of exceptions are
English and for the log; `detail` carries them for whoever debugs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.domain.errors import Conflict, GatewayError, OurMistake, Refused, Unavailable


class ErrorView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One problem. ``field`` names the part of the request that is wrong, ``current`` what stands instead."""

    code: str
    message: str
    field: str = ""
    detail: str = ""
    current: Any = None


class ProblemView(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: ErrorView


class Problem(Exception):
    """An answer that is not a success; handlers raise it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str = "",
        detail: str = "",
        current: Any = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.view = ProblemView(
            error=ErrorView(code=code, message=message, field=field, detail=detail, current=current)
        )
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(retry_after)))


def not_found(message: str) -> Problem:
    """Return the problem of a thing that is not there."""
    return Problem(404, "not_found", message)


def problem_of(failure: GatewayError, refusal: str) -> Problem:
    """Return *failure* as the page is told; *refusal* is what a final no means at this route."""
    detail = str(failure)
    match failure:
        case Unavailable():
            return Problem(
                503,
                "unavailable",
                "系统暂时无法完成，请稍后重试",
                detail=detail,
                retry_after=failure.retry_after or 1.0,
            )
        case Conflict():
            return Problem(409, "conflict", "刚刚有人改过同一处，请核对后再保存", detail=detail)
        case Refused():
            return Problem(409, "refused", refusal, detail=detail)
        case OurMistake():
            return Problem(409, "not_now", "通话状态已变化，这一步现在不能做", detail=detail)
        case _:
            return Problem(502, "peer", "对方系统没有按约定应答", detail=detail)
