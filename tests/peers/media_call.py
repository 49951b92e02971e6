"""Joins a test telephone to a leg of the media engine, as signalling would."""

from __future__ import annotations

from channels.media.client import MediaEngine
from channels.media.leg import MediaLeg
from tests.peers.rtp import RtpPhone


async def call_in(
    engine: MediaEngine, phone: RtpPhone, name: str, bridge: str | None = None, *, telephone_event: int | None = 101
) -> MediaLeg:
    """Open the leg *name* for *phone*, connect both ends, and put it on *bridge*."""
    leg = await engine.open_leg(name)
    leg.connect(phone.host, phone.port, law="PCMA" if phone.law == "PCMA" else "PCMU", telephone_event=telephone_event)
    leg.bridge(bridge)
    phone.remote = (leg.address, leg.port)
    return leg
