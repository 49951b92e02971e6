"""What a GeoReport v2 client asks, read from its form or query; whatever is wrong with it is named."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LONGEST_SPAN = timedelta(days=90)
"""How far apart the ends of a search may be, by the specification."""
MOST = 1000
"""Requests in one answer, by the specification."""
LONGEST_DESCRIPTION = 4000


class Wrong(ValueError):
    """Something in the request is missing or is not what it should be; *status* is the HTTP status."""

    def __init__(self, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A new request (POST requests)."""

    service_code: str
    description: str
    latitude: float | None
    longitude: float | None
    address: str
    email: str
    phone: str
    name: str
    device_id: str
    account_id: str
    media_url: str

    @property
    def sender(self) -> str:
        """Who reports, by the most lasting of what he says of himself; "" for nobody in particular."""
        for kind, value in (("account", self.account_id), ("email", self.email.lower()), ("phone", self.phone)):
            if value:
                return f"{kind}:{value}"
        return f"device:{self.device_id}" if self.device_id else ""

    @property
    def fingerprint(self) -> str:
        """An id made of its content: the protocol has none."""
        parts = (self.service_code, self.description, self.address, self.sender, self.media_url)
        place = f"{self.latitude}|{self.longitude}"
        return hashlib.sha256("\x1f".join((*parts, place)).encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which requests (GET requests): these ids, or those of a span, a service, a status; None where it is not said."""

    ids: tuple[str, ...] = ()
    service_codes: frozenset[str] = frozenset()
    since: datetime
    until: datetime
    is_open: bool | None = None


def read_report(form: Mapping[str, str], services: Collection[str]) -> Report:
    """Read a new request. Raises `Wrong`."""
    said = {name: value.strip() for name, value in form.items()}
    code = said.get("service_code", "")
    if not code:
        raise Wrong("service_code was not provided")
    if code not in services:
        raise Wrong(f"service_code {code!r} was not found", 404)
    description = said.get("description", "")
    if not description:
        raise Wrong("description was not provided")
    if len(description) > LONGEST_DESCRIPTION:
        raise Wrong(f"description has more than {LONGEST_DESCRIPTION} characters")
    latitude, longitude = _degrees(said, "lat", 90.0), _degrees(said, "long", 180.0)
    address = said.get("address_string", "") or said.get("address_id", "")
    if (latitude is None) is not (longitude is None):
        raise Wrong("lat and long belong together")
    if latitude is None and not address:
        raise Wrong("a place is needed: lat and long, or address_string")
    media_url = said.get("media_url", "")
    if media_url and not media_url.startswith(("https://", "http://")):
        raise Wrong("media_url is no address")
    return Report(
        service_code=code,
        description=description,
        latitude=latitude,
        longitude=longitude,
        address=address[:500],
        email=said.get("email", "")[:254],
        phone=said.get("phone", "")[:40],
        name=" ".join(filter(None, (said.get("first_name", ""), said.get("last_name", ""))))[:100],
        device_id=said.get("device_id", "")[:200],
        account_id=said.get("account_id", "")[:200],
        media_url=media_url[:1000],
    )


def read_search(query: Mapping[str, str], now: datetime) -> Search:
    """Read a search; without dates it is of the last 90 days. Raises `Wrong`."""
    ids = tuple(filter(None, (part.strip() for part in query.get("service_request_id", "").split(","))))[:MOST]
    codes = frozenset(filter(None, (part.strip() for part in query.get("service_code", "").split(","))))
    since, until = _instant(query, "start_date"), _instant(query, "end_date")
    until = until or (now if since is None else min(now, since + LONGEST_SPAN))
    since = since or until - LONGEST_SPAN
    if since > until:
        raise Wrong("start_date is after end_date")
    if until - since > LONGEST_SPAN:
        raise Wrong("start_date and end_date are more than 90 days apart")
    states = {part.strip() for part in query.get("status", "").split(",") if part.strip()}
    if states - {"open", "closed"}:
        raise Wrong("status is open or closed")
    return Search(
        ids=ids,
        service_codes=codes,
        since=since,
        until=until,
        is_open=None if len(states) != 1 else "open" in states,
    )


def _degrees(said: Mapping[str, str], name: str, most: float) -> float | None:
    text = said.get(name, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise Wrong(f"{name} is no number") from None
    if not math.isfinite(value) or abs(value) > most:
        raise Wrong(f"{name} is not within {most:.0f} degrees")
    return value


def _instant(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Wrong(f"{name} is no instant of RFC 3339, such as 2026-11-22T00:00:00Z") from None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
