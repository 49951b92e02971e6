"""Who calls, whether he wants it shown, and whom he dialled first (RFC 3323, 3325, 5806, 7044, 7315).

Pure. Only what a trusted peer asserts counts as known; a From header is a claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from channels.sip.message import Request
from channels.sip.text import unquote
from channels.sip.uri import BadAddress, NameAddr, Uri

ANONYMOUS = NameAddr(display="Anonymous", uri=Uri(user="anonymous", host="anonymous.invalid"))
_NUMBER_SIGNS = frozenset("+0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversion:
    """One step by which a call was passed on: from whom, and why ("unconditional", "user-busy", a SIP cause ...)."""

    uri: Uri
    reason: str = ""


def asserted_identity(request: Request) -> NameAddr | None:
    """Return what P-Asserted-Identity says; of its two values the one that is a telephone number (RFC 3325 9.1)."""
    values = _addresses(request, "P-Asserted-Identity")
    numbers = [value for value in values if (value.uri.user or " ")[0] in _NUMBER_SIGNS]
    return next(iter([*numbers, *values]), None)


def caller_of(request: Request, *, believes: bool) -> NameAddr:
    """Return who calls: what a peer whom we believe asserts, else what From claims."""
    return (asserted_identity(request) if believes else None) or request.from_


def wants_privacy(request: Request) -> bool:
    """Whether the caller does not want to be shown: by Privacy, or by an anonymous From (RFC 3323 4.1, 4.2)."""
    values = [part.strip().lower() for line in request.headers.lines("Privacy") for part in line.split(";")]
    if "none" in values:
        return False
    is_anonymous = (request.from_.uri.host or "").lower() == ANONYMOUS.uri.host
    return is_anonymous or bool({"id", "user", "header"}.intersection(values))


def identity_headers(asserted: Uri | None, *, is_private: bool) -> list[tuple[str, str]]:
    """Return what our INVITE says of us to a trunk: who we are, and whether it may pass that on."""
    headers = [] if asserted is None else [("P-Asserted-Identity", f"<{asserted}>")]
    return [*headers, ("Privacy", "id")] if is_private else headers


def diversions_of(request: Request) -> tuple[Diversion, ...]:
    """Return how the call came to us, the first step first: by History-Info if there is any, else by Diversion."""
    return _by_history(request) or _by_diversion(request)


def originally_called(request: Request) -> Uri | None:
    """Return whom the caller dialled before the call was passed on; None if it came straight.

    A registrar that puts our Contact in the Request-URI says in P-Called-Party-ID what stood there (RFC 7315 5.2).
    """
    diversions = diversions_of(request)
    if diversions:
        return diversions[0].uri
    return next((_plain(value.uri) for value in _addresses(request, "P-Called-Party-ID")), None)


def _by_diversion(request: Request) -> tuple[Diversion, ...]:
    """Diversion lists the last step first (RFC 5806 4)."""
    steps = [
        Diversion(uri=value.uri, reason=unquote(value.params.get("reason") or ""))
        for value in _addresses(request, "Diversion")
    ]
    return tuple(reversed(steps))


def _by_history(request: Request) -> tuple[Diversion, ...]:
    """History-Info lists every target by index; all but the last one, which is us, were passed on (RFC 7044 5)."""
    indexed = [(_index(value.params.get("index")), value) for value in _addresses(request, "History-Info")]
    entries = sorted(((index, value) for index, value in indexed if index), key=lambda entry: entry[0])
    steps: list[Diversion] = []
    for (_, value), (_, following) in pairwise(entries):
        if value.uri.user != following.uri.user:  # the same user at another host is a hop, not a diversion
            steps.append(Diversion(uri=_plain(value.uri), reason=following.uri.params.get("cause") or ""))
    return tuple(steps)


def _index(text: str | None) -> tuple[int, ...]:
    """Read an index such as 1.2.1; () for what is none."""
    parts = (text or "").split(".")
    return tuple(int(part) for part in parts) if all(part.isascii() and part.isdigit() for part in parts) else ()


def _plain(uri: Uri) -> Uri:
    """Leave out what a history hangs on a URI: causes and escaped headers."""
    params = {name: value for name, value in uri.params.items() if name != "cause"}
    return Uri(scheme=uri.scheme, user=uri.user, host=uri.host, port=uri.port, params=params, opaque=uri.opaque)


def _addresses(request: Request, name: str) -> Sequence[NameAddr]:
    """Return the values of a header that can be read; a malformed one is left out."""
    values: list[NameAddr] = []
    for text in request.headers.all(name):
        try:
            values.append(NameAddr.parse(text))
        except BadAddress:
            continue
    return values
