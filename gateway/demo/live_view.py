"""The demonstration on a terminal: one picture, drawn again a few times a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from threading import Lock

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gateway.app import Gateway
from gateway.demo.heard import Hearing
from gateway.demo.letters import Letter
from gateway.demo.picture import CallPicture, Names, Pictures, subject_of, ticket_fields
from gateway.demo.words import CHANNELS, STORIES, TITLE, WRITTEN, duration, gateway_facts, heard_lines, warnings
from gateway.services.feed import FeedItem

FRAMES_A_SECOND = 5
WIDE = 110
"""Columns from which on the ticket has a column of its own."""
HEAD = 12
"""Lines taken by everything but the calls' own lines."""
FEWEST_LINES = 6
LINES_OF_A_LETTER = 2
LINES_OF_ALL = 40
"""Lines from which on calls that are over stay in full."""


class LiveView:
    """A picture of both calls and of what is written, on *console*."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._names = Names()
        self._pictures = Pictures()
        self._facts: list[tuple[str, str]] = []
        self._note = "正在启动"
        self._story = 0
        self._heard: list[list[str]] = []
        self._drawing = Lock()  # rich draws in a thread of its own

    def showing(self) -> AbstractContextManager[object]:
        """Draw for as long as the block lasts; the last picture stays."""
        return Live(get_renderable=self._picture, console=self._console, refresh_per_second=FRAMES_A_SECOND)

    def loading(self, seconds: float) -> None:
        """Show that the model takes its time."""
        self._note = f"正在载入语音识别模型（{seconds:.0f} 秒）"

    def opened(self, gateway: Gateway) -> None:
        """Show where everything is."""
        self._names.learn(gateway)
        self._facts = gateway_facts(gateway)

    def note(self, words: str) -> None:
        """Show it in the last line."""
        self._note = words

    def story(self, number: int) -> None:
        """Show which story is being told."""
        self._story = number
        self._note = STORIES[number]

    def take(self, item: FeedItem) -> None:
        """Change the picture."""
        with self._drawing:
            self._pictures.take(item)

    def heard(self, found: Mapping[str, Hearing]) -> None:
        """Show who heard whom below the call."""
        with self._drawing:
            self._heard.append(heard_lines(found))

    def letter(self, letter: Letter) -> None:
        """Show what its writer was told."""
        with self._drawing:
            self._pictures.close(letter)

    def over(self, letters: Sequence[Letter]) -> None:
        """Everything is in the picture already."""
        self._note = "全部来电和书面来件均已受理"

    # -- drawing ---------------------------------------------------------------------------------------------

    def _picture(self) -> RenderableType:
        with self._drawing:
            return self._drawn()

    def _drawn(self) -> RenderableType:
        calls = list(self._pictures.calls.values())
        heard = [*self._heard, *([] for _ in calls)]
        panels = [self._call(call, heard[at], is_last=call is calls[-1]) for at, call in enumerate(calls)]
        letters = [self._letters()] if self._pictures.letters else []
        return Group(self._head(), *panels, *letters, Text(f" {self._note}", style="bold cyan"))

    def _head(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for name, value in self._facts:
            table.add_row(Text(name, style="dim"), Text(value, overflow="fold"))
        return Panel(table, title=TITLE, border_style="blue")

    def _call(self, call: CallPicture, heard: list[str], *, is_last: bool) -> RenderableType:
        """Draw one call; of one that is over and not the last, a small screen shows the heading only."""
        present = "  ".join(f"● {who}" for who in call.present.values()) or "已结束"
        caller = call.ticket.caller if call.ticket else ""
        is_small = self._console.height < LINES_OF_ALL
        parts: list[RenderableType] = [Text(line, style="green") for line in heard]
        if is_last or not is_small:
            parts.insert(0, self._columns(call, self._most_lines(is_small)))
        is_alarming = bool(call.phrases) and not call.is_over
        return Panel(
            Group(*parts),
            title=Text(f"来电 {caller}   {present}"),
            title_align="left",
            border_style="red" if is_alarming else "dim" if call.is_over else "green",
        )

    def _letters(self) -> RenderableType:
        """Draw all that was written, a line for each on a small screen, else with what its writer was told."""
        is_small = self._console.height < LINES_OF_ALL
        table = Table.grid(padding=(0, 2))
        for _ in range(3):
            table.add_column(no_wrap=True)
        table.add_column(no_wrap=is_small, overflow="ellipsis" if is_small else "fold")
        is_alarming = False
        for channel, written in self._pictures.letters.items():
            ticket, letter = written.ticket, written.letter
            alarm = warnings(ticket) if ticket else ""
            is_alarming = is_alarming or bool(alarm)
            words = Text(alarm, style="bold white on red")
            told = "" if letter is None else _told(letter)
            table.add_row(
                Text(CHANNELS[channel], style="bold"),
                Text(ticket.id if ticket else ""),
                Text(subject_of(ticket, self._names) if ticket else ""),
                Text.assemble(words, " " if alarm else "", told),
            )
        return Panel(table, title=WRITTEN, title_align="left", border_style="red" if is_alarming else "green")

    def _most_lines(self, is_small: bool) -> int:
        calls = 1 if is_small else max(1, len(self._pictures.calls))
        letters = (
            len(self._pictures.letters) * (1 if is_small else LINES_OF_A_LETTER) + 2 if self._pictures.letters else 0
        )
        return max(FEWEST_LINES, (self._console.height - HEAD - letters) // calls - 3)

    def _columns(self, call: CallPicture, most: int) -> RenderableType:
        is_wide = self._console.width >= WIDE
        columns = Table.grid(expand=True, padding=(0, 2))
        for _ in range(3 if is_wide else 2):
            columns.add_column(ratio=1)
        ticket = [self._ticket(call)] if is_wide else []
        columns.add_row(self._conversation(call, most), self._steps(call, most), *ticket)
        return columns

    def _conversation(self, call: CallPicture, most: int) -> RenderableType:
        table = _lines()
        for who, utterance in call.conversation[-most:]:
            words = Text(utterance.text, style="" if utterance.is_final else "italic dim", overflow="fold")
            words.highlight_words(call.phrases, style="bold white on red")
            table.add_row(Text(who, style="bold"), words)
        return table

    def _steps(self, call: CallPicture, most: int) -> RenderableType:
        table = _lines()
        for step in call.steps[-most:]:
            style = "bold red" if step.is_alarming else ""
            table.add_row(Text(duration(step.offset), style="dim"), Text(step.words, style=style, overflow="fold"))
        return table

    def _ticket(self, call: CallPicture) -> RenderableType:
        table = _lines()
        if call.ticket is not None:
            table.add_row(Text("工单", style="dim"), Text(call.ticket.id))
            for name, value in ticket_fields(call.ticket, self._names).items():
                table.add_row(Text(name, style="dim"), Text(value, overflow="fold"))
        return table


def _told(letter: Letter) -> str:
    """Return what came back and what came of it, or why nothing did."""
    if letter.reply is None:
        return letter.failure
    return "\n".join(filter(None, (letter.reply.told, letter.reply.further)))


def _lines() -> Table:
    """Return a table of two columns, the first of which is never broken."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table
