"""Asking whether anyone is there (RFC 3261 11.1). Shell."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from channels.sip.bodies import SDP
from channels.sip.dialog import MAX_FORWARDS
from channels.sip.endpoint import Endpoint
from channels.sip.exchange import new_tag
from channels.sip.headers import Headers
from channels.sip.message import Request
from channels.sip.target import Target
from channels.sip.uri import NameAddr, Uri
from gateway.domain.errors import OurMistake


async def ping(
    endpoint: Endpoint, places: Sequence[Target], uri: Uri, route: Sequence[str], limit: float
) -> int | None:
    """Send OPTIONS to all *places* at once; return the best status within *limit* seconds, None for silence."""
    answers: list[int] = []

    async def ask(place: Target) -> None:
        with suppress(OurMistake):
            response, is_from_peer = await endpoint.ask(_options(endpoint, place, uri, route), place)
            if is_from_peer:
                answers.append(response.status)

    with suppress(TimeoutError):
        async with asyncio.timeout(limit), asyncio.TaskGroup() as asking:
            for place in places:
                asking.create_task(ask(place))
    return min(answers, default=None)


def _options(endpoint: Endpoint, place: Target, uri: Uri, route: Sequence[str]) -> Request:
    me = replace(endpoint.local_uri(place), user="jiesu")
    headers = Headers(("Route", each) for each in route)
    headers.add("Max-Forwards", MAX_FORWARDS)
    headers.add("From", str(NameAddr(uri=me).with_tag(new_tag())))
    headers.add("To", f"<{uri}>")
    headers.add("Call-ID", secrets.token_hex(16))
    headers.add("CSeq", "1 OPTIONS")
    headers.add("Contact", f"<{me}>")
    headers.add("Accept", SDP)
    return Request(method="OPTIONS", uri=str(uri), headers=headers)
