"""Ourselves at somebody's registrar (RFC 3261 10.2, RFC 3608): REGISTER with digest, refreshed, taken back."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import structlog

from channels.sip.authorization import Authorization
from channels.sip.connections import Target, Unlistened
from channels.sip.dialog import MAX_FORWARDS
from channels.sip.digest import Credentials
from channels.sip.endpoint import Endpoint
from channels.sip.exchange import new_tag
from channels.sip.headers import Headers
from channels.sip.message import Request, Response
from channels.sip.uri import NameAddr, Uri
from gateway.domain.errors import Refused, Unavailable

ANSWER_LIMIT = 8.0
"""Seconds to wait for a registrar that says nothing."""
FAREWELL_LIMIT = 2.0
RETRY_AFTER = 10.0
REFRESH_AT = 0.8
"""When to refresh, as a part of the time that was granted."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who we are at which registrar; *expires* is how long to ask for, in seconds.

    ``place`` is where its requests are sent, if that is not ``registrar`` itself, which may be a name.
    """

    user: str
    password: str = field(repr=False)
    registrar: Target
    expires: int = 300
    place: Target | None = None

    def at(self, place: Target) -> Account:
        """Return the account with requests sent there."""
        return replace(self, place=place)

    @property
    def address(self) -> Uri:
        """The address of record."""
        port = None if self.registrar.port in (0, 5060) else self.registrar.port
        return Uri(user=self.user, host=self.registrar.host, port=port)

    @property
    def credentials(self) -> Credentials:
        """What answers a challenge."""
        return Credentials(user=self.user, password=self.password)


class Registration:
    """One binding. An async context manager: inside the block we are reachable.

    Entering raises `Refused` when the registrar will not have us, `Unavailable` when it is silent. *on_change* is told
    when the binding is lost (False) and when it is back (True). Or ``hold`` it in a task that never gives up. *locate*
    is asked before every REGISTER where it goes; *route* holds Route values.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        account: Account,
        *,
        on_change: Callable[[bool], None] = lambda held: None,
        locate: Callable[[], Awaitable[Account]] | None = None,
        route: Sequence[str] = (),
    ) -> None:
        self._endpoint = endpoint
        self._account = account
        self._on_change = on_change
        self._authorization = Authorization(account.credentials)
        self._call_id = secrets.token_hex(16)
        self._tag = new_tag()
        self._number = 0
        self._expires = account.expires
        self._keeping: asyncio.Task[None] | None = None
        self._locate = locate
        self._route = tuple(route)
        self.service_route: tuple[str, ...] = ()

    async def __aenter__(self) -> Self:
        granted = await self._register(self._expires, ANSWER_LIMIT)
        self._keeping = asyncio.get_running_loop().create_task(self._keep(granted), name="registration")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        with suppress(Refused, Unavailable):
            await self._register(0, FAREWELL_LIMIT)

    async def hold(self) -> None:
        """Be registered until cancelled, from the first moment the registrar lets us."""
        await self._keep(None)

    def forget(self) -> None:
        """Take the binding back without waiting for the answer."""
        with suppress(Unlistened):
            self._endpoint.request(self._request(0), self._account.place or self._account.registrar, lambda _: None)

    async def _keep(self, granted: float | None) -> None:
        """Refresh for ever; a registrar that is away is asked again. *granted* None: there is no binding yet."""
        held, granted, is_first = granted is not None, granted or 0.0, granted is None
        while True:
            if not is_first:
                await asyncio.sleep(granted * REFRESH_AT if held else RETRY_AFTER)
            was_held, is_first = held, False
            try:
                granted = await self._register(self._expires, ANSWER_LIMIT)
                held = True
            except (Refused, Unavailable) as failure:
                log.warning("registration.lost", reason=str(failure))
                held = False
            if held is not was_held:
                self._on_change(held)

    async def _register(self, expires: int, limit: float) -> float:
        """Bind for *expires* seconds (0: unbind); return how long it was granted for."""
        try:
            async with asyncio.timeout(limit):
                response = await self._ask(expires)
        except TimeoutError:
            raise Unavailable(f"the registrar {self._account.registrar} does not answer") from None
        if response.status >= 300:
            words = f"the registrar {self._account.registrar} says {response.status} {response.reason}"
            raise Unavailable(words) if response.status >= 500 else Refused(words)
        self.service_route = tuple(response.headers.all("Service-Route"))
        return self._granted(response, expires)

    async def _ask(self, expires: int) -> Response:
        """Send REGISTER, with credentials where they are asked for and longer where it is too brief (423)."""
        tries = 0
        if self._locate is not None:
            self._account = await self._locate()
        while True:
            request = self._request(expires)
            response, is_from_peer = await self._endpoint.ask(request, self._account.place or self._account.registrar)
            if not is_from_peer:
                raise Unavailable(f"the registrar {self._account.registrar} does not answer")
            least = response.headers.get("Min-Expires") or ""
            if response.status in (401, 407) and self._authorization.learn(request, response, tries):
                tries += 1
            elif response.status == 423 and least.isascii() and least.isdigit() and int(least) > expires > 0:
                self._expires = expires = int(least)
            else:
                return response

    def _request(self, expires: int) -> Request:
        account = self._account
        self._number += 1
        contact = self._endpoint.local_uri(account.place or account.registrar, account.user)
        headers = Headers(("Route", route) for route in self._route)
        headers.add("Max-Forwards", MAX_FORWARDS)
        headers.add("From", str(NameAddr(uri=account.address).with_tag(self._tag)))
        headers.add("To", f"<{account.address}>")
        headers.add("Call-ID", self._call_id)
        headers.add("CSeq", f"{self._number} REGISTER")
        headers.add("Contact", f"<{contact}>;expires={expires}")
        headers.add("Expires", str(expires))
        place = Uri(host=account.address.host, port=account.address.port)
        request = Request(method="REGISTER", uri=str(place), headers=headers)
        self._authorization.add_to(request)
        return request

    def _granted(self, response: Response, asked: int) -> float:
        """How long our binding lasts; a registrar that names no time gives what was asked."""
        ours = self._endpoint.local_uri(self._account.place or self._account.registrar, self._account.user)
        for value in response.headers.all("Contact"):
            with suppress(ValueError):
                contact = NameAddr.parse(value)
                expires = contact.params.get("expires") or ""
                if (contact.uri.host, contact.uri.port) == (ours.host, ours.port) and expires.isdigit():
                    return float(expires)
        header = response.headers.get("Expires") or ""
        return float(header) if header.isascii() and header.isdigit() else float(asked)
