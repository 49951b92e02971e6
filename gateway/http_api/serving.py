"""From a request to a handler's arguments, and from what it returns or raises to the answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from gateway.domain.errors import GatewayError
from gateway.http_api.problems import Problem, problem_of
from gateway.http_api.routes import Route
from gateway.ports.intake import Part

log = structlog.get_logger(__name__)

BEGUN = web.RequestKey("begun", web.StreamResponse)
"""The response whose head has gone out; `note_begun` keeps it."""
FORM = "multipart/form-data"
QUICK = 256 * 1024
"""Octets of JSON that are read without leaving the loop."""
LONGEST_NAME = 200
"""Characters of a file's name that are kept."""
_UNKNOWN_FIELD = re.compile(r"(?:unknown|required) field `([^`]+)`")
_PLACE = re.compile(r"`\$\.?([^`]*)`")


async def served(
    route: Route, request: web.Request, answer: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Return what *answer* returns within the route's limit, and every failure of it as a JSON problem."""
    try:
        async with asyncio.timeout(route.limit):
            response = await answer()
    except Problem as problem:
        response = problem_response(problem)
    except GatewayError as failure:
        response = problem_response(problem_of(failure, route.refusal))
    except TimeoutError:
        log.error("request.too_slow", operation=route.operation)
        response = problem_response(Problem(503, "too_slow", "系统忙，请稍后重试", retry_after=5.0))
    except web.HTTPRequestEntityTooLarge:
        response = problem_response(Problem(413, "too_large", "提交的内容太大"))
    except ConnectionError:
        raise
    except Exception:
        log.exception("request.failed", operation=route.operation)
        response = problem_response(Problem(500, "our_fault", "系统出错，已记录；通话不受影响"))
    return _cut_off(request, response)


@dataclass(frozen=True, slots=True)
class FormLimits:
    """How many files a form may have, and how many octets all of it."""

    files: int
    octets: int


NO_FILES = FormLimits(0, 64 * 1024)


async def arguments_of(route: Route, request: web.Request, limits: FormLimits = NO_FILES) -> dict[str, Any]:
    """Return what *route*'s handler takes besides the visit; *limits* are those of a form. Raises `Problem`."""
    arguments: dict[str, Any] = dict(request.match_info)
    if route.query is not None:
        arguments["query"] = _converted(route.query, dict(request.query))
    if route.headers is not None:
        names = route.headers.__struct_fields__
        given = {name: request.headers.get(name.replace("_", "-")) for name in names}
        arguments["headers"] = _converted(
            route.headers, {name: text for name, text in given.items() if text is not None}
        )
    if route.takes_files:
        content, arguments["files"] = await _form(request, limits) if request.content_type == FORM else (None, ())
    else:
        content = None
    if route.body is not None:
        content = await _json(request) if content is None else content
        if len(content) > QUICK:
            arguments["body"] = await asyncio.to_thread(_decoded, route.body, content)
        else:
            arguments["body"] = _decoded(route.body, content)
    return arguments


def answer_of(answer: object) -> web.StreamResponse:
    """Return what a handler returned as a response."""
    if isinstance(answer, web.StreamResponse):
        return answer
    return _json_response(204 if answer is None else 200, answer)


def problem_response(problem: Problem) -> web.Response:
    """Return *problem* as a response."""
    response = _json_response(problem.status, problem.view)
    response.headers.update(problem.headers)
    return response


async def note_begun(request: web.Request, response: web.StreamResponse) -> None:
    """Keep that the head of *response* goes out: from here on no other can."""
    request[BEGUN] = response


def check_origin(request: web.Request, *hosts: str) -> None:
    """Refuse what another site's page sends; *hosts* are ours, if others than the one asked. Raises `Problem`."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc not in (request.host, *hosts):
        raise Problem(403, "wrong_origin", "请求来自其他网站，已拒绝")
    if origin is None and request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "wrong_origin", "请求来自其他网站，已拒绝")


def _cut_off(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Return *response*, unless another had begun when its handler failed: that one ends with its connection."""
    begun: web.StreamResponse | None = request.get(BEGUN)
    if begun is None or begun is response:
        return response
    if request.transport is not None:
        request.transport.abort()
    return begun


async def _json(request: web.Request) -> bytes:
    if request.content_type != "application/json":
        raise Problem(415, "not_json", "请求内容必须是 JSON")
    return await request.read()


async def _form(request: web.Request, limits: FormLimits) -> tuple[bytes, tuple[Part, ...]]:
    """Read a form: the field ``body`` is JSON, each ``files`` is one."""
    content, parts, left = b"", list[Part](), limits.octets
    try:
        reader = await request.multipart()
        while (field := await reader.next()) is not None:
            if not isinstance(field, BodyPartReader) or field.name not in ("body", "files"):
                raise Problem(422, "invalid", "表单中有不认识的字段", field=getattr(field, "name", "") or "")
            octets = bytearray()
            while chunk := await field.read_chunk():
                octets += field.decode(chunk)
                if len(octets) > left:
                    raise Problem(413, "too_large", "提交的内容太大", field="files")
            left -= len(octets)
            if field.name == "body":
                content = bytes(octets)
                continue
            if len(parts) == limits.files:
                raise Problem(422, "too_many_files", f"附件最多 {limits.files} 个", field="files")
            if field.filename is None:
                raise Problem(422, "invalid", "附件必须是文件", field="files")
            kind = field.headers.get("Content-Type", "application/octet-stream")
            parts.append(Part(name=field.filename[:LONGEST_NAME], declared_type=kind, content=bytes(octets)))
    except (ValueError, AssertionError, LookupError, RuntimeError, HttpProcessingError) as error:
        raise Problem(400, "not_a_form", "表单内容不完整或格式有误", detail=type(error).__name__) from error
    return content, tuple(parts)


def _decoded(kind: type[msgspec.Struct], content: bytes) -> msgspec.Struct:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, "not_json", "请求内容不是有效的 JSON") from error


def _converted(kind: type[msgspec.Struct], values: dict[str, str]) -> msgspec.Struct:
    try:
        return msgspec.convert(values, type=kind, strict=False)
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
