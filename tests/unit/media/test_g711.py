"""Both laws are exact, at 16 bits, in both directions."""

from __future__ import annotations

import numpy as np
import pytest

from channels.media import g711
from channels.media.g711 import Law
from tests.peers import g711_reference

LAWS = pytest.mark.parametrize("law", list(Law))
EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)


@LAWS
def test_every_code_word_expands_as_the_recommendation_says(law: Law) -> None:
    expanded = g711.decode_bytes(bytes(range(256)), law)

    assert expanded.tolist() == [g711_reference.decode(code, law.name) for code in range(256)]


@LAWS
def test_every_sample_compresses_as_the_recommendation_says(law: Law) -> None:
    compressed = g711.encode_bytes(EVERY_SAMPLE, law)

    assert list(compressed) == [g711_reference.encode(sample, law.name) for sample in EVERY_SAMPLE.tolist()]


@LAWS
def test_the_standard_library_expands_alike_where_it_still_has_the_laws(law: Law) -> None:
    audioop = pytest.importorskip("audioop")
    expand = audioop.ulaw2lin if law is Law.PCMU else audioop.alaw2lin

    assert g711.decode_bytes(bytes(range(256)), law).astype("<i2").tobytes() == expand(bytes(range(256)), 2)


@LAWS
def test_every_code_word_survives_expansion_and_compression(law: Law) -> None:
    codes = bytes(range(256))
    survived = g711.encode_bytes(g711.decode_bytes(codes, law), law)

    # Negative zero of the mu-law is the one code that has a twin.
    assert [pair for pair in zip(codes, survived, strict=True) if pair[0] != pair[1]] in ([], [(0x7F, 0xFF)])


@LAWS
def test_speech_at_minus_30_dbfs_keeps_more_than_36_db(law: Law) -> None:
    speech = np.random.default_rng(1).normal(0, 32768 * 10 ** (-30 / 20), 80000).round().astype(np.int16)
    heard = g711.decode_bytes(g711.encode_bytes(speech, law), law)

    noise = (heard.astype(float) - speech).std()
    assert 20 * np.log10(speech.std() / noise) > 36


def test_a_matrix_is_coded_row_by_row_by_its_own_law() -> None:
    frames = np.tile(EVERY_SAMPLE[::400], (2, 1))
    laws = np.array([Law.PCMU, Law.PCMA], np.uint8)
    codes = g711.encode(frames, laws)

    assert [row.tobytes() for row in codes] == [g711.encode_bytes(frames[law], law) for law in Law]
    assert (g711.decode(codes, laws) == [g711.decode_bytes(codes[law].tobytes(), law) for law in Law]).all()


@LAWS
def test_silence_is_the_code_of_zero(law: Law) -> None:
    assert g711.encode_bytes(np.zeros(1, np.int16), law) == bytes([law.silence])
