"""The Open311 channel: discovery, services, requests and tokens on the public door, as JSON and XML.

Requests are answered with their number after the commit, so a token is never given; whoever asks for one gets the
number that it would have become. What is read here is what came here, without its sender.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import cast

from aiohttp import web

from channels.open311.asking import MOST, Report, Wrong, read_report, read_search
from channels.open311.rendering import MEDIA_TYPES, Format, Record, listed, single
from gateway.domain.addresses import mobile_of
from gateway.domain.contact import ChannelKind, Point
from gateway.domain.errors import Refused, Unavailable
from gateway.domain.json import Json
from gateway.http_api.admission import Admission
from gateway.ports.intake import IncomingMessage, Intake, Means, OpenRequest, OpenRequests, WayOut

LARGEST = 1024 * 1024
"""Octets of a request's body."""
REPEATED_WITHIN = timedelta(minutes=10)
"""The same report again within this time is the same report."""
EVERYBODY = {"Access-Control-Allow-Origin": "*"}
"""Apps that run in browsers elsewhere may read and report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A kind of matter that may be reported."""

    code: str
    name: str
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Open311Settings:
    """Who we are here: the id of our jurisdiction, the address that clients know, the hashes of keys for reporting."""

    jurisdiction: str
    contact: str
    url: str
    key_hashes: frozenset[str]
    per_minute: float = 600.0


class Open311Channel:
    """`gateway.ports.intake.WrittenChannel` and `channels.door.OnDoor`."""

    kind = ChannelKind.OPEN311
    status = "ok"

    def __init__(
        self, settings: Open311Settings, services: Sequence[Service], requests: OpenRequests, means: Means
    ) -> None:
        self._settings = settings
        self._services = {service.code: service for service in services}
        self._requests = requests
        self._clock = means.clock
        self._zone: tzinfo = means.zone
        self._admission = Admission(rate=settings.per_minute / 60, burst=max(1, int(settings.per_minute)))

    @property
    def way_out(self) -> WayOut | None:
        """Nothing goes back but what is asked for."""
        return None

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        yield

    def running(self, intake: Intake) -> AbstractAsyncContextManager[None]:
        """It is spoken to; there is nothing to keep up."""
        return self._running()

    def routes(self, intake: Intake) -> Iterable[web.AbstractRouteDef]:
        """Return the routes of the specification, each in both formats."""

        async def report(request: web.Request, form: Format) -> web.Response:
            return await self._report(request, form, intake)

        base = "/open311/v2"
        yield web.get(f"{base}/discovery.{{form:json|xml}}", _answered(self._discover))
        yield web.get(f"{base}/services.{{form:json|xml}}", _answered(self._list_services))
        yield web.get(f"{base}/services/{{code}}.{{form:json|xml}}", _answered(self._define))
        yield web.post(f"{base}/requests.{{form:json|xml}}", _answered(report))
        yield web.get(f"{base}/requests.{{form:json|xml}}", _answered(self._search))
        yield web.get(f"{base}/requests/{{id}}.{{form:json|xml}}", _answered(self._show))
        yield web.get(f"{base}/tokens/{{id}}.{{form:json|xml}}", _answered(self._token))

    async def _discover(self, request: web.Request, form: Format) -> web.Response:
        endpoint: Record = {
            "specification": "http://wiki.open311.org/GeoReport_v2",
            "url": f"{self._settings.url.rstrip('/')}/open311/v2",
            "changeset": "2026-11-22T00:00:00Z",
            "type": "production",
        }
        document: dict[str, object] = {
            "changeset": "2026-11-22T00:00:00Z",
            "contact": self._settings.contact,
            "key_service": self._settings.contact,
            "endpoints": [endpoint],
        }
        return _said(single(cast(Record, document), form, name="discovery"), form)

    async def _list_services(self, request: web.Request, form: Format) -> web.Response:
        self._check_jurisdiction(request.query)
        records = [_service_record(service) for service in self._services.values()]
        return _said(listed(records, form, plural="services", singular="service"), form)

    async def _define(self, request: web.Request, form: Format) -> web.Response:
        self._check_jurisdiction(request.query)
        code = request.match_info["code"]
        if code not in self._services:
            raise Wrong(f"service_code {code!r} was not found", 404)
        return _said(single({"service_code": code, "attributes": []}, form, name="service_definition"), form)

    async def _report(self, request: web.Request, form: Format, intake: Intake) -> web.Response:
        if (request.content_length or 0) > LARGEST:
            raise Wrong("the request is too large", 413)
        said = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        self._check_jurisdiction(said)
        key = self._key(said.get("api_key", ""))
        report = read_report(said, self._services)
        if wait := self._admission.wait(key, self._clock.monotonic()):
            raise Unavailable("too many requests with this api_key", retry_after=wait)
        taken = await intake.take(self._message(report), answers_at_once=True)
        record = {
            "service_request_id": taken.ticket_id,
            "service_notice": taken.told,
            "account_id": report.account_id or None,
        }
        return _said(listed([record], form, plural="service_requests", singular="request"), form, 201)

    def _message(self, report: Report) -> IncomingMessage:
        service = self._services[report.service_code]
        place = f"地点：{report.address}" if report.address else ""
        values: dict[str, Json] = {
            "service_code": report.service_code,
            "address": report.address,
            "description": report.description,
        }
        if report.media_url:
            values["media_url"] = report.media_url
        return IncomingMessage(
            channel=self.kind,
            external_id=report.fingerprint,
            repeated_within=REPEATED_WITHIN,
            sender=report.sender,
            addressee=self._settings.jurisdiction,
            received_at=self._clock.now(),
            subject=service.name,
            text="\n".join(filter(None, (report.description, place, report.media_url))),
            sender_name=report.name,
            telephone=mobile_of(report.phone) or report.phone,
            point=Point(latitude=report.latitude, longitude=report.longitude, name=report.address)
            if report.latitude is not None and report.longitude is not None
            else None,
            values=values,
        )

    async def _search(self, request: web.Request, form: Format) -> web.Response:
        self._check_jurisdiction(request.query)
        search = read_search(request.query, self._clock.now())
        found = await self._requests.find(
            ids=search.ids,
            service_codes=search.service_codes,
            since=search.since,
            until=search.until,
            is_open=search.is_open,
            limit=MOST,
        )
        records = [self._record(each) for each in found]
        return _said(listed(records, form, plural="service_requests", singular="request"), form)

    async def _show(self, request: web.Request, form: Format) -> web.Response:
        found = await self._one(request)
        return _said(listed([self._record(found)], form, plural="service_requests", singular="request"), form)

    async def _token(self, request: web.Request, form: Format) -> web.Response:
        found = await self._one(request)
        record: Record = {"service_request_id": found.id, "token": found.id}
        return _said(listed([record], form, plural="service_requests", singular="request"), form)

    async def _one(self, request: web.Request) -> OpenRequest:
        self._check_jurisdiction(request.query)
        name, now = request.match_info["id"], self._clock.now()
        found = await self._requests.find(
            ids=(name,), service_codes=frozenset(), since=now, until=now, is_open=None, limit=1
        )
        if not found:
            raise Wrong(f"service_request_id {name!r} was not found", 404)
        return found[0]

    def _record(self, each: OpenRequest) -> Record:
        service = self._services.get(each.service_code)
        return {
            "service_request_id": each.id,
            "status": "open" if each.is_open else "closed",
            "status_notes": each.status_notes or None,
            "service_name": service.name if service else "",
            "service_code": each.service_code,
            "description": each.description,
            "agency_responsible": each.agency or None,
            "requested_datetime": each.requested_at.astimezone(self._zone).isoformat(timespec="seconds"),
            "updated_datetime": each.updated_at.astimezone(self._zone).isoformat(timespec="seconds"),
            "expected_datetime": each.expected_at.astimezone(self._zone).isoformat(timespec="seconds")
            if each.expected_at
            else None,
            "address": each.address or None,
            "lat": each.point.latitude if each.point else None,
            "long": each.point.longitude if each.point else None,
            "media_url": each.media_url or None,
        }

    def _check_jurisdiction(self, said: Mapping[str, str]) -> None:
        given = said.get("jurisdiction_id", "")
        if given and given != self._settings.jurisdiction:
            raise Wrong(f"jurisdiction_id {given!r} was not found", 404)

    def _key(self, given: str) -> str:
        """Return the hash of the key that may report. Raises `Wrong`."""
        if not given:
            raise Wrong("api_key was not provided", 403)
        hashed = hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()
        if not any(hmac.compare_digest(hashed, known) for known in self._settings.key_hashes):
            raise Wrong("api_key is not known", 403)
        return hashed


def _service_record(service: Service) -> Record:
    return {
        "service_code": service.code,
        "service_name": service.name,
        "description": "、".join(service.keywords),
        "metadata": False,
        "type": "realtime",
        "keywords": ",".join(service.keywords),
        "group": "",
    }


Answer = Callable[[web.Request, Format], Awaitable[web.Response]]


def _answered(handler: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Answer mistakes and failures as the specification does: a list of errors, in the format that was asked for."""

    async def handle(request: web.Request) -> web.StreamResponse:
        form = cast(Format, request.match_info["form"])
        try:
            return await handler(request, form)
        except Wrong as wrong:
            return _failed(wrong.status, str(wrong), form)
        except Refused as refused:
            return _failed(400, str(refused), form)
        except Unavailable as away:
            answer = _failed(503, "try again later", form)
            answer.headers["Retry-After"] = str(int(away.retry_after or 10) + 1)
            return answer

    return handle


def _failed(status: int, description: str, form: Format) -> web.Response:
    record: Record = {"code": status, "description": description}
    return _said(listed([record], form, plural="errors", singular="error"), form, status)


def _said(body: bytes, form: Format, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type=MEDIA_TYPES[form], charset="utf-8", headers=EVERYBODY)
