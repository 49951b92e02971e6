"""The interface for other systems (数据交换): units' own, and platforms above (ZH-21, NM-3.1, NM-3.6).

A partner proves itself with its key (``Authorization: Bearer``) and gives each request that changes something a key of
its own (``Idempotency-Key``): asked again under it, it is told what it was told the first time; nothing happens twice.
What a partner may do is what a person of that unit, or of a platform, may do; the same casebook decides.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.domain.case import Accept
from gateway.domain.casework import Actor, ActorKind, CaseQuery, Delivery
from gateway.domain.contact import ChannelKind, Contact, ContactId
from gateway.domain.errors import Refused
from gateway.domain.events import Fact
from gateway.domain.rules import Stage, Urgency
from gateway.domain.ticket import Elements, Ticket, TicketId, TicketState
from gateway.http_api.problems import Problem, not_found
from gateway.http_api.routes import RouteTable
from gateway.ports.memory import Transaction
from gateway.services import permissions
from gateway.services.case_file import CaseFile
from gateway.services.casework import Changed, Done
from gateway.services.tickets import new_ticket_id
from gateway.web.case_asking import place_of
from gateway.web.case_commands_api import conflict, denial, done_view, problem_of_refusal
from gateway.web.case_requests import SUMMARIES, PartnerRequest, command_of, request_types
from gateway.web.cases_api import CasePage
from gateway.web.context import PartnerAccess, Visit

exchange_routes = RouteTable()

_KEY_LIMIT = 200
Text = Annotated[str, Meta(max_length=4000)]
Short = Annotated[str, Meta(max_length=64)]


class ElementsSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The six elements of a matter (六要素)."""

    time: Text = ""
    place: Text = ""
    person: Text = ""
    cause: Text = ""
    course: Text = ""
    outcome: Text = ""


class TicketSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A ticket that a platform passes to us; ``id`` is its own number for it."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    category: Annotated[str, Meta(min_length=1, max_length=32)]
    urgency: Urgency = Urgency.NORMAL
    petitioner: Short = ""
    matter: Text = ""
    summary: Text = ""
    elements: ElementsSent = ElementsSent()
    real_name: bool = True


class ExchangeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which cases, the newest first; ``after`` is the ``next_after`` of the page before."""

    stage: Stage | None = None
    after: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


@exchange_routes.declare("GET", "/api/exchange/tickets", "数据交换：本单位（平台：全部）的工单", for_partners=True)
async def exchange_list(visit: Visit, query: ExchangeQuery) -> CasePage:
    """List the partner's cases."""
    access, parts = partner_of(visit), visit.parts
    asked = CaseQuery(stage=query.stage, unit=access.partner.unit, after=place_of(query.after), limit=query.limit)
    found = await parts.cases.page(asked)
    now = parts.clock.now()
    last = found[-1] if len(found) == query.limit else None
    return CasePage(
        cases=[parts.case_files.view(record, now) for record in found],
        next_after=f"{last.case.received_at.isoformat()}~{last.id}" if last else "",
    )


@exchange_routes.declare("GET", "/api/exchange/tickets/{ticket_id}", "数据交换：工单全文与全部经过", for_partners=True)
async def exchange_show(visit: Visit, ticket_id: str) -> CaseFile:
    """Show one case whole; that it was looked at is journalled."""
    access, parts = partner_of(visit), visit.parts
    record = await parts.cases.case(TicketId(ticket_id))
    if record is None or not access.partner.has_part_in(record):
        raise not_found("没有这张工单，或与贵单位无关")
    now = parts.clock.now()
    by = actor_of_partner(access).name
    parts.ledger.tell(Fact(kind="ticket.viewed", at=now, ticket_id=record.id, values={"by": by}))
    return await parts.case_files.file(record, now)


@exchange_routes.declare("POST", "/api/exchange/tickets", "数据交换：上级平台转来工单", for_partners=True)
async def exchange_send(visit: Visit, body: TicketSent) -> web.Response:
    """Take a ticket from a platform, and accept its matter; the same ``id`` again is the same ticket."""
    access = partner_of(visit)
    parts, who = visit.parts, actor_of_partner(access)
    if who.kind is not ActorKind.PLATFORM:
        raise Problem(403, "forbidden", "只有上级平台可以转来工单")
    now = parts.clock.now()

    def work(tx: Transaction) -> Done:
        external = f"{access.partner.id}/{body.id}"
        if tx.contact_by(ChannelKind.PLATFORM, external) is not None:
            raise Problem(409, "known", "这张工单已经转来过", field="id")
        ticket_id = new_ticket_id(now, parts.profile.zone)
        contact = Contact(
            id=ContactId(str(ticket_id)),
            channel=ChannelKind.PLATFORM,
            external_id=external,
            sender=body.petitioner,
            addressee=access.partner.id,
            received_at=now,
            text=body.summary,
        )
        tx.add_contact(contact, ticket_id)
        tx.save_ticket(
            Ticket(
                id=ticket_id,
                contact_id=contact.id,
                channel=contact.channel,
                call_id=None,
                caller=body.petitioner,
                received_at=now,
                ended_at=now,
                state=TicketState.TAKEN,
                category=body.category,
                matter=body.matter,
                elements=Elements(**msgspec.structs.asdict(body.elements)),
                summary=body.summary,
            )
        )
        command = Accept(
            category=body.category,
            urgency=body.urgency,
            petitioner=body.petitioner,
            matter=body.matter,
            real_name=body.real_name,
            contact_given=bool(body.petitioner),
        )
        done = parts.casework.work(tx, ticket_id, command, by=who, revision=0)
        if done.denials:
            raise denial(parts, done)  # nothing of it is kept: the platform learns why, and corrects it
        return done

    return await _once(visit, access, work)


def _declare(word: str, request: type[msgspec.Struct]) -> None:
    """Declare the route of one command."""

    async def carry_out(visit: Visit, ticket_id: str, body: Any) -> web.Response:
        access = partner_of(visit)
        command, who = command_of(word, body), actor_of_partner(access)

        def work(tx: Transaction) -> Done:
            return visit.parts.casework.work(tx, TicketId(ticket_id), command, by=who, revision=body.revision)

        return await _once(visit, access, work, TicketId(ticket_id))

    carry_out.__name__ = f"exchange_{word}"
    carry_out.__doc__ = request.__doc__
    carry_out.__annotations__ = {"visit": Visit, "ticket_id": str, "body": request, "return": web.Response}
    summary = f"数据交换：{SUMMARIES[word]}"
    exchange_routes.declare("POST", f"/api/exchange/tickets/{{ticket_id}}/{word}", summary, for_partners=True)(
        carry_out
    )


for _word, _request in request_types(PartnerRequest, "Partner").items():
    if permissions.is_for_partners(_word):
        _declare(_word, _request)


async def _once(
    visit: Visit, access: PartnerAccess, work: Callable[[Transaction], Done], ticket_id: TicketId | None = None
) -> web.Response:
    """Do *work* under the request's own key and keep the answer with it, in one unit of work; or repeat the answer.

    A denial is an answer and is kept; what could not be tried at all is not, and may be tried again.
    """
    parts, partner = visit.parts, access.partner.id
    key = visit.request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= _KEY_LIMIT or not key.isprintable():
        raise Problem(422, "invalid", "请求须带 Idempotency-Key（1 到 200 个字符）", field="Idempotency-Key")
    asked = hashlib.sha256(f"{visit.request.path}\n".encode() + await visit.request.read()).hexdigest()

    def once(tx: Transaction) -> tuple[Delivery, Done | None]:
        known = tx.cases.delivery(partner, key)
        if known is not None:
            return known, None
        done = work(tx)
        status, answer = 200, b""
        if done.denials:
            problem = denial(parts, done)
            status, answer = problem.status, msgspec.json.encode(problem.view)
        else:
            answer = msgspec.json.encode(done_view(parts, done))
        kept = Delivery(
            partner=partner, key=key, asked=asked, status=status, answer=answer.decode(), at=parts.clock.now()
        )
        tx.cases.save_delivery(kept)
        return kept, done

    try:
        delivery, done = await parts.store.commit(once)
    except Changed as changed:
        assert ticket_id is not None
        raise await conflict(parts, ticket_id, changed) from changed
    except Refused as refused:
        raise problem_of_refusal(refused) from refused
    if done is not None:
        parts.casework.publish(done.facts)
    elif delivery.asked != asked:
        raise Problem(422, "key_reused", "这个 Idempotency-Key 已用于另一个请求", field="Idempotency-Key")
    headers = {"Cache-Control": "no-store", **({} if done is not None else {"Idempotency-Replayed": "true"})}
    return web.Response(
        status=delivery.status, body=delivery.answer.encode(), content_type="application/json", headers=headers
    )


def partner_of(visit: Visit) -> PartnerAccess:
    """Return who asks. Raises `Problem` for whoever does not prove it; every key is compared in full."""
    given = visit.request.headers.get("Authorization", "").encode()
    proven = [
        access
        for access in visit.parts.partners
        if access.api_key and hmac.compare_digest(given, f"Bearer {access.api_key}".encode())
    ]
    if not proven:
        raise Problem(401, "api_key", "接口密钥不正确", headers={"WWW-Authenticate": "Bearer"})
    return proven[0]


async def proven(visit: Visit) -> PartnerAccess:
    """Return who asks, by its key, or tells us something, by its signature. Raises `Problem`: neither proves it."""
    headers, signature = visit.request.headers, visit.request.headers.get("Jiesu-Signature", "")
    if not signature:
        return partner_of(visit)
    body, at = await visit.request.read(), visit.parts.clock.now().timestamp()
    for access in visit.parts.partners:
        if access.signed is not None and access.signed(headers.get("Jiesu-Timestamp", ""), signature, body, at):
            return access
    raise Problem(401, "signature", "签名不正确，或时间相差超过 300 秒")


def actor_of_partner(access: PartnerAccess) -> Actor:
    """Return as whom a partner acts."""
    partner = access.partner
    kind = ActorKind.UNIT if partner.unit else ActorKind.PLATFORM
    return Actor(name=f"partner:{partner.id}", kind=kind, unit=partner.unit)
