"""Sealed streams: what one end seals the other opens; everything else is refused."""

from __future__ import annotations

import pytest

from channels.media import secure
from channels.media.rtp import Packet
from channels.media.secure import NotAuthentic, SecureStream, SrtpKeys


def ends(suite: str) -> tuple[SecureStream, SecureStream]:
    length = secure.key_length(suite)
    ours, theirs = bytes(range(length)), bytes(range(100, 100 + length))
    return SecureStream(SrtpKeys(suite, ours, theirs)), SecureStream(SrtpKeys(suite, theirs, ours))


@pytest.mark.parametrize("suite", secure.SUITES)
def test_both_directions_are_opened_through_a_rollover_of_the_sequence(suite: str) -> None:
    near, far = ends(suite)
    for number in range(65530, 65545):
        packet = Packet(0, number & 0xFFFF, number * 160, 7, bytes(160)).encode()
        for sender, receiver in ((near, far), (far, near)):
            sealed = sender.seal(packet)
            assert sealed[12:172] != packet[12:]
            assert len(packet) < len(sealed) <= len(packet) + secure.MOST_ADDED
            assert receiver.open(sealed) == packet


@pytest.mark.parametrize("suite", secure.SUITES)
@pytest.mark.parametrize("octets", [b"", b"\x80", bytes(12), bytes(200), b"\x80" + bytes(199)])
def test_noise_is_refused(suite: str, octets: bytes) -> None:
    _, far = ends(suite)
    with pytest.raises(NotAuthentic):
        far.open(octets)
    with pytest.raises(NotAuthentic):
        far.open_report(octets)


def test_keys_are_checked_and_never_shown() -> None:
    with pytest.raises(ValueError, match="crypto suite"):
        SrtpKeys("F8_128_HMAC_SHA1_80", bytes(30), bytes(30))
    with pytest.raises(ValueError, match="30 octets"):
        SrtpKeys("AES_CM_128_HMAC_SHA1_80", bytes(30), bytes(29))

    assert "\\x07" not in repr(SrtpKeys("AES_CM_128_HMAC_SHA1_80", b"\x07" * 30, b"\x07" * 30))
