"""Keys in descriptions (RFC 4568): what we can use is read exactly, all else is no key."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sip.sdes import KEY_LENGTHS, Crypto

KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
"""The key of RFC 4568 9.1.1."""


def test_the_line_of_the_rfc_is_read() -> None:
    crypto = Crypto.parse(f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20")

    assert crypto == Crypto(tag=1, suite="AES_CM_128_HMAC_SHA1_80", key=base64.b64decode(KEY))
    assert KEY not in repr(crypto)


@pytest.mark.parametrize(
    "line",
    [
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} KDR=1",
        f"1 F8_128_HMAC_SHA1_80 inline:{KEY}",
        f"1 AEAD_AES_128_GCM inline:{KEY}",
        f"x AES_CM_128_HMAC_SHA1_80 inline:{KEY}",
        "1 AES_CM_128_HMAC_SHA1_80 inline:short",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + "=" * 40,
        "1 AES_CM_128_HMAC_SHA1_80",
        "",
    ],
    ids=["mki", "two keys", "unencrypted", "rates", "suite", "length", "tag", "short", "padding", "no key", "empty"],
)
def test_what_we_cannot_do_is_no_key(line: str) -> None:
    assert Crypto.parse(line) is None


def test_a_hint_of_a_window_asks_for_nothing() -> None:
    assert Crypto.parse(f"1 AES_CM_128_HMAC_SHA1_32 inline:{KEY} WSH=128") is not None


@given(st.integers(0, 999_999_999), st.sampled_from(sorted(KEY_LENGTHS)), st.binary(min_size=44, max_size=44))
def test_a_line_survives_a_round_trip(tag: int, suite: str, octets: bytes) -> None:
    crypto = Crypto(tag=tag, suite=suite, key=octets[: KEY_LENGTHS[suite]])

    assert Crypto.parse(crypto.encode()) == crypto


@given(st.text())
def test_any_line_is_a_key_or_none(line: str) -> None:
    Crypto.parse(line)
