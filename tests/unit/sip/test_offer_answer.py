"""Offer and answer (RFC 3264) for G.711, G.722, telephone events, comfort noise, reports and keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sip.offer_answer import (
    LAWS,
    PLAIN,
    Abilities,
    Agreement,
    CodecName,
    NotAcceptable,
    accept_answer,
    answer,
    make_offer,
    reoffer,
    succeeding,
)
from channels.sip.sdes import KEY_LENGTHS, Sealing, Srtp
from channels.sip.sdp import AudioStream, Direction, OtherMedia, SessionDescription
from tests.fakes.sip_messages import SDP

SENDRECV, SENDONLY, RECVONLY, INACTIVE = Direction


def offered(*lines: str) -> SessionDescription:
    head = ["v=0", "o=- 5 9 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"]
    return SessionDescription.parse("\r\n".join([*head, *lines]).encode())


def answered(
    offer: SessionDescription, *, laws: tuple[CodecName, ...] = LAWS, direction: Direction = SENDRECV
) -> tuple[SessionDescription, Agreement]:
    abilities = Abilities(codecs=laws)
    return answer(offer, address="192.0.2.10", port=30000, session_id=7, abilities=abilities, direction=direction)


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
        "a=rtcp-mux",
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]


@pytest.mark.parametrize(("formats", "law"), [("8 0", "PCMA"), ("0 8", "PCMU"), ("18 0", "PCMU"), ("96 3 8", "PCMA")])
def test_the_answer_is_the_law_the_offerer_prefers(formats: str, law: CodecName) -> None:
    description, agreement = answered(offered(f"m=audio 4000 RTP/AVP {formats}"))

    assert [codec.name for codec in audio_of(description).codecs] == [law]
    assert (agreement.codec, agreement.address, agreement.port) == (law, "192.0.2.1", 4000)
    assert agreement.event_payload_type is None


def test_a_law_we_do_not_want_is_not_answered() -> None:
    _, agreement = answered(offered("m=audio 4000 RTP/AVP 8 0"), laws=("PCMU",))

    assert agreement.codec == "PCMU"


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
        (["m=audio 4000 RTP/AVP 18 3"], "no codec of ours in the offer"),
        (["m=audio 4000 RTP/AVP 8", "a=rtpmap:8 PCMA/16000"], "no codec of ours in the offer"),
        (["m=audio 4000 RTP/SAVP 8"], "SRTP is offered, and we take no such key here"),
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
    assert (agreement.codec, agreement.payload_type, agreement.event_payload_type) == ("PCMU", 0, 99)
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

    assert [codec.payload_type for codec in audio_of(reoffer(current, codecs=LAWS)).codecs] == [0, 96, 8]
    assert [codec.name for codec in audio_of(reoffer(odd, codecs=LAWS)).codecs] == ["PCMU"]
    assert audio_of(reoffer(current, codecs=LAWS)).direction is SENDRECV


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
    theirs: tuple[CodecName, ...], ours: tuple[CodecName, ...], we: Direction, they: Direction
) -> None:
    offer = make_offer(address="192.0.2.1", port=4000, session_id=1, abilities=Abilities(codecs=theirs), direction=they)
    description, callee = answered(offer, laws=ours, direction=we)
    caller = accept_answer(offer, SessionDescription.parse(description.encode()))

    assert caller.direction is callee.direction.mirrored
    assert caller.codec == callee.codec == next(law for law in theirs if law in ours)
    assert caller.event_payload_type == callee.event_payload_type == 101


def secure(policy: Srtp, seed: int = 1) -> Abilities:
    return Abilities(
        sealing=Sealing(policy=policy, keys={suite: bytes([seed]) * length for suite, length in KEY_LENGTHS.items()})
    )


def offer_by(abilities: Abilities) -> SessionDescription:
    return make_offer(address="192.0.2.1", port=4000, session_id=1, abilities=abilities)


def answer_by(abilities: Abilities, offer: SessionDescription) -> tuple[SessionDescription, Agreement]:
    return answer(offer, address="192.0.2.10", port=30000, session_id=7, abilities=abilities)


def wired(description: SessionDescription) -> SessionDescription:
    return SessionDescription.parse(description.encode())


@pytest.mark.parametrize("we", [Srtp.OFFERED, Srtp.REQUIRED])
@pytest.mark.parametrize("they", [Srtp.OFFERED, Srtp.REQUIRED])
def test_both_sides_that_can_are_sealed_with_each_others_keys(we: Srtp, they: Srtp) -> None:
    offer = offer_by(secure(they, 1))
    description, callee = answer_by(secure(we, 2), wired(offer))
    caller = accept_answer(offer, wired(description))

    assert callee.sealed is not None
    assert caller.sealed is not None
    assert callee.sealed.suite == caller.sealed.suite == "AES_CM_128_HMAC_SHA1_80"
    assert (callee.sealed.local, callee.sealed.remote) == (caller.sealed.remote, caller.sealed.local)
    assert audio_of(description).protocol == audio_of(offer).protocol
    assert len(audio_of(description).cryptos) == 1


@pytest.mark.parametrize(("they", "we"), [(Srtp.OFF, Srtp.OFFERED), (Srtp.OFFERED, Srtp.OFF), (Srtp.OFF, Srtp.OFF)])
def test_where_one_side_cannot_a_wish_leaves_the_sound_in_clear(they: Srtp, we: Srtp) -> None:
    offer = offer_by(secure(they))
    description, callee = answer_by(secure(we), wired(offer))
    caller = accept_answer(offer, wired(description))

    assert callee.sealed is caller.sealed is None
    assert audio_of(description).cryptos == ()


@pytest.mark.parametrize(("they", "we"), [(Srtp.OFF, Srtp.REQUIRED), (Srtp.REQUIRED, Srtp.OFF)])
def test_what_must_be_sealed_is_refused_in_clear(they: Srtp, we: Srtp) -> None:
    with pytest.raises(NotAcceptable, match="SRTP"):
        answer_by(secure(we), offer_by(secure(they)))


def test_an_answer_in_clear_to_an_offer_that_must_be_sealed_is_refused() -> None:
    with pytest.raises(NotAcceptable, match="SRTP"):
        accept_answer(offer_by(secure(Srtp.REQUIRED)), offered("m=audio 5 RTP/SAVP 8"))


def test_a_key_under_a_tag_we_never_offered_is_none() -> None:
    offer = offer_by(secure(Srtp.OFFERED))
    key = "A" * 40
    stream = ("m=audio 5 RTP/AVP 8", f"a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:{key}")

    assert accept_answer(offer, offered(*stream)).sealed is None


def test_of_two_streams_the_one_that_can_be_sealed_is_taken() -> None:
    key = "A" * 40
    offer = offered(
        "m=audio 5 RTP/AVP 8", "m=audio 7 RTP/SAVP 8", f"a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:{key}|2^31"
    )
    description, agreement = answer_by(secure(Srtp.OFFERED), offer)

    assert [line.port for line in description.media] == [0, 30000]
    assert agreement.sealed is not None
    assert agreement.sealed.suite == "AES_CM_128_HMAC_SHA1_32"
    assert audio_of(description).cryptos[0].tag == 3


def test_over_signalling_in_clear_no_key_is_given() -> None:
    abilities = Abilities(sealing=Sealing(policy=Srtp.OFFERED))

    assert audio_of(offer_by(abilities)).cryptos == ()
    assert answer_by(abilities, offer_by(secure(Srtp.OFFERED)))[1].sealed is None
    with pytest.raises(NotAcceptable):
        answer_by(Abilities(sealing=Sealing(policy=Srtp.REQUIRED)), offer_by(secure(Srtp.REQUIRED)))


def test_a_new_offer_keeps_the_key() -> None:
    offer = offer_by(secure(Srtp.REQUIRED))

    assert audio_of(reoffer(offer)).cryptos == audio_of(offer).cryptos


@pytest.mark.parametrize("formats", ["9 8 0", "8 9"])
def test_wideband_is_spoken_where_the_far_end_likes_it_better(formats: str) -> None:
    _, agreement = answer_by(Abilities(codecs=("PCMA", "PCMU", "G722")), offered(f"m=audio 5 RTP/AVP {formats}"))

    assert agreement.codec == ("G722" if formats.startswith("9") else "PCMA")
    assert agreement.payload_type == int(formats.split()[0])


@pytest.mark.parametrize("we", [True, False])
@pytest.mark.parametrize("they", [True, False])
def test_silence_is_announced_where_both_know_comfort_noise(we: bool, they: bool) -> None:
    offer = offer_by(Abilities(comfort_noise=they))
    description, callee = answer_by(Abilities(comfort_noise=we), wired(offer))
    caller = accept_answer(offer, wired(description))

    assert callee.comfort_noise is caller.comfort_noise is (we and they)


def test_reports_share_the_port_where_both_say_so_and_go_where_they_are_asked_for_otherwise() -> None:
    muxed = answer_by(PLAIN, offered("m=audio 5 RTP/AVP 8", "a=rtcp-mux", "a=rtcp:9"))
    apart = answer_by(PLAIN, offered("m=audio 5 RTP/AVP 8", "a=rtcp:53020 IN IP4 192.0.2.77"))
    refused = accept_answer(our_offer(), offered("m=audio 5 RTP/AVP 8"))

    assert (audio_of(muxed[0]).rtcp_mux, muxed[1].rtcp_mux, muxed[1].rtcp) == (True, True, None)
    assert (audio_of(apart[0]).rtcp_mux, apart[1].rtcp_mux, apart[1].rtcp) == (False, False, ("192.0.2.77", 53020))
    assert not refused.rtcp_mux
