"""What the page and we say to each other over a conversation's WebSocket: tagged Structs, one JSON object each.

The page begins with `Hello` and is told every line after the one it has; then lines come in the order of their numbers,
each once. The page says its own words with `Say`, hears `TakenTold` or `NotTaken`, and tells with `Confirm` what has
arrived. After a break it says hello again with the number of its last line, and repeats what it has no word of.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from channels.web.bodies import SAID, Key, LineView
from channels.web.terms import LONGEST_WORDS


class FromPage(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """Anything that the page says."""


class Hello(FromPage, frozen=True, tag="hello"):
    """Which conversation, and the number of the last line that the page has."""

    token: str
    after: Annotated[int, Meta(ge=0)] = 0


class Say(FromPage, frozen=True, tag="say"):
    """A line of the citizen's."""

    id: Key
    text: Annotated[str, Meta(max_length=LONGEST_WORDS, pattern=SAID)]
    is_text_only: bool = False
    wants_person: bool = False


class Confirm(FromPage, frozen=True, tag="confirm"):
    """All lines up to *number* have arrived."""

    number: Annotated[int, Meta(ge=0)]


class ToPage(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Anything that the page is told."""


class LineTold(ToPage, frozen=True, tag="line"):
    """The next line."""

    line: LineView


class Ready(ToPage, frozen=True, tag="ready"):
    """The conversation is open."""


class TakenTold(ToPage, frozen=True, tag="taken"):
    """The line of that id is in the ticket, for good."""

    id: str
    ticket_id: str
    query_code: str
    opened: bool
    told: str
    emergencies: list[str]


class NotTaken(ToPage, frozen=True, tag="not_taken"):
    """The line of that id is not taken: not at all, or not now (``retry_after`` seconds, 0 for never)."""

    id: str
    message: str
    retry_after: float = 0.0


AnyFromPage = Hello | Say | Confirm
AnyToPage = LineTold | Ready | TakenTold | NotTaken
