"""Letters on the console: read with their files, answered, sent again, and emergencies among them settled."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from PIL import Image

from gateway.domain.casework import Channel
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import Refused
from gateway.ports.intake import Part, Taken
from tests.fakes.console import Office
from tests.fakes.mailroom import Mailroom


def picture() -> bytes:
    drawn = BytesIO()
    Image.new("RGB", (8, 6), "red").save(drawn, "PNG")
    return drawn.getvalue()


@pytest.fixture
async def room(place: Office, tmp_path: Path) -> Mailroom:
    made = Mailroom(place.line.store, tmp_path / "files")
    made.files = place.line.files
    made.intake._files = place.line.files
    return made


async def taken(room: Mailroom, text: str = "我家停水了", **fields: Any) -> Taken:
    photo = Part(name="水表.png", declared_type="image/png", content=picture())
    page = Part(name="a.jpg", declared_type="image/jpeg", content=b"<html><script>1</script></html>")
    mail: dict[str, Any] = {"channel": ChannelKind.MAIL, "sender": "li@example.org", "parts": (photo, page)}
    return await room.take(text, **(mail | fields))


async def thread(client: ClientSession, ticket_id: str) -> Any:
    async with client.get(f"/api/tickets/{ticket_id}/letters") as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_a_written_ticket_shows_its_letters_and_that_they_were_looked_at_is_journalled(
    place: Office, agent: ClientSession, room: Mailroom
) -> None:
    kept = await taken(room, subject="停水")
    shown = await thread(agent, kept.ticket_id)
    await place.line.ledger.settle(5.0)

    letter = shown["letters"][0]
    assert (letter["channel"], letter["subject"], letter["sender"]) == ("mail", "停水", "li@example.org")
    assert [(file["name"], file["shown"]) for file in letter["files"]] == [("水表.png", True), ("a.jpg", False)]
    assert [answer["state"] for answer in shown["answers"]] == ["waiting"]
    kinds = [entry.fact.kind for entry in await place.line.store.entries(ticket_id=kept.ticket_id)]
    assert "letters.viewed" in kinds


async def test_a_list_shows_the_mailbox_masked(agent: ClientSession, room: Mailroom) -> None:
    await taken(room)
    async with agent.get("/api/tickets") as answer:
        shown = await answer.json()

    assert shown["tickets"][0]["caller"] == "l***@example.org"


async def test_files_are_downloads_whatever_they_call_themselves_and_pictures_are_shown_drawn_anew(
    agent: ClientSession, room: Mailroom
) -> None:
    kept = await taken(room)
    photo, page = kept.attachments
    base = f"/api/tickets/{kept.ticket_id}/files"
    async with agent.get(f"{base}/{page.sha256}") as answer:
        given = (answer.status, answer.content_type, answer.headers["Content-Disposition"], await answer.read())
        policy = answer.headers["Content-Security-Policy"]
    async with agent.get(f"{base}/{photo.sha256}", params={"shown": "true"}) as answer:
        shown = (answer.status, answer.content_type, (await answer.read())[:2])
    async with agent.get(f"{base}/{page.sha256}", params={"shown": "true"}) as answer:
        never = answer.status
    async with agent.get(f"{base}/{'0' * 64}") as answer:
        unknown = answer.status

    assert given[:2] == (200, "application/octet-stream")
    assert given[2].startswith("attachment")
    assert given[3].startswith(b"<html>")
    assert "sandbox" in policy
    assert shown == (200, "image/jpeg", b"\xff\xd8")
    assert (never, unknown) == (404, 404)


async def test_nobody_reads_letters_without_signing_in_and_no_unit_does(
    place: Office, agent: ClientSession, room: Mailroom
) -> None:
    kept = await taken(room)
    base = f"/api/tickets/{kept.ticket_id}"
    paths = [f"{base}/letters", f"{base}/files/{kept.attachments[0].sha256}"]
    async with place.visitor() as stranger, place.signed_in("water") as unit:
        for path in paths:
            async with stranger.get(path) as answer:
                assert answer.status == 401
            async with unit.get(path) as answer:
                assert answer.status == 403


async def test_an_answer_goes_out_once_on_the_way_the_letter_came(
    place: Office, agent: ClientSession, room: Mailroom
) -> None:
    kept = await taken(room)
    answered = {"text": " 已经恢复供水 ", "key": "0123-4567"}
    for _ in range(2):
        async with agent.post(f"/api/tickets/{kept.ticket_id}/letters", json=answered) as answer:
            assert answer.status == 200, await answer.text()
    async with agent.post(f"/api/tickets/{kept.ticket_id}/letters", json={"text": "  ", "key": "0123-4568"}) as answer:
        empty = answer.status
    room.clock.at = place.line.clock.now() + timedelta(seconds=1)
    while await room.outbox.send_due():
        pass

    sent = [message.text for message in room.ways[ChannelKind.MAIL].sent if "已经恢复供水" in message.text]
    shown = await thread(agent, kept.ticket_id)
    assert len(sent) == 1
    assert empty == 422
    assert [(each["by"], each["state"], each["channel"]) for each in shown["answers"]][-1] == (
        "agent",
        "accepted",
        "mail",
    )


async def test_what_was_given_up_is_listed_changed_and_sent_again(agent: ClientSession, room: Mailroom) -> None:
    for way in room.ways.values():
        way.fail = Refused("closed")
    kept = await taken(room)
    await room.outbox.send_due()
    async with agent.get("/api/messages", params={"channel": "petitioner", "stuck": "true"}) as answer:
        stuck = (await answer.json())["messages"]
    room.ways[ChannelKind.MAIL].fail = None
    wording = {"key": stuck[0]["key"], "text": "请打电话12345"}
    async with agent.post("/api/messages/resend", json=wording) as answer:
        again = answer.status
    room.clock.at = (await room.store.cases.messages(Channel.PETITIONER))[0].due
    await room.outbox.send_due()
    async with agent.post("/api/messages/resend", json=wording) as answer:
        twice = answer.status
    async with agent.post("/api/messages/resend", json={"key": "nothing"}) as answer:
        unknown = answer.status

    assert [message["case_id"] for message in stuck] == [kept.ticket_id]
    assert (again, twice, unknown) == (204, 409, 404)
    assert [message.text for message in room.ways[ChannelKind.MAIL].sent] == ["请打电话12345"]


async def test_a_written_emergency_stands_on_every_page_until_somebody_has_settled_it(
    agent: ClientSession, room: Mailroom
) -> None:
    fire = await taken(room, "三号楼着火了")
    hoax = await taken(room, "他拿刀要杀我", sender="wang@example.org")

    async def urgent() -> list[str]:
        async with agent.get("/api/letters/urgent") as answer:
            return sorted(ticket["id"] for ticket in (await answer.json())["tickets"])

    async def settle(ticket_id: str, outcome: str) -> int:
        async with agent.post(f"/api/tickets/{ticket_id}/emergency", json={"outcome": outcome}) as answer:
            return answer.status

    before = await urgent()
    outcomes = [await settle(fire.ticket_id, "handed_over"), await settle(hoax.ticket_id, "false_alarm")]
    again = await settle(fire.ticket_id, "handed_over")

    assert before == sorted([fire.ticket_id, hoax.ticket_id])
    assert outcomes == [200, 200]
    assert again == 409
    assert await urgent() == []
    assert (await room.ticket(fire)).state.value == "handed_to_emergency"
    assert (await room.ticket(hoax)).emergency_line == ""


async def test_other_tickets_of_the_same_person_are_listed_and_a_wish_for_a_person_is_shown(
    place: Office, agent: ClientSession, room: Mailroom
) -> None:
    sms: dict[str, Any] = {"channel": ChannelKind.SMS, "sender": "8613800000001", "is_proven": True}
    first = await room.take("我家停水了", **sms)
    room.wait(timedelta(minutes=1))
    second = await room.take("新诉求：楼下路灯不亮", **sms)
    room.wait(timedelta(minutes=1))
    await room.take("人工", **sms)
    async with agent.get(f"/api/tickets/{first.ticket_id}/same-person") as answer:
        listed = await answer.json()

    assert [ticket["id"] for ticket in listed["tickets"]] == [second.ticket_id]
    assert listed["tickets"][0]["wants_person"]
    assert "8613800000001" not in str(listed)
