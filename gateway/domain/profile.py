"""A city's profile (城市规则): what its regulation obliges the hotline to do, with the article beside each rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta, timezone, tzinfo
from typing import Any, Generic, TypeVar

from gateway.domain.decision import Citation
from gateway.domain.emergency import EmergencyRule
from gateway.domain.rules import Kind

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling(Generic[V_co]):
    """A rule in force: its key, its value, and the articles that found it."""

    key: str
    value: V_co
    citations: tuple[Citation, ...]

    @property
    def rows(self) -> tuple[str, ...]:
        """Return the ids of the obligations, such as ``CF-16a``."""
        return tuple(citation.obligation for citation in self.citations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The rules of one city that are in force at one moment.

    ``categories`` maps a category id to its Chinese name, in the regulation's order, and ``category_citations`` to the
    words that found it; ``six_elements`` cites the duty to record them (None where the regulation does not ask).
    ``rules`` are all rulings by key, ``citations`` all articles quoted, by obligation.
    """

    id: str
    name: str
    document: str
    emergency: EmergencyRule
    categories: dict[str, str]
    category_citations: dict[str, Citation]
    six_elements: Citation | None = None
    zone: tzinfo = timezone(timedelta(hours=8))
    rules: Mapping[str, Ruling[Any]] = field(default_factory=dict)
    citations: Mapping[str, Citation] = field(default_factory=dict)

    def ruling(self, kind: Kind[V], *parts: str) -> Ruling[V] | None:
        """Return the rule of *kind* about *parts*, None where the regulation has none."""
        return self.rules.get(kind.key(*parts))
