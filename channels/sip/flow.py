"""A way to one far end that SIP messages take; whoever holds it need not know the transport."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from channels.sip.message import BadMessage, Message
from channels.sip.target import ListenAddress, Target


class Flow(Protocol):
    """A way to one far end, on which an answer comes back."""

    @property
    def target(self) -> Target:
        """The far end."""
        ...

    @property
    def local(self) -> ListenAddress:
        """The listener of ours that this flow belongs to."""
        ...

    @property
    def reliable(self) -> bool:
        """Whether the transport itself sends again what is lost."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether sending makes sense."""
        ...

    def send(self, octets: bytes) -> None:
        """Send one encoded message; what cannot be sent is lost, and a lost connection is reported."""
        ...


Receive = Callable[[Message | BadMessage, Flow], None]
