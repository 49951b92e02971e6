"""Signatures and encryption, against wechatpy's and against the platform's published example."""

from __future__ import annotations

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto
from xmltodict import parse

from channels.wechat.crypto import Envelope, NotGenuine, is_signed, signature
from channels.wechat.writing import sealed

APP_ID = "wx2c2769f8efd9abc2"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
TOKEN = "spamtest"
OURS = Envelope(AES_KEY, APP_ID)
THEIRS = WeChatCrypto(TOKEN, AES_KEY, APP_ID)
RANDOM = b"0123456789abcdef"


@given(st.binary(max_size=300))
def test_what_is_sealed_is_opened_whole(message: bytes) -> None:
    assert OURS.opened(OURS.sealed(message, RANDOM)) == message


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=100))
def test_wechatpy_opens_what_we_seal_and_we_what_it_seals(text: str) -> None:
    answer = sealed(text.encode(), OURS, TOKEN, 1795312800, "n1", RANDOM).decode()
    parts = parse(answer)["xml"]
    theirs = parse(THEIRS.encrypt_message(text, "n2", "1795312800"))["xml"]

    assert THEIRS.decrypt_message(answer, parts["MsgSignature"], "1795312800", "n1") == text
    assert OURS.opened(theirs["Encrypt"]) == text.encode()
    assert is_signed(theirs["MsgSignature"], TOKEN, "1795312800", "n2", theirs["Encrypt"])


def test_a_signature_is_over_the_sorted_parts() -> None:
    assert signature("c", "a", "b") == "a9993e364706816aba3e25717850c26c9cd0d89d"  # SHA-1 of "abc"
    assert not is_signed("A9993e364706816aba3e25717850c26c9cd0d89d", "a", "b", "c")
    assert not is_signed("é\ud800", "a", "b", "c")


def test_a_message_for_another_account_is_not_genuine() -> None:
    with pytest.raises(NotGenuine):
        OURS.opened(Envelope(AES_KEY, "wx-another").sealed(b"<xml/>", RANDOM))


@given(st.binary(max_size=200))
def test_no_octets_raise_anything_else(octets: bytes) -> None:
    for text in (base64.b64encode(octets).decode(), octets.decode("latin-1")):
        with suppress(NotGenuine):
            OURS.opened(text)


@pytest.mark.parametrize("key", ["", "short", "!" * 43, "a" * 44])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="EncodingAESKey"):
        Envelope(key, APP_ID)
