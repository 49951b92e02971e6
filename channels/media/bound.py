"""The sockets of one leg: RTP at one port, and RTCP at the port above where that is free (RFC 3550 11)."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import Final

_BUFFER: Final = 64 * 1024
_EXPEDITED_FORWARDING: Final = 46 << 2


def bind(address: str, ports: Iterable[int]) -> list[socket.socket]:
    """Bind the first of *ports* (0: any) at *address* that is free with the one above; none of them block.

    Return the sockets for RTP and RTCP; for RTP alone if the port above is nowhere free; none if nothing is.
    """
    alone: list[socket.socket] = []
    for port in ports:
        with suppress(OSError):
            rtp = _bound(address, port)
            try:
                both = [rtp, _bound(address, rtp.getsockname()[1] + 1)]
            except (OSError, OverflowError):
                alone.append(rtp)
                continue
            for each in alone:
                each.close()
            return both
    for each in alone[1:]:
        each.close()
    return alone[:1]


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with ExitStack() as stack:
        bound = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK))
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _EXPEDITED_FORWARDING)
        else:
            bound.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED_FORWARDING)
        bound.bind((address, port))
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        stack.pop_all()
    return bound
