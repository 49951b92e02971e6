"""An invitation in words: the lines of an iCalendar object (RFC 5545) that people read."""

from __future__ import annotations

import re

_SHOWN = {
    "SUMMARY": "日程",
    "DTSTART": "开始",
    "DTEND": "结束",
    "LOCATION": "地点",
    "DESCRIPTION": "说明",
}
_ESCAPED = re.compile(r"\\([\\;,nN])")
_INSTANT = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})\d{2}(Z?))?$")


def text_of_calendar(text: str) -> str:
    """Return what the first event, task or note says, a line for each; "" for nothing."""
    unfolded = re.sub(r"\r?\n[ \t]", "", text)
    said: dict[str, str] = {}
    inside = False
    for line in unfolded.splitlines():
        name, colon, value = line.partition(":")
        name = name.partition(";")[0].strip().upper()
        if name == "BEGIN" and value.strip().upper() in ("VEVENT", "VTODO", "VJOURNAL"):
            inside = True
        elif name == "END" and inside and value.strip().upper() in ("VEVENT", "VTODO", "VJOURNAL"):
            break
        elif inside and colon and name in _SHOWN:
            said.setdefault(name, _readable(value.strip()))
    return "\n".join(f"{_SHOWN[name]}：{said[name]}" for name in _SHOWN if said.get(name))


def _readable(value: str) -> str:
    if match := _INSTANT.match(value):
        year, month, day, hour, minute, utc = match.groups()
        return f"{year}-{month}-{day}" + (f" {hour}:{minute}{' UTC' if utc else ''}" if hour else "")
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value).strip()
