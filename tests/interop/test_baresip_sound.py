"""baresip's sound as others have it: sealed over TLS, wideband, over IPv6; heard by the recogniser, and by baresip."""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.peers.baresip import TLS, Baresip
from tests.peers.ear import load, save
from tests.peers.gateway import ROOT, GatewayProcess, running

pytestmark = pytest.mark.peer("baresip")

WATER = ROOT / "gateway" / "demo_speech" / "citizen_water_1.wav"
LONG = 300.0


def complaint(folder: Path) -> Path:
    return save(folder / "citizen.wav", 2.0, load(WATER), 1.5, load(WATER), 1.5, load(WATER), LONG)


def tls_gateway(folder: Path, srtp: str) -> AbstractAsyncContextManager[GatewayProcess]:
    return running(
        folder,
        sip={
            "listen": ["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "tls:127.0.0.1:0"],
            "tls_certificate": f"{TLS}.pem",
            "tls_key": f"{TLS}.key",
            "tls_authorities": str(TLS.with_name("ca.pem")),
            "trunk_check_interval": "1h",
        },
        trunk=[{"name": "carrier", "address": "127.0.0.1:9", "transport": "tls", "srtp": srtp}],
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
