"""The sections of the written ways in: what each channel needs to know of its peer."""

from __future__ import annotations

from config.values import Section


class Public(Section, frozen=True, kw_only=True):
    """The public door: where citizens and peers reach us over HTTP, and under which address they know it."""

    listen: str = ""
    url: str = ""
