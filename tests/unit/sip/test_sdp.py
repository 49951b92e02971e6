"""Session descriptions (RFC 8866) of telephones, carriers and strangers."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sip.message import parse
from channels.sip.sdes import Crypto
from channels.sip.sdp import (
    AudioStream,
    BadDescription,
    Codec,
    Direction,
    Origin,
    OtherMedia,
    SessionDescription,
)
from tests.fakes.sip_messages import DATA, SDP, damaged

HEAD = "v=0\no=- 5 9 IN IP4 192.0.2.1\ns=-\n"


def audio_of(text: str) -> AudioStream:
    audio = SessionDescription.parse((HEAD + text).encode()).audio
    assert audio is not None
    return audio


def test_a_typical_offer_is_understood() -> None:
    description = SessionDescription.parse(SDP)

    assert description.origin == Origin(session_id="123", version=1, address="192.0.2.1")
    assert description.audio == AudioStream(
        address="192.0.2.1",
        port=40000,
        codecs=(
            Codec(payload_type=8, name="PCMA"),
            Codec(payload_type=0, name="PCMU"),
            Codec(payload_type=101, name="telephone-event", parameters="0-16"),
        ),
        direction=Direction.SENDRECV,
        ptime=20,
    )


def test_static_payload_types_need_no_rtpmap() -> None:
    audio = audio_of("c=IN IP4 192.0.2.9\nt=0 0\nm=audio 4000 RTP/AVP 0 8 18 77\n")

    assert [codec.name for codec in audio.codecs] == ["PCMU", "PCMA", "G729", ""]


def test_names_of_encodings_are_read_in_any_case() -> None:
    audio = audio_of("c=IN IP4 h\nm=audio 4 RTP/AVP 96 97\na=rtpmap:96 pcma/8000/1\na=rtpmap:97 Telephone-Event/8000\n")

    assert [codec.name for codec in audio.codecs] == ["PCMA", "telephone-event"]


def test_an_rtpmap_outweighs_the_static_meaning() -> None:
    audio = audio_of("c=IN IP4 h\nm=audio 4 RTP/AVP 8\na=rtpmap:8 L16/16000\n")

    assert audio.codecs == (Codec(payload_type=8, name="L16", rate=16000),)
    assert audio.codec("PCMA") is None


def test_a_media_line_inherits_from_the_session() -> None:
    audio = audio_of("c=IN IP4 192.0.2.9\nt=0 0\na=sendonly\na=ptime:30\nm=audio 4000 RTP/AVP 8\n")

    assert (audio.address, audio.direction, audio.ptime) == ("192.0.2.9", Direction.SENDONLY, 30)


def test_a_media_line_outweighs_the_session() -> None:
    audio = audio_of(
        "c=IN IP4 192.0.2.9\nt=0 0\na=sendonly\na=ptime:30\n"
        "m=audio 4000 RTP/AVP 8\nc=IN IP6 2001:db8::1\na=inactive\na=ptime:20\n"
    )

    assert (audio.address, audio.direction, audio.ptime) == ("2001:db8::1", Direction.INACTIVE, 20)


def test_an_attribute_of_one_media_line_does_not_reach_the_next() -> None:
    audio = audio_of("c=IN IP4 h\nm=video 2 RTP/AVP 31\na=inactive\nm=audio 4000 RTP/AVP 8\n")

    assert audio.direction is Direction.SENDRECV


def test_addresses_may_differ_in_family() -> None:
    message = parse((DATA / "rfc5118" / "mult-ip-in-sdp.dat").read_bytes())
    assert message is not None

    description = SessionDescription.parse(message.body)

    assert [line.address for line in description.media if isinstance(line, AudioStream)] == ["2001:db8::1", "192.0.2.1"]


def test_what_is_not_known_is_passed_over() -> None:
    audio = audio_of(
        "i=说明\nu=http://example.com\nb=AS:64\nz\n=\nk=clear:x\na=rtcp:40001\na=rtpmap:none\na=ptime:often\n"
        "c=IN IP4 192.0.2.9\nc=ATM NSAP 1\nt=0 0\nm=audio 4000/2 RTP/AVP 8\na=rtcp-fb:* nack\na=candidate:1 1 UDP\n"
    )

    assert audio == AudioStream(address="192.0.2.9", port=4000, codecs=(Codec(payload_type=8, name="PCMA"),))


def test_other_media_keep_what_an_answer_repeats() -> None:
    text = HEAD + "c=IN IP4 h\nt=0 0\nm=audio 4 RTP/SAVPF 8\nm=image 9 udptl t38\nm=audio 6 RTP/AVP 8\n"
    description = SessionDescription.parse(text.encode())

    assert description.media[0] == OtherMedia(kind="audio", port=4, protocol="RTP/SAVPF", formats="8")
    assert description.media[1] == OtherMedia(kind="image", port=9, protocol="udptl", formats="t38")
    assert description.audio is description.media[2]


def test_a_refused_stream_is_no_audio() -> None:
    description = SessionDescription.parse((HEAD + "t=0 0\nm=audio 0 RTP/AVP 8\n").encode())

    assert description.audio is None
    assert len(description.media) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=0\ns=-\n",
        "o=- x y IN IP4 h\n",
        HEAD + "m=audio 4000 RTP/AVP 8\n",
        HEAD + "c=IN IP4 h\nm=audio 65536 RTP/AVP 8\n",
        HEAD + "c=IN IP4 h\nm=audio -1 RTP/AVP 8\n",
        HEAD + "c=IN IP4 h\nm=audio 4000 RTP/AVP\n",
        HEAD + "c=IN IP4 h\nm=audio 4000 RTP/AVP 128\n",
        HEAD + "c=IN IP4 h\nm=audio 4000 RTP/AVP x\n",
        HEAD + "m=\n",
    ],
)
def test_what_no_call_can_be_made_of_is_refused(text: str) -> None:
    with pytest.raises(BadDescription):
        SessionDescription.parse(text.encode())


@pytest.mark.parametrize("direction", Direction)
def test_a_direction_mirrored_twice_is_itself(direction: Direction) -> None:
    assert direction.mirrored.mirrored is direction
    assert direction.mirrored.sends is direction.receives


addresses = st.sampled_from(["192.0.2.1", "2001:db8::1", "gw.example.com"])
codecs = st.builds(
    Codec,
    payload_type=st.integers(96, 127),
    name=st.sampled_from(["PCMU", "PCMA", "telephone-event", "opus"]),
    rate=st.sampled_from([8000, 48000]),
    parameters=st.sampled_from(["", "0-15", "useinbandfec=1; stereo=0"]),
)
audio_streams = st.builds(
    AudioStream,
    address=addresses,
    port=st.integers(0, 65535),
    codecs=st.lists(codecs, min_size=1, max_size=4, unique_by=lambda codec: codec.payload_type).map(tuple),
    direction=st.sampled_from(Direction),
    ptime=st.integers(1, 200),
    protocol=st.sampled_from(["RTP/AVP", "RTP/SAVP"]),
    cryptos=st.sampled_from([(), (Crypto(tag=1, suite="AES_CM_128_HMAC_SHA1_80", key=bytes(30)),)]),
    rtcp_mux=st.booleans(),
    rtcp=st.none() | st.tuples(addresses, st.integers(1, 65535)),
)
other_media = st.builds(
    OtherMedia,
    kind=st.sampled_from(["video", "image"]),
    port=st.integers(0, 65535),
    protocol=st.sampled_from(["RTP/AVP", "udptl"]),
    formats=st.sampled_from(["31", "t38", "96 97"]),
)
descriptions = st.builds(
    SessionDescription,
    origin=st.builds(
        Origin,
        session_id=st.integers(0, 2**64).map(str),
        version=st.integers(0, 2**64 - 1),
        address=addresses,
        username=st.sampled_from(["-", "alice"]),
    ),
    media=st.lists(audio_streams | other_media, max_size=3).map(tuple),
    timing=st.sampled_from(["0 0", "3338481189 3370017201"]),
)


@given(descriptions)
def test_descriptions_survive_a_round_trip(description: SessionDescription) -> None:
    assert SessionDescription.parse(description.encode()) == description


@given(st.binary() | damaged(SDP))
def test_any_body_is_a_description_or_refused(body: bytes) -> None:
    with contextlib.suppress(BadDescription):
        description = SessionDescription.parse(body)
        assert SessionDescription.parse(description.encode()) == description
