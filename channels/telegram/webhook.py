"""The webhook (setWebhook): Telegram brings updates to our door, and proves with each that it is Telegram.

The secret is made of the token, so that it is the same on every node and there is nothing more to set up. That the
webhook is still ours, and can be reached, is looked at now and then.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from datetime import timedelta

import structlog
from telegram import WebhookInfo

from channels.telegram.api import TelegramApi
from gateway.domain.errors import GatewayError
from gateway.ports.clock import Clock

log = structlog.get_logger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
CHECK_INTERVAL = 60.0
"""Seconds between two looks."""
LONGEST_PAUSE = 15.0
"""Seconds between attempts when Telegram cannot be asked, at most."""


def secret_of(token: str) -> str:
    """Return what Telegram says with each update of the bot with *token*."""
    return hmac.new(token.encode(), b"jiesu webhook", hashlib.sha256).hexdigest()


class Webhook:
    """Sets the webhook and keeps it for as long as `run` runs; ``status`` says how that goes."""

    def __init__(
        self, api: TelegramApi, address: str, secret: str, clock: Clock, *, interval: float, pause: float
    ) -> None:
        self._api = api
        self._address = address
        self._secret = secret
        self._clock = clock
        self._interval = interval
        self._pause = pause
        self._is_set = False
        self.status = "webhook not set yet"

    async def run(self) -> None:
        """Set the webhook, and again whenever it is not ours any more, until cancelled."""
        pause = self._pause
        while True:
            try:
                await self._look()
            except Exception as error:  # the channel outlives a mistake of ours, and says so
                reason = str(error) if isinstance(error, GatewayError) else type(error).__name__
                self.status = f"webhook {'not checked' if self._is_set else 'not set'}: {reason}"
                log.warning("telegram.waiting", status=self.status)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                pause = self._pause
                await asyncio.sleep(self._interval)

    async def _look(self) -> None:
        known = await self._api.webhook()
        if self._is_set and known.url == self._address:
            self.status = self._met_by(known)
            return
        await self._api.set_webhook(self._address, self._secret)
        self._is_set, self.status = True, "ok"
        log.info("telegram.webhook_set")

    def _met_by(self, webhook: WebhookInfo) -> str:
        """Return ``ok``, or what Telegram met at our door since we last looked."""
        met = webhook.last_error_date
        since = self._clock.now() - timedelta(seconds=self._interval)
        if met is None or met < since or not webhook.pending_update_count:
            return "ok"
        return f"Telegram cannot bring updates: {webhook.last_error_message}"
