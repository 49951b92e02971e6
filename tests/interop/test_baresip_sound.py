"""baresip's sound as others have it: sealed over TLS, wideband, over IPv6; heard by the recogniser, and by baresip."""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.peers.baresip import TLS, Baresip
from tests.peers.ear import load, save, share_heard
from tests.peers.gateway import ROOT, GatewayProcess, running

pytestmark = pytest.mark.peer("baresip")

SPEECH = ROOT / "gateway" / "demo_speech"
PROMPTS = ROOT / "config" / "prompts"
WATER = SPEECH / "citizen_water_1.wav"
FIRE = SPEECH / "citizen_fire_1.wav"
DESK = SPEECH / "desk_119_1.wav"
ENOUGH = 0.5
"""Share of a prompt's pieces that must be found in a recording; of other words none is."""
LONG = 300.0


def complaint(folder: Path) -> Path:
    return save(folder / "citizen.wav", 2.0, load(WATER), 1.5, load(WATER), 1.5, load(WATER), LONG)


def tls_gateway(
    folder: Path, srtp: str, *, desk: str = "", late_offer: bool = False, carrier: str = "127.0.0.1:9"
) -> AbstractAsyncContextManager[GatewayProcess]:
    """Have a gateway with TLS: to its carrier, or to a desk of 119 with the carrier in clear."""
    tls = {"name": "tls", "address": desk or carrier, "transport": "tls", "srtp": srtp, "late_offer": late_offer}
    more: dict[str, list[dict[str, object]]] = {"trunk": [tls]}
    if desk:
        more["trunk"].insert(0, {"name": "carrier", "address": carrier, "same_port": True})
        more["emergency_line"] = [{"line": "119", "name": "消防", "chain": [{"number": "119", "trunk": "tls"}]}]
    return running(
        folder,
        sip={
            "listen": ["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "tls:127.0.0.1:0"],
            "tls_certificate": f"{TLS}.pem",
            "tls_key": f"{TLS}.key",
            "tls_authorities": str(TLS.with_name("ca.pem")),
            "trunk_check_interval": "1h",
        },
        **more,
    )


def tls_port(gateway: GatewayProcess) -> int:
    found = re.search(r"^SIP: +tls:.*:([0-9]+)$", gateway.log, re.MULTILINE)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize(
    ("theirs", "ours", "suite"),
    [
        ("srtp-mand", "required", "AES_CM_128_HMAC_SHA1_80"),
        ("srtp-mand", "offered", "AES_CM_128_HMAC_SHA1_80"),
        ("srtp", "required", "AES_CM_128_HMAC_SHA1_80"),
        ("", "offered", ""),
    ],
)
async def test_sound_over_tls_is_sealed_where_both_want_it(theirs: str, ours: str, suite: str, tmp_path: Path) -> None:
    async with (
        Baresip(tmp_path, "13800000001", complaint(tmp_path), encryption=theirs) as citizen,
        tls_gateway(tmp_path, ours) as gateway,
    ):
        await citizen.dial(f"sip:12345@127.0.0.1:{tls_port(gateway)};transport=tls")
        call_id = (await gateway.call())["call"]["id"]
        await gateway.words(call_id, "停水", limit=40)
        await citizen.hang_up()
        measured = await gateway.fact(call_id, "leg.measured")
        await citizen.event("CALL_CLOSED")

    assert measured.values["srtp"] == suite
    assert abs(citizen.heard.astype(int)).max() > 1000


@pytest.mark.parametrize("makes_offer", ["we", "the desk"])
async def test_a_desk_that_is_called_over_tls_is_sealed_whoever_makes_the_offer(
    makes_offer: str, tmp_path: Path
) -> None:
    crying = save(tmp_path / "citizen.wav", 2.0, load(FIRE), LONG)
    async with (
        Baresip(tmp_path, "13800000001", crying) as citizen,
        Baresip(tmp_path, "119", save(tmp_path / "desk.wav", LONG), encryption="srtp-mand") as desk,
        tls_gateway(
            tmp_path,
            "required",
            desk=f"127.0.0.1:{desk.port + 1}",
            late_offer=makes_offer == "the desk",
            carrier=citizen.address,
        ) as gateway,
    ):
        await citizen.dial(f"sip:12345@{gateway.sip}")
        call_id = (await gateway.call())["call"]["id"]
        joined = await gateway.fact(call_id, "handoff.desk_joined", line="119", limit=60)
        await desk.say(save(tmp_path / "desk_1.wav", 0.2, load(DESK), LONG))
        await gateway.words(call_id, "消防", role="emergency_desk", limit=30)
        await desk.press("1")
        await gateway.fact(call_id, "handoff.desk_accepted", line="119")
        await citizen.hang_up()
        await desk.event("CALL_CLOSED")
        sealed = await gateway.fact(call_id, "leg.measured", srtp="AES_CM_128_HMAC_SHA1_80")

    assert joined.values["line"] == "119"
    assert sealed.values["received"] > 100  # type: ignore[operator]
    assert share_heard(desk.heard, load(PROMPTS / "desk_brief_119.wav")) > ENOUGH


async def test_sound_in_clear_is_refused_where_the_trunk_requires_it_sealed(tmp_path: Path) -> None:
    async with (
        Baresip(tmp_path, "13800000001", complaint(tmp_path)) as citizen,
        tls_gateway(tmp_path, "required") as gateway,
    ):
        await citizen.dial(f"sip:12345@127.0.0.1:{tls_port(gateway)};transport=tls")
        closed = await citizen.event("CALL_CLOSED")

    assert "488" in closed["param"]


async def test_wideband_is_heard_and_spoken(tmp_path: Path) -> None:
    async with (
        Baresip(tmp_path, "13800000001", complaint(tmp_path), codecs="G722/16000/1") as citizen,
        running(tmp_path, trunk=[{"name": "carrier", "address": citizen.address}]) as gateway,
    ):
        await citizen.dial(f"sip:12345@{gateway.sip}")
        call_id = (await gateway.call())["call"]["id"]
        await gateway.words(call_id, "停水", limit=40)
        await citizen.hang_up()
        measured = await gateway.fact(call_id, "leg.measured")

    assert measured.values["codec"] == "G722"


async def test_sound_goes_over_ipv6(tmp_path: Path) -> None:
    async with (
        Baresip(tmp_path, "13800000001", complaint(tmp_path), host="::1") as citizen,
        running(
            tmp_path,
            sip={"listen": ["udp:[::1]:0", "tcp:[::1]:0"], "trunk_check_interval": "1h"},
            trunk=[{"name": "carrier", "address": citizen.address}],
        ) as gateway,
    ):
        await citizen.dial(f"sip:12345@[::1]:{gateway.udp_port}")
        call_id = (await gateway.call())["call"]["id"]
        await gateway.words(call_id, "停水", limit=40)
        await citizen.hang_up()
        measured = await gateway.fact(call_id, "leg.measured")
        await citizen.event("CALL_CLOSED")

    assert measured.values["received"] > 100  # type: ignore[operator]
    assert abs(citizen.heard.astype(int)).max() > 1000
