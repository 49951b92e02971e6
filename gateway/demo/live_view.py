"""The demonstration on a terminal: one picture, drawn again a few times a second."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gateway.app import Gateway
from gateway.demo.heard import Hearing
from gateway.demo.picture import CallPicture, Names, Pictures, ticket_fields
from gateway.demo.words import STORIES, TITLE, duration, gateway_facts, heard_lines
from gateway.services.feed import FeedItem

FRAMES_A_SECOND = 5
MOST_LINES = 12
"""How much of a conversation, and how many steps, are shown of each call."""


class LiveView:
    """A picture of both calls on *console*."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._names = Names()
        self._pictures = Pictures()
        self._facts: list[tuple[str, str]] = []
        self._note = "正在启动"
        self._story = 0
        self._heard: list[list[str]] = []

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
        self._pictures.take(item)

    def heard(self, found: Mapping[str, Hearing]) -> None:
        """Show who heard whom below the call."""
        self._heard.append(heard_lines(found))

    # -- drawing ---------------------------------------------------------------------------------------------

    def _picture(self) -> RenderableType:
        calls = list(self._pictures.calls.values())
        heard = [*self._heard, *([] for _ in calls)]
        panels = [self._call(call, heard[at], is_last=call is calls[-1]) for at, call in enumerate(calls)]
        return Group(self._head(), *panels, Text(f" {self._note}", style="bold cyan"))

    def _head(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for name, value in self._facts:
            table.add_row(Text(name, style="dim"), Text(value))
        return Panel(table, title=TITLE, border_style="blue")

    def _call(self, call: CallPicture, heard: list[str], *, is_last: bool) -> RenderableType:
        """Draw one call; one that is over, and not the last, keeps its steps and its ticket only."""
        present = "  ".join(f"● {who}" for who in call.present.values()) or "已结束"
        caller = call.ticket.caller if call.ticket else ""
        columns = Table.grid(expand=True, padding=(0, 2))
        columns.add_column(ratio=3)
        columns.add_column(ratio=3)
        columns.add_column(ratio=3)
        columns.add_row(self._conversation(call) if is_last else "", self._steps(call), self._ticket(call))
        parts: list[RenderableType] = [columns, *(Text(line, style="green") for line in heard)]
        alarm = bool(call.phrases) and not call.is_over
        return Panel(
            Group(*parts),
            title=Text(f"来电 {caller}   {present}"),
            title_align="left",
            border_style="red" if alarm else "dim" if call.is_over else "green",
        )

    def _conversation(self, call: CallPicture) -> RenderableType:
        lines = Text()
        for who, utterance in call.conversation[-MOST_LINES:]:
            line = Text(f"{who}：", style="bold")
            line.append(utterance.text, style="not bold" if utterance.is_final else "not bold italic dim")
            line.highlight_words(call.phrases, style="bold white on red")
            lines.append(line).append("\n")
        return lines

    def _steps(self, call: CallPicture) -> RenderableType:
        lines = Text()
        for step in call.steps[-MOST_LINES:]:
            lines.append(f"{duration(step.offset)} ", style="dim")
            lines.append(f"{step.words}\n", style="bold red" if step.is_alarming else "")
        return lines

    def _ticket(self, call: CallPicture) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        if call.ticket is not None:
            table.add_row(Text("工单", style="dim"), Text(call.ticket.id))
            for name, value in ticket_fields(call.ticket, self._names).items():
                table.add_row(Text(name, style="dim"), Text(value))
        return table
