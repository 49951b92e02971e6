"""Offer and answer (RFC 3264) for G.711 and telephone events."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sip.offer_answer import (
    LAWS,
    Agreement,
    Law,
    NotAcceptable,
    accept_answer,
    answer,
    make_offer,
    reoffer,
    succeeding,
)
from channels.sip.sdp import AudioStream, Direction, OtherMedia, SessionDescription
from tests.fakes.sip_messages import SDP

SENDRECV, SENDONLY, RECVONLY, INACTIVE = Direction


def offered(*lines: str) -> SessionDescription:
    head = ["v=0", "o=- 5 9 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"]
    return SessionDescription.parse("\r\n".join([*head, *lines]).encode())


def answered(
    offer: SessionDescription, *, laws: tuple[Law, ...] = LAWS, direction: Direction = SENDRECV
) -> tuple[SessionDescription, Agreement]:
    return answer(offer, address="192.0.2.10", port=30000, session_id=7, laws=laws, direction=direction)


def audio_of(description: SessionDescription) -> AudioStream:
    assert description.audio is not None
    return description.audio


def our_offer(direction: Direction = SENDRECV) -> SessionDescription:
    return make_offer(address="192.0.2.10", port=30000, session_id=7, direction=direction)


def test_an_offer_has_both_laws_and_telephone_events() -> None:
    lines = our_offer().encode().decode().split("\r\n")

    assert lines == [
        "v=0",
        "o=- 7 1 IN IP4 192.0.2.10",
        "s=-",
        "t=0 0",
        "m=audio 30000 RTP/AVP 8 0 101",
        "c=IN IP4 192.0.2.10",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]


@pytest.mark.parametrize(("formats", "law"), [("8 0", "PCMA"), ("0 8", "PCMU"), ("18 0", "PCMU"), ("96 3 8", "PCMA")])
def test_the_answer_is_the_law_the_offerer_prefers(formats: str, law: Law) -> None:
    description, agreement = answered(offered(f"m=audio 4000 RTP/AVP {formats}"))

    assert [codec.name for codec in audio_of(description).codecs] == [law]
    assert (agreement.law, agreement.address, agreement.port) == (law, "192.0.2.1", 4000)
    assert agreement.event_payload_type is None


def test_a_law_we_do_not_want_is_not_answered() -> None:
    _, agreement = answered(offered("m=audio 4000 RTP/AVP 8 0"), laws=("PCMU",))

    assert agreement.law == "PCMU"


def test_the_answer_uses_the_offerers_payload_types() -> None:
    description, agreement = answered(
        offered(
            "m=audio 4 RTP/AVP 112 96", "a=rtpmap:112 PCMU/8000", "a=rtpmap:96 telephone-event/8000", "a=fmtp:96 0-11"
        )
    )

    assert [codec.payload_type for codec in audio_of(description).codecs] == [112, 96]
    assert audio_of(description).codecs[1].parameters == "0-15"
    assert (agreement.payload_type, agreement.event_payload_type) == (112, 96)
    assert [codec.payload_type for codec in agreement.incoming] == [112, 96]


def test_telephone_events_at_another_rate_are_not_ours() -> None:
    _, agreement = answered(
        offered("m=audio 4 RTP/AVP 8 97 96", "a=rtpmap:97 telephone-event/48000", "a=rtpmap:96 telephone-event/8000")
    )

    assert agreement.event_payload_type == 96


def test_every_other_media_line_is_refused_in_its_place() -> None:
    offer = offered(
        "m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 8", "m=audio 4002 RTP/AVP 8", "m=image 9 udptl t38"
    )

    description, _ = answered(offer)

    assert [line.port for line in description.media] == [0, 30000, 0, 0]
    assert description.media[3] == OtherMedia(kind="image", port=0, protocol="udptl", formats="t38")
    assert SessionDescription.parse(description.encode()) == description


def test_the_answer_repeats_the_time() -> None:
    offer = replace(offered("m=audio 4000 RTP/AVP 8"), timing="3338481189 3370017201")

    assert answered(offer)[0].timing == "3338481189 3370017201"


@pytest.mark.parametrize(
    ("theirs", "wanted", "ours"),
    [
        (SENDRECV, SENDRECV, SENDRECV),
        (SENDONLY, SENDRECV, RECVONLY),
        (RECVONLY, SENDRECV, SENDONLY),
        (INACTIVE, SENDRECV, INACTIVE),
        (SENDRECV, SENDONLY, SENDONLY),
        (SENDONLY, SENDONLY, INACTIVE),
        (RECVONLY, SENDONLY, SENDONLY),
        (SENDRECV, INACTIVE, INACTIVE),
    ],
)
def test_hold_is_answered_by_its_mirror(theirs: Direction, wanted: Direction, ours: Direction) -> None:
    description, agreement = answered(offered("m=audio 4 RTP/AVP 8", f"a={theirs.value}"), direction=wanted)

    assert audio_of(description).direction is ours
    assert agreement.direction is ours


@pytest.mark.parametrize(("theirs", "ours"), [(SENDRECV, RECVONLY), (INACTIVE, INACTIVE), (RECVONLY, INACTIVE)])
@pytest.mark.parametrize("address", ["IP4 0.0.0.0", "IP6 ::"])
def test_the_old_hold_stops_us_from_sending(theirs: Direction, ours: Direction, address: str) -> None:
    description, agreement = answered(offered("m=audio 4 RTP/AVP 8", f"c=IN {address}", f"a={theirs.value}"))

    assert audio_of(description).direction is ours
    assert not agreement.direction.sends


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["m=audio 4000 RTP/AVP 18 3"], "no G.711 in the offer"),
        (["m=audio 4000 RTP/AVP 8", "a=rtpmap:8 PCMA/16000"], "no G.711 in the offer"),
        (["m=audio 4000 RTP/SAVP 8"], "audio only over RTP/SAVP"),
        (["m=audio 4000 UDP/TLS/RTP/SAVPF 8"], "audio only over UDP/TLS/RTP/SAVPF"),
        (["m=audio 0 RTP/AVP 8"], "no audio in the offer"),
        (["m=video 4000 RTP/AVP 31"], "no audio in the offer"),
        ([], "no audio in the offer"),
    ],
)
def test_an_offer_without_common_ground_is_not_acceptable(lines: list[str], reason: str) -> None:
    with pytest.raises(NotAcceptable, match=reason) as refused:
        answered(offered(*lines))

    assert refused.value.status == 488


def test_plain_audio_beside_encrypted_audio_is_taken() -> None:
    description, agreement = answered(offered("m=audio 4000 RTP/SAVP 8", "m=audio 4002 RTP/AVP 8"))

    assert [line.port for line in description.media] == [0, 30000]
    assert agreement.port == 4002


def test_an_answer_tells_what_to_send_where() -> None:
    agreement = accept_answer(
        our_offer(), offered("m=audio 5000 RTP/AVP 0 99", "c=IN IP6 2001:db8::5", "a=rtpmap:99 telephone-event/8000")
    )

    assert (agreement.address, agreement.port) == ("2001:db8::5", 5000)
    assert (agreement.law, agreement.payload_type, agreement.event_payload_type) == ("PCMU", 0, 99)
    assert {codec.payload_type: codec.name for codec in agreement.incoming} == {
        8: "PCMA",
        0: "PCMU",
        101: "telephone-event",
        99: "telephone-event",
    }


def test_a_number_of_the_answer_never_outweighs_our_own() -> None:
    agreement = accept_answer(our_offer(), offered("m=audio 5 RTP/AVP 8 101", "a=rtpmap:101 PCMU/8000"))

    assert {codec.payload_type: codec.name for codec in agreement.incoming}[101] == "telephone-event"


@pytest.mark.parametrize(
    ("we", "they", "agreed"),
    [
        (SENDRECV, SENDRECV, SENDRECV),
        (SENDRECV, RECVONLY, SENDONLY),
        (SENDRECV, SENDONLY, RECVONLY),
        (SENDONLY, RECVONLY, SENDONLY),
        (SENDONLY, SENDRECV, SENDONLY),
        (INACTIVE, SENDRECV, INACTIVE),
        (SENDRECV, INACTIVE, INACTIVE),
    ],
)
def test_neither_side_may_do_more_than_both_have_said(we: Direction, they: Direction, agreed: Direction) -> None:
    agreement = accept_answer(our_offer(we), offered("m=audio 5 RTP/AVP 8", f"a={they.value}"))

    assert agreement.direction is agreed


@pytest.mark.parametrize("lines", [["m=audio 0 RTP/AVP 8"], ["m=audio 5000 RTP/AVP 18"], ["m=audio 5 RTP/SAVP 8"], []])
def test_an_answer_without_our_codecs_is_not_acceptable(lines: list[str]) -> None:
    with pytest.raises(NotAcceptable):
        accept_answer(our_offer(), offered(*lines))


def test_a_new_offer_is_the_next_version_with_every_line_in_its_place() -> None:
    current, _ = answered(
        offered("m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000")
    )

    hold = reoffer(current, direction=SENDONLY)

    assert hold.origin == replace(current.origin, version=2)
    assert [line.port for line in hold.media] == [0, 30000]
    assert audio_of(hold).codecs == audio_of(current).codecs
    assert audio_of(hold).direction is SENDONLY


def test_a_new_offer_may_have_more_laws_but_never_another_meaning_for_a_number() -> None:
    current, _ = answered(offered("m=audio 4 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"))
    odd, _ = answered(offered("m=audio 4 RTP/AVP 8", "a=rtpmap:8 PCMU/8000"))

    assert [codec.payload_type for codec in audio_of(reoffer(current, laws=LAWS)).codecs] == [0, 96, 8]
    assert [codec.name for codec in audio_of(reoffer(odd, laws=LAWS)).codecs] == ["PCMU"]
    assert audio_of(reoffer(current, laws=LAWS)).direction is SENDRECV


def test_the_version_goes_up_only_when_something_has_changed() -> None:
    offer = SessionDescription.parse(SDP)
    current = succeeding(answered(offer)[0], answered(offer)[0])
    on_hold = succeeding(current, answered(offer, direction=RECVONLY)[0])
    refreshed = succeeding(on_hold, answered(offer, direction=RECVONLY)[0])

    assert [each.origin.version for each in (current, on_hold, refreshed)] == [1, 2, 2]
    assert refreshed == on_hold


@given(
    st.permutations(LAWS).map(tuple),
    st.permutations(LAWS).flatmap(lambda laws: st.integers(1, 2).map(lambda count: tuple(laws[:count]))),
    st.sampled_from(Direction),
    st.sampled_from(Direction),
)
def test_both_sides_agree_on_the_same_call(
    theirs: tuple[Law, ...], ours: tuple[Law, ...], we: Direction, they: Direction
) -> None:
    offer = make_offer(address="192.0.2.1", port=4000, session_id=1, laws=theirs, direction=they)
    description, callee = answered(offer, laws=ours, direction=we)
    caller = accept_answer(offer, SessionDescription.parse(description.encode()))

    assert caller.direction is callee.direction.mirrored
    assert caller.law == callee.law == next(law for law in theirs if law in ours)
    assert caller.event_payload_type == callee.event_payload_type == 101
