"""The page's own interface: what it asks to show itself, a matter, a conversation, an enquiry."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from channels.web.bodies import (
    AddressSent,
    CodeSent,
    EnquirySent,
    FormSent,
    KeyHeader,
    MessageTaken,
    ProgressView,
    WordsSent,
    check_form,
)
from channels.web.house import NOT_TAKEN, Visit, bearer, conversation_of
from gateway.http_api.routes import RouteTable
from gateway.ports.intake import Part

page_routes = RouteTable()


class OptionsView(msgspec.Struct, frozen=True, kw_only=True):
    """What the page needs to show itself."""

    title: str
    hotline: str
    consent: str
    name: str
    telephone: str
    emergency_sms: str
    files: int
    file_size: int


class FilePlace(msgspec.Struct, frozen=True):
    """A hash of a file."""

    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


@page_routes.declare("GET", "/web/options", "页面设置", roles=frozenset())
async def page_options(visit: Visit) -> OptionsView:
    """Tell the page the operator's choices."""
    terms = visit.house.terms
    return OptionsView(
        title=terms.title,
        hotline=terms.hotline,
        consent=terms.consent,
        name=terms.name.value,
        telephone=terms.telephone.value,
        emergency_sms=terms.emergency_sms,
        files=terms.files,
        file_size=terms.file_size,
    )


@page_routes.declare("POST", "/web/matters", "提交诉求", roles=frozenset(), refusal=NOT_TAKEN, limit=60.0)
async def page_submit(visit: Visit, headers: KeyHeader, body: FormSent, files: tuple[Part, ...]) -> MessageTaken:
    """Take a matter from the form; the same key again is the same matter."""
    check_form(body, visit.house.terms)
    visit.admit_matter(body)
    values = {"consent": visit.house.terms.consent}
    return await visit.submit(conversation_of(bearer(visit.request)), body, headers, files, values)


@page_routes.declare("POST", "/web/words", "对话中带图片的一句话", roles=frozenset(), refusal=NOT_TAKEN, limit=60.0)
async def page_say(visit: Visit, headers: KeyHeader, body: WordsSent, files: tuple[Part, ...]) -> MessageTaken:
    """Take a line of a conversation with its files; without files they come over the WebSocket."""
    visit.admit_words(body.text)
    return await visit.say(conversation_of(bearer(visit.request)), body, headers, files)


@page_routes.declare("POST", "/web/progress", "查询进度", roles=frozenset())
async def page_progress(visit: Visit, body: EnquirySent) -> ProgressView:
    """Tell how a ticket stands to whoever has its number and code."""
    visit.house.visitors.admit_enquiry(visit.caller)
    return await visit.progress(body)


@page_routes.declare("GET", "/web/files", "对话中的附件", roles=frozenset())
async def page_file(visit: Visit, query: FilePlace) -> web.StreamResponse:
    """Send a file of the visitor's own conversation."""
    return await visit.file(conversation_of(bearer(visit.request)), query.sha256)


@page_routes.declare("POST", "/web/verification", "发送验证码，验证本人手机号或邮箱", roles=frozenset())
async def page_send_code(visit: Visit, body: AddressSent) -> None:
    """Send a code to a number or a mailbox that the visitor says is his."""
    conversation = conversation_of(bearer(visit.request))
    visit.house.visitors.admit_enquiry(visit.caller)
    await visit.send_code(conversation, body.to)


@page_routes.declare("POST", "/web/verification/confirmed", "填写验证码", roles=frozenset())
async def page_confirm_code(visit: Visit, body: CodeSent) -> None:
    """Take the code back; from then on his messages from here and from there are one person's."""
    conversation = conversation_of(bearer(visit.request))
    visit.house.visitors.admit_enquiry(visit.caller)
    await visit.prove(conversation, body.code)
