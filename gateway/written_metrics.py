"""What Prometheus reads of the written channels: what became of messages, what else came, whether a channel serves.

Channels of one kind are counted together. Nothing here names a sender or a word that was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.domain.contact import ChannelKind
from gateway.ports.intake import Counting, WrittenChannel


class WrittenMetrics(Collector):
    """Counts, looked up when they are asked for: *outcomes* is `CountedIntake.outcomes`, *sent* `WayBack.outcomes`."""

    def __init__(
        self,
        outcomes: Mapping[tuple[ChannelKind, str], int],
        channels: Iterable[WrittenChannel],
        sent: Mapping[tuple[str, str], int] = MappingProxyType({}),
    ) -> None:
        self._outcomes = outcomes
        self._sent = sent
        self._channels = tuple(channels)

    def describe(self) -> Iterator[Metric]:
        """Name them without looking."""
        yield from (_contacts(), _sent(), _read(), _in_order())

    def collect(self) -> Iterator[Metric]:
        """Look."""
        contacts, sent, read, in_order = _contacts(), _sent(), _read(), _in_order()
        for (kind, outcome), count in self._outcomes.items():
            contacts.add_metric([kind.value, outcome], count)
        for labels, count in self._sent.items():
            sent.add_metric(labels, count)
        seen: Counter[tuple[str, str]] = Counter()
        states: dict[str, bool] = {}
        for channel in self._channels:
            name = channel.kind.value
            states[name] = states.get(name, True) and channel.status == "ok"
            if isinstance(channel, Counting):
                for what, count in channel.counts.items():
                    seen[name, what] += count
        for labels, count in seen.items():
            read.add_metric(labels, count)
        for name, is_ok in states.items():
            in_order.add_metric([name], float(is_ok))
        yield from (contacts, sent, read, in_order)


def _contacts() -> CounterMetricFamily:
    words = "Written messages by what became of them: opened, added, repeated, refused, postponed, dropped"
    return CounterMetricFamily("jiesu_contacts", words, labels=["channel", "outcome"])


def _sent() -> CounterMetricFamily:
    words = "Messages to petitioners by what became of them: sent, refused, postponed, given_up"
    return CounterMetricFamily("jiesu_told", words, labels=["channel", "outcome"])


def _read() -> CounterMetricFamily:
    words = "What channels read besides, or refused themselves, by kind"
    return CounterMetricFamily("jiesu_channel_read", words, labels=["channel", "kind"])


def _in_order() -> GaugeMetricFamily:
    return GaugeMetricFamily("jiesu_channel_in_order", "Whether a channel serves as it should", labels=["channel"])
