"""How a demonstration fails: a step of its story did not happen."""

from __future__ import annotations

from gateway.domain.errors import GatewayError


class StepMissing(GatewayError):
    """The story cannot go on; the message names the step."""
