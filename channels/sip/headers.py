"""The header fields of a SIP message (RFC 3261 7.3): an ordered multimap with case-blind names.

Values are wire text (see `channels.sip.text`), without the whitespace around them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from channels.sip.text import is_token, split_list

_COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}

# fmt: off
_LISTS = (
    "Accept", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events", "Call-Info", "Contact",
    "Content-Encoding", "Content-Language", "Diversion", "Error-Info", "Geolocation", "History-Info", "In-Reply-To",
    "P-Asserted-Identity", "P-Associated-URI", "P-Preferred-Identity", "Path", "Proxy-Require", "Reason",
    "Record-Route", "Require", "Route", "Service-Route", "Supported", "Unsupported", "Via", "Warning",
)

_SINGLE = (
    "Authentication-Info", "Authorization", "Call-ID", "Content-Disposition", "Content-Length", "Content-Type",
    "CSeq", "Date", "Event", "Expires", "From", "Max-Forwards", "MIME-Version", "Min-Expires", "Min-SE",
    "Proxy-Authenticate", "Proxy-Authorization", "RAck", "Refer-To", "Referred-By", "Replaces", "Retry-After",
    "RSeq", "Server", "Session-Expires", "SIP-ETag", "SIP-If-Match", "Subject", "Subscription-State", "Timestamp",
    "To", "User-Agent", "WWW-Authenticate",
)
# fmt: on

_FULL_NAMES = {name.lower(): name for name in (*_LISTS, *_SINGLE, *_COMPACT.values())} | _COMPACT
# As received -> (key, name): the names met in the field are found at once, whatever their case.
_KNOWN = {
    spelling: (full.lower(), full) for short, full in _FULL_NAMES.items() for spelling in (short, short.upper(), full)
}
_LIST_KEYS = frozenset(name.lower() for name in _LISTS)


def header_name(name: str) -> tuple[str, str]:
    """Return *name* as (key for comparison, full name); ValueError if it is no token."""
    known = _KNOWN.get(name)
    if known:
        return known
    key = name.lower()
    if key in _KNOWN:
        return _KNOWN[key]
    if not is_token(name):
        raise ValueError("malformed header name")
    return key, name


class Headers:
    """Ordered header fields. Names compare without case; compact names become full ones."""

    __slots__ = ("_fields",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: list[tuple[str, str, str]] = []
        for name, value in pairs:
            self.add(name, value)

    @classmethod
    def of_fields(cls, fields: list[tuple[str, str, str]]) -> Headers:
        """Wrap (key, name, value) triples that a parser has already looked at."""
        headers = cls.__new__(cls)
        headers._fields = fields
        return headers

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of *name*, as it stands on its line."""
        key = _key(name)
        for known, _, value in self._fields:
            if known == key:
                return value
        return default

    def lines(self, name: str) -> list[str]:
        """Return the value of every line of *name*, unsplit."""
        key = _key(name)
        return [value for known, _, value in self._fields if known == key]

    def all(self, name: str) -> list[str]:
        """Return every single value of *name*: lines of a list header are split at their commas."""
        values = self.lines(name)
        if _key(name) not in _LIST_KEYS:
            return values
        return [part for value in values for part in split_list(value)]

    def add(self, name: str, value: str) -> None:
        """Append a line. ValueError for what would break the message apart."""
        self._fields.append(_field(name, value))

    def prepend(self, name: str, value: str) -> None:
        """Put a line before all others."""
        self._fields.insert(0, _field(name, value))

    def set(self, name: str, value: str) -> None:
        """Make *value* the only line of *name*, where the first one stood, else at the end."""
        new = _field(name, value)
        at = next((i for i, known in enumerate(self._fields) if known[0] == new[0]), len(self._fields))
        kept = [known for known in self._fields[at:] if known[0] != new[0]]
        self._fields[at:] = [new, *kept]

    def remove(self, name: str) -> None:
        """Drop every line of *name*; none is fine."""
        key = _key(name)
        self._fields = [field for field in self._fields if field[0] != key]

    def copy(self) -> Headers:
        """Return headers that change on their own."""
        return Headers.of_fields(self._fields.copy())

    def __contains__(self, name: str) -> bool:
        key = _key(name)
        return any(known == key for known, _, _ in self._fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((name, value) for _, name, value in self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return [(key, value) for key, _, value in self._fields] == [(key, value) for key, _, value in other._fields]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({list(self)!r})"


def _key(name: str) -> str:
    known = _KNOWN.get(name)
    return known[0] if known else header_name(name)[0]


def _field(name: str, value: str) -> tuple[str, str, str]:
    if "\r" in value or "\n" in value:
        raise ValueError(f"line break in a value of {name}")
    return *header_name(name), value.strip(" \t")
