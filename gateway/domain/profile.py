"""A city's profile (城市规则): what its regulation obliges the front door to do, with the article beside each rule."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.decision import Citation
from gateway.domain.emergency import EmergencyRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The rules of one city that are in force at one moment.

    ``categories`` maps a category id to its Chinese name, in the regulation's order, and ``category_citations`` to the
    words that found it; ``six_elements`` cites the duty to record them (None where the regulation does not ask).
    """

    id: str
    name: str
    document: str
    emergency: EmergencyRule
    categories: dict[str, str]
    category_citations: dict[str, Citation]
    six_elements: Citation | None = None
