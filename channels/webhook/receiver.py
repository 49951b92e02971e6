"""The inlet (通用接入): any system of the city's that can post JSON and sign it, as a written channel.

``POST /inlet/NAME`` with the headers of `channels.webhook.signature`, both ways by the same secret. 200 after the
commit, with the ticket; 401 for a wrong signature or an instant outside the window; 409 for an exact repetition of a
request, as each attempt is signed anew; 422 naming the field; 503 with Retry-After when it has to be sent again. What
goes back to a petitioner is posted to the system's own address, signed the same way. docs/channels/inlet.md has the
JSON.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, TypeVar

import aiohttp
import msgspec
from aiohttp import web
from msgspec import Meta

from channels.webhook.sender import GONE, LIMIT
from channels.webhook.signature import KEY, SIGNATURE, TIMESTAMP, WINDOW, is_genuine, signed
from gateway.domain.contact import ChannelKind, Point
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.ticket import TicketId
from gateway.ports.clock import Clock
from gateway.ports.intake import DeliveryReport, DeliveryState, IncomingMessage, Intake, OutgoingMessage, Part, WayOut

T = TypeVar("T")

LARGEST = 48 * 1024 * 1024
"""Octets of a request's body: files are spelled in base64."""

Text = Annotated[str, Meta(max_length=1_000_000)]
Short = Annotated[str, Meta(max_length=500)]
Needed = Annotated[str, Meta(min_length=1, max_length=500)]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Short
    content: str
    type: Short = ""


class _Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    name: Short = ""


class _Posted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A message as the other system posts it."""

    id: Needed
    sender: Needed
    text: Text
    addressee: Short = ""
    at: datetime | None = None
    subject: Short = ""
    sender_name: Short = ""
    telephone: Short = ""
    proven: bool = False
    text_only: bool = False
    answers: Annotated[list[Needed], Meta(max_length=20)] = []
    ticket: Short = ""
    query_code: Short = ""
    place: _Place | None = None
    files: Annotated[list[_File], Meta(max_length=100)] = []


class _Reported(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What became of a message of ours."""

    id: Needed
    state: DeliveryState
    reason: Short = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InletSettings:
    """A system that posts to us: its name in the path, what it carries, and where answers are posted, if anywhere."""

    name: str
    kind: ChannelKind
    secret: str = field(repr=False)
    answers_to: str = ""


class Inlet:
    """One inlet (`gateway.ports.intake.WrittenChannel`, `channels.door.OnDoor`)."""

    def __init__(self, settings: InletSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._way_out = _Poster(settings, clock) if settings.answers_to else None
        self._seen: OrderedDict[str, float] = OrderedDict()

    @property
    def kind(self) -> ChannelKind:
        """Which channel's messages it carries."""
        return self._settings.kind

    @property
    def status(self) -> str:
        """It is spoken to; nothing can be wrong with it."""
        return "ok"

    @property
    def way_out(self) -> WayOut | None:
        """Posts to the other system, where it has an address."""
        return self._way_out

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        if self._way_out is None:
            yield
            return
        async with self._way_out.open():
            yield

    def running(self, intake: Intake) -> AbstractAsyncContextManager[None]:
        """Be able to post inside the block; the door is opened by others."""
        return self._running()

    def routes(self, intake: Intake) -> Iterable[web.AbstractRouteDef]:
        """Return the two routes: of messages, and of what became of ours."""

        async def take(request: web.Request) -> web.Response:
            posted = _read(await self._body(request), _Posted)
            taken = await intake.take(self._message(posted), answers_at_once=self._way_out is None)
            return web.json_response(
                {
                    "ticket": taken.ticket_id,
                    "query_code": taken.query_code,
                    "opened": taken.opened,
                    "repeated": taken.is_repeated,
                    "told": taken.told,
                    "emergencies": list(taken.emergencies),
                }
            )

        async def report(request: web.Request) -> web.Response:
            said = _read(await self._body(request), _Reported)
            await intake.report(
                DeliveryReport(
                    channel=self.kind, sent_id=said.id, state=said.state, at=self._clock.now(), reason=said.reason
                )
            )
            return web.json_response({})

        yield web.post(f"/inlet/{self._settings.name}", take)
        yield web.post(f"/inlet/{self._settings.name}/reports", report)

    async def _body(self, request: web.Request) -> bytes:
        """Return the body of a request that is the other system's own, and new."""
        if (request.content_length or 0) > LARGEST:
            raise web.HTTPRequestEntityTooLarge(LARGEST, request.content_length or 0)
        body = await request.read()
        now = self._clock.now().timestamp()
        signature = request.headers.get(SIGNATURE, "")
        if not is_genuine(self._settings.secret, request.headers.get(TIMESTAMP, ""), signature, body, now):
            raise _problem(401, "signature", "the signature is wrong, or its instant too far from ours")
        while self._seen and next(iter(self._seen.values())) < now - 2 * WINDOW:
            self._seen.popitem(last=False)
        if signature in self._seen:
            raise _problem(409, "signature", "this request was here before; sign each attempt anew")
        self._seen[signature] = now
        return body

    def _message(self, posted: _Posted) -> IncomingMessage:
        now = self._clock.now()
        return IncomingMessage(
            channel=self.kind,
            external_id=f"{self._settings.name}:{posted.id}",
            sender=posted.sender,
            addressee=posted.addressee or self._settings.name,
            received_at=min(posted.at, now) if posted.at is not None else now,
            text=posted.text,
            subject=posted.subject,
            sender_name=posted.sender_name,
            parts=tuple(_part(file, index) for index, file in enumerate(posted.files)),
            point=Point(latitude=posted.place.latitude, longitude=posted.place.longitude, name=posted.place.name)
            if posted.place
            else None,
            is_proven=posted.proven,
            answers=tuple(f"{self._settings.name}:{each}" for each in posted.answers),
            ticket_id=TicketId(posted.ticket) if posted.ticket else None,
            telephone=posted.telephone,
            is_text_only=posted.text_only,
            values={"inlet": self._settings.name, "query_code": posted.query_code}
            if posted.query_code
            else {"inlet": self._settings.name},
        )


class _Poster:
    """The way back: a signed POST for each message; the other system's id of it is ours."""

    def __init__(self, settings: InletSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._client: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Be able to post inside the block."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LIMIT)) as client:
            self._client = client
            try:
                yield
            finally:
                self._client = None

    async def send(self, message: OutgoingMessage) -> str:
        """Post *message*; see `gateway.ports.intake.WayOut.send`."""
        name = self._settings.name
        if self._client is None:
            raise Unavailable(f"inlet {name} is not open")
        prefix = f"{name}:"
        body = msgspec.json.encode(
            {
                "id": message.key,
                "to": message.to,
                "text": message.text,
                "subject": message.subject,
                "ticket": message.ticket_id or "",
                "answers": [each.removeprefix(prefix) for each in message.answers if each.startswith(prefix)],
            }
        )
        timestamp = int(self._clock.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            TIMESTAMP: str(timestamp),
            SIGNATURE: signed(self._settings.secret, timestamp, body),
            KEY: message.key,
        }
        try:
            async with self._client.post(
                self._settings.answers_to, data=body, headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"inlet {name}: {type(error).__name__}") from error
        if status in (GONE, 422):
            raise Refused(f"inlet {name} answered {status}")
        if not 200 <= status < 300:
            raise Unavailable(f"inlet {name} answered {status}")
        return message.key


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        raise _problem(422, place.strip(".`"), reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _problem(400, "", "expected JSON in UTF-8") from None


def _part(file: _File, index: int) -> Part:
    try:
        content = base64.b64decode(file.content, validate=True)
    except (binascii.Error, ValueError):
        raise _problem(422, f"files[{index}].content", "expected base64") from None
    return Part(name=file.name, declared_type=file.type, content=content)


def _problem(status: int, place: str, reason: str) -> web.HTTPException:
    kinds = {
        400: web.HTTPBadRequest,
        401: web.HTTPUnauthorized,
        409: web.HTTPConflict,
        422: web.HTTPUnprocessableEntity,
    }
    text = msgspec.json.encode({"error": reason, "field": place}).decode()
    return kinds[status](text=text, content_type="application/json")
