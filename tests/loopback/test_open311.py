"""Open311 GeoReport v2 over real HTTP: discovered, reported, read back, in both formats."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.door import Door
from channels.open311.asking import Wrong, read_report, read_search
from channels.open311.channel import Open311Channel, Open311Settings, Service
from gateway.domain.contact import ChannelKind
from gateway.ports.intake import Means
from gateway.services.conversations import StoredValues
from gateway.services.open_requests import StoredOpenRequests
from tests.fakes.caseroom import SUPERVISOR
from tests.fakes.mailroom import BEIJING, Mailroom
from tests.fakes.means import NoEnquiries, ScriptedTranscriber
from tests.fakes.store import MemoryStore

KEY = "a key for tests"
SERVICES = (Service(code="roads", name="道路与市政设施", keywords=("路灯", "井盖")), Service(code="water", name="供水"))
REPORT = {
    "api_key": KEY,
    "service_code": "roads",
    "description": "路灯不亮，我叫李明，电话13800000001",
    "lat": "42.26",
    "long": "118.96",
    "address_string": "三道街",
    "email": "Li@example.org",
}


class Town:
    """A town with Open311 on its door, the real intake behind it."""

    def __init__(self, room: Mailroom, url: str, http: aiohttp.ClientSession) -> None:
        self.room = room
        self.url = f"{url}/open311/v2"
        self.http = http

    async def get(self, path: str, **query: str) -> tuple[int, Any]:
        async with self.http.get(f"{self.url}/{path}", params=query) as answer:
            return answer.status, self._read(path, await answer.text())

    async def post(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        async with self.http.post(f"{self.url}/{path}", data=form) as answer:
            return answer.status, self._read(path, await answer.text())

    def _read(self, path: str, text: str) -> Any:
        return json.loads(text) if path.endswith(".json") else ElementTree.fromstring(text)


@asynccontextmanager
async def town(store: Any, folder: Path) -> AsyncIterator[Town]:
    room = Mailroom(store, folder)
    words = room.cases.words.word
    requests = StoredOpenRequests(store, store.correspondence, store.cases, lambda unit: f"{unit}局", words)
    settings = Open311Settings(
        jurisdiction="town.example",
        contact="open@town.example",
        url="https://12345.town.example",
        key_hashes=frozenset({hashlib.sha256(KEY.encode()).hexdigest()}),
    )
    means = Means(
        clock=room.clock,
        zone=BEIJING,
        files=room.files,
        enquiries=NoEnquiries(),
        transcriber=ScriptedTranscriber(),
        shared=StoredValues(store, store.correspondence, room.clock),
    )
    channel = Open311Channel(settings, SERVICES, requests, means)
    async with (
        channel.running(room.intake),
        Door("127.0.0.1", 0, list(channel.routes(room.intake))) as door,
        aiohttp.ClientSession() as http,
    ):
        yield Town(room, door.url, http)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(MemoryStore(), tmp_path / "files") as made:
        yield made


async def test_a_client_discovers_the_endpoint_and_its_services_in_both_formats(place: Town) -> None:
    status, found = await place.get("discovery.json")
    _, found_xml = await place.get("discovery.xml")
    _, services = await place.get("services.json", jurisdiction_id="town.example")
    _, services_xml = await place.get("services.xml")
    _, definition = await place.get("services/roads.json")

    assert status == 200
    assert found["endpoints"][0]["url"] == "https://12345.town.example/open311/v2"
    assert found_xml.findtext("endpoints/endpoint/url") == found["endpoints"][0]["url"]
    assert [service["service_code"] for service in services] == ["roads", "water"]
    assert [each.findtext("service_name") for each in services_xml.findall("service")] == ["道路与市政设施", "供水"]
    assert services_xml.findtext("service/metadata") == "false"
    assert definition == {"service_code": "roads", "attributes": []}


async def test_a_report_is_one_ticket_and_is_read_back_without_who_sent_it(place: Town) -> None:
    status, said = await place.post("requests.json", REPORT)
    again_status, again = await place.post("requests.xml", REPORT)
    number = said[0]["service_request_id"]
    await place.room.reader.read_all()
    _, shown = await place.get(f"requests/{number}.json")
    _, token = await place.get(f"tokens/{number}.xml")

    ticket = await place.room.store.ticket(number)
    assert (status, again_status) == (201, 201)
    assert number in said[0]["service_notice"]
    assert again.findtext("request/service_request_id") == number
    assert ticket is not None
    assert (ticket.channel, ticket.caller) == (ChannelKind.OPEN311, "email:li@example.org")
    assert shown[0]["description"] == "路灯不亮，我叫***，电话***"
    assert "example.org" not in json.dumps(shown)
    assert (shown[0]["lat"], shown[0]["address"], shown[0]["status"]) == (42.26, "三道街", "open")
    assert token.findtext("request/service_request_id") == number


async def test_a_search_gives_what_was_asked_for_and_how_it_stands(place: Town) -> None:
    _, roads = await place.post("requests.json", REPORT)
    place.room.wait(timedelta(hours=1))
    _, water = await place.post("requests.json", {**REPORT, "service_code": "water", "description": "停水"})
    await place.room.cases.do(roads[0]["service_request_id"], "refuse", SUPERVISOR, kind="secret")
    numbers = {"roads": roads[0]["service_request_id"], "water": water[0]["service_request_id"]}

    async def found(**query: str) -> list[str]:
        status, records = await place.get("requests.json", **query)
        assert status == 200
        return [record["service_request_id"] for record in records]

    now = place.room.clock.now()
    assert await found() == [numbers["water"], numbers["roads"]]
    assert await found(status="closed") == [numbers["roads"]]
    assert await found(status="open") == [numbers["water"]]
    assert await found(service_code="roads") == [numbers["roads"]]
    assert await found(service_request_id=numbers["water"]) == [numbers["water"]]
    assert await found(start_date=(now - timedelta(minutes=30)).isoformat()) == [numbers["water"]]
    assert await found(end_date=(now - timedelta(minutes=30)).isoformat()) == [numbers["roads"]]


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"api_key": ""}, 403, "api_key"),
        ({"api_key": "wrong"}, 403, "api_key"),
        ({"service_code": ""}, 400, "service_code"),
        ({"service_code": "moon"}, 404, "service_code"),
        ({"description": " "}, 400, "description"),
        ({"description": "水" * 4001}, 400, "description"),
        ({"lat": "north"}, 400, "lat"),
        ({"lat": "nan"}, 400, "lat"),
        ({"long": ""}, 400, "lat and long"),
        ({"lat": "", "long": "", "address_string": ""}, 400, "place"),
        ({"media_url": "file:///etc/passwd"}, 400, "media_url"),
        ({"jurisdiction_id": "elsewhere.example"}, 404, "jurisdiction_id"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(
    place: Town, change: dict[str, str], status: int, word: str
) -> None:
    answered, errors = await place.post("requests.json", {**REPORT, **change})
    answered_xml, errors_xml = await place.post("requests.xml", {**REPORT, **change})

    assert (answered, answered_xml) == (status, status)
    assert errors[0]["code"] == status
    assert word in errors[0]["description"]
    assert errors_xml.findtext("error/description") == errors[0]["description"]
    assert await place.room.tickets() == []


async def test_an_unknown_number_is_not_found_and_tickets_of_other_channels_are_nobodys_to_read(place: Town) -> None:
    other = await place.room.take("我家停水了")
    unknown, _ = await place.get("requests/20260101-000000-0000.json")
    secret, _ = await place.get(f"requests/{other.ticket_id}.json")

    assert (unknown, secret) == (404, 404)


async def test_a_store_that_is_away_is_a_reason_to_come_again(tmp_path: Path) -> None:
    store = MemoryStore()
    async with town(store, tmp_path / "files") as place:
        store.fail()
        status, errors = await place.post("requests.json", REPORT)
        store.fail(False)
        again, _ = await place.post("requests.json", REPORT)

    assert (status, errors[0]["code"], again) == (503, 503, 201)


ASKED = [*REPORT, "phone", "media_url", "device_id", "start_date", "status"]


@given(st.dictionaries(st.sampled_from(ASKED), st.text()))
def test_whatever_is_asked_is_read_or_named_as_wrong(said: dict[str, str]) -> None:
    for read in (lambda: read_report(said, {"roads"}), lambda: read_search(said, datetime(2026, 11, 22, tzinfo=UTC))):
        with suppress(Wrong):
            read()
