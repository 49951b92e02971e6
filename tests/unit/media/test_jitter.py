"""The playout buffer conceals and goes on: nothing a network or a peer does delays or deafens a leg for long."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.media_loss import Network, drift, travel
from channels.media.jitter import FRAME, PATIENCE, TARGET, WINDOW, Arrivals, Playout

Pcm = npt.NDArray[np.int16]
SPEECH = (np.arange(1 << 19) % 30000 + 1).astype(np.int16)
"""Says at each place which sample of the speech it is, modulo 30000."""


@dataclass(frozen=True)
class Sent:
    """A packet of the speech: *samples* of it from *start*, at tick *at*."""

    at: int
    start: int
    sequence: int
    timestamp: int
    length: int = FRAME
    ssrc: int = 7
    marker: bool = False


def stream(
    count: int, *, length: int = FRAME, at: int = 0, start: int = 0, sequence: int = 60000, timestamp: int = 4294960000
) -> list[Sent]:
    """Return *count* packets in a row; sequence and timestamp soon wrap."""
    return [
        Sent(
            at=at + number * length // FRAME,
            start=start + number * length,
            sequence=(sequence + number) & 0xFFFF,
            timestamp=(timestamp + number * length) & 0xFFFFFFFF,
            length=length,
        )
        for number in range(count)
    ]


@dataclass
class Line:
    """A playout buffer of some rows, of which *row* is fed."""

    row: int = 0
    rows: int = 1
    playout: Playout = field(init=False)
    played: list[Pcm] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.playout = Playout(self.rows)

    def run(self, packets: list[Sent], ticks: int | None = None) -> None:
        """Let *packets* arrive, each before the tick it is due at, and play on for a while after the last."""
        due = defaultdict(list)
        for packet in packets:
            due[packet.at].append(packet)
        for tick in range(ticks or max(due) + 14):
            for packet in due[tick]:
                self.arrive(packet)
            self.played.append(self.playout.play(self.rows)[self.row])

    def arrive(self, sent: Sent) -> None:
        self.playout.arrive(
            Arrivals(
                np.array([self.row]),
                np.array([sent.sequence], np.uint16),
                np.array([sent.timestamp], np.uint32),
                np.array([sent.ssrc], np.uint32),
                np.array([sent.marker]),
                SPEECH[None, sent.start : sent.start + sent.length],
            )
        )

    def delays(self) -> list[int | None]:
        """Return for each tick how far behind the tick the sample heard last was, None if none was heard clearly."""
        found: list[int | None] = []
        for tick, frame in enumerate(self.played):
            clear = frame[-1] == frame[-2] + 1 == frame[-3] + 2 and frame[-1] > 2
            found.append((tick * FRAME + FRAME - int(frame[-1]) + 15000) % 30000 - 15000 if clear else None)
        return found

    def heard(self) -> Pcm:
        return np.concatenate(self.played)


def test_a_steady_stream_is_played_bit_for_bit_after_the_target_delay() -> None:
    line = Line()
    line.run(stream(100))

    heard = line.heard()
    assert (heard[:TARGET] == 0).all()
    assert (heard[TARGET + 40 : TARGET + 100 * FRAME] == SPEECH[40 : 100 * FRAME]).all()
    assert line.playout.reception(0).received == 100
    assert line.playout.reception(0).concealed_samples < 500


@pytest.mark.parametrize("length", [80, 160, 240, 320, 480, 1600])
def test_every_usual_packet_length_is_played_whole(length: int) -> None:
    line = Line()
    packets = stream(9600 // length, length=length)
    line.run(packets)

    assert (line.heard()[TARGET + 40 : TARGET + 9600] == SPEECH[40:9600]).all()


def test_a_lost_packet_is_concealed_and_costs_no_delay() -> None:
    line = Line()
    packets = stream(60)
    del packets[30]
    line.run(packets)

    heard = line.heard()
    gap = TARGET + 30 * FRAME
    assert (heard[gap : gap + 80] != 0).all()
    assert (heard[gap + FRAME + 40 : TARGET + 60 * FRAME] == SPEECH[31 * FRAME + 40 : 60 * FRAME]).all()
    assert line.playout.reception(0).lost == 1


def test_a_long_loss_fades_to_silence() -> None:
    line = Line()
    line.run(stream(20), ticks=60)

    assert (line.heard()[TARGET + 20 * FRAME + 480 :] == 0).all()


def test_neighbours_that_change_places_are_both_heard() -> None:
    line = Line()
    packets = stream(60)
    for number in range(10, 60, 10):
        packets[number] = replace(packets[number], at=packets[number].at + 1)
        packets[number], packets[number + 1] = packets[number + 1], packets[number]
    line.run(packets)

    assert (line.heard()[TARGET + 40 : TARGET + 60 * FRAME] == SPEECH[40 : 60 * FRAME]).all()
    assert line.playout.reception(0).lost == 0


def test_five_percent_loss_and_reordering_leave_the_delay_near_sixty_milliseconds() -> None:
    chance = random.Random(5)
    packets = [
        replace(packet, at=packet.at + chance.choice([0, 0, 0, 1, 2]))
        for packet in stream(1500)
        if chance.random() > 0.05
    ]
    line = Line()
    line.run(packets)

    delays = [delay for delay in line.delays()[50:1490] if delay is not None]
    assert len(delays) > 0.85 * 1440
    assert max(delays) <= 640
    assert sorted(delays)[len(delays) // 2] <= 480


def test_a_stall_of_the_network_whose_packets_then_come_at_once_leaves_no_delay() -> None:
    packets = [replace(packet, at=115) if 100 <= packet.at < 115 else packet for packet in stream(400)]
    line = Line()
    line.run(packets)

    assert all(delay == TARGET for delay in line.delays()[118:400])


def test_a_network_that_has_become_slower_is_heard_again_after_patience() -> None:
    packets = [replace(packet, at=packet.at + 15) if packet.at >= 100 else packet for packet in stream(300)]
    line = Line()
    line.run(packets)

    back = 115 + PATIENCE + 3
    assert all(delay is not None for delay in line.delays()[back:312])


def test_a_network_that_has_become_faster_gives_its_delay_back() -> None:
    sooner = 8
    line = Line()
    line.run(stream(20) + [replace(packet, at=packet.at - sooner) for packet in stream(600)[20 + sooner :]])

    delays = line.delays()[2 * WINDOW + 30 : 590]
    assert all(delay is not None and delay + sooner * FRAME < TARGET + FRAME for delay in delays)


@pytest.mark.parametrize("drift", [-0.001, 0.001])
def test_a_peer_whose_clock_drifts_is_played_on(drift: float) -> None:
    packets = [replace(packet, at=int(packet.at * (1 + drift))) for packet in stream(3000)]
    line = Line()
    line.run(packets, ticks=2990)

    clear = [delay for delay in line.delays()[20:2980] if delay is not None]
    assert len(clear) > 0.98 * 2960
    assert -160 <= line.playout.reception(0).delay * 8000 <= 3 * TARGET


def test_a_new_ssrc_is_heard_at_once() -> None:
    line = Line()
    line.run(stream(50) + [replace(packet, ssrc=9) for packet in stream(100, timestamp=12345)[50:]])

    assert all(delay == TARGET for delay in line.delays()[3:100])
    assert line.playout.reception(0).lost == 0


@pytest.mark.parametrize("jump", [100_000, -100_000, 1 << 31, 3000, -3000, 1, -7])
def test_a_jump_of_the_timestamp_is_survived(jump: int) -> None:
    line = Line()
    line.run(
        stream(50) + [replace(packet, timestamp=(packet.timestamp + jump) & 0xFFFFFFFF) for packet in stream(400)[50:]]
    )

    assert all(delay is not None and delay <= 2 * TARGET for delay in line.delays()[50 + 2 * WINDOW : 400])


@pytest.mark.parametrize("jump", [5000, 30000, -5000, 32768])
def test_a_jump_of_the_sequence_is_survived_and_not_counted_as_loss(jump: int) -> None:
    line = Line()
    line.run(stream(50) + [replace(packet, sequence=(packet.sequence + jump) & 0xFFFF) for packet in stream(100)[50:]])

    assert all(delay == TARGET for delay in line.delays()[3:100])
    assert line.playout.reception(0).lost <= 1


@pytest.mark.parametrize("marker", [True, False])
@pytest.mark.parametrize("clock_ran_on", [True, False])
def test_speech_after_a_long_silence_is_heard(marker: bool, clock_ran_on: bool) -> None:
    pause = 500
    after = stream(100, start=50 * FRAME)
    silent = pause * FRAME if clock_ran_on else 0
    resumed = [
        replace(
            packet,
            at=packet.at + 50 + pause,
            sequence=(packet.sequence + 50) & 0xFFFF,
            timestamp=(packet.timestamp + 50 * FRAME + silent) & 0xFFFFFFFF,
        )
        for packet in after
    ]
    resumed[0] = replace(resumed[0], marker=marker)
    line = Line()
    line.run(stream(50) + resumed)

    assert all(delay is not None for delay in line.delays()[50 + pause + PATIENCE + 4 : 50 + pause + 100])
    if clock_ran_on or marker:
        assert line.playout.reception(0).received == 150
        assert line.playout.reception(0).late == 0


def test_duplicates_are_counted_and_not_played_twice() -> None:
    line = Line()
    line.run([packet for packet in stream(50) for _ in (0, 1)])

    assert line.playout.reception(0).duplicates == 50
    assert line.playout.reception(0).received == 50
    assert all(delay == TARGET for delay in line.delays()[3:50])


def test_a_straggler_is_counted_and_does_not_disturb() -> None:
    packets = stream(60)
    packets[20] = replace(packets[20], at=40)
    line = Line()
    line.run(packets)

    assert line.playout.reception(0).late == 1
    assert line.playout.reception(0).restarts == 1
    assert all(delay == TARGET for delay in line.delays()[25:60])


def test_rows_do_not_disturb_each_other() -> None:
    alone, among = Line(), Line(row=1, rows=3)
    packets = [packet for packet in stream(100) if packet.at % 7]
    alone.run(packets)
    among.run(packets)

    assert (alone.heard() == among.heard()).all()
    assert among.playout.reception(0).received == among.playout.reception(2).received == 0


def test_skipped_ticks_are_gone_and_what_follows_is_in_its_place() -> None:
    line = Line()
    line.run(stream(50), ticks=50)
    line.playout.skip(20)
    line.run([replace(packet, at=packet.at - 70) for packet in stream(120)[70:]])

    assert int(line.played[53][-1]) == (71 + 3) * FRAME - TARGET
    assert line.playout.reception(0).restarts == 1


def test_a_cleared_row_knows_nothing_of_its_last_leg() -> None:
    line = Line()
    line.run(stream(50), ticks=50)
    line.playout.clear(0)

    assert (line.playout.play(1) == 0).all()
    assert line.playout.reception(0).received == line.playout.reception(0).concealed_samples == 0


@settings(max_examples=25)
@given(
    noise=st.lists(
        st.tuples(
            st.integers(0, 60),
            st.integers(0, 0xFFFF),
            st.integers(0, 0xFFFFFFFF),
            st.sampled_from([7, 8]),
            st.booleans(),
            st.integers(1, 1600),
        ),
        max_size=40,
    )
)
def test_no_noise_deafens_a_leg(noise: list[tuple[int, int, int, int, bool, int]]) -> None:
    line = Line()
    line.run(
        ticks=61,
        packets=[
            Sent(at=at, start=0, sequence=sequence, timestamp=timestamp, ssrc=ssrc, marker=marker, length=length)
            for at, sequence, timestamp, ssrc, marker, length in noise
        ],
    )
    line.played.clear()
    line.run(stream(60 + 3 * WINDOW))

    assert all(delay is not None and delay <= 4 * TARGET for delay in line.delays()[-WINDOW:-12])


def test_packets_late_again_and_again_are_given_more_time_and_some_to_spare_and_it_is_taken_back() -> None:
    unsteady = [replace(packet, at=packet.at + 3 * (packet.at % 10 == 5)) for packet in stream(300)]
    calm = stream(900)[300:]
    line = Line()
    line.run(unsteady + calm)

    delays = line.delays()
    assert all(delay == TARGET + FRAME for delay in delays[31:199])
    assert all(delay == TARGET + 2 * FRAME for delay in delays[202:290])
    assert all(delay == TARGET for delay in delays[300 + 2 * WINDOW + 5 : 890])


def test_a_packet_late_by_half_is_played_from_where_its_turn_has_come() -> None:
    line = Line(rows=2)
    packets = stream(60, length=320)
    packets[20] = replace(packets[20], at=packets[20].at + 3)
    line.run(packets)

    place = TARGET + 20 * 320
    heard = line.heard()
    assert (heard[place + FRAME + 40 : place + 320] == SPEECH[20 * 320 + FRAME + 40 : 21 * 320]).all()
    assert line.playout.reception(0).late == 0
    assert line.playout.totals(2) == (60, 0)


def test_one_late_row_does_not_hold_up_the_others_of_its_round() -> None:
    playout = Playout(2)
    for tick in range(40):
        rows = np.array([0, 1])
        number = np.array([tick, tick - 4 if tick > 20 else tick])
        playout.arrive(
            Arrivals(
                rows,
                number.astype(np.uint16),
                (number * FRAME).astype(np.uint32),
                np.array([1, 2], np.uint32),
                np.array([False, False]),
                np.stack([SPEECH[n * FRAME : (n + 1) * FRAME] for n in number.tolist()]),
            )
        )
        frames = playout.play(2)

    assert (frames[0] == SPEECH[37 * FRAME : 38 * FRAME]).all()
    assert frames[1].any()


def test_five_percent_loss_and_reordering_leave_all_that_arrived_intact() -> None:
    outcome = travel(Network("lossy", 20, (0, 0, 0, 0, 1)), 60)

    assert outcome.intact > 0.9499  # the first samples of all are faded in
    assert outcome.delay_median < 0.08
    assert outcome.snr > 9


def test_jitter_within_the_buffer_does_not_cost_more_delay_than_it_needs() -> None:
    outcome = travel(Network("unsteady", 20, (0, 1, 2)), 60)

    assert outcome.intact > outcome.arrived - 0.005
    assert outcome.delay_median < 0.08


def test_clocks_that_drift_do_not_make_the_delay_grow() -> None:
    for _, median, largest in drift((-1000.0, -200.0, 200.0, 1000.0), 0.05):
        assert median <= 0.06
        assert largest <= 0.08
