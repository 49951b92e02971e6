"""The form's interface: a matter is one ticket however often it is sent, and every refusal names what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientSession, FormData

from channels.web.terms import Asking, Terms
from channels.web.visitors import Pace
from gateway.domain.contact import ChannelKind, Point
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.ticket import TicketId
from gateway.ports.intake import Progress
from tests.fakes.citizens import BEARER, CONSENT, FIRE, IMAGE, KEY, TOKEN, Street, street

MATTER = {"text": "路灯坏了三天", "place": "幸福路 18 号门前", "consent": True}
HEADERS = {**BEARER, "Idempotency-Key": KEY}


def form(matter: dict[str, Any], *files: tuple[str, bytes]) -> FormData:
    content = FormData(quote_fields=False)  # as browsers do
    content.add_field("body", json.dumps(matter), content_type="application/json")
    for name, octets in files:
        content.add_field("files", BytesIO(octets), filename=name, content_type="image/png")
    return content


async def sent(visitor: ClientSession, place: Street, matter: dict[str, Any], **headers: str) -> tuple[int, Any]:
    async with visitor.post(f"{place.url}/web/matters", json=matter, headers={**HEADERS, **headers}) as answer:
        return answer.status, await answer.json()


async def test_a_matter_with_photos_becomes_one_message_that_intake_takes(
    place: Street, visitor: ClientSession
) -> None:
    matter = {
        **MATTER,
        "point": {"latitude": 42.26, "longitude": 118.89},
        "name": "王女士",
        "telephone": "139 0000 0001",
        "is_text_only": True,
    }
    body = form(matter, ("灯.png", IMAGE), ("路.png", IMAGE + b"2"))

    async with visitor.post(f"{place.url}/web/matters", data=body, headers=HEADERS) as answer:
        told = await answer.json()

    assert answer.status == 200
    assert (told["ticket_id"], told["query_code"], told["opened"]) == ("20261122-100000-0001", "246802", True)
    (message,) = place.intake.messages
    assert message.channel is ChannelKind.WEB
    assert message.external_id == f"{message.sender}:{KEY}"
    assert message.text == "路灯坏了三天\n地点：幸福路 18 号门前"
    assert message.point == Point(latitude=42.26, longitude=118.89, name="幸福路 18 号门前")
    assert [part.name for part in message.parts] == ["灯.png", "路.png"]
    assert (message.sender_name, message.telephone) == ("王女士", "13900000001")
    assert message.is_text_only
    assert message.is_proven
    assert message.values == {"consent": CONSENT}
    assert TOKEN not in repr(message)


async def test_the_same_key_again_is_the_same_ticket(place: Street, visitor: ClientSession) -> None:
    first = await sent(visitor, place, MATTER)
    second = await sent(visitor, place, MATTER)

    assert len(place.intake.messages) == 1
    assert second[1]["ticket_id"] == first[1]["ticket_id"]
    assert second[1]["is_repeated"]


async def test_one_citizens_key_is_not_anothers(place: Street, visitor: ClientSession) -> None:
    await sent(visitor, place, MATTER)
    await sent(visitor, place, MATTER, Authorization="Bearer " + "u" * 43)

    assert len(place.intake.messages) == 2


async def test_an_emergency_is_told_in_the_same_breath(place: Street, visitor: ClientSession) -> None:
    _, told = await sent(visitor, place, {**MATTER, "text": FIRE})

    assert told["emergencies"] == ["119"]
    assert "119" in told["told"]


async def test_while_intake_is_away_nothing_is_lost_and_the_page_is_told_when_to_come_again(
    place: Street, visitor: ClientSession
) -> None:
    place.intake.fail = Unavailable("the store is away", retry_after=7.0)
    async with visitor.post(f"{place.url}/web/matters", json=MATTER, headers=HEADERS) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
    place.intake.fail = None

    assert (await sent(visitor, place, MATTER))[0] == 200
    assert len(place.intake.messages) == 1


async def test_a_log_that_fails_after_the_commit_makes_no_second_ticket(place: Street, visitor: ClientSession) -> None:
    place.chats.fail = Unavailable("the store is away")
    assert (await sent(visitor, place, MATTER))[0] == 503
    place.chats.fail = None

    status, told = await sent(visitor, place, MATTER)
    assert (status, told["is_repeated"], len(place.intake.messages)) == (200, True, 1)


async def test_a_final_no_of_intake_is_said_in_chinese(place: Street, visitor: ClientSession) -> None:
    place.intake.fail = Refused("restricted")

    status, told = await sent(visitor, place, MATTER)

    assert (status, told["error"]["code"]) == (409, "refused")
    assert "12345" in told["error"]["message"]


async def test_who_is_restricted_is_told_so_and_gets_no_number(place: Street, visitor: ClientSession) -> None:
    place.intake.restriction = "您的提交已被限制至2026年12月1日"

    status, told = await sent(visitor, place, MATTER)

    assert (status, told["error"]["message"]) == (403, place.intake.restriction)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"consent": False}, "consent"),
        ({"text": ""}, "text"),
        ({"text": " \n\t"}, "text"),
        ({"text": "长" * 5001}, "text"),
        ({"telephone": "打我电话"}, "telephone"),
        ({"point": {"latitude": 91, "longitude": 0}}, "point.latitude"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_mistake_names_its_field(
    place: Street, visitor: ClientSession, change: dict[str, Any], field: str
) -> None:
    status, told = await sent(visitor, place, {**MATTER, **change})

    assert (status, told["error"]["field"]) == (422, field)
    assert place.intake.messages == []


@pytest.mark.parametrize("header", ["Authorization", "Idempotency-Key"])
async def test_without_token_or_key_nothing_is_taken(place: Street, visitor: ClientSession, header: str) -> None:
    headers = {name: value for name, value in HEADERS.items() if name != header}
    async with visitor.post(f"{place.url}/web/matters", json=MATTER, headers=headers) as answer:
        assert answer.status in (401, 422)

    assert place.intake.messages == []


async def test_what_the_operator_asks_for_is_missed_by_name(visitor: ClientSession) -> None:
    terms = Terms(consent=CONSENT, name=Asking.REQUIRED, telephone=Asking.REQUIRED)
    async with street(Street(terms=terms)) as place:
        assert (await sent(visitor, place, MATTER))[1]["error"]["field"] == "name"
        assert (await sent(visitor, place, {**MATTER, "name": "王"}))[1]["error"]["field"] == "telephone"
        assert (await sent(visitor, place, {**MATTER, "name": "王", "is_text_only": True}))[0] == 200


async def test_too_many_and_too_large_files_are_refused_in_chinese(visitor: ClientSession) -> None:
    async with street(Street(terms=Terms(files=1, file_size=1024 * 1024, form_size=3 * 1024 * 1024))) as place:
        for files, status, code in (
            ([("a.png", IMAGE), ("b.png", IMAGE)], 422, "too_many_files"),
            ([("a.png", b"0" * (1024 * 1024 + 1))], 413, "file_too_large"),
            ([("a.png", b"0" * (4 * 1024 * 1024))], 413, "too_large"),
        ):
            async with visitor.post(f"{place.url}/web/matters", data=form(MATTER, *files), headers=HEADERS) as answer:
                told = await answer.json()
            assert (answer.status, told["error"]["code"], told["error"]["field"]) == (status, code, "files")
        assert place.intake.messages == []


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"\xff", 400),
        ("text/plain", b"{}", 415),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken", 400),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="y"\r\n\r\n1\r\n--x--', 422),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 400),
    ],
)
async def test_garbage_is_refused(place: Street, visitor: ClientSession, kind: str, body: bytes, status: int) -> None:
    headers = {**HEADERS, "Content-Type": kind}
    async with visitor.post(f"{place.url}/web/matters", data=body, headers=headers) as answer:
        assert answer.status == status
        assert (await answer.json())["error"]["message"]


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_another_sites_page_can_send_nothing(
    place: Street, visitor: ClientSession, headers: dict[str, str]
) -> None:
    status, told = await sent(visitor, place, MATTER, **headers)

    assert (status, told["error"]["code"]) == (403, "wrong_origin")


async def test_one_address_sends_so_many_an_hour_and_a_proxy_of_ours_may_name_it(visitor: ClientSession) -> None:
    async with street(Street(pace=Pace(matters=1), proxies=("127.0.0.0/8",))) as place:
        assert (await sent(visitor, place, MATTER, **{"X-Forwarded-For": "203.0.113.1"}))[0] == 200
        status, told = await sent(visitor, place, MATTER, **{"X-Forwarded-For": "198.51.100.9, 203.0.113.1"})
        assert (status, told["error"]["code"]) == (429, "too_often")
        assert (await sent(visitor, place, MATTER, **{"X-Forwarded-For": "203.0.113.2"}))[0] == 200


async def test_an_address_that_sends_too_much_still_passes_an_emergency(visitor: ClientSession) -> None:
    async with street(Street(pace=Pace(matters=1))) as place:
        await sent(visitor, place, MATTER)
        assert (await sent(visitor, place, MATTER, **{"Idempotency-Key": "another-key"}))[0] == 429
        status, told = await sent(visitor, place, {**MATTER, "text": FIRE}, **{"Idempotency-Key": "fire-key-1"})

    assert (status, told["emergencies"]) == (200, ["119"])


async def test_progress_needs_number_and_code_and_guessing_ends(place: Street, visitor: ClientSession) -> None:
    number, at = "20261122-100000-0001", datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
    place.tickets.known[number, "246802"] = Progress(
        ticket_id=TicketId(number), received_at=at, state_zh="办理中", steps=[(at, "已受理")]
    )

    async def asked(code: str) -> tuple[int, Any]:
        body = {"ticket_id": number, "query_code": code}
        async with visitor.post(f"{place.url}/web/progress", json=body) as answer:
            return answer.status, await answer.json()

    status, told = await asked("246802")
    assert (status, told["state"], told["steps"][0]["text"]) == (200, "办理中", "已受理")
    answers = [await asked(str(guess)) for guess in range(100000, 100025)]
    assert {status for status, _ in answers} == {404, 429}
    assert (await asked("246802"))[0] == 429


async def test_the_page_may_be_framed_by_the_sites_named_and_by_no_other(visitor: ClientSession) -> None:
    async with (
        street(Street(embedders=("https://www.example.gov.cn",))) as place,
        visitor.get(f"{place.url}/") as answer,
    ):
        policy = answer.headers["Content-Security-Policy"]
        assert answer.status == 200
        assert policy.endswith("frame-ancestors 'self' https://www.example.gov.cn")
        assert "unsafe" not in policy
    assert "X-Frame-Options" not in answer.headers
