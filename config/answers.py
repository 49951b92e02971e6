"""What petitioners are told in writing (答复用语): ``config/answers.toml``, or a city's own file in its place.

A section for each occasion, in it a text for each channel that needs its own, and ``default`` for all others.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

from config.toml_file import TomlFile
from gateway.domain.contact import ChannelKind

DEFAULT_FILE = Path(__file__).with_name("answers.toml")

PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "received": frozenset({"ticket", "code"}),
    "appended": frozenset({"ticket"}),
    "emergency": frozenset({"ticket", "code", "lines"}),
    "emergency_text_only": frozenset({"ticket", "code", "lines"}),
    "unheard": frozenset({"ticket", "code"}),
    "person": frozenset({"ticket", "code"}),
    "assistant": frozenset({"ticket", "text", "source"}),
    "assistant_unsure": frozenset({"ticket"}),
    "restricted": frozenset({"until", "reason"}),
    "appealed": frozenset({"ticket"}),
    "survey": frozenset({"ticket", "grades"}),
    "code": frozenset({"code", "minutes"}),
    "answered": frozenset({"ticket", "text"}),
    "subject": frozenset({"ticket", "subject"}),
}
"""The occasions, and what their texts may speak of."""


class AnswerTexts:
    """The texts of a file, checked as a whole."""

    def __init__(self, path: Path = DEFAULT_FILE) -> None:
        """Read *path*. Raises `SettingsError`: an occasion that is missing or unknown, a placeholder it has not."""
        file = TomlFile(path)
        self._texts = file.convert(dict[str, dict[str, str]])
        channels = {kind.value for kind in ChannelKind}
        for occasion in PLACEHOLDERS:
            if "default" not in self._texts.get(occasion, {}):
                raise file.error((occasion, "default"), "is missing")
        for occasion, texts in self._texts.items():
            if occasion not in PLACEHOLDERS:
                raise file.error((occasion,), f"is no occasion; known are {', '.join(PLACEHOLDERS)}")
            for channel, text in texts.items():
                if channel != "default" and channel not in channels:
                    raise file.error((occasion, channel), f"is no channel; known are {', '.join(sorted(channels))}")
                if reason := _fault(text, PLACEHOLDERS[occasion]):
                    raise file.error((occasion, channel), reason)

    def __call__(self, occasion: str, channel: ChannelKind, **values: str) -> str:
        """Return what is said on *occasion* over *channel*."""
        texts = self._texts[occasion]
        return texts.get(channel.value, texts["default"]).format(**values)


def _fault(text: str, allowed: frozenset[str]) -> str:
    try:
        named = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError as error:
        return str(error)
    unknown = named - allowed
    return f"has no value for {{{min(unknown)}}}; known are {', '.join(sorted(allowed))}" if unknown else ""
