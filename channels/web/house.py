"""What the handlers of both doors work with: the house, and one visit to it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from channels.web.bodies import (
    TICKET_NUMBER,
    EnquirySent,
    KeyHeader,
    LinesView,
    MatterSent,
    MessageTaken,
    ProgressView,
    WordsSent,
    checked_parts,
    line_view,
    matter_message,
    progress_view,
    taken_view,
    words_message,
)
from channels.web.conversations import Conversations
from channels.web.terms import Terms
from channels.web.visitors import Visitors
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.json import Json
from gateway.domain.ticket import TicketId
from gateway.http_api.problems import Problem, not_found
from gateway.ports.clock import Clock
from gateway.ports.intake import Enquiries, Files, Intake, Part, Verification

NOT_TAKEN = "没有收下：内容或附件不符合要求。如需帮助，请拨打 12345"
"""What a final no of intake means here."""
NO_TICKET = "没有查到，请核对工单编号和查询码"
NO_CODES = "验证码只能发到手机号码或电子邮箱，请核对"
TOO_MANY_CODES = "验证码已发送，请稍后再试"
WRONG_CODE = "验证码不对或已过期"
_TICKET = re.compile(TICKET_NUMBER)
MOST_LINES = 200
"""Lines of a conversation in one answer."""
_NAME = re.compile(r"[0-9a-f]{40}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_IMAGES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One door's parts. ``hosts`` are the names that the door is reached by, besides the one it is asked under.

    ``is_urgent`` says whether words speak of an emergency: limits on matters and lines do not hold for those.
    """

    kind: ChannelKind
    addressee: str
    terms: Terms
    conversations: Conversations
    enquiries: Enquiries
    files: Files
    visitors: Visitors
    clock: Clock
    hosts: tuple[str, ...] = ()
    verification: Verification | None = None
    is_urgent: Callable[[str], bool] = lambda text: False


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request: ``caller`` is whose pace counts, an address or an app."""

    house: House
    intake: Intake
    request: web.Request
    caller: str

    async def submit(
        self,
        conversation: str,
        matter: MatterSent,
        headers: KeyHeader,
        files: tuple[Part, ...],
        values: Mapping[str, Json],
    ) -> MessageTaken:
        """Give a matter to intake. Raises `Problem`, and what intake raises."""
        house = self.house
        parts = checked_parts(matter.files, files, house.terms)
        message = matter_message(
            matter,
            channel=house.kind,
            conversation=conversation,
            key=headers.idempotency_key,
            addressee=house.addressee,
            at=house.clock.now(),
            parts=parts,
            values=values,
        )
        return taken_view(await house.conversations.take(self.intake, message), conversation)

    async def say(
        self, conversation: str, words: WordsSent, headers: KeyHeader, files: tuple[Part, ...]
    ) -> MessageTaken:
        """Give a line of a conversation to intake, and let the assistant answer. Raises like `submit`."""
        house = self.house
        message = words_message(
            words,
            channel=house.kind,
            conversation=conversation,
            key=headers.idempotency_key,
            addressee=house.addressee,
            at=house.clock.now(),
            parts=checked_parts(words.files, files, house.terms),
        )
        taken = await house.conversations.take(self.intake, message)
        await house.conversations.answer(message, taken)
        return taken_view(taken, conversation)

    def admit_matter(self, matter: MatterSent) -> None:
        """Count a matter of the caller's, unless it speaks of an emergency. Raises `Problem` for one too many."""
        if not self.house.is_urgent(matter.text):
            self.house.visitors.admit_matter(self.caller)

    def admit_words(self, text: str) -> None:
        """Count a line of the caller's, unless it speaks of an emergency. Raises `Problem` for one too many."""
        if not self.house.is_urgent(text):
            self.house.visitors.admit_words(self.caller)

    async def send_code(self, conversation: str, to: str) -> None:
        """Send a code to the number or mailbox *to*. Raises `Problem` where none can go, and `Unavailable`."""
        if self.house.verification is None:
            raise not_found(NO_CODES)
        try:
            await self.house.verification.ask(self.house.kind, conversation, to)
        except Refused as error:
            raise Problem(422, "invalid", NO_CODES, field="to") from error
        except Unavailable as error:
            if error.retry_after is None:
                raise
            raise Problem(429, "too_often", TOO_MANY_CODES, retry_after=error.retry_after) from error

    async def prove(self, conversation: str, code: str) -> None:
        """Keep that the conversation's citizen has what the code was sent to. Raises `Problem` for a wrong code."""
        if self.house.verification is None:
            raise not_found(NO_CODES)
        if not await self.house.verification.confirm(self.house.kind, conversation, code):
            raise Problem(403, "wrong_code", WRONG_CODE)

    async def lines(self, conversation: str, after: int, wait: float) -> LinesView:
        """Return up to `MOST_LINES` that were said after line *after*, waiting up to *wait* seconds for the first."""
        found = await self.house.conversations.lines(conversation, after, wait=wait)
        return LinesView([line_view(line) for line in found[:MOST_LINES]])

    async def progress(self, enquiry: EnquirySent) -> ProgressView:
        """Return how a ticket stands. Raises `Problem` where number and code don't fit each other."""
        if not _TICKET.fullmatch(enquiry.ticket_id):
            raise not_found(NO_TICKET)
        self.house.visitors.admit_guess(enquiry.ticket_id)
        found = await self.house.enquiries.progress(TicketId(enquiry.ticket_id), enquiry.query_code)
        if found is None:
            raise not_found(NO_TICKET)
        return progress_view(found)

    async def file(self, conversation: str, sha256: str) -> web.StreamResponse:
        """Send a file of a conversation: an image to be shown, anything else to be saved."""
        try:
            file = await self.house.conversations.file(conversation, sha256)
            octets = await self.house.files.read(sha256)
        except Refused as error:
            raise not_found("没有这个附件") from error
        kind = "image/jpeg" if sha256 == file.shown else file.media_type
        is_image = kind in _IMAGES
        return web.Response(
            body=octets,
            content_type=kind if is_image else "application/octet-stream",
            headers={
                "Content-Disposition": "inline" if is_image else "attachment",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "Cache-Control": "private, max-age=86400, immutable",
            },
        )


def bearer(request: web.Request) -> str:
    """Return what *request* proves itself with. Raises `Problem` when there is nothing."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "no_key", "缺少凭据", headers={"WWW-Authenticate": "Bearer"})
    return token.strip()


def is_conversation(name: str) -> bool:
    """Say whether *name* could be a page's conversation."""
    return _NAME.fullmatch(name) is not None


def conversation_of(token: str) -> str:
    """Return the conversation that whoever has *token* takes part in; nobody finds the token from it.

    The page makes the token, 32 random octets in base64url. Raises `Problem` for anything else.
    """
    if not _TOKEN.fullmatch(token):
        raise Problem(401, "bad_token", "会话凭据无效，请刷新页面", headers={"WWW-Authenticate": "Bearer"})
    return hashlib.sha256(f"jiesu conversation {token}".encode()).hexdigest()[:40]
