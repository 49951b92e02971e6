"""Who is heard, who is answered, and who it is that calls (RFC 3261 22, 26.3.2.4).

Pure. Trunks are known by their addresses and telephones by their passwords; everyone else is a stranger: read only as
far as ``Strangers`` allows, challenged when he would register, and else not answered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from channels.sip.admission import StrangerLimits, Strangers
from channels.sip.identity import caller_of
from channels.sip.message import Request, Response
from channels.sip.registrar import Registrar
from channels.sip.target import Target
from channels.sip.trunk import Trunk, Trunks
from channels.sip.uri import NameAddr

FAMILIAR_FOR = 1.0
"""Seconds for which the hosts of telephones and calls are remembered: they are asked for with every datagram."""


class Gatekeeper:
    """*hosts_of_calls* says with which hosts there are calls now."""

    def __init__(
        self, trunks: Trunks, registrar: Registrar, limits: StrangerLimits, hosts_of_calls: Callable[[], set[str]]
    ) -> None:
        self._trunks = trunks
        self._registrar = registrar
        self._strangers = Strangers(limits)
        self._hosts_of_calls = hosts_of_calls
        self._familiar: set[str] = set()
        self._familiar_at = float("-inf")

    def hears(self, host: str, now: float) -> bool:
        """Whether anything from this host is read: of trunks, telephones and who we talk with all, of others little."""
        return self.knows(host, now) or self._strangers.hears(host, now)

    def knows(self, host: str, now: float) -> bool:
        """Whether a trunk, a telephone or a call of ours is at this host."""
        if self._trunks.knows(host):
            return True
        if now - self._familiar_at > FAMILIAR_FOR:
            self._familiar_at = now
            self._familiar = self._registrar.hosts | self._hosts_of_calls()
        return host in self._familiar

    def admits(self, request: Request, source: Target) -> bool:
        """Whether a request outside our calls may be answered at all."""
        if self.trunk_at(source) is not None:
            return True
        if request.method == "REGISTER":
            return self._registrar.has_telephones
        return self._registrar.is_home_of_telephones(source.host)

    def trunk_at(self, source: Target) -> Trunk | None:
        """The trunk that *source* is: by its very address, else by host, unless a telephone registered there."""
        exact = self._trunks.at(source)
        if exact is not None or self._registrar.user_at(source) is not None:
            return exact
        return self._trunks.sending_from(source)

    def identify(self, request: Request, source: Target, now: float, *, to_tag: str) -> str | Response:
        """Name the trunk or telephone that sends a request, or return the challenge it is to be given."""
        trunk = self.trunk_at(source)
        if trunk is not None:
            return trunk.name
        user = self._registrar.authenticate(request, now, to_tag=to_tag)
        if isinstance(user, Response):
            self._charge(request, user, source.host, now)
        return user

    def register(self, request: Request, source: Target, now: float, *, to_tag: str) -> Response:
        """Serve a REGISTER; whoever succeeds is a stranger no more, whoever guesses soon unheard."""
        response = self._registrar.register(request, source, now, to_tag=to_tag)
        if response.status < 300:
            self._strangers.forgive(source.host)
            self._familiar.add(source.host)
        elif response.status == 401:
            self._charge(request, response, source.host, now)
        return response

    def caller_of(self, request: Request, peer: str) -> NameAddr:
        """Who calls: what a trunk we believe asserts, or the telephone whose password was proved."""
        trunk = self._trunks.get(peer)
        if trunk is None:
            return replace(request.from_, uri=replace(request.from_.uri, user=peer))
        return caller_of(request, believes=trunk.believes)

    def _charge(self, request: Request, refusal: Response, host: str, now: float) -> None:
        """Charge for a wrong password; a nonce that is only too old is nobody's guess."""
        is_stale = any("stale=true" in value for value in refusal.headers.lines("WWW-Authenticate"))
        if "Authorization" in request.headers and not is_stale:
            self._strangers.punish(host, now)
