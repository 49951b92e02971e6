"""RTCP over real sockets: reports at the port above, and a goodbye."""

from __future__ import annotations

import asyncio
import socket

from channels.media import rtcp
from channels.media.client import MediaEngine
from channels.media.quality import Quality
from tests.peers.media_call import call_in
from tests.peers.rtp import RtpPhone


async def test_reports_go_both_ways_and_the_leg_ends_with_a_goodbye(engine: MediaEngine) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as reports:
        reports.bind(("127.0.0.1", 0))
        async with RtpPhone() as anna:
            leg = await call_in(engine, anna, "a")
            leg.connect(anna.host, anna.port, law="PCMU", rtcp=reports.getsockname())
            events = leg.events()
            await anna.hear(0.5)
            ours = anna.heard[-1].ssrc
            block = rtcp.Block(ssrc=ours, fraction_lost=64, lost=5, highest=1, jitter=80)
            reports.sendto(rtcp.Report(anna.ssrc, blocks=[block]).encode(), (leg.address, leg.port + 1))
            async with asyncio.timeout(10):
                told = await anext(events)
                octets = await loop.sock_recv(reports, 1500)
            statistics = await leg.close()
            last = await loop.sock_recv(reports, 1500)

    assert isinstance(told, Quality)
    assert (told.far_lost, told.far_jitter) == (0.25, 0.01)
    first, goodbye = rtcp.parse(octets), rtcp.parse(last)
    assert first[0].ssrc == ours
    assert first[0].sender is not None
    assert first[0].blocks[0].ssrc == anna.ssrc
    assert goodbye[-1].goodbye
    assert statistics.quality.far_lost == 0.25
