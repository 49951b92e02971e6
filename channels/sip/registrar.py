"""Where our own telephones can be reached (RFC 3261 10), and whether a request is theirs (RFC 3261 22, RFC 8760).

Pure: requests and ``now`` in, responses out. Only configured telephones register. Whoever does not know a password
learns nothing: an unknown user is challenged exactly like a known one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from channels.sip.digest import DigestServer, Verdict
from channels.sip.message import Request, Response, make_response
from channels.sip.target import Target
from channels.sip.uri import NameAddr, Uri

MOST_CONTACTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One telephone at one place. ``target`` is where requests for it go; behind a NAT that is not its Contact."""

    user: str
    contact: Uri
    target: Target
    expires_at: float
    call_id: str
    cseq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """How long a registration lasts, in seconds: when the telephone does not say, at least, at most."""

    default: int = 300
    least: int = 30
    most: int = 3600


class Registrar:
    """The bindings of the configured telephones, ``telephones`` being user to password.

    ``on_registered(user)`` is called when a telephone becomes reachable, ``on_gone(user)`` when it no longer is.
    """

    def __init__(
        self,
        telephones: Mapping[str, str],
        digest: DigestServer,
        *,
        expiry: Expiry | None = None,
        on_registered: Callable[[str], None] = lambda user: None,
        on_gone: Callable[[str], None] = lambda user: None,
    ) -> None:
        self._telephones = dict(telephones)
        self._digest = digest
        self._expiry = expiry or Expiry()
        self._on_registered = on_registered
        self._on_gone = on_gone
        self._bindings: dict[str, dict[str, Binding]] = {}

    @property
    def has_telephones(self) -> bool:
        """Whether anyone may register at all."""
        return bool(self._telephones)

    def contact(self, user: str) -> Binding | None:
        """Where *user* registered last; None when it is not reachable."""
        return next(reversed(self._bindings.get(user, {}).values()), None)

    def user_at(self, target: Target) -> str | None:
        """Which telephone is registered from exactly this source."""
        return next((b.user for b in self._all() if b.target == target), None)

    @property
    def hosts(self) -> set[str]:
        """The IP addresses from which telephones are registered."""
        return {binding.target.host for binding in self._all()}

    def is_home_of_telephones(self, host: str) -> bool:
        """Whether some telephone is registered from this IP address."""
        return any(binding.target.host == host for binding in self._all())

    def authenticate(self, request: Request, now: float, *, to_tag: str) -> str | Response:
        """Return the telephone whose credentials *request* carries, or the 401 to give."""
        stale = False
        for value in request.headers.lines("Authorization"):
            verification = self._digest.verify(
                value, method=request.method, uri=request.uri, password_of=self._telephones.get, now=now
            )
            if verification.verdict is Verdict.OK:
                return verification.user
            stale = stale or verification.verdict is Verdict.STALE
        return make_response(request, 401, to_tag=to_tag, headers=self._digest.challenge(now, stale=stale))

    def register(self, request: Request, source: Target, now: float, *, to_tag: str) -> Response:
        """Serve a REGISTER: bind, refresh, unbind or list."""
        user = self.authenticate(request, now, to_tag=to_tag)
        if isinstance(user, Response):
            return user
        if request.to.uri.subscriber != user:
            return make_response(request, 403, to_tag=to_tag)
        self.expire(now)
        was_reachable = user in self._bindings
        refusal = self._bind(user, request, source, now, to_tag)
        if refusal is not None:
            return refusal
        if user in self._bindings and not was_reachable:
            self._on_registered(user)
        elif was_reachable and user not in self._bindings:
            self._on_gone(user)
        contacts = [
            ("Contact", f"<{binding.contact}>;expires={max(0, round(binding.expires_at - now))}")
            for binding in self._bindings.get(user, {}).values()
        ]
        return make_response(request, 200, to_tag=to_tag, headers=contacts)

    def next_deadline(self) -> float | None:
        """When the next binding expires."""
        return min((binding.expires_at for binding in self._all()), default=None)

    def expire(self, now: float) -> None:
        """Drop the bindings whose time is over."""
        for binding in self._all():
            if binding.expires_at <= now:
                self._unbind(binding)
                if binding.user not in self._bindings:
                    self._on_gone(binding.user)

    def _all(self) -> list[Binding]:
        return [binding for bindings in self._bindings.values() for binding in bindings.values()]

    def _bind(self, user: str, request: Request, source: Target, now: float, to_tag: str) -> Response | None:
        """Carry out all of the request's contacts, or none and return the refusal (RFC 3261 10.3)."""
        known = self._bindings.get(user, {})
        number, call_id = request.cseq[0], request.call_id
        if any(binding.call_id == call_id and number < binding.cseq for binding in known.values()):
            return make_response(request, 500, "CSeq out of order", to_tag=to_tag)
        contacts = request.headers.all("Contact")
        if "*" in contacts:
            if len(contacts) > 1 or self._seconds(request.headers.get("Expires")) != 0:
                return make_response(request, 400, "Contact * needs Expires: 0", to_tag=to_tag)
            self._bindings.pop(user, None)
            return None
        wanted: list[tuple[Uri, int]] = []
        for value in contacts:
            try:
                contact = NameAddr.parse(value)
            except ValueError:
                return make_response(request, 400, "Malformed Contact", to_tag=to_tag)
            asked = self._seconds(contact.params.get("expires") or request.headers.get("Expires"))
            lasting = self._expiry.default if asked is None else min(asked, self._expiry.most)
            if 0 < lasting < self._expiry.least:
                least = [("Min-Expires", str(self._expiry.least))]
                return make_response(request, 423, to_tag=to_tag, headers=least)
            wanted.append((contact.uri, lasting))
        for uri, lasting in wanted:
            binding = Binding(
                user=user,
                contact=uri,
                target=_target(request, uri, source),
                expires_at=now + lasting,
                call_id=call_id,
                cseq=number,
            )
            self._unbind(binding)  # so that a refreshed contact is the latest again
            if lasting:
                self._keep(binding)
        return None

    def _keep(self, binding: Binding) -> None:
        bindings = self._bindings.setdefault(binding.user, {})
        bindings[str(binding.contact)] = binding
        if len(bindings) > MOST_CONTACTS:
            del bindings[next(iter(bindings))]

    def _unbind(self, binding: Binding) -> None:
        bindings = self._bindings.get(binding.user, {})
        bindings.pop(str(binding.contact), None)
        if not bindings:
            self._bindings.pop(binding.user, None)

    @staticmethod
    def _seconds(text: str | None) -> int | None:
        """Read delta-seconds; what is none counts as unsaid (RFC 3261 10.3)."""
        return min(int(text), 2**31) if text and text.isascii() and text.isdigit() and len(text) < 20 else None


def _target(request: Request, contact: Uri, source: Target) -> Target:
    """Where to reach the telephone: back the way it came, unless it is too old to ask for that (RFC 3581)."""
    if source.transport != "udp" or "rport" in request.via.params:
        return source
    try:
        ip_address(contact.host)
    except ValueError:
        return source
    return Target("udp", contact.host, contact.port or 5060)
