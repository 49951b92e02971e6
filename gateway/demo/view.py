"""Where the story is told: a live picture on a terminal, plain lines anywhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TextIO

from rich.console import Console

from gateway.app import Gateway
from gateway.demo.heard import Hearing
from gateway.demo.letters import Letter
from gateway.demo.live_view import LiveView
from gateway.demo.picture import Names, Pictures, letter_fields, ticket_fields
from gateway.demo.words import (
    CHANNELS,
    ROLES,
    STORIES,
    TITLE,
    WRITTEN,
    duration,
    gateway_facts,
    heard_lines,
    warnings,
)
from gateway.domain.ticket import Ticket
from gateway.domain.transcript import Utterance
from gateway.services.feed import FeedItem, Said, TicketChanged

SAY_LOADING_EVERY = 5.0


class View(Protocol):
    """Tells the story to people."""

    def showing(self) -> AbstractContextManager[object]:
        """Be there for as long as the block lasts."""
        ...

    def loading(self, seconds: float) -> None:
        """The model has been loading for this long."""
        ...

    def opened(self, gateway: Gateway) -> None:
        """The gateway serves."""
        ...

    def note(self, words: str) -> None:
        """Say what is being done."""
        ...

    def story(self, number: int) -> None:
        """A story begins."""
        ...

    def take(self, item: FeedItem) -> None:
        """Something happened in the gateway."""
        ...

    def heard(self, found: Mapping[str, Hearing]) -> None:
        """Who heard whom in the call that is over."""
        ...

    def letter(self, letter: Letter) -> None:
        """A written story is over."""
        ...

    def over(self, letters: Sequence[Letter]) -> None:
        """Everything is over; *letters* are all that were written."""
        ...


def view_for(out: TextIO) -> View:
    """Return the picture if *out* is a terminal, lines if not."""
    return LiveView(Console(file=out)) if out.isatty() else PlainView(out)


class PlainView:
    """A line for every step, every finished sentence and every field of a ticket, on *out*."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._names = Names()
        self._pictures = Pictures()
        self._said_loading = 0.0

    def showing(self) -> AbstractContextManager[object]:
        """Lines need no screen."""
        return nullcontext()

    def loading(self, seconds: float) -> None:
        """Say now and then that the model takes its time."""
        if seconds - self._said_loading >= SAY_LOADING_EVERY:
            self._said_loading = seconds
            self._line(f"正在载入语音识别模型（{seconds:.0f} 秒）")

    def opened(self, gateway: Gateway) -> None:
        """Say where everything is."""
        self._names.learn(gateway)
        self._line(TITLE)
        for name, value in gateway_facts(gateway):
            self._line(f"  {name}：{value}")

    def note(self, words: str) -> None:
        """Say it."""
        self._line(words)

    def story(self, number: int) -> None:
        """Write a heading."""
        self._line(f"\n== {STORIES[number]}")

    def take(self, item: FeedItem) -> None:
        """Write what is new."""
        if isinstance(item, TicketChanged) and item.ticket.call_id is None:
            self._take_written(item.ticket)
            return
        before = self._fields(item)
        step = self._pictures.take(item)
        if step is not None:
            self._line(f"{duration(step.offset)}  {'★ ' if step.is_alarming else ''}{step.words}")
        if isinstance(item, Said) and isinstance(item.utterance, Utterance) and item.utterance.is_final:
            self._line(f"{duration(item.utterance.start)}  {ROLES[item.role.value]}：{item.utterance.text}")
        for name, value in self._fields(item).items():
            if before.get(name) != value:
                self._line(f"{'':11}工单  {name}：{value}")

    def heard(self, found: Mapping[str, Hearing]) -> None:
        """Write who heard whom."""
        for line in heard_lines(found):
            self._line(f"{'':11}{line}")

    def letter(self, letter: Letter) -> None:
        """Say that somebody has his answer."""
        what = f"未成：{letter.failure}" if letter.reply is None else "回告已送达"
        self._line(f"{'':11}【{CHANNELS[letter.channel]}】{what}")

    def over(self, letters: Sequence[Letter]) -> None:
        """Write what became of everything written."""
        self._line(f"\n== {WRITTEN}")
        for letter in letters:
            self._line(f"【{CHANNELS[letter.channel]}】")
            for name, value in letter_fields(letter, self._names).items():
                self._line(f"{'':11}{name}：{value}")

    def _take_written(self, ticket: Ticket) -> None:
        """Write that somebody has written, and what is alarming about it, when it comes in."""
        if ticket.channel in self._pictures.letters:
            return
        self._pictures.take(TicketChanged(ticket=ticket))
        alarm = f"  ★ {words}" if (words := warnings(ticket)) else ""
        self._line(f"{'':11}【{CHANNELS[ticket.channel]}】工单 {ticket.id}{alarm}")

    def _fields(self, item: FeedItem) -> dict[str, str]:
        if not isinstance(item, TicketChanged) or item.ticket.call_id is None:
            return {}
        call = self._pictures.calls.get(item.ticket.call_id)
        return ticket_fields(call.ticket, self._names) if call and call.ticket else {}

    def _line(self, words: str) -> None:
        print(words, file=self._out, flush=True)
