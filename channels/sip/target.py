"""One end of a transport: whom SIP messages are sent to, where we listen, where something came from."""

from __future__ import annotations

from dataclasses import dataclass, field

DEFAULT_PORT = 5060
TLS_PORT = 5061


@dataclass(frozen=True, slots=True)
class Target:
    """``udp``, ``tcp`` or ``tls``, a host, a port.

    The host is an IP address wherever messages are sent or received (see ``resolver``). When listening, port 0 asks
    for a free one; in a trunk's target it asks the DNS for the servers of a domain. ``name`` is what a TLS far end's
    certificate must name, if not the host.
    """

    transport: str
    host: str
    port: int
    name: str = field(default="", compare=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}:{host}:{self.port}"


ListenAddress = Target


def default_port(transport: str) -> int:
    """Return the port of a URI or Via that names none (RFC 3261 19.1.2)."""
    return TLS_PORT if transport.lower() == "tls" else DEFAULT_PORT
