"""Tickets: found, read, changed, and their calls heard again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientPayloadError, ClientSession

from gateway.domain.contact import ChannelKind, ContactId
from gateway.domain.ticket import Elements, Ticket, TicketId
from gateway.services.live_call import LiveCall
from tests.fakes.console import Office, tone

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def ticket(number: int) -> Ticket:
    return Ticket(
        id=TicketId(f"20261120-{number:04d}"),
        contact_id=ContactId(f"contact{number}"),
        channel=ChannelKind.TELEPHONE,
        call_id=None,
        caller=f"1380000{number:04d}",
        received_at=NOON + timedelta(seconds=number),
    )


async def keep(place: Office, *tickets: Ticket) -> None:
    for kept in tickets:
        await place.line.store.commit(lambda tx, kept=kept: tx.save_ticket(kept))  # type: ignore[misc]


async def finished_call(place: Office) -> tuple[LiveCall, Ticket]:
    """Have a call in which a citizen spoke, recorded for one second."""
    call, citizen = await place.talking()
    place.say(citizen, "我们小区停水三天了", 1.0)
    await place.until(lambda: place.line.told(call, "utterance.heard"))
    assert citizen.recording is not None
    citizen.recording.write_bytes(tone(1.0))
    return call, await place.end(call)


async def get(client: ClientSession, path: str, **query: str) -> Any:
    async with client.get(path, params=query) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def test_tickets_are_listed_page_by_page_newest_first_with_masked_callers(
    place: Office, agent: ClientSession
) -> None:
    await keep(place, *(ticket(n) for n in range(5)))

    first = await get(agent, "/api/tickets", limit="3")
    second = await get(agent, "/api/tickets", limit="3", before=first["next_before"])

    ids = [shown["id"][-1] for page in (first, second) for shown in page["tickets"]]
    assert ids == ["4", "3", "2", "1", "0"]
    assert second["next_before"] is None
    assert first["tickets"][0]["caller"] == "138****0004"


@pytest.mark.parametrize("words", ["20261120-0003", "13800000003"])
async def test_a_ticket_is_found_by_its_number_or_its_callers(place: Office, agent: ClientSession, words: str) -> None:
    await keep(place, *(ticket(n) for n in range(5)))

    found = await get(agent, "/api/tickets", search=words)

    assert [shown["id"] for shown in found["tickets"]] == ["20261120-0003"]


async def test_a_search_goes_on_beyond_the_newest_page(place: Office, agent: ClientSession) -> None:
    await keep(place, *(ticket(n) for n in range(250)))

    found = await get(agent, "/api/tickets", search="20261120-0007")

    assert [shown["id"] for shown in found["tickets"]] == ["20261120-0007"]


@pytest.mark.parametrize(("query", "field"), [({"limit": "0"}, "limit"), ({"color": "red"}, "color")])
async def test_a_query_that_makes_no_sense_names_its_field(
    agent: ClientSession, query: dict[str, str], field: str
) -> None:
    async with agent.get("/api/tickets", params=query) as answer:
        assert answer.status == 422
        assert (await answer.json())["error"]["field"] == field


async def test_the_detail_has_everything_and_looking_is_journalled_once(place: Office, agent: ClientSession) -> None:
    _, kept = await finished_call(place)

    detail = await get(agent, f"/api/tickets/{kept.id}")
    await get(agent, f"/api/tickets/{kept.id}")
    await place.line.ledger.settle(5.0)

    assert detail["ticket"]["caller"] == "13800000001"
    assert detail["ticket"]["matter"] == "water_supply"
    assert [said["role"] for said in detail["transcript"]] == ["citizen"]
    assert [leg["role"] for leg in detail["legs"]] == ["citizen", "agent"]
    assert [leg["recorded"] for leg in detail["legs"]] == [True, False]
    assert "call.ended" in [entry["kind"] for entry in detail["entries"]]
    viewed = [e.fact for e in await place.line.store.entries() if e.fact.kind == "ticket.viewed"]
    assert [(fact.ticket_id, fact.values["by"]) for fact in viewed] == [(kept.id, "agent")]


async def test_an_unknown_ticket_is_not_found(agent: ClientSession) -> None:
    async with agent.get("/api/tickets/none") as answer:
        assert answer.status == 404


async def edit(client: ClientSession, kept: Ticket, revision: int, **values: str) -> tuple[int, Any]:
    fields = {name.replace("__", "."): value for name, value in values.items()}
    async with client.patch(f"/api/tickets/{kept.id}", json={"revision": revision, "values": fields}) as answer:
        return answer.status, await answer.json()


async def test_an_edit_is_kept_and_marked(place: Office, agent: ClientSession) -> None:
    kept = ticket(1)
    await keep(place, kept)

    status, shown = await edit(agent, kept, 1, elements__place="红山区", summary="停水")

    assert status == 200
    assert (shown["elements"]["place"], shown["summary"], shown["revision"]) == ("红山区", "停水", 2)
    assert shown["edited"] == ["elements.place", "summary"]


async def test_two_people_in_the_same_field_are_a_conflict_told_with_what_stands(
    place: Office, agent: ClientSession
) -> None:
    kept = ticket(1)
    await keep(place, kept)
    async with place.signed_in("other") as other:
        await edit(other, kept, 1, summary="甲")

    status, problem = await edit(agent, kept, 1, summary="乙")

    assert (status, problem["error"]["code"]) == (409, "conflict")
    assert problem["error"]["current"]["summary"] == "甲"
    assert (await edit(agent, kept, problem["error"]["current"]["revision"], summary="乙"))[0] == 200


async def test_automatic_filling_in_between_is_no_conflict(place: Office, agent: ClientSession) -> None:
    kept = ticket(1)
    await keep(place, kept, replace(kept, category="complaint", revision=2))

    status, shown = await edit(agent, kept, 1, summary="乙")

    assert (status, shown["category"]) == (200, "complaint")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"revision": 1, "values": {"caller": "110"}}, 409, ""),
        ({"revision": 1, "values": {}}, 422, "values"),
        ({"revision": "one", "values": {"summary": "x"}}, 422, "revision"),
        ({"revision": 1, "values": {"summary": "x"}, "force": True}, 422, "force"),
        ({"values": {"summary": "x"}}, 422, "revision"),
    ],
)
async def test_an_edit_that_makes_no_sense_is_refused(
    place: Office, agent: ClientSession, body: dict[str, Any], status: int, field: str
) -> None:
    await keep(place, ticket(1))
    async with agent.patch(f"/api/tickets/{ticket(1).id}", json=body) as answer:
        assert answer.status == status
        assert (await answer.json())["error"].get("field", "") == field


async def test_what_is_no_json_is_told_so(place: Office, agent: ClientSession) -> None:
    headers = {"Content-Type": "application/json"}
    async with agent.patch("/api/tickets/x", data=b"{", headers=headers) as answer:
        assert answer.status == 400


async def test_an_endless_body_is_cut_off(place: Office, agent: ClientSession) -> None:
    async with agent.patch("/api/tickets/x", json={"revision": 1, "values": {"summary": "水" * 100_000}}) as answer:
        assert answer.status == 413


async def test_while_the_store_is_away_the_page_is_told_when_to_try_again(place: Office, agent: ClientSession) -> None:
    place.line.store.fail()
    async with agent.get("/api/tickets") as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        assert (await answer.json())["error"]["code"] == "unavailable"


async def test_an_edit_during_the_call_reaches_the_call(place: Office, agent: ClientSession) -> None:
    call, _ = await place.talking()

    status, _ = await edit(agent, call.record.ticket, call.record.ticket.revision, summary="人工填写")

    assert status == 200
    assert call.record.ticket.summary == "人工填写"


# -- sound ---------------------------------------------------------------------------------------------------


async def test_the_recording_of_the_call_is_the_citizens_with_both_sides(place: Office, agent: ClientSession) -> None:
    _, kept = await finished_call(place)
    detail = await get(agent, f"/api/tickets/{kept.id}")

    for leg in ("", detail["legs"][0]["id"]):
        async with agent.get(f"/api/tickets/{kept.id}/audio", params={"leg": leg}) as answer:
            assert (answer.status, answer.content_type) == (200, "audio/wav")
            assert await answer.read() == tone(1.0)


async def test_a_leg_that_was_not_recorded_has_nothing_to_play(place: Office, agent: ClientSession) -> None:
    _, kept = await finished_call(place)
    detail = await get(agent, f"/api/tickets/{kept.id}")

    async with agent.get(f"/api/tickets/{kept.id}/audio", params={"leg": detail["legs"][1]["id"]}) as answer:
        assert answer.status == 404


async def test_a_packed_recording_is_played_as_what_it_is(place: Office, agent: ClientSession) -> None:
    _, kept = await finished_call(place)
    (citizen, _) = await place.line.store.legs(kept.call_id)  # type: ignore[arg-type]
    packed = replace(citizen, recording=citizen.recording.replace(".wav", ".opus"))
    (place.line.exchange.recordings / packed.recording).write_bytes(b"OggS and so on")
    await place.line.store.commit(lambda tx: tx.save_leg(packed))

    async with agent.get(f"/api/tickets/{kept.id}/audio", headers={"Range": "bytes=5-7"}) as answer:
        assert (answer.status, answer.content_type) == (206, "audio/ogg")
        assert await answer.read() == b"and"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-99", 0, 100), ("bytes=41-50", 41, 51), ("bytes=31000-", 31_000, 32_044), ("bytes=-7", 32_037, 32_044)],
)
async def test_a_range_is_exactly_that_part(
    place: Office, agent: ClientSession, asked: str, start: int, stop: int
) -> None:
    _, kept = await finished_call(place)
    async with agent.get(f"/api/tickets/{kept.id}/audio") as answer:
        whole = await answer.read()

    async with agent.get(f"/api/tickets/{kept.id}/audio", headers={"Range": asked}) as answer:
        part = await answer.read()

    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/32044"
    assert part == whole[start:stop]


async def test_a_range_beyond_the_end_cannot_be_had(place: Office, agent: ClientSession) -> None:
    _, kept = await finished_call(place)
    async with agent.get(f"/api/tickets/{kept.id}/audio", headers={"Range": "bytes=32044-"}) as answer:
        assert answer.status == 416
        assert answer.headers["Content-Range"] == "bytes */32044"


async def test_listening_is_journalled(place: Office, agent: ClientSession) -> None:
    _, kept = await finished_call(place)
    for asked in ("bytes=0-99", "bytes=100-199"):
        async with agent.get(f"/api/tickets/{kept.id}/audio", headers={"Range": asked}):
            pass
    await place.line.ledger.settle(5.0)

    played = [e.fact for e in await place.line.store.entries() if e.fact.kind == "recording.played"]

    assert [(fact.ticket_id, fact.values["by"]) for fact in played] == [(kept.id, "agent")]


async def test_a_recording_that_fails_half_way_is_cut_off_not_mended(place: Office, agent: ClientSession) -> None:
    call, citizen = await place.talking()
    assert citizen.recording is not None
    citizen.recording.write_bytes(tone(600.0))
    kept = await place.end(call)

    async with agent.get(f"/api/tickets/{kept.id}/audio") as answer:
        await answer.content.readexactly(100_000)
        citizen.recording.unlink()
        with pytest.raises((ClientPayloadError, ConnectionError)):
            await answer.content.read()


async def test_a_ticket_without_a_recording_has_nothing_to_play(place: Office, agent: ClientSession) -> None:
    await keep(place, ticket(1))
    async with agent.get(f"/api/tickets/{ticket(1).id}/audio") as answer:
        assert answer.status == 404


async def test_a_ticket_shows_the_others_of_its_incident(place: Office, agent: ClientSession) -> None:
    where = Elements(place="阳光小区三号楼")
    together = [replace(ticket(number), matter="water_supply", elements=where) for number in (1, 2, 3)]
    await keep(place, *together, ticket(4))

    shown = await get(agent, f"/api/tickets/{ticket(2).id}/same-incident")

    assert [each["id"] for each in shown["tickets"]] == [ticket(1).id, ticket(3).id]
    async with agent.get("/api/tickets/none/same-incident") as missing:
        assert missing.status == 404
