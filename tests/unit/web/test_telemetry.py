from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
import structlog
from prometheus_client import CollectorRegistry, generate_latest

from gateway.domain.call import CallId, Destination, LegId, Role
from gateway.domain.events import Fact
from gateway.domain.json import Json
from gateway.domain.transcript import Gap
from gateway.services.desk import Agent, Presence
from gateway.services.feed import BACKLOG, Feed, Said
from gateway.telemetry import Metrics, configure_logging, follow

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def fact(kind: str, offset: float | None = None, call: str = "call1", **values: Json) -> Fact:
    return Fact(kind=kind, at=NOON, call_id=CallId(call), offset=offset, values=values)


async def everybody_has_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_calls_are_counted_from_offer_to_end() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)

    for told in (fact("call.offered"), fact("call.answered", 0.0), fact("call.ended", 42.0, reason="citizen hung up")):
        metrics.observe(told)

    assert registry.get_sample_value("jiesu_calls_total") == 1
    assert registry.get_sample_value("jiesu_calls_answered_total") == 1
    assert registry.get_sample_value("jiesu_calls_ended_total") == 1
    assert registry.get_sample_value("jiesu_call_seconds_sum") == 42.0


def test_the_time_from_detection_to_the_first_invite_is_measured_once() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)

    metrics.observe(fact("handoff.suspected", 10.0, line="119"))
    metrics.observe(fact("handoff.invited", 10.02, line="119"))
    metrics.observe(fact("handoff.invited", 18.0, line="119"))
    metrics.observe(fact("handoff.desk_accepted", 30.0, line="119"))

    assert registry.get_sample_value("jiesu_emergency_invite_seconds_count") == 1
    assert registry.get_sample_value("jiesu_emergency_invite_seconds_sum") == pytest.approx(0.02)
    assert registry.get_sample_value("jiesu_hand_offs_total", {"line": "119", "outcome": "accepted"}) == 1


def test_emergencies_transfers_and_what_nobody_heard_are_counted() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)

    metrics.observe(fact("emergency.suspected", 3.0, line="119", phrase="着火"))
    metrics.observe(fact("transfer.unit_dialled", 4.0, unit="water", state="consulting"))
    metrics.observe(fact("transcript.gap", 5.0, leg="leg1", end=6.0, reason="lost"))
    metrics.observe(fact("call.degraded", 7.0, task="hearing"))
    metrics.observe(fact("leg.held", 8.0))

    assert registry.get_sample_value("jiesu_emergencies_total", {"line": "119"}) == 1
    assert registry.get_sample_value("jiesu_transfers_total", {"event": "unit_dialled"}) == 1
    assert registry.get_sample_value("jiesu_transcript_gaps_total") == 1
    assert registry.get_sample_value("jiesu_call_degradations_total") == 1


def test_a_call_that_ended_leaves_nothing_behind() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.observe(fact("handoff.suspected", 10.0, line="119"))
    metrics.observe(fact("call.ended", 11.0))

    assert not metrics._suspected


def test_state_is_looked_up_when_it_is_read() -> None:
    registry = CollectorRegistry()
    agent = Agent(id="8001", name="一号", destination=Destination(number="8001"), presence=Presence.READY)
    live = [1]
    Metrics(registry).watch(
        calls_live=lambda: len(live),
        waiting=lambda: 0,
        listening=lambda: True,
        behind=lambda: 3,
        agents=lambda: [agent],
        media=lambda: {"late_ticks": 7, "unheard_of": 1},
    )

    live.append(2)

    assert registry.get_sample_value("jiesu_calls_live") == 2
    assert registry.get_sample_value("jiesu_media_late_ticks") == 7
    assert registry.get_sample_value("jiesu_media_restarts") is None
    assert registry.get_sample_value("jiesu_agents", {"presence": "ready"}) == 1
    assert registry.get_sample_value("jiesu_agents", {"presence": "paused"}) == 0
    assert b"jiesu_ledger_behind 3.0" in generate_latest(registry)


async def test_facts_are_counted_as_the_feed_brings_them() -> None:
    registry, feed = CollectorRegistry(), Feed()
    async with asyncio.TaskGroup() as tasks:
        counting = tasks.create_task(follow(feed, Metrics(registry)))
        await asyncio.sleep(0)
        feed.publish(fact("call.offered"))
        gap = Gap(leg_id=LegId("leg1"), start=0.0, end=1.0, reason="lost")
        feed.publish(Said(call_id=CallId("call1"), role=Role.CITIZEN, utterance=gap))
        feed.publish(fact("call.offered"))
        await everybody_has_run()
        counting.cancel()

    assert registry.get_sample_value("jiesu_calls_total") == 2


async def test_counting_goes_on_after_it_lagged_behind() -> None:
    registry, feed = CollectorRegistry(), Feed()
    async with asyncio.TaskGroup() as tasks:
        counting = tasks.create_task(follow(feed, Metrics(registry)))
        await asyncio.sleep(0)
        for _ in range(BACKLOG + 1):
            feed.publish(fact("call.offered"))
        await everybody_has_run()
        feed.publish(fact("call.offered"))
        await everybody_has_run()
        counting.cancel()

    assert registry.get_sample_value("jiesu_calls_total") == 1


@pytest.mark.parametrize("form", ["json", "console"])
def test_the_log_goes_to_stderr_from_its_level_on(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", form)
    try:
        log = structlog.get_logger("test")
        log.debug("nothing.said")
        log.info("leg.answered", leg_id="leg1")
    finally:
        structlog.reset_defaults()

    told = capsys.readouterr()
    assert told.out == ""
    assert "nothing.said" not in told.err
    assert "leg.answered" in told.err
    if form == "json":
        assert json.loads(told.err)["leg_id"] == "leg1"
