"""Digest authentication (RFC 7616, RFC 8760 for SIP; RFC 2617 peers without qop are understood).

Both sides: answering a 401 or 407, and challenging. The server's nonces carry their own time
under an HMAC, so that it remembers nothing of those who never answer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from channels.sip.message import Response
from channels.sip.text import QUOTED, TOKEN, quote, to_wire, unquote
from channels.sip.uri import Uri

Algorithm = Literal["SHA-256", "MD5"]

_HASHES: dict[str, Callable[[bytes], hashlib._Hash]] = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
_scheme = re.compile(r"\s*+Digest\s++", re.ASCII | re.IGNORECASE).match
_param = re.compile(rf"\s*+({TOKEN}++)\s*+=\s*+({QUOTED}|[^\s,\"]*+)\s*+(?:,|$)", re.ASCII | re.DOTALL).match
_nonce_count = re.compile(r"[0-9a-fA-F]{8}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who we are to a peer that challenges us."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a peer asks for before he serves us. ``session`` stands for the "-sess" algorithms.

    ``stale`` means that our password was right and only the nonce is too old: answer again. A
    second challenge that is not stale means that the password is wrong: give up.
    """

    realm: str
    nonce: str
    algorithm: Algorithm = "MD5"
    session: bool = False
    qop: bool = False
    opaque: str | None = None
    stale: bool = False
    proxy: bool = False

    @classmethod
    def parse(cls, value: str, *, proxy: bool = False) -> Challenge:
        """Read a WWW-Authenticate or Proxy-Authenticate value; ValueError if we cannot answer it."""
        params = _parse(value)
        name = params.get("algorithm", "MD5").upper()
        algorithm = _algorithm(name.removesuffix("-SESS"))
        if algorithm is None:
            raise ValueError("unknown digest algorithm")
        offered = [each.strip().lower() for each in params.get("qop", "").split(",") if each.strip()]
        if offered and "auth" not in offered:
            raise ValueError("unknown quality of protection")
        if "realm" not in params or "nonce" not in params:
            raise ValueError("challenge without realm or nonce")
        return cls(
            realm=params["realm"],
            nonce=params["nonce"],
            algorithm=algorithm,
            session=name.endswith("-SESS"),
            qop=bool(offered),
            opaque=params.get("opaque"),
            stale=params.get("stale", "").lower() == "true",
            proxy=proxy,
        )


def challenge_of(response: Response) -> Challenge | None:
    """Return the first challenge of a 401 or 407 that we can answer (RFC 8760 2.4), None without one."""
    proxy = response.status == 407
    for value in response.headers.lines("Proxy-Authenticate" if proxy else "WWW-Authenticate"):
        try:
            return Challenge.parse(value, proxy=proxy)
        except ValueError:
            continue
    return None


def authorization(
    challenge: Challenge, credentials: Credentials, *, method: str, uri: str, count: int = 1, cnonce: str | None = None
) -> tuple[str, str]:
    """Return the header (name, value) that answers *challenge*.

    *uri* is the Request-URI; *count* goes up by one with every request under the same nonce.
    """
    cnonce = cnonce or secrets.token_hex(16)
    user = credentials.user
    params = {"nonce": challenge.nonce, "cnonce": cnonce, "uri": uri, "realm": challenge.realm}
    if challenge.qop:
        params |= {"qop": "auth", "nc": f"{count:08x}"}
    digest = _digest(challenge.algorithm, params, user, credentials.password, method, session=challenge.session)
    parts = [
        f"username={quote(user)}",
        f"realm={quote(challenge.realm)}",
        f"nonce={quote(challenge.nonce)}",
        f"uri={quote(uri)}",
        f'response="{digest}"',
        f"algorithm={challenge.algorithm}{'-sess' if challenge.session else ''}",
    ]
    if challenge.opaque is not None:
        parts.append(f"opaque={quote(challenge.opaque)}")
    if challenge.qop:
        parts.append(f"qop=auth, nc={count:08x}")
    if challenge.qop or challenge.session:
        parts.append(f"cnonce={quote(cnonce)}")
    return "Proxy-Authorization" if challenge.proxy else "Authorization", f"Digest {', '.join(parts)}"


class Verdict(Enum):
    """What a request's credentials are worth."""

    OK = "ok"
    STALE = "stale"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A verdict, and the user that was claimed ("" if none could be read)."""

    verdict: Verdict
    user: str


class DigestServer:
    """Challenges and verifies for one realm.

    *key* signs the nonces: whoever has it can make them. A nonce serves for *lifetime* seconds.
    *algorithms* are offered in this order, one header each.
    """

    def __init__(
        self, realm: str, key: bytes, *, lifetime: float = 300.0, algorithms: Sequence[Algorithm] = ("SHA-256", "MD5")
    ) -> None:
        self._realm = realm
        self._key = key
        self._lifetime = lifetime
        self._algorithms = tuple(algorithms)
        self._counts: dict[str, int] = {}

    def challenge(self, now: float, *, stale: bool = False, proxy: bool = False) -> list[tuple[str, str]]:
        """Return the headers of a 401 (or 407 for a *proxy*). *now* is in seconds of any steady clock."""
        nonce = self._nonce(struct.pack(">d", now) + secrets.token_bytes(8))
        name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
        tail = ", stale=true" if stale else ""
        return [
            (name, f'Digest realm={quote(self._realm)}, nonce="{nonce}", algorithm={algorithm}, qop="auth"{tail}')
            for algorithm in self._algorithms
        ]

    def verify(
        self, value: str, *, method: str, uri: str, password_of: Callable[[str], str | None], now: float
    ) -> Verification:
        """Judge the *value* of an Authorization header.

        STALE is said only of credentials that are right for their nonce, so a telephone may answer
        again without asking anybody. A nonce count that has been used already is stale, too.
        An unknown user takes as long as a wrong password.
        """
        try:
            params = _parse(value)
        except ValueError:
            return Verification(verdict=Verdict.WRONG, user="")
        user = params.get("username", "")
        password = password_of(user)
        known = password is not None and self._is_for_us(params, uri)
        algorithm = _algorithm(params.get("algorithm", "MD5").upper()) or "MD5"
        digest = _digest(algorithm, params, user, password or "", method)
        right = hmac.compare_digest(digest.encode(), to_wire(params.get("response", "").lower()))
        if not (known and right):
            return Verification(verdict=Verdict.WRONG, user=user)
        fresh = self._is_fresh(params["nonce"], now) and self._is_new_use(params, now)
        return Verification(verdict=Verdict.OK if fresh else Verdict.STALE, user=user)

    def _is_for_us(self, params: dict[str, str], uri: str) -> bool:
        if not {"username", "realm", "nonce", "uri", "response"} <= params.keys():
            return False
        if params["realm"] != self._realm or params.get("algorithm", "MD5").upper() not in self._algorithms:
            return False
        if "qop" in params and not (
            params["qop"].lower() == "auth" and _nonce_count(params.get("nc", "")) and "cnonce" in params
        ):
            return False
        return _same_resource(params["uri"], uri)

    def _nonce(self, seed: bytes) -> str:
        seal = hmac.digest(self._key, seed + to_wire(self._realm), "sha256")[:16]
        return base64.urlsafe_b64encode(seed + seal).decode()

    def _is_fresh(self, nonce: str, now: float) -> bool:
        made = self._made_at(nonce)
        return made is not None and 0 <= now - made <= self._lifetime

    def _made_at(self, nonce: str) -> float | None:
        """Return when we made *nonce*, None if we did not."""
        try:
            seed = base64.urlsafe_b64decode(nonce)[:16]
        except ValueError:
            return None
        if len(seed) != 16 or not hmac.compare_digest(to_wire(nonce), self._nonce(seed).encode()):
            return None
        return float(struct.unpack(">d", seed[:8])[0])

    def _is_new_use(self, params: dict[str, str], now: float) -> bool:
        """Hold one who counts to counting up. Whoever sends no qop cannot count."""
        if "qop" not in params:
            return True
        nonce, count = params["nonce"], int(params["nc"], 16)
        if count <= self._counts.get(nonce, 0):
            return False
        self._counts.pop(nonce, None)
        self._counts[nonce] = count
        for oldest in list(self._counts):
            if self._is_fresh(oldest, now):
                break
            del self._counts[oldest]
        return True


def _parse(value: str) -> dict[str, str]:
    """Read the parameters of a Digest header; values without their quotes."""
    scheme = _scheme(value)
    if not scheme:
        raise ValueError("not Digest")
    params: dict[str, str] = {}
    at = scheme.end()
    while at < len(value):
        found = _param(value, at)
        if not found:
            raise ValueError("malformed Digest parameter")
        params.setdefault(found[1].lower(), unquote(found[2]))
        at = found.end()
    return params


def _algorithm(name: str) -> Algorithm | None:
    return "SHA-256" if name == "SHA-256" else "MD5" if name == "MD5" else None


def _digest(
    algorithm: Algorithm, params: dict[str, str], user: str, password: str, method: str, *, session: bool = False
) -> str:
    """Compute RFC 7616 3.4.1 from the parameters that both sides know."""

    def hashed(*parts: str) -> str:
        return _HASHES[algorithm](to_wire(":".join(parts))).hexdigest()

    nonce, cnonce = params.get("nonce", ""), params.get("cnonce", "")
    secret = hashed(user, params.get("realm", ""), password)
    if session:
        secret = hashed(secret, nonce, cnonce)
    what = hashed(method, params.get("uri", ""))
    if "qop" in params:
        return hashed(secret, nonce, params.get("nc", ""), cnonce, params["qop"], what)
    return hashed(secret, nonce, what)


def _same_resource(claimed: str, requested: str) -> bool:
    """Compare a digest URI with the Request-URI; telephones differ in the parameters."""
    if claimed == requested:
        return True
    try:
        one, other = Uri.parse(claimed), Uri.parse(requested)
    except ValueError:
        return False
    return (one.scheme, one.user, one.host.lower(), one.port, one.opaque) == (
        other.scheme,
        other.user,
        other.host.lower(),
        other.port,
        other.opaque,
    )
