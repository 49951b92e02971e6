"""One end of a transport: whom SIP messages are sent to, where we listen, where something came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """``udp`` or ``tcp``, a host, a port.

    The host is an IP address wherever messages are sent or received (see ``connections.resolve``). When listening,
    port 0 asks for a free one.
    """

    transport: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}:{host}:{self.port}"


ListenAddress = Target
