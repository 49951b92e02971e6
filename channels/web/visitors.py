"""Who asks, and how often he may (限流): by the address he comes from, and by the ticket that he asks about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network

from aiohttp import web

from gateway.http_api.admission import Admission
from gateway.http_api.problems import Problem
from gateway.http_api.proxies import visitor_address
from gateway.ports.clock import Clock

GUESSES = 20
GUESS_RATE = 1 / 60
"""Enquiries about one ticket: at once, and a second from then on. Six digits outlast the ticket at that rate."""
TOO_OFTEN = "操作过于频繁，请稍后再试；紧急情况请直接拨打 110、119、120"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much one address may do: matters and enquiries an hour, lines of conversations a minute.

    Many citizens share one address behind a carrier's network: these bound a flood, not a person.
    """

    matters: int = 60
    enquiries: int = 120
    words: int = 120


class Visitors:
    """Addresses behind *proxies* that are ours, and the buckets of everyone."""

    def __init__(self, clock: Clock, pace: Pace, proxies: Iterable[str] = ()) -> None:
        self._clock = clock
        self._proxies = tuple(ip_network(text) for text in proxies)
        self._matters = Admission(rate=pace.matters / 3600, burst=pace.matters)
        self._words = Admission(rate=pace.words / 60, burst=pace.words)
        self._enquiries = Admission(rate=pace.enquiries / 3600, burst=pace.enquiries)
        self._tickets = Admission(rate=GUESS_RATE, burst=GUESSES)

    def address(self, request: web.Request) -> str:
        """Return where *request* comes from, by `visitor_address`; of IPv6 the network of 64 bits, one customer's."""
        forwarded = request.headers.getall("X-Forwarded-For", [])
        address = visitor_address(request.remote or "", forwarded, self._proxies)
        return str(ip_network((address, 64), strict=False)) if ":" in address else address

    def admit_matter(self, address: str) -> None:
        """Count a matter. Raises `Problem` for one too many."""
        self._admit(self._matters, address)

    def admit_words(self, address: str) -> None:
        """Count a line of a conversation. Raises `Problem` for one too many."""
        self._admit(self._words, address)

    def admit_enquiry(self, address: str) -> None:
        """Count a question about a ticket. Raises `Problem` for one too many."""
        self._admit(self._enquiries, address)

    def admit_guess(self, ticket_id: str) -> None:
        """Count a query code shown for a ticket, whoever shows it. Raises `Problem` for one too many."""
        self._admit(self._tickets, ticket_id)

    def _admit(self, admission: Admission, key: str) -> None:
        if wait := admission.wait(key, self._clock.monotonic()):
            raise Problem(429, "too_often", TOO_OFTEN, retry_after=wait)
