"""What this stack can do, and what a peer says it can (RFC 3261 8.2.2.3, 20.5, 20.32, 20.37)."""

from __future__ import annotations

from channels.sip.message import Message, Request

METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "PRACK", "UPDATE", "REFER", "NOTIFY")
RELIABLE = "100rel"
TIMER = "timer"
REPLACES = "replaces"
NO_SUBSCRIPTION = "norefersub"
OPTIONS = (RELIABLE, TIMER, REPLACES, NO_SUBSCRIPTION)

ALLOW = ", ".join(METHODS)
SUPPORTED = ", ".join(OPTIONS)


def requires(message: Message, option: str) -> bool:
    """Whether the message's sender insists on *option*."""
    return option in _options(message, "Require")


def supports(message: Message, option: str) -> bool:
    """Whether the message's sender understands *option*; who insists on it does."""
    return option in _options(message, "Supported") or requires(message, option)


def allows(message: Message, method: str) -> bool:
    """Whether the message's sender says that it takes *method*."""
    return method in message.headers.all("Allow")


def not_understood(request: Request) -> list[str]:
    """Return the options that a request requires and we do not have, for Unsupported."""
    return [option for option in request.headers.all("Require") if option.lower() not in OPTIONS]


def _options(message: Message, name: str) -> set[str]:
    return {option.lower() for option in message.headers.all(name)}
