"""What operators see of jiesu (运行观测): the technical log, and the metrics that Prometheus reads.

The journal is elsewhere; nothing here is evidence, and nothing here names a person, a number or a word that was said.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.domain.call import CallId
from gateway.domain.events import Fact
from gateway.services.desk import Agent, Presence
from gateway.services.feed import Feed

_HAND_OFF_ENDS = {
    "handoff.desk_accepted": "accepted",
    "handoff.agent_dismissed": "dismissed",
    "handoff.chain_exhausted": "exhausted",
    "handoff.citizen_left": "abandoned",
}
_INVITE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
_CALL_BUCKETS = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)


def configure_logging(level: str, form: str) -> None:
    """Log from *level* (``debug`` ... ``error``) on to stderr, for people (``console``) or machines (``json``)."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    for_machines = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    for_people = [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # others show what variables hold: what people said
        )
    ]
    structlog.configure(
        processors=[*shared, *(for_machines if form == "json" else for_people)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]), stream=sys.stderr)


class Metrics:
    """Counts what happens. Feed it facts by `observe`; `watch` tells it what to look at when it is read."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._suspected: dict[tuple[CallId, str], float] = {}
        self.calls = Counter("jiesu_calls", "Calls offered by trunks and telephones", registry=registry)
        self.answered = Counter("jiesu_calls_answered", "Calls answered", registry=registry)
        self.ended = Counter("jiesu_calls_ended", "Calls ended", registry=registry)
        self.call_seconds = Histogram(
            "jiesu_call_seconds", "Length of calls from answer to end", buckets=_CALL_BUCKETS, registry=registry
        )
        self.emergencies = Counter("jiesu_emergencies", "Emergency phrases heard", ["line"], registry=registry)
        self.hand_offs = Counter(
            "jiesu_hand_offs", "Emergency hand-offs by how they ended", ["line", "outcome"], registry=registry
        )
        self.invite_seconds = Histogram(
            "jiesu_emergency_invite_seconds",
            "From detection of an emergency to the first INVITE to its line",
            buckets=_INVITE_BUCKETS,
            registry=registry,
        )
        self.transfers = Counter("jiesu_transfers", "Steps of attended transfers", ["event"], registry=registry)
        self.gaps = Counter("jiesu_transcript_gaps", "Stretches of speech nobody heard", registry=registry)
        self.degraded = Counter("jiesu_call_degradations", "Helpers of a call that failed", registry=registry)

    def watch(
        self,
        *,
        calls_live: Callable[[], int],
        waiting: Callable[[], int],
        listening: Callable[[], bool],
        behind: Callable[[], int],
        agents: Callable[[], Iterable[Agent]],
        media: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        """Look at the gateway's state whenever the metrics are read; *media* gives the media process's by name."""
        self._registry.register(_State(calls_live, waiting, listening, behind, agents))
        self._registry.register(_Media(media))

    def observe(self, fact: Fact) -> None:
        """Count a fact."""
        match fact.kind.partition("."):
            case "call", _, event:
                self._observe_call(fact, event)
            case "handoff", _, _:
                self._observe_hand_off(fact)
            case "emergency", _, "suspected":
                self.emergencies.labels(str(fact.values["line"])).inc()
            case "transfer", _, event:
                self.transfers.labels(event).inc()
            case "transcript", _, "gap":
                self.gaps.inc()
            case _:
                pass

    def _observe_call(self, fact: Fact, event: str) -> None:
        match event:
            case "offered":
                self.calls.inc()
            case "answered":
                self.answered.inc()
            case "degraded":
                self.degraded.inc()
            case "ended":
                self.ended.inc()
                if fact.offset is not None:
                    self.call_seconds.observe(fact.offset)
                for begun in [key for key in self._suspected if key[0] == fact.call_id]:
                    del self._suspected[begun]

    def _observe_hand_off(self, fact: Fact) -> None:
        if fact.call_id is None or fact.offset is None:
            return
        line = str(fact.values["line"])
        if fact.kind == "handoff.suspected":
            self._suspected[fact.call_id, line] = fact.offset
        elif fact.kind == "handoff.invited":
            suspected = self._suspected.pop((fact.call_id, line), None)
            if suspected is not None:
                self.invite_seconds.observe(max(0.0, fact.offset - suspected))
        elif fact.kind in _HAND_OFF_ENDS:
            self.hand_offs.labels(line, _HAND_OFF_ENDS[fact.kind]).inc()


def _tasks() -> int:
    """Return how many tasks the running loop has; none where no loop runs."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0


class _State(Collector):
    """Gauges, looked up when they are asked for."""

    def __init__(
        self,
        calls_live: Callable[[], int],
        waiting: Callable[[], int],
        listening: Callable[[], bool],
        behind: Callable[[], int],
        agents: Callable[[], Iterable[Agent]],
    ) -> None:
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "jiesu_calls_live": ("Calls going on", calls_live),
            "jiesu_calls_waiting": ("Calls waiting for an agent", waiting),
            "jiesu_asr_available": ("Whether a recogniser listens", listening),
            "jiesu_ledger_behind": ("Writes the store does not have yet", behind),
            "jiesu_tasks": ("Tasks of the event loop", _tasks),
        }
        self._agents = agents

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the gauges without looking."""
        for name, (words, _) in self._gauges.items():
            yield GaugeMetricFamily(name, words)
        yield GaugeMetricFamily("jiesu_agents", "Agents by presence", labels=["presence"])

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Look."""
        for name, (words, value) in self._gauges.items():
            yield GaugeMetricFamily(name, words, value=float(value()))
        agents = GaugeMetricFamily("jiesu_agents", "Agents by presence", labels=["presence"])
        presences = [agent.presence for agent in self._agents()]
        for presence in Presence:
            agents.add_metric([presence.value], float(presences.count(presence)))
        yield agents


class _Media(Collector):
    """What the media process says of itself, since it last started."""

    _WORDS: Final = {
        "legs": "Legs open",
        "restarts": "Times that the media process was started again",
        "late_ticks": "Steps of the clock that began more than 5 ms late",
        "skipped_ticks": "Steps of the clock that were left out after a stall",
        "worst_lateness": "Seconds by which the step was late that was most so",
        "packets_in": "RTP packets received",
        "packets_out": "RTP packets sent",
        "packets_lost": "RTP packets that never came",
        "packets_foreign": "Packets from strangers, refused",
        "cpu_seconds": "CPU time of the media process",
    }

    def __init__(self, look: Callable[[], Mapping[str, float]]) -> None:
        self._look = look

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the gauges without looking."""
        for name, words in self._WORDS.items():
            yield GaugeMetricFamily(f"jiesu_media_{name}", words)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Look."""
        seen = self._look()
        for name, words in self._WORDS.items():
            if name in seen:
                yield GaugeMetricFamily(f"jiesu_media_{name}", words, value=float(seen[name]))


async def follow(feed: Feed, metrics: Metrics) -> None:
    """Count every fact of the feed until cancelled; what passed while it lagged behind is not counted."""
    while True:
        with feed.watch() as subscription:
            async for item in subscription:
                if isinstance(item, Fact):
                    metrics.observe(item)
