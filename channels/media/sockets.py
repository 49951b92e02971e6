"""The RTP sockets of all legs, one a row: all that came in, and a packet for each out, in rounds over matrices.

`RingSockets` does a round as one system call (io_uring), `PlainSockets` packet by packet; they do the same.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from channels.media import ring
from channels.media.address import MAPPED, from_numbers, to_numbers
from channels.media.rtp import HEADER_SIZE

DATAGRAM: Final = 2048

_ROUNDS: Final = 12
_SO_TIMESTAMPNS: Final = 35
_TIMESPEC: Final = struct.Struct("@qq")

Octets = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]
Addresses = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Round:
    """At most one datagram a row: ``datagrams[i, :sizes[i]]`` came to ``rows[i]`` from ``sources[i]``.

    ``sources`` is uint64 [n, 3], as `to_numbers` gives them; the rest is [n].
    """

    rows: Numbers
    datagrams: Octets
    sizes: Numbers
    sources: Addresses
    stamps: npt.NDArray[np.float64]
    """When each came, seconds since 1970, by the kernel's clock."""


class PlainSockets:
    """A system call a packet, on any system."""

    def __init__(self, packets: Octets) -> None:
        """Serve as many rows as *packets* (uint8 [capacity, octets]) has; `send` sends from there."""
        self._inbox = np.zeros((len(packets), DATAGRAM), np.uint8)
        self._inbox_views = [row.data for row in self._inbox]
        self._outbox_views = [row.data for row in packets]
        self._ready = select.epoll()
        self._row_of: dict[int, int] = {}
        self._sockets: dict[int, socket.socket] = {}

    def add(self, row: int, bound: socket.socket) -> None:
        """Serve *bound*, which does not block, as that of *row*."""
        self._sockets[row] = bound
        self._row_of[bound.fileno()] = row
        self._ready.register(bound.fileno(), select.EPOLLIN)
        bound.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def remove(self, row: int) -> socket.socket:
        """Serve *row* no longer; return its socket."""
        bound = self._sockets.pop(row)
        self._ready.unregister(bound.fileno())
        del self._row_of[bound.fileno()]
        return bound

    def of(self, row: int) -> socket.socket:
        """Return the socket of *row*."""
        return self._sockets[row]

    def rounds(self) -> Iterator[Round]:
        """Yield what has come, until there is no more, or for `_ROUNDS`; the matrices are those of the next round."""
        for _ in range(_ROUNDS):
            ready = self._ready.poll(0)
            if not ready:
                return
            rows: list[int] = []
            sizes: list[int] = []
            sources: list[tuple[int, int, int]] = []
            stamps: list[float] = []
            for descriptor, _ in ready:
                row = self._row_of[descriptor]
                try:
                    size, extra, _, source = self._sockets[row].recvmsg_into([self._inbox_views[len(rows)]], 64)
                except OSError:
                    continue
                seconds, nanoseconds = _TIMESPEC.unpack(extra[0][2]) if extra else (0, 0)
                stamps.append(seconds + nanoseconds / 1e9)
                rows.append(row)
                sizes.append(size)
                sources.append(to_numbers(source[:2]))
            if rows:
                yield Round(
                    np.array(rows, np.int64),
                    self._inbox[: len(rows)],
                    np.array(sizes, np.int64),
                    np.array(sources, np.uint64),
                    np.array(stamps),
                )

    def send(self, rows: Numbers, sizes: Numbers, targets: Addresses) -> int:
        """Send ``packets[row, :sizes[i]]`` of each of *rows* to ``targets[i]``; return how many could not be sent."""
        failures = 0
        for row, size, target in zip(rows.tolist(), sizes.tolist(), targets.tolist(), strict=True):
            try:
                self._sockets[row].sendto(self._outbox_views[row][:size], from_numbers((*target,)))
            except OSError:
                failures += 1
        return failures


_MESSAGE: Final = np.dtype(
    [
        *(("name", "u8"), ("name_length", "u8"), ("vectors", "u8"), ("vector_count", "u8")),
        *(("control", "u8"), ("control_length", "u8"), ("flags", "u8")),
    ]
)
"""struct msghdr of a 64-bit system; the paddings belong to the fields before them."""
_NAME: Final = np.dtype(
    {
        "names": ["family", "port", "host", "high", "low"],
        "formats": ["=u2", ">u2", ">u4", ">u8", ">u8"],
        "offsets": [0, 2, 4, 8, 16],
        "itemsize": 32,
    }
)
"""struct sockaddr_in, with ``host``, and sockaddr_in6, with ``high`` and ``low``, where ``host`` is its flow label."""
_IPV4: Final = np.uint64(0xFFFFFFFF)
_NAME_LENGTH: Final = {socket.AF_INET: 16, socket.AF_INET6: 28}
_STAMP: Final = np.dtype([("length", "u8"), ("level", "i4"), ("type", "i4"), ("seconds", "i8"), ("nanoseconds", "i8")])
"""struct cmsghdr with SCM_TIMESTAMPNS."""


class _Messages:
    """A request for each row of *buffers*: its message header, its address and its vector, at places that stay."""

    def __init__(self, buffers: Octets, opcode: int) -> None:
        capacity, width = buffers.shape
        places = np.arange(capacity, dtype=np.uint64)
        self.names = np.zeros(capacity, _NAME)
        self.vectors = np.empty((capacity, 2), np.uint64)
        self.vectors[:, 0] = buffers.ctypes.data + places * buffers.strides[0]
        self.vectors[:, 1] = width
        self.headers = np.zeros(capacity, _MESSAGE)
        self.headers["name"] = self.names.ctypes.data + places * _NAME.itemsize
        self.headers["vectors"] = self.vectors.ctypes.data + places * self.vectors.strides[0]
        self.headers["vector_count"] = 1
        self.stamps = np.zeros(capacity, _STAMP)
        if opcode == ring.RECEIVE:
            self.headers["control"] = self.stamps.ctypes.data + places * _STAMP.itemsize
        self.entries = np.zeros(capacity, ring.ENTRY)
        self.entries["opcode"] = opcode
        self.entries["address"] = self.headers.ctypes.data + places * _MESSAGE.itemsize
        self.entries["length"] = 1
        self.entries["message_flags"] = ring.DO_NOT_WAIT


class RingSockets:
    """A system call a round."""

    def __init__(self, packets: Octets) -> None:
        """As `PlainSockets`; raises OSError where there are no rings."""
        capacity = len(packets)
        self._ring = ring.Ring(capacity)
        self._inbox = np.zeros((capacity, DATAGRAM), np.uint8)
        self._packets = packets
        self._receiving = _Messages(self._inbox, ring.RECEIVE)
        self._sending = _Messages(packets, ring.SEND)
        self._descriptors = np.full(capacity, -1, np.int32)
        self._ipv6 = np.zeros(capacity, bool)
        self._any_ipv6 = False
        self._sockets: dict[int, socket.socket] = {}
        self._rows = np.zeros(0, np.int64)
        self._ready = select.epoll()
        self._row_of: dict[int, int] = {}

    def add(self, row: int, bound: socket.socket) -> None:
        """Serve *bound* as that of *row*."""
        self._sockets[row] = bound
        self._descriptors[row] = bound.fileno()
        self._row_of[bound.fileno()] = row
        self._ready.register(bound.fileno(), select.EPOLLIN)
        bound.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._sending.names["family"][row] = bound.family
        self._sending.headers["name_length"][row] = _NAME_LENGTH[bound.family]
        self._ipv6[row] = bound.family == socket.AF_INET6
        self._any_ipv6 = bool(self._ipv6.any())
        self._rows = np.array(sorted(self._sockets), np.int64)

    def remove(self, row: int) -> socket.socket:
        """Serve *row* no longer; return its socket."""
        bound = self._sockets.pop(row)
        self._ready.unregister(bound.fileno())
        del self._row_of[bound.fileno()]
        self._descriptors[row] = -1
        self._ipv6[row] = False
        self._any_ipv6 = bool(self._ipv6.any())
        self._rows = np.array(sorted(self._sockets), np.int64)
        return bound

    def of(self, row: int) -> socket.socket:
        """Return the socket of *row*."""
        return self._sockets[row]

    def rounds(self) -> Iterator[Round]:
        """Yield what has come; every row is asked in the first round, then those that have more."""
        rows = self._rows
        for _ in range(_ROUNDS):
            if not len(rows):
                return
            yield from self._receive(rows)
            rows = np.array([self._row_of[descriptor] for descriptor, _ in self._ready.poll(0)], np.int64)

    def send(self, rows: Numbers, sizes: Numbers, targets: Addresses) -> int:
        """As `PlainSockets.send`."""
        if not len(rows):
            return 0
        out = self._sending
        out.names["port"][rows] = targets[:, 2]
        out.names["host"][rows] = targets[:, 1] & _IPV4
        if self._any_ipv6:
            out.names["host"][rows[self._ipv6[rows]]] = 0
            out.names["high"][rows], out.names["low"][rows] = targets[:, 0], targets[:, 1]
        out.vectors[rows, 1] = sizes
        entries = out.entries[rows]
        entries["descriptor"] = self._descriptors[rows]
        return int(np.count_nonzero(self._ring.carry_out(entries) != sizes))

    def _receive(self, rows: Numbers) -> Iterator[Round]:
        into = self._receiving
        into.headers["name_length"][: len(rows)] = _NAME.itemsize
        into.headers["control_length"][: len(rows)] = _STAMP.itemsize
        entries = into.entries[: len(rows)].copy()
        entries["descriptor"] = self._descriptors[rows]
        sizes = self._ring.carry_out(entries)
        came = np.flatnonzero(sizes >= 0)
        if len(came) == len(rows):
            datagrams = self._inbox[: len(rows)]
        else:
            datagrams = self._inbox[:, : max(HEADER_SIZE, int(sizes.max()))][came]
        if len(came):
            sources = self._sources(into.names[came])
            stamps = into.stamps["seconds"][came] + into.stamps["nanoseconds"][came] / 1e9
            yield Round(rows[came], datagrams, sizes[came].astype(np.int64), sources, stamps)

    def _sources(self, names: npt.NDArray[np.void]) -> Addresses:
        sources = np.zeros((len(names), 3), np.uint64)
        sources[:, 1] = names["host"] | np.uint64(MAPPED)
        sources[:, 2] = names["port"]
        if self._any_ipv6:
            six = names["family"] == socket.AF_INET6
            sources[six, 0], sources[six, 1] = names["high"][six], names["low"][six]
        return sources


def open_sockets(packets: Octets, *, plain: bool = False) -> PlainSockets | RingSockets:
    """Return the cheapest sockets that this system has, or the plain ones."""
    if not plain:
        try:
            return RingSockets(packets)
        except OSError:
            pass
    return PlainSockets(packets)
