"""Who we are in mail: our addresses, the ids of what we send, and the address that bounces of it come back to.

An id is made from the outbox's key, so that a message that is sent twice has one id, and a bounce address from the id
(a variable envelope return path), so that even a bounce that quotes nothing says what it is about.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_TOKEN = re.compile(r"[0-9a-f]{32}")
_PREFIX = "jiesu."


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """*addresses* are mailboxes, or whole domains as ``@city.example``, all in lower case.

    *domain* stands in the ids of what we send. *bounces* is the mailbox that bounces go to, its server having to
    accept ``name+anything@domain``; "" lets them come to the address that we wrote from.
    """

    addresses: frozenset[str]
    domain: str
    bounces: str = ""

    @property
    def loop_token(self) -> str:
        """What our messages carry in ``X-Loop``."""
        return f"jiesu@{self.domain}"

    def is_ours(self, address: str) -> bool:
        """Tell whether mail to *address* is for us; ``name+detail@domain`` is for ``name@domain``."""
        name, _, domain = address.lower().rpartition("@")
        if not name:
            return False
        plain = f"{name.partition('+')[0]}@{domain}"
        return plain in self.addresses or f"@{domain}" in self.addresses or plain == self.bounces

    def writes_as(self, address: str) -> bool:
        """Tell whether *address* may stand in a From of ours: one that people write to, so not that of bounces."""
        name, _, domain = address.lower().rpartition("@")
        return self.is_ours(address) and f"{name.partition('+')[0]}@{domain}" != self.bounces

    def message_id(self, key: str) -> str:
        """Return the id, without brackets, of what is sent under *key*."""
        return f"{_PREFIX}{hashlib.sha256(key.encode()).hexdigest()[:32]}@{self.domain}"

    def is_own_id(self, message_id: str) -> bool:
        """Tell whether a message of that id is one that we sent."""
        name, _, domain = message_id.rpartition("@")
        return domain == self.domain and name.startswith(_PREFIX) and bool(_TOKEN.fullmatch(name[len(_PREFIX) :]))

    def return_path(self, message_id: str, sent_from: str) -> str:
        """Return the address that bounces of our message are to go to."""
        if not self.bounces:
            return sent_from
        name, _, domain = self.bounces.partition("@")
        return f"{name}+{message_id.partition('@')[0].removeprefix(_PREFIX)}@{domain}"

    def bounced_id(self, address: str) -> str:
        """Return the id of ours that mail to *address* is a bounce of; "" for any other address."""
        name, _, domain = address.lower().rpartition("@")
        plain, _, token = name.partition("+")
        if not self.bounces or f"{plain}@{domain}" != self.bounces or not _TOKEN.fullmatch(token):
            return ""
        return f"{_PREFIX}{token}@{self.domain}"
