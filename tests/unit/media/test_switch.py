"""The media plane without sockets: packets in, packets out, a step at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.media import g711, rtcp, rtp, wideband, wire
from channels.media.address import to_numbers
from channels.media.g711 import Law, Pcm
from channels.media.row import Player
from channels.media.secure import SecureStream, SrtpKeys
from channels.media.switch import PERIOD, Full, Switch

WALL = 1e9

LOUD = np.full(160, 8000, np.int16)


class Plane:
    """A switch with legs "0", "1" ... on one bridge, their rows being their numbers."""

    def __init__(self, legs: int = 2, *, capacity: int = 4) -> None:
        self.switch = Switch(capacity, silent_after=1.0)
        self.steps = 0
        self.sequence = [0] * capacity
        for leg in range(legs):
            assert self.switch.open(str(leg)) == leg
            self.connect(leg)
            self.switch.bridge(wire.Bridge(str(leg), "talk"))

    def connect(self, leg: int, *, sends: bool = True, receives: bool = True, address: str = "192.0.2.1") -> None:
        order = wire.Connect(str(leg), address, 4000, Law.PCMU, 0, 101, sends, receives)
        self.switch.connect(order, self.steps * PERIOD)

    def receive(self, leg: int, payload: bytes, payload_type: int = 0) -> None:
        self.sequence[leg] += 1
        timestamp = self.steps * 160
        self.receive_raw(leg, rtp.Packet(payload_type, self.sequence[leg], timestamp, leg, payload).encode())

    def receive_raw(self, leg: int, datagram: bytes) -> None:
        high, low, port = self.switch.targets[leg].tolist()
        self.receive_from((high, low, port), leg, datagram)

    def receive_from(self, source: tuple[int, int, int], leg: int, datagram: bytes) -> None:
        inbox = np.zeros((1, 2048), np.uint8)
        inbox[0, : len(datagram)] = np.frombuffer(datagram, np.uint8)
        sizes, sources = np.array([len(datagram)]), np.array([source], np.uint64)
        now = self.steps * PERIOD
        self.switch.receive(np.array([leg]), inbox, sizes, sources, np.array([WALL + now]), now)

    def step(self) -> dict[int, Pcm]:
        """Return what each row is sent, decoded as mu-law."""
        rows = self.switch.step(self.steps * PERIOD).tolist()
        self.steps += 1
        return {row: g711.decode_bytes(self.sent(row).payload, Law.PCMU) for row in rows}

    def sent(self, row: int) -> rtp.Packet:
        """Return the packet that the last step made for *row*."""
        return rtp.parse(self.switch.packets[row, : self.switch.sizes[row]].tobytes())


def spoken(law: Law) -> bytes:
    return g711.encode_bytes(LOUD, law)


@pytest.mark.parametrize("law", list(Law))
def test_a_peer_may_use_either_law_whatever_it_is_sent(law: Law) -> None:
    plane = Plane()
    for _ in range(6):
        plane.receive(0, spoken(law), law.payload_type)
        heard = plane.step()

    assert abs(heard[1].astype(int) - LOUD).max() < 400
    assert not heard[0].any()


def test_an_unknown_payload_type_is_counted_and_not_heard() -> None:
    plane = Plane()
    for _ in range(6):
        plane.receive(0, spoken(Law.PCMU), 18)
        heard = plane.step()

    assert not heard[1].any()
    assert plane.switch.close("0").malformed == 6


def test_comfort_noise_sounds_as_loud_as_announced_until_somebody_speaks() -> None:
    plane = Plane()
    plane.receive(0, spoken(Law.PCMU))
    plane.step()
    plane.receive(0, bytes([40]), 13)
    quiet = [plane.step()[1] for _ in range(20)][10:]
    for _ in range(4):
        plane.receive(0, spoken(Law.PCMU))
        heard = plane.step()
    closed = plane.switch.close("0")

    loudness = np.sqrt(np.mean(np.concatenate(quiet).astype(float) ** 2))
    assert abs(20 * np.log10(loudness / 32768) + 40) < 1.5
    assert abs(heard[1].astype(int) - LOUD).max() < 400
    assert (closed.received, closed.malformed, closed.lost) == (6, 0, 0)


def test_a_far_end_that_announced_silence_may_send_nothing_for_longer() -> None:
    plane = Plane(legs=1)
    plane.receive(0, b"", 13)
    for _ in range(290):
        plane.step()
    assert plane.switch.events == []
    for _ in range(20):
        plane.step()

    assert [type(event) for event in plane.switch.events] == [wire.WentSilent]


def test_silence_is_announced_and_not_sent_to_a_far_end_that_knows_comfort_noise() -> None:
    plane = Plane()
    order = wire.Connect("1", "192.0.2.1", 4000, Law.PCMU, 0, 101, True, True, comfort_noise=True)
    plane.switch.connect(order, 0.0)
    sent = []
    for number in range(80):
        if number > 60:
            plane.receive(0, spoken(Law.PCMU))
        if 1 in plane.switch.step(number * PERIOD):
            sent.append((number, plane.sent(1)))
        plane.steps += 1

    announced = [number for number, packet in sent if packet.payload_type == 13]
    assert announced == [9, 34, 59]
    assert [number for number, packet in sent if packet.payload_type == 0] == [*range(9), *range(63, 80)]
    assert next(packet for number, packet in sent if number == 63).marker
    numbers = [packet.sequence for _, packet in sent]
    assert {(b - a) & 0xFFFF for a, b in pairwise(numbers)} == {1}
    stamps = [packet.timestamp for _, packet in sent]
    assert (stamps[-1] - stamps[0]) & 0xFFFFFFFF == 79 * 160


def test_keys_are_pressed_in_a_silence_that_was_announced() -> None:
    plane = Plane(legs=1)
    order = wire.Connect("0", "192.0.2.1", 4000, Law.PCMU, 0, 101, True, True, comfort_noise=True)
    plane.switch.connect(order, 0.0)
    for _ in range(20):
        plane.step()
    plane.switch.press("0", "7")

    assert [(plane.switch.step(0.0).tolist(), plane.sent(0).payload_type) for _ in range(7)] == [([0], 101)] * 7


def test_a_telephone_event_keeps_the_count_of_what_was_lost_right() -> None:
    plane = Plane()
    for payload, kind in ((spoken(Law.PCMU), 0), (b"\x05\x0a\x00\xa0", 101), (spoken(Law.PCMU), 0)):
        plane.receive(0, payload, kind)
        plane.step()

    assert wire.DigitHeard("0", "5", PERIOD) in plane.switch.events
    assert plane.switch.close("0").lost == 0


def test_a_closed_leg_is_out_of_the_mix_and_its_row_is_as_new() -> None:
    plane = Plane()
    for _ in range(6):
        plane.receive(0, spoken(Law.PCMU))
        plane.step()
    plane.switch.close("0")
    assert not plane.step()[1].any()
    assert plane.switch.open("next") == 0
    plane.switch.bridge(wire.Bridge("next", "talk"))

    assert not plane.step()[1].any()
    assert plane.switch.close("next").received == 0


def test_the_old_way_of_holding_sends_nothing_to_nowhere() -> None:
    plane = Plane()
    plane.connect(0, address="0.0.0.0")

    assert list(plane.step()) == [1]


def test_a_leg_that_is_not_to_be_heard_is_not() -> None:
    plane = Plane()
    plane.connect(0, receives=False)
    for _ in range(6):
        plane.receive(0, spoken(Law.PCMU))
        heard = plane.step()

    assert not heard[1].any()


def test_skipped_steps_leave_a_gap_in_the_timestamps_and_none_in_the_sequence() -> None:
    plane = Plane()
    plane.step()
    before = plane.sent(0)
    plane.switch.skip(10)
    plane.step()
    after = plane.sent(0)

    assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == 11 * 160
    assert (after.sequence - before.sequence) & 0xFFFF == 1
    assert after.marker


def test_a_prompt_without_sound_ends_at_once_and_another_replaces_one_that_plays() -> None:
    plane = Plane()
    plane.switch.play("0", Player(1, np.zeros(0, np.int16), 0, loop=True, over_bridge=False))
    plane.switch.play("0", Player(2, LOUD, 0, loop=True, over_bridge=False))
    plane.switch.play("0", Player(3, LOUD, 0, loop=False, over_bridge=False))
    plane.step()

    assert plane.switch.events == [
        wire.PlayEnded("0", 1, finished=True),
        wire.PlayEnded("0", 2, finished=False),
        wire.PlayEnded("0", 3, finished=True),
    ]


def test_silence_is_told_each_time_it_has_lasted_as_long_again_and_so_is_its_end() -> None:
    plane = Plane(legs=1)
    for _ in range(120):
        plane.step()
    plane.receive(0, spoken(Law.PCMU))

    told = plane.switch.events
    assert [type(event).__name__ for event in told] == ["WentSilent", "WentSilent", "HeardAgain"]
    assert [round(event.seconds) for event in told if isinstance(event, wire.WentSilent)] == [1, 2]


def test_a_leg_on_hold_is_not_expected_to_speak() -> None:
    plane = Plane(legs=1)
    plane.connect(0, receives=False)
    for _ in range(120):
        plane.step()

    assert plane.switch.events == []


def test_a_full_switch_and_a_leg_opened_twice_are_refused() -> None:
    plane = Plane(legs=2, capacity=2)
    with pytest.raises(Full):
        plane.switch.open("more")
    plane.switch.close("1")
    with pytest.raises(ValueError, match="open already"):
        plane.switch.open("0")


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=300), st.booleans()), max_size=30))
def test_no_datagram_stops_the_plane(datagrams: list[tuple[int, bytes, bool]]) -> None:
    plane = Plane()
    for leg, octets, looks_right in datagrams:
        plane.receive_raw(leg, (b"\x80\x00" + octets) if looks_right else octets)
        plane.step()
    for _ in range(40):
        plane.receive(0, spoken(Law.PCMU))
        heard = plane.step()

    assert abs(heard[1].astype(int) - LOUD).max() < 400


def test_a_recording_and_a_tap_give_the_same_speech_in_their_own_time() -> None:
    plane = Plane(legs=1)
    plane.switch.record("0", zero=0.0)
    plane.switch.tap("0", 1, zero=-1.0, period=0.1)
    for _ in range(40):
        plane.receive(0, spoken(Law.PCMU))
        plane.step()
    plane.switch.captures.untap("0", 1)
    plane.switch.captures.untap("0", 1)
    plane.switch.captures.stop_recordings()

    recorded = b"".join(pcm for _, _, pcm in plane.switch.captures.recorded)
    tapped = [event for event in plane.switch.events if isinstance(event, wire.Tapped)]
    assert plane.switch.captures.recorded[0][:2] == (("0", 1), 0)
    assert len(recorded) == 40 * 320
    assert tapped[0].at == 1.0
    assert b"".join(event.pcm for event in tapped) == recorded


def test_captures_go_on_after_skipped_steps_with_a_gap() -> None:
    plane = Plane(legs=1)
    plane.switch.record("0", zero=0.0)
    for _ in range(3):
        plane.step()
    plane.switch.skip(10)
    plane.steps += 10
    for _ in range(3):
        plane.step()
    plane.switch.close("0")

    written = {start + place for _, start, pcm in plane.switch.captures.recorded for place in range(len(pcm) // 2)}
    assert written == {*range(3 * 160), *range(13 * 160, 16 * 160)}


def test_a_prompt_over_the_bridge_is_added_and_limited() -> None:
    plane = Plane()
    plane.switch.play("1", Player(1, np.full(200, 30000, np.int16), 0, loop=True, over_bridge=True))
    for _ in range(6):
        plane.receive(0, spoken(Law.PCMU))
        heard = plane.step()

    assert (heard[1] > 32000).all()


def test_keys_pressed_on_a_leg_take_the_place_of_its_audio_and_wait_while_it_is_held() -> None:
    plane = Plane(legs=1)
    plane.connect(0, sends=False)
    plane.switch.press("0", "7")
    assert not len(plane.switch.step(0.0))
    plane.connect(0)
    rows = plane.switch.step(0.02)

    assert rows.tolist() == [0]
    assert plane.sent(0).payload_type == 101
    assert plane.sent(0).payload == b"\x07\x0a\x00\xa0"
    assert plane.switch.totals()[1] == 1


def test_keys_for_a_peer_without_events_are_heard_as_tones() -> None:
    plane = Plane(legs=1)
    plane.switch.connect(wire.Connect("0", "192.0.2.1", 4000, Law.PCMU, 0, None, True, True), 0.0)
    plane.switch.press("0", "7")

    assert plane.step()[0].any()


def test_a_stranger_is_counted_until_he_convinces() -> None:
    plane = Plane(legs=1)
    stranger, another = to_numbers(("198.51.100.1", 9)), to_numbers(("198.51.100.2", 9))
    plane.steps = 250
    for number in range(5):
        plane.receive_from(stranger, 0, rtp.Packet(0, number, number * 160, 9, bytes(160)).encode())
    followed = plane.switch.targets[0]
    plane.receive_from(another, 0, b"noise")
    plane.receive_from(another, 3, rtp.Packet(0, 1, 160, 9, bytes(160)).encode())

    assert tuple(followed) == stranger
    assert plane.switch.events == [wire.Followed("0", "198.51.100.1", 9)]
    assert plane.switch.totals() == (1, 0, 0, 4, 1)


def test_a_headers_extension_does_not_hide_the_speech() -> None:
    plane = Plane()
    for number in range(6):
        packet = rtp.Packet(0, number, number * 160, 1, spoken(Law.PCMU)).encode()
        plane.receive_raw(0, b"\x90" + packet[1:12] + b"\xbe\xde\x00\x01abcd" + packet[12:])
        heard = plane.step()

    assert abs(heard[1].astype(int) - LOUD).max() < 400


def test_a_packet_longer_than_any_telephone_sends_is_refused() -> None:
    plane = Plane(legs=1)
    plane.receive(0, bytes(1700))

    assert plane.switch.close("0").malformed == 1


def test_reports_are_sent_every_five_seconds_or_so_and_tell_the_quality() -> None:
    plane = Plane(legs=1)
    times = []
    for _ in range(1500):
        plane.receive(0, spoken(Law.PCMU))
        plane.step()
        now = plane.steps * PERIOD
        times += [(now, report) for report in plane.switch.reports.due(now, WALL + now)]

    assert 3 <= len(times) <= 11
    assert {report.target for _, report in times} == {("192.0.2.1", 4001)}
    assert all(2.4 < b[0] - a[0] < 7.7 for a, b in pairwise(times))
    told = [event.quality for event in plane.switch.events if isinstance(event, wire.QualityKnown)]
    assert len(told) == len(times)
    assert told[-1].lost == 0.0
    assert told[-1].jitter < 0.001
    block = rtcp.parse(times[-1][1].octets)[0].blocks[0]
    assert block.lost == 0


def test_reports_share_the_port_where_that_was_agreed() -> None:
    plane = Plane(legs=1)
    order = wire.Connect("0", "192.0.2.1", 4000, Law.PCMU, 0, 101, True, True, rtcp_mux=True)
    plane.switch.connect(order, 0.0)
    plane.step()
    ours = plane.sent(0).ssrc
    block = rtcp.Block(ssrc=ours, fraction_lost=64, lost=5, highest=1, jitter=80)
    plane.receive_raw(0, rtcp.Report(5, blocks=[block]).encode())
    plane.receive_raw(0, b"\x80\xc8\x00\x01")
    goodbye = plane.switch.goodbye("0", WALL)
    closed = plane.switch.close("0")

    assert goodbye is not None
    assert (goodbye.mux, goodbye.target) == (True, ("192.0.2.1", 4000))
    assert (closed.quality.far_lost, closed.quality.far_jitter) == (0.25, 0.01)
    assert (closed.received, closed.malformed) == (0, 1)


def test_reports_of_strangers_are_not_believed() -> None:
    plane = Plane(legs=1)
    plane.step()
    block = rtcp.Block(ssrc=plane.sent(0).ssrc, fraction_lost=64, lost=5, highest=1, jitter=80)
    octets = rtcp.Report(5, blocks=[block]).encode()
    plane.switch.reports.take_apart(0, octets, ("198.51.100.7", 4001), WALL)
    plane.switch.reports.take_apart(3, octets, ("192.0.2.1", 4001), WALL)
    before = plane.switch.close("0")

    assert before.quality.far_lost is None
    assert before.foreign == 1


def test_a_far_end_may_name_another_port_for_reports() -> None:
    plane = Plane(legs=1)
    order = wire.Connect("0", "192.0.2.1", 4000, Law.PCMU, 0, 101, True, True, rtcp=("192.0.2.9", 700))
    plane.switch.connect(order, 0.0)
    goodbye = plane.switch.goodbye("0", WALL)

    assert goodbye is not None
    assert goodbye.target == ("192.0.2.9", 700)


@pytest.mark.parametrize(
    ("order", "heard_by"),
    [
        (wire.Bridge("2", "talk"), {0, 1}),
        (wire.Bridge("2", "talk", heard=False), set()),
        (wire.Bridge("2", "talk", heard=False, whispers_to="1"), {1}),
        (wire.Bridge("2", "talk", heard=False, whispers_to="gone"), set()),
        (wire.Bridge("2", "elsewhere", heard=False, whispers_to="1"), set()),
    ],
)
def test_a_supervisor_is_heard_by_whom_he_wants(order: wire.Bridge, heard_by: set[int]) -> None:
    plane = Plane(legs=3)
    plane.switch.bridge(order)
    for _ in range(6):
        plane.receive(2, spoken(Law.PCMU))
        heard = plane.step()

    assert {row for row in heard if heard[row].any()} == heard_by


@pytest.mark.parametrize("to", [None, "1"])
def test_a_supervisor_who_listens_or_whispers_hears_the_others(to: str | None) -> None:
    plane = Plane(legs=3)
    plane.switch.bridge(wire.Bridge("2", "talk", heard=False, whispers_to=to))
    for _ in range(6):
        plane.receive(0, spoken(Law.PCMU))
        heard = plane.step()

    assert {row for row in heard if heard[row].any()} == {1, 2}


KEYS = SrtpKeys("AES_CM_128_HMAC_SHA1_80", bytes(range(30)), bytes(range(30, 60)))


class Sealed(Plane):
    """A plane whose leg 0 is sealed; `peer` has the other end's keys."""

    def __init__(self) -> None:
        super().__init__()
        self.order = wire.Connect("0", "192.0.2.1", 4000, Law.PCMU, 0, 101, True, True, rtcp_mux=True, srtp=KEYS)
        self.switch.connect(self.order, 0.0)
        self.peer = SecureStream(SrtpKeys(KEYS.suite, KEYS.remote, KEYS.local))

    def say(self, number: int) -> bytes:
        return self.peer.seal(rtp.Packet(0, number, number * 160, 7, spoken(Law.PCMU)).encode())


def test_a_sealed_leg_is_heard_and_spoken_to_sealed() -> None:
    plane = Sealed()
    opened = []
    for number in range(8):
        plane.receive_raw(0, plane.say(number))
        plane.receive(1, spoken(Law.PCMU))
        plane.switch.connect(plane.order, plane.steps * PERIOD)
        rows = plane.switch.step(plane.steps * PERIOD)
        plane.steps += 1
        sealed = plane.switch.packets[0, : plane.switch.sizes[0]].tobytes()
        opened.append(rtp.parse(plane.peer.open(sealed)))

    assert 0 in rows
    assert len(sealed) == 182
    assert abs(g711.decode_bytes(opened[-1].payload, Law.PCMU).astype(int) - LOUD).max() < 400
    assert abs(g711.decode_bytes(plane.sent(1).payload, Law.PCMU).astype(int) - LOUD).max() < 400


def test_what_comes_in_clear_or_again_or_forged_is_refused_on_a_sealed_leg() -> None:
    plane = Sealed()
    said = plane.say(1)
    plane.receive_raw(0, said)
    plane.receive_raw(0, said)
    plane.receive_raw(0, said[:-1] + b"x")
    plane.receive(0, spoken(Law.PCMU))
    plane.receive_raw(0, b"")
    plane.receive_raw(0, rtcp.Report(5).encode())
    closed = plane.switch.close("0")

    assert (closed.received, closed.foreign) == (1, 5)


def test_reports_of_a_sealed_leg_are_sealed() -> None:
    plane = Sealed()
    plane.step()
    ours = rtp.parse(plane.peer.open(plane.switch.packets[0, : plane.switch.sizes[0]].tobytes())).ssrc
    block = rtcp.Block(ssrc=ours, fraction_lost=64, lost=5, highest=1, jitter=80)
    plane.receive_raw(0, plane.peer.seal_report(rtcp.Report(5, blocks=[block]).encode()))
    plane.switch.reports.take_apart(0, rtcp.Report(5, blocks=[block]).encode(), ("192.0.2.1", 4001), WALL)
    goodbye = plane.switch.goodbye("0", WALL)

    assert goodbye is not None
    assert rtcp.parse(plane.peer.open_report(goodbye.octets))[-1].goodbye
    closed = plane.switch.close("0")
    assert closed.quality.far_lost == 0.25
    assert closed.foreign == 1


def test_a_wideband_far_end_and_a_telephone_hear_each_other() -> None:
    plane = Plane()
    order = wire.Connect("0", "192.0.2.1", 4000, wideband.KIND, wideband.PAYLOAD_TYPE, 101, True, True)
    plane.switch.connect(order, 0.0)
    far_end = wideband.WidebandCodec()
    tone = np.rint(8000 * np.sin(2 * np.pi * 500 * np.arange(160) / 8000)).astype(np.int16)
    for _ in range(10):
        plane.receive(0, far_end.encode(tone), wideband.PAYLOAD_TYPE)
        plane.receive(1, g711.encode_bytes(tone, Law.PCMU))
        plane.step()
        to_wideband = plane.sent(0)
        heard = far_end.decode(to_wideband.payload)

    assert to_wideband.payload_type == 9
    assert abs(heard.astype(int) - tone).max() < 800
    assert abs(g711.decode_bytes(plane.sent(1).payload, Law.PCMU).astype(int) - tone).max() < 800
    plane.connect(0)
    plane.step()
    assert plane.sent(0).payload_type == 0
