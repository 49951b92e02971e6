"""What the house asks of a citizen who writes, and how much it takes: the operator's choice."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

LONGEST_MATTER = 5000
"""Characters of what happened."""
LONGEST_WORDS = 2000
"""Characters of one line of a conversation."""


class Asking(Enum):
    """Whether a field of the form is asked for."""

    HIDDEN = "hidden"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The form's fields and limits.

    ``hotline`` is the number to call; ``emergency_sms`` the number that takes emergencies as text messages, empty for
    none. A form has at most ``files`` files of ``file_size`` octets each, and ``form_size`` octets in all.
    """

    title: str = "12345 政务服务便民热线"
    hotline: str = "12345"
    consent: str = ""
    name: Asking = Asking.OPTIONAL
    telephone: Asking = Asking.OPTIONAL
    emergency_sms: str = "12110"
    files: int = 9
    file_size: int = 8 * 1024 * 1024
    form_size: int = 30 * 1024 * 1024
