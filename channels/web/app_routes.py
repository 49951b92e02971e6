"""The interface for the city's own app (城市 APP 接口): matters, conversations and enquiries under an API key.

An app speaks for its citizens. Each matter begins a conversation, whose name only its app may use; whatever is said in
it lands on that matter's ticket, and what the house says waits there until the app has confirmed it.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from channels.web.bodies import (
    AddressSent,
    CodeSent,
    EnquirySent,
    KeyHeader,
    LinesView,
    MatterSent,
    MessageTaken,
    NumberSent,
    ProgressView,
    QueryCode,
    Sent,
    WordsSent,
)
from channels.web.house import NOT_TAKEN, Visit, is_conversation
from gateway.http_api.problems import not_found
from gateway.http_api.routes import RouteTable
from gateway.ports.intake import Part

LONGEST_WAIT = 25.0
READ_LIMIT = LONGEST_WAIT + 15.0
NO_CONVERSATION = "没有这个会话"
app_routes = RouteTable()
_MATTERS = "/app/v1/matters"
_CONVERSATION = "/app/v1/conversations/{conversation}"


class CodeHeader(Sent, frozen=True):
    """``Query-Code``: the code that was given with the ticket's number."""

    query_code: QueryCode


class LinesQuery(Sent, frozen=True):
    """Lines above which number, and how many seconds to wait when there are none."""

    after: Annotated[int, Meta(ge=0, le=2**53)] = 0
    wait: Annotated[float, Meta(ge=0, le=LONGEST_WAIT)] = 0.0


@app_routes.declare("POST", _MATTERS, "提交诉求", for_partners=True, refusal=NOT_TAKEN, limit=60.0)
async def submit_matter(visit: Visit, headers: KeyHeader, body: MatterSent, files: tuple[Part, ...]) -> MessageTaken:
    """Take a matter; the same key again is the same matter."""
    name = hashlib.sha256(f"{visit.caller} {headers.idempotency_key}".encode()).hexdigest()[:40]
    return await visit.submit(f"{visit.caller}.{name}", body, headers, files, {"app": visit.caller})


@app_routes.declare("GET", "/app/v1/tickets/{ticket_id}", "查询进度", for_partners=True)
async def show_progress(visit: Visit, ticket_id: str, headers: CodeHeader) -> ProgressView:
    """Tell how a ticket stands to whoever has its number and code."""
    return await visit.progress(EnquirySent(ticket_id=ticket_id, query_code=headers.query_code))


@app_routes.declare(
    "GET", f"{_CONVERSATION}/lines", "读取会话，可等待新消息", for_partners=True, limit=LONGEST_WAIT + 15.0
)
async def read_lines(visit: Visit, conversation: str, query: LinesQuery) -> LinesView:
    """Tell what was said after a line; wait for the next one if asked to."""
    await _check(visit, conversation)
    return await visit.lines(conversation, query.after, query.wait)


@app_routes.declare(
    "POST", f"{_CONVERSATION}/lines", "在会话中补充说明", for_partners=True, refusal=NOT_TAKEN, limit=60.0
)
async def say_words(
    visit: Visit, conversation: str, headers: KeyHeader, body: WordsSent, files: tuple[Part, ...]
) -> MessageTaken:
    """Take a line of a conversation; the same key again is the same line."""
    await _check(visit, conversation)
    return await visit.say(conversation, body, headers, files)


@app_routes.declare("PUT", f"{_CONVERSATION}/confirmed", "确认已收到的消息", for_partners=True)
async def confirm_lines(visit: Visit, conversation: str, body: NumberSent) -> None:
    """Keep that the citizen has all lines up to that number."""
    await _check(visit, conversation)
    await visit.house.conversations.confirm(visit.intake, conversation, int(body.number))


@app_routes.declare("POST", f"{_CONVERSATION}/verification", "发送验证码，验证诉求人的手机号或邮箱", for_partners=True)
async def send_code(visit: Visit, conversation: str, body: AddressSent) -> None:
    """Send a code to a number or a mailbox that the conversation's citizen says is his."""
    await _check(visit, conversation)
    await visit.send_code(conversation, body.to)


@app_routes.declare("PUT", f"{_CONVERSATION}/verification", "填写验证码", for_partners=True)
async def confirm_code(visit: Visit, conversation: str, body: CodeSent) -> None:
    """Take the code back; from then on his messages in this conversation and from there are one person's."""
    await _check(visit, conversation)
    await visit.prove(conversation, body.code)


@app_routes.declare("GET", f"{_CONVERSATION}/files/{{sha256}}", "会话中的附件", for_partners=True)
async def read_file(visit: Visit, conversation: str, sha256: str) -> web.StreamResponse:
    """Send a file of a conversation."""
    await _check(visit, conversation)
    return await visit.file(conversation, sha256)


def owner_of(conversation: str) -> str:
    """Return the app whose conversation it would be, "" for what is no such name."""
    owner, _, name = conversation.rpartition(".")
    return owner if is_conversation(name) else ""


async def _check(visit: Visit, conversation: str) -> None:
    """Refuse a conversation that is not the app's, or that never began. Raises `Problem`."""
    if owner_of(conversation) != visit.caller or not await visit.house.conversations.exists(conversation):
        raise not_found(NO_CONVERSATION)
