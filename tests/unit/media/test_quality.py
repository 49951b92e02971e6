"""Two ends that report to each other know what each hears and how far apart they are."""

from __future__ import annotations

import pytest

from channels.media import rtcp
from channels.media.quality import UNKNOWN, Receiving, Reporter, Sending

ANNA, BERT = 11, 22


def sending(packets: int) -> Sending:
    return Sending(ANNA, 160 * packets, packets, 160 * packets)


def test_the_round_trip_is_measured_from_two_reports() -> None:
    anna, bert = Reporter("a"), Reporter("b")
    from_anna = anna.report(sending(50), None, 100.0)
    bert.take(from_anna, BERT, 100.03)
    from_bert = bert.report(Sending(BERT, 0, 0, 0), Receiving(ANNA, 49, 50, 50, 80.0), 102.03)
    anna.take(from_bert, ANNA, 102.08)

    assert anna.quality.round_trip == pytest.approx(0.08, abs=0.001)
    assert anna.quality.far_jitter == 0.01
    assert anna.quality.far_lost == 0.0


def test_losses_are_of_the_time_since_the_last_report() -> None:
    bert = Reporter("b")
    bert.report(sending(0), Receiving(ANNA, 99, 100, 90, 0.0), 5.0)
    first = bert.quality.lost
    octets = bert.report(sending(0), Receiving(ANNA, 299, 300, 240, 160.0), 10.0)
    second = bert.quality
    third = bert.report(sending(0), Receiving(ANNA, 399, 400, 340, 160.0), 15.0)

    assert first == 0.0
    assert second.lost == 0.25
    assert second.jitter == 0.02
    assert bert.quality.lost == 0.0
    (report,) = rtcp.parse(octets)
    assert (report.blocks[0].fraction_lost, report.blocks[0].lost, report.blocks[0].jitter) == (64, 50, 160)
    assert rtcp.parse(third)[0].blocks[0].fraction_lost == 0


def test_the_highest_sequence_number_counts_its_turns() -> None:
    reporter = Reporter("b")
    reporter.report(sending(0), Receiving(ANNA, 65000, 1, 1, 0.0), 5.0)
    octets = reporter.report(sending(0), Receiving(ANNA, 464, 1001, 1001, 0.0), 10.0)

    assert rtcp.parse(octets)[0].blocks[0].highest == 65536 + 464


def test_a_new_stream_is_counted_from_its_start() -> None:
    reporter = Reporter("b")
    reporter.report(sending(0), Receiving(ANNA, 10, 500, 400, 0.0), 5.0)
    octets = reporter.report(sending(0), Receiving(BERT, 700, 501, 401, 0.0), 10.0)

    (report,) = rtcp.parse(octets)
    assert (report.blocks[0].ssrc, report.blocks[0].lost) == (BERT, 0)


def test_who_sends_nothing_reports_as_receiver_and_says_goodbye() -> None:
    reporter = Reporter("b")
    first = rtcp.parse(reporter.report(sending(5), None, 5.0))
    later = rtcp.parse(reporter.report(sending(5), None, 10.0, goodbye=True))

    assert first[0].sender is not None
    assert first[0].sender.octets == 800
    assert later[0].sender is None
    assert later[1].goodbye


def test_reports_of_another_stream_and_impossible_times_are_ignored() -> None:
    anna = Reporter("a")
    other = rtcp.Block(ssrc=99, fraction_lost=128, lost=5, highest=1, jitter=9)
    future = rtcp.Block(ssrc=ANNA, fraction_lost=0, lost=0, highest=1, jitter=0, last_report=1 << 31, delay=0)
    anna.take(rtcp.Report(BERT, blocks=[other]).encode(), ANNA, 100.0)
    assert anna.quality == UNKNOWN
    anna.take(rtcp.Report(BERT, blocks=[future]).encode(), ANNA, 100.0)

    assert anna.quality.round_trip is None or anna.quality.round_trip < 1 << 15
