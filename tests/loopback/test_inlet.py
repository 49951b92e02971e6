"""The inlet over real HTTP: another system posts, signed, and is told what became of it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from channels.door import Door
from channels.webhook.receiver import Inlet, InletSettings
from channels.webhook.signature import SIGNATURE, TIMESTAMP, is_genuine, signed
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.ticket import TicketId
from gateway.ports.intake import DeliveryState, OutgoingMessage
from tests.fakes.intake import MemoryIntake
from tests.fakes.store import SetClock

SECRET = "a" * 40
MESSAGE = {"id": "m1", "sender": "8613800000001", "text": "停水了"}


class Peer:
    """The other system: it posts to the inlet."""

    def __init__(self, url: str, clock: SetClock, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.clock = clock
        self.http = http

    async def post(self, body: Any, *, path: str = "", secret: str = SECRET, shift: int = 0) -> tuple[int, Any, str]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.clock.at = datetime.fromtimestamp(self.clock.at.timestamp() + 1, UTC)
        stamp = int(self.clock.at.timestamp()) + shift
        return await self.post_raw(raw, {TIMESTAMP: str(stamp), SIGNATURE: signed(secret, stamp, raw)}, path=path)

    async def post_raw(self, raw: bytes, headers: dict[str, str], *, path: str = "") -> tuple[int, Any, str]:
        async with self.http.post(f"{self.url}/inlet/portal{path}", data=raw, headers=headers) as answer:
            text = await answer.text()
            said = json.loads(text) if answer.content_type == "application/json" else text
            return answer.status, said, answer.headers.get("Retry-After", "")


@asynccontextmanager
async def inlet(intake: MemoryIntake, *, answers_to: str = "") -> AsyncIterator[tuple[Peer, Inlet]]:
    clock = SetClock()
    channel = Inlet(InletSettings(name="portal", kind=ChannelKind.APP, secret=SECRET, answers_to=answers_to), clock)
    async with (
        channel.running(intake),
        Door("127.0.0.1", 0, list(channel.routes(intake))) as door,
        aiohttp.ClientSession() as http,
    ):
        yield Peer(door.url, clock, http), channel


async def test_a_signed_message_is_taken_and_answered_with_its_ticket() -> None:
    intake = MemoryIntake()
    photo = {"name": "a.jpg", "content": base64.b64encode(b"\xff\xd8").decode()}
    async with inlet(intake) as (peer, _):
        place = {"latitude": 42.2, "longitude": 118.9}
        status, said, _ = await peer.post({**MESSAGE, "files": [photo], "place": place, "answers": ["m0"]})
        again = await peer.post(MESSAGE)

    message = intake.messages[0]
    assert status == 200
    assert said["ticket"]
    assert said["told"] == intake.told
    assert again[1]["repeated"]
    assert (message.channel, message.external_id, message.answers) == (ChannelKind.APP, "portal:m1", ("portal:m0",))
    assert message.parts[0].content == b"\xff\xd8"
    assert message.point is not None


async def test_who_cannot_sign_or_comes_from_another_time_is_refused() -> None:
    intake = MemoryIntake()
    async with inlet(intake) as (peer, _):
        wrong = await peer.post(MESSAGE, secret="b" * 40)
        late = await peer.post(MESSAGE, shift=-301)
        early = await peer.post(MESSAGE, shift=302)
        unsigned = await peer.post_raw(b"{}", {})

    assert [wrong[0], late[0], early[0], unsigned[0]] == [401] * 4
    assert intake.messages == []


async def test_a_request_played_again_is_refused() -> None:
    intake = MemoryIntake()
    async with inlet(intake) as (peer, _):
        raw = json.dumps(MESSAGE).encode()
        stamp = int(peer.clock.at.timestamp())
        headers = {TIMESTAMP: str(stamp), SIGNATURE: signed(SECRET, stamp, raw)}
        first = await peer.post_raw(raw, headers)
        again = await peer.post_raw(raw, headers)

    assert (first[0], again[0]) == (200, 409)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "m1", "sender": "1"}, ""),
        ({**MESSAGE, "id": ""}, "id"),
        ({**MESSAGE, "colour": "red"}, ""),
        ({**MESSAGE, "place": {"latitude": 91, "longitude": 0}}, "place.latitude"),
        ({**MESSAGE, "files": [{"name": "a", "content": "%"}]}, "files[0].content"),
        ({**MESSAGE, "at": "yesterday"}, "at"),
    ],
)
async def test_a_wrong_field_is_named(body: Any, field: str) -> None:
    intake = MemoryIntake()
    async with inlet(intake) as (peer, _):
        status, said, _ = await peer.post(body)

    assert status == 422
    assert said["field"] == field
    assert said["error"]
    assert intake.messages == []


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"1" * 10_000])
async def test_rubbish_is_refused(raw: bytes) -> None:
    intake = MemoryIntake()
    async with inlet(intake) as (peer, _):
        status, _, _ = await peer.post(raw)
        good = await peer.post(MESSAGE)

    assert status in (400, 422)
    assert good[0] == 200


async def test_what_cannot_be_kept_now_is_to_be_sent_again_and_what_never_will_is_refused() -> None:
    intake = MemoryIntake()
    async with inlet(intake) as (peer, _):
        intake.fail = Unavailable("away", retry_after=7.2)
        later = await peer.post(MESSAGE)
        intake.fail = Refused("too large")
        never = await peer.post(MESSAGE)
        intake.fail = None
        taken = await peer.post(MESSAGE)

    assert (later[0], later[2]) == (503, "8")
    assert never[0] == 422
    assert taken[0] == 200
    assert len(intake.messages) == 1


async def test_an_answer_is_posted_signed_and_its_delivery_reported() -> None:
    posted: list[tuple[bytes, Any]] = []
    statuses = [500, 200, 410]

    async def receive(request: web.Request) -> web.Response:
        posted.append((await request.read(), request.headers))
        return web.Response(status=statuses[len(posted) - 1])

    intake = MemoryIntake()
    outgoing = OutgoingMessage(
        key="k1",
        channel=ChannelKind.APP,
        to="8613800000001",
        text="已修复",
        ticket_id=TicketId("t"),
        answers=("portal:m1",),
    )
    async with (
        Door("127.0.0.1", 0, [web.post("/answers", receive)]) as theirs,
        inlet(intake, answers_to=f"{theirs.url}/answers") as (peer, channel),
    ):
        assert channel.way_out is not None
        with pytest.raises(Unavailable):
            await channel.way_out.send(outgoing)
        assert await channel.way_out.send(outgoing) == "k1"
        with pytest.raises(Refused):
            await channel.way_out.send(outgoing)
        report = await peer.post({"id": "k1", "state": "delivered"}, path="/reports")
        now = peer.clock.at.timestamp()

    body, headers = posted[1]
    assert json.loads(body)["answers"] == ["m1"]
    assert is_genuine(SECRET, headers[TIMESTAMP], headers[SIGNATURE], body, now)
    assert report[0] == 200
    assert [(each.sent_id, each.state) for each in intake.reports] == [("k1", DeliveryState.DELIVERED)]
