"""Both kinds of sockets give and take the same packets, in batches of any size."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest

from channels.media.address import to_numbers
from channels.media.ring import Ring
from channels.media.sockets import Octets, PlainSockets, RingSockets, open_sockets

Sockets = PlainSockets | RingSockets
ROWS = 6


def bound(row: int = 0) -> socket.socket:
    """Every other row is IPv6's."""
    family, host = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))[row % 2]
    each = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    each.bind((host, 0))
    return each


def numbers_of(bound: socket.socket) -> tuple[int, int, int]:
    host, port, *_ = bound.getsockname()
    return to_numbers((host, port))


@pytest.fixture
def packets() -> Octets:
    return np.arange(ROWS * 40, dtype=np.uint8).reshape(ROWS, 40)


@pytest.fixture(params=["ring", "plain"])
def sockets(request: pytest.FixtureRequest, packets: Octets) -> Sockets:
    return open_sockets(packets, plain=request.param == "plain")


@pytest.fixture
def far() -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(bound(row)) for row in range(ROWS)]


@pytest.fixture
def near(sockets: Sockets) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        near = [stack.enter_context(bound(row)) for row in range(ROWS)]
        for row, each in enumerate(near):
            sockets.add(row, each)
        yield near


def came(sockets: Sockets) -> list[tuple[int, bytes, tuple[int, ...]]]:
    return [
        (int(row), datagram[:size].tobytes(), tuple(source.tolist()))
        for each in sockets.rounds()
        for row, datagram, size, source in zip(each.rows, each.datagrams, each.sizes, each.sources, strict=True)
    ]


def test_every_row_sends_its_own_packet_to_its_own_target(
    sockets: Sockets, packets: Octets, near: list[socket.socket], far: list[socket.socket]
) -> None:
    rows, sizes = np.array([4, 0, 3]), np.array([40, 1, 12])
    targets = np.array([numbers_of(far[row]) for row in rows], np.uint64)
    failed = sockets.send(rows, sizes, targets)

    assert failed == 0
    for row, size in zip(rows, sizes, strict=True):
        assert far[row].recvfrom(99) == (packets[row, :size].tobytes(), near[row].getsockname())
    with pytest.raises(BlockingIOError):
        far[1].recv(99)


def test_all_that_came_is_taken_in_its_order_with_its_source(
    sockets: Sockets, near: list[socket.socket], far: list[socket.socket]
) -> None:
    sent = [(2, b"first"), (5, b""), (2, b"second"), (0, bytes(2000)), (2, b"third")]
    for row, datagram in sent:
        far[row].sendto(datagram, near[row].getsockname())
    taken = came(sockets)

    source = {row: numbers_of(far[row]) for row in range(ROWS)}
    for row in (0, 2, 5):
        assert [item for item in taken if item[0] == row] == [
            (row, datagram, source[row]) for its, datagram in sent if its == row
        ]
    assert came(sockets) == []


def test_a_target_that_cannot_be_reached_is_counted_and_stops_no_other(
    sockets: Sockets, near: list[socket.socket], far: list[socket.socket]
) -> None:
    targets = np.array([to_numbers(("255.255.255.255", 9)), numbers_of(far[1])], np.uint64)

    assert sockets.send(np.array([0, 1]), np.array([5, 5]), targets) == 1
    assert len(far[1].recv(99)) == 5
    assert sockets.send(np.array([], np.int64), np.array([], np.int64), targets[:0]) == 0


def test_a_row_that_was_removed_is_served_no_longer(
    sockets: Sockets, near: list[socket.socket], far: list[socket.socket]
) -> None:
    assert sockets.remove(1) is near[1]
    far[1].sendto(b"too late", near[1].getsockname())
    far[2].sendto(b"here", near[2].getsockname())

    assert [row for row, _, _ in came(sockets)] == [2]


def test_a_batch_larger_than_the_ring_is_carried_out_whole(far: list[socket.socket]) -> None:
    packets = np.arange(ROWS * 40, dtype=np.uint8).reshape(ROWS, 40)
    try:
        sockets = RingSockets(packets)
        sockets._ring = Ring(2)
    except OSError:
        pytest.skip("this kernel has no rings")
    with ExitStack() as stack:
        for row in range(ROWS):
            sockets.add(row, stack.enter_context(bound(row)))
        targets = np.array([numbers_of(each) for each in far], np.uint64)
        failed = sockets.send(np.arange(ROWS), np.full(ROWS, 40), targets)

    assert failed == 0
    assert [each.recv(99) for each in far] == [packet.tobytes() for packet in packets]


def test_sockets_are_plain_when_the_kernel_refuses_a_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: object) -> None:
        raise PermissionError("io_uring is disabled")

    monkeypatch.setattr("channels.media.sockets.RingSockets", refused)

    assert isinstance(open_sockets(np.zeros((1, 40), np.uint8)), PlainSockets)
