"""What Prometheus reads of the written channels."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from gateway.domain.contact import ChannelKind
from gateway.domain.errors import GatewayError, Refused, Unavailable
from gateway.domain.ticket import TicketId
from gateway.ports.intake import DeliveryReport, DeliveryState, IncomingMessage, Intake, WayOut
from gateway.services.counted import CountedIntake
from gateway.written_metrics import WrittenMetrics
from tests.fakes.intake import MemoryIntake

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@dataclass
class Bot:
    """A channel that counts what it reads."""

    counts: Mapping[str, int] = field(default_factory=dict)
    kind: ChannelKind = ChannelKind.TELEGRAM
    status: str = "ok"
    way_out: WayOut | None = None

    @asynccontextmanager
    async def running(self, intake: Intake) -> AsyncIterator[None]:
        yield


def sms(external_id: str, *, follows: str = "") -> IncomingMessage:
    return IncomingMessage(
        channel=ChannelKind.SMS,
        external_id=external_id,
        sender="8613800000003",
        addressee="10612345",
        received_at=NOON,
        text="路灯坏了",
        ticket_id=TicketId(follows) if follows else None,
    )


async def test_each_message_is_counted_by_what_became_of_it() -> None:
    inner = MemoryIntake()
    intake, registry = CountedIntake(inner), CollectorRegistry()
    registry.register(WrittenMetrics(intake.outcomes, ()))

    taken = await intake.take(sms("1"))
    await intake.take(sms("1"))
    await intake.take(sms("2", follows=taken.ticket_id))
    failures: list[GatewayError] = [Refused("restricted"), Unavailable("store away"), Unavailable("too many")]
    for failure in failures:
        inner.fail = failure
        with pytest.raises(type(failure)):
            await intake.take(sms("3"))

    counted = {
        outcome: registry.get_sample_value("jiesu_contacts_total", {"channel": "sms", "outcome": outcome})
        for outcome in ("opened", "repeated", "added", "refused", "postponed")
    }
    assert counted == {"opened": 1, "repeated": 1, "added": 1, "refused": 1, "postponed": 2}


async def test_a_delivery_report_passes() -> None:
    inner = MemoryIntake()
    report = DeliveryReport(channel=ChannelKind.SMS, sent_id="1", state=DeliveryState.DELIVERED, at=NOON)

    await CountedIntake(inner).report(report)

    assert inner.reports == [report]


def test_channels_of_one_kind_are_counted_together_and_serve_only_if_all_do() -> None:
    registry = CollectorRegistry()
    channels = [Bot({"greeted": 2}), Bot({"greeted": 1, "unreadable": 4}, status="refused"), Bot(kind=ChannelKind.APP)]
    registry.register(WrittenMetrics({}, channels))

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    assert value("jiesu_channel_read_total", channel="telegram", kind="greeted") == 3
    assert value("jiesu_channel_read_total", channel="telegram", kind="unreadable") == 4
    assert value("jiesu_channel_in_order", channel="telegram") == 0
    assert value("jiesu_channel_in_order", channel="app") == 1
    assert generate_latest(registry).count(b'jiesu_channel_in_order{channel="telegram"}') == 1


def test_what_became_of_messages_to_petitioners_is_shown_by_channel() -> None:
    registry = CollectorRegistry()
    registry.register(WrittenMetrics({}, (), {("sms", "sent"): 3, ("wechat", "given_up"): 1}))
    shown = generate_latest(registry).decode()

    assert 'jiesu_told_total{channel="sms",outcome="sent"} 3.0' in shown
    assert 'jiesu_told_total{channel="wechat",outcome="given_up"} 1.0' in shown
