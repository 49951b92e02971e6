"""SRTP over real sockets, against the far end's own libsrtp session."""

from __future__ import annotations

import asyncio
import socket

from channels.media import rtp
from channels.media.client import MediaEngine
from channels.media.secure import SecureStream, SrtpKeys

NEAR = SrtpKeys("AES_CM_128_HMAC_SHA1_80", bytes(range(30)), bytes(range(40, 70)))


async def test_a_sealed_leg_sends_nothing_in_clear_and_hears_only_what_is_sealed(engine: MediaEngine) -> None:
    loop = asyncio.get_running_loop()
    far = SecureStream(SrtpKeys(NEAR.suite, NEAR.remote, NEAR.local))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as phone:
        phone.bind(("127.0.0.1", 0))
        leg = await engine.open_leg("a")
        leg.connect(*phone.getsockname(), law="PCMU", srtp=NEAR)
        async with asyncio.timeout(10):
            sealed = await loop.sock_recv(phone, 500)
            for number in range(3):
                packet = rtp.Packet(0, number, number * 160, 7, bytes(160)).encode()
                phone.sendto(far.seal(packet), (leg.address, leg.port))
            phone.sendto(packet, (leg.address, leg.port))
            for _ in range(5):
                await loop.sock_recv(phone, 500)
            statistics = await leg.close()

    assert rtp.parse(far.open(sealed)).payload == b"\xff" * 160
    assert (statistics.received, statistics.foreign) == (3, 1)
