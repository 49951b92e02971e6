"""The values that settings are written in: durations, addresses, secrets, and tables that know their keys."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?) ?(ms|s|min|h|d)")


class Duration(timedelta):
    """A time span above zero, written as a number and its unit."""

    @classmethod
    def parse(cls, text: object) -> Duration:
        """Read ``"8s"``, ``"500ms"``, ``"1.5h"``. Raises `ValueError`."""
        match = _DURATION.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError('expected a duration such as "8s", "500ms", "30min", "12h" or "7d"')
        span = cls(seconds=float(match[1]) * _UNITS[match[2]])
        if not span:
            raise ValueError("expected a duration above zero")
        return span


class Secret(str):
    """A password; it does not show itself in a representation or a traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(...)"


class Address(NamedTuple):
    """A host and a port; port 0 lets the system choose."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``10.0.0.1:5060``, ``[::1]:5060`` or ``0.0.0.0:0``. Raises `ValueError`."""
        host, colon, port = text.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError("expected an IP address and a port, such as 10.0.0.1:5060 or [::1]:5060")
        if host.startswith("[") and host.endswith("]"):
            return cls(str(ipaddress.IPv6Address(host[1:-1])), int(port))
        return cls(str(ipaddress.IPv4Address(host)), int(port))


class ListenAddress(NamedTuple):
    """Where SIP is spoken: the transport (``udp``, ``tcp`` or ``tls``), the host and the port."""

    transport: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> ListenAddress:
        """Read ``udp:0.0.0.0:5060``. Raises `ValueError`."""
        transport, _, address = text.partition(":")
        if transport not in ("udp", "tcp", "tls"):
            raise ValueError("expected udp:ADDRESS:PORT, tcp:ADDRESS:PORT or tls:ADDRESS:PORT")
        return cls(transport, *Address.parse(address))


_HOST_NAME = re.compile(
    r"(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z][A-Za-z0-9-]{0,62}"
)


class FarAddress(NamedTuple):
    """A far end by IP address and port, or by name; port 0 for a domain whose servers the DNS knows (SRV)."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> FarAddress:
        """Read ``192.0.2.1:5060``, ``[2001:db8::1]:5060``, ``sbc.example.net:5060`` or a name. Raises `ValueError`."""
        name, colon, port = text.partition(":")
        if _HOST_NAME.fullmatch(name):
            if not colon:
                return cls(name.lower(), 0)
            if port.isascii() and port.isdigit() and 0 < int(port) <= 65535:
                return cls(name.lower(), int(port))
            raise ValueError("expected a name and a port above 0, such as sbc.example.net:5060")
        address = Address.parse(text)
        if address.port == 0:
            raise ValueError("expected a port above 0")
        return cls(*address)


def span(text: str) -> Duration:
    """Return the duration that *text* says, for a default."""
    return Duration.parse(text)


SHORTEST_KEY = 32
"""Characters of a key that machines share."""


Name = Annotated[str, Meta(min_length=1)]


Number = Annotated[str, Meta(pattern=r"^\+?[0-9*#]{1,20}$")]


Identifier = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


Port = Annotated[int, Meta(ge=0, le=65535)]


Transport = Literal["udp", "tcp", "tls"]


AreaCode = Annotated[str, Meta(pattern=r"^(0?[1-9][0-9]{1,2})?$")]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; a key that it does not know is an error."""
