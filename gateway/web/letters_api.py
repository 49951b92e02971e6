"""What was written (来件): the messages of a ticket and their files, answers to them, emergencies among them.

Files are given out only through the ticket that they came with, as downloads; a picture is shown as the copy that was
drawn anew. That they were looked at is journalled.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.domain.casework import Channel, Message
from gateway.domain.contact import Attachment, ChannelKind, Contact
from gateway.domain.errors import Refused
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.domain.ticket import Ticket, TicketId, TicketState
from gateway.http_api.problems import Problem, not_found
from gateway.http_api.routes import RouteTable
from gateway.ports.correspondence import Letter, Sent
from gateway.ports.memory import Transaction
from gateway.services.answering import ANSWER, write_answer
from gateway.services.feed import TicketChanged
from gateway.services.persons import same_person
from gateway.services.tickets import applied
from gateway.web.context import Visit
from gateway.web.views import TicketView, ticket_view

letter_routes = RouteTable()

SAME_PERSON_AT_MOST = 20
"""The newest other tickets of a person that are listed."""
SEEN_AT_MOST = 200
"""The newest tickets among which open emergencies are looked for."""
NOBODY = "没有这张工单"


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a letter; ``shown`` says whether there is a picture to show, ``finding`` what the scanner said."""

    sha256: str
    name: str
    media_type: str
    size: int
    shown: bool
    finding: str


class LetterView(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the petitioner."""

    id: str
    channel: ChannelKind
    sender: str
    sender_name: str
    proven: bool
    telephone: str
    received_at: datetime
    subject: str
    text: str
    earlier: list[str]
    place: str
    latitude: float | None
    longitude: float | None
    files: list[FileView]


class AnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """One message of ours; ``state`` is ``waiting``, ``given_up``, or what the peer said of it last."""

    key: str
    kind: str
    text: str
    at: datetime
    by: str
    channel: str
    state: str
    error: str


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """What was written to and fro about a ticket, both the oldest first."""

    letters: list[LetterView]
    answers: list[AnswerView]
    text_only: bool


class AnswerText(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An answer to the petitioner; under the same key it is the same one."""

    text: Annotated[str, Meta(min_length=1, max_length=5000)]
    key: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{8,64}$")]


class NewWording(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A message that was given up, to be sent again, perhaps in other words."""

    key: Annotated[str, Meta(min_length=1, max_length=400)]
    text: Annotated[str, Meta(max_length=5000)] = ""


class Handled(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What became of an emergency that was written: the line has it, or it is none."""

    outcome: Literal["handed_over", "false_alarm"]


class FileQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether to show the picture instead of giving out the file."""

    shown: bool = False


class TicketList(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets, the newest first."""

    tickets: list[TicketView]


@letter_routes.declare("GET", "/api/tickets/{ticket_id}/letters", "一张工单的来件与答复")
async def list_letters(visit: Visit, ticket_id: str) -> Thread:
    """Show what was written to and fro; that it was looked at is journalled."""
    ticket = await _ticket(visit, ticket_id)
    visit.sees("letters.viewed", ticket)
    parts = visit.parts
    letters = await parts.correspondence.letters(ticket.id)
    messages = await parts.cases.messages(Channel.PETITIONER, case_id=ticket.id, limit=SEEN_AT_MOST)
    sent = {each.message_key: each for each in await parts.correspondence.sent(ticket.id)}
    return Thread(
        letters=[_letter(letter) for letter in letters if letter.contact.channel is not ChannelKind.TELEPHONE],
        answers=[_answer(message, sent.get(message.key)) for message in reversed(messages)],
        text_only=ticket.is_text_only,
    )


@letter_routes.declare("POST", "/api/tickets/{ticket_id}/letters", "答复诉求人，按其来件方式发出")
async def answer_letter(visit: Visit, ticket_id: str, body: AnswerText) -> AnswerView:
    """Write to the petitioner; it goes out at once if his way is open."""
    ticket = await _ticket(visit, ticket_id)
    now, key = visit.parts.clock.now(), f"{ticket.id}:{ANSWER}:{body.key}"
    text = body.text.strip()
    if not text:
        raise Problem(422, "invalid", "请填写答复内容", field="text")
    message = await visit.parts.store.commit(
        lambda tx: write_answer(tx, ticket, text, key=key, by=visit.account.name, now=now)
    )
    return _answer(message, None)


@letter_routes.declare("POST", "/api/messages/resend", "重新发送未能送达的消息，可先修改")
async def resend(visit: Visit, body: NewWording) -> None:
    """Send a message again that was given up."""
    now, by = visit.parts.clock.now(), visit.account.name

    def work(tx: Transaction) -> None:
        message = tx.cases.message(body.key)
        if message is None or message.channel is not Channel.PETITIONER:
            raise not_found("没有这条消息")
        if message.done_at is not None:
            raise Problem(409, "sent", "这条消息已经送出")
        text = body.text.strip() or message.text
        tx.cases.save_message(replace(message, text=text, attempts=0, given_up=False, error="", due=now))
        values: dict[str, Json] = {"by": by, "message": message.key, "edited": text != message.text}
        ticket_id = TicketId(message.case_id) if message.case_id else None
        tx.append(Fact(kind="message.resent", at=now, ticket_id=ticket_id, values=values))

    await visit.parts.store.commit(work)


@letter_routes.declare(
    "GET", "/api/tickets/{ticket_id}/files/{sha256}", "来件的附件", limit=60.0, refusal="附件无法读取"
)
async def give_file(visit: Visit, ticket_id: str, sha256: str, query: FileQuery) -> web.StreamResponse:
    """Give out one file of a ticket as a download, or show its picture."""
    ticket = await _ticket(visit, ticket_id)
    letters = await visit.parts.correspondence.letters(ticket.id)
    files = [file for letter in letters for file in letter.contact.attachments if file.sha256 == sha256]
    if not files or (query.shown and not files[0].shown):
        raise not_found("这张工单没有这个附件")
    file = files[0]
    if file.finding and not query.shown:
        raise Problem(403, "infected", f"附件未通过安全检查（{file.finding}），不能下载")
    visit.sees("file.viewed", ticket, file.sha256)
    octets = await visit.parts.files.read(file.shown if query.shown else file.sha256)
    name = quote(file.name or sha256[:12], safe="")
    headers = {
        "Content-Disposition": "inline" if query.shown else f"attachment; filename*=UTF-8''{name}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }
    media_type = "image/jpeg" if query.shown else "application/octet-stream"
    return web.Response(body=octets, content_type=media_type, headers=headers)


@letter_routes.declare("GET", "/api/tickets/{ticket_id}/same-person", "同一诉求人的其他工单")
async def list_same_person(visit: Visit, ticket_id: str) -> TicketList:
    """List the other tickets of whoever wrote or called here, as far as his addresses are proven to be one person's."""
    ticket = await _ticket(visit, ticket_id)
    visit.sees("person.viewed", ticket)

    def work(tx: Transaction) -> list[Ticket]:
        found = (tx.ticket(each) for each in same_person(tx, ticket.id)[:SAME_PERSON_AT_MOST])
        return [each for each in found if each is not None]

    return TicketList(tickets=[ticket_view(each) for each in await visit.parts.store.commit(work)])


@letter_routes.declare("GET", "/api/letters/urgent", "来件中尚未处置的紧急情况")
async def list_urgent(visit: Visit) -> TicketList:
    """List written tickets that speak of an emergency and that nobody has dealt with."""
    tickets = await visit.parts.store.tickets(limit=SEEN_AT_MOST)
    return TicketList(tickets=[ticket_view(ticket) for ticket in tickets if _is_urgent(ticket)])


@letter_routes.declare(
    "POST", "/api/tickets/{ticket_id}/emergency", "来件紧急情况的处置", refusal="这张工单没有待处置的紧急情况"
)
async def settle_emergency(visit: Visit, ticket_id: str, body: Handled) -> TicketView:
    """Note that the line has it, or that it is none."""
    now, by = visit.parts.clock.now(), visit.account.name

    def work(tx: Transaction) -> Ticket:
        ticket = tx.ticket(TicketId(ticket_id))
        if ticket is None:
            raise not_found(NOBODY)
        if not _is_urgent(ticket):
            raise Refused("there is no emergency to settle")
        if body.outcome == "handed_over":
            settled = applied(ticket, lambda t: replace(t, state=TicketState.HANDED_TO_EMERGENCY, agent=by))
        else:
            settled = applied(ticket, lambda t: replace(t, emergency_line="", agent=by))
        tx.save_ticket(settled)
        values: dict[str, Json] = {"by": by, "line": ticket.emergency_line, "outcome": body.outcome}
        tx.append(Fact(kind="emergency.settled", at=now, ticket_id=ticket.id, values=values))
        return settled

    ticket = await visit.parts.store.commit(work)
    visit.parts.feed.publish(TicketChanged(ticket=ticket))
    return ticket_view(ticket, whole_number=True)


def _is_urgent(ticket: Ticket) -> bool:
    is_written = ticket.channel is not ChannelKind.TELEPHONE
    return is_written and bool(ticket.emergency_line) and ticket.state is TicketState.OPEN


async def _ticket(visit: Visit, ticket_id: str) -> Ticket:
    ticket = await visit.parts.store.ticket(TicketId(ticket_id))
    if ticket is None:
        raise not_found(NOBODY)
    return ticket


def _letter(letter: Letter) -> LetterView:
    contact: Contact = letter.contact
    earlier = contact.values.get("earlier", ())
    return LetterView(
        id=contact.id,
        channel=contact.channel,
        sender=contact.sender,
        sender_name=contact.sender_name,
        proven=contact.is_proven,
        telephone=contact.telephone,
        received_at=contact.received_at,
        subject=contact.subject,
        text=contact.text,
        earlier=[str(text) for text in earlier] if isinstance(earlier, list | tuple) else [],
        place=contact.point.name if contact.point else "",
        latitude=contact.point.latitude if contact.point else None,
        longitude=contact.point.longitude if contact.point else None,
        files=[_file(file) for file in contact.attachments],
    )


def _file(file: Attachment) -> FileView:
    return FileView(
        sha256=file.sha256,
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        shown=bool(file.shown),
        finding=file.finding,
    )


def _answer(message: Message, sent: Sent | None) -> AnswerView:
    state = "given_up" if message.given_up else "waiting" if message.done_at is None else "accepted"
    return AnswerView(
        key=message.key,
        kind=message.kind,
        text=message.text,
        at=message.at,
        by=str(message.values.get("by", "")),
        channel=sent.channel.value if sent else "",
        state=sent.state.value if sent else state,
        error=sent.reason if sent and sent.reason else message.error,
    )
