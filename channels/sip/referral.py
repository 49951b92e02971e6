"""What REFER, NOTIFY and Replaces say (RFC 3515, 3420, 3891, 4488): values and their text.

Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from channels.sip.bodies import content_type
from channels.sip.message import Message, Request
from channels.sip.status import REASONS
from channels.sip.text import is_token
from channels.sip.uri import BadAddress, NameAddr, Uri

SIPFRAG = "message/sipfrag"

_status_line = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]*+))?(?:\r?\n|$)").match


class BadReferral(ValueError):
    """No referral, or one whose parts do not fit; ``status`` is what to answer."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaces:
    """Which dialog a new call takes the place of; the tags are named from the side that receives it (RFC 3891 3)."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Replaces:
        """Read a Replaces value. Raises BadReferral."""
        call_id, *parameters = (part.strip() for part in text.split(";"))
        named: dict[str, str] = {}
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if named.setdefault(name.strip().lower(), value.strip()) != value.strip():
                raise BadReferral(f"Replaces with two {name}")
        if not call_id or not is_token(named.get("to-tag", "")) or not is_token(named.get("from-tag", "")):
            raise BadReferral("malformed Replaces")
        return cls(
            call_id=call_id, to_tag=named["to-tag"], from_tag=named["from-tag"], early_only="early-only" in named
        )

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferTo:
    """Where a REFER points: an INVITE to ``uri``, in place of the dialog ``replaces`` if there is one."""

    uri: Uri
    replaces: Replaces | None = None

    @classmethod
    def parse(cls, text: str) -> ReferTo:
        """Read a Refer-To value. Raises BadReferral, 501 for another method than INVITE."""
        try:
            uri = NameAddr.parse(text).uri
        except BadAddress as error:
            raise BadReferral(f"malformed Refer-To: {error}") from error
        if (uri.params.get("method") or "INVITE") != "INVITE":
            raise BadReferral("only an INVITE can be asked for", status=501)
        replaces = None
        for header in uri.headers.split("&"):
            name, _, value = header.partition("=")
            if name.lower() == "replaces":
                replaces = Replaces.parse(unquote(value))
        params = {name: value for name, value in uri.params.items() if name != "method"}
        return cls(uri=_with(uri, params), replaces=replaces)

    def __str__(self) -> str:
        if self.replaces is None:
            return f"<{self.uri}>"
        return f"<{self.uri}?Replaces={quote(str(self.replaces), safe='')}>"


def refer_to_of(request: Request) -> ReferTo:
    """Return where a REFER points; it must say so just once (RFC 3515 2.4.1). Raises BadReferral."""
    values = request.headers.lines("Refer-To")
    if len(values) != 1:
        raise BadReferral("a REFER has one Refer-To")
    return ReferTo.parse(values[0])


def replaces_of(request: Request) -> Replaces | None:
    """Return what an INVITE replaces, None if nothing. Raises BadReferral."""
    values = request.headers.lines("Replaces")
    if len(values) > 1 or (values and "Join" in request.headers):
        raise BadReferral("more than one Replaces, or Replaces beside Join")
    return Replaces.parse(values[0]) if values else None


def wants_no_notify(message: Message) -> bool:
    """Whether ``Refer-Sub: false`` asks for, or grants, a REFER without NOTIFYs (RFC 4488 4)."""
    return (message.headers.get("Refer-Sub") or "").partition(";")[0].strip().lower() == "false"


def fragment(status: int, reason: str = "") -> bytes:
    """Return the body of a NOTIFY: the status line of what became of the call (RFC 3515 2.4.5)."""
    return f"SIP/2.0 {status} {reason or REASONS.get(status, '')}\r\n".encode()


def read_fragment(notify: Request) -> tuple[int, str]:
    """Return status and reason a NOTIFY tells. Raises BadReferral."""
    found = _status_line(notify.body)
    if content_type(notify) != SIPFRAG:
        raise BadReferral(f"a NOTIFY of a referral carries {SIPFRAG}", status=415)
    if not found:
        raise BadReferral("no status line")
    return int(found[1]), (found[2] or b"").decode("utf-8", "replace")


def event_of(notify: Request) -> str:
    """Return the event package a NOTIFY is of; "" where it names none."""
    return (notify.headers.get("Event") or "").partition(";")[0].strip().lower()


def is_terminated(notify: Request) -> bool:
    """Whether a NOTIFY is the last one of its subscription."""
    state = (notify.headers.get("Subscription-State") or "").partition(";")[0]
    return state.strip().lower() == "terminated"


def _with(uri: Uri, params: dict[str, str | None]) -> Uri:
    return Uri(scheme=uri.scheme, user=uri.user, host=uri.host, port=uri.port, params=params, opaque=uri.opaque)
