"""The chat platforms put together: a channel for the Telegram bot and for the WeChat account in the settings."""

from __future__ import annotations

from collections.abc import Iterator

from channels.telegram.channel import TelegramChannel, TelegramSettings
from channels.wechat.channel import WeChatChannel, WeChatSettings
from channels.wechat.outgoing import Notice
from config.settings import Settings
from gateway.domain.errors import UnusableSetting
from gateway.ports.intake import Means, WrittenChannel


def chat_channels(settings: Settings, means: Means) -> Iterator[WrittenChannel]:
    """Yield the channels of the platforms that are set up. Raises `UnusableSetting`."""
    telegram, wechat = settings.telegram, settings.wechat
    if telegram.token:
        yield TelegramChannel(
            TelegramSettings(
                token=telegram.token,
                api=telegram.api,
                webhook=settings.public.url if telegram.delivery == "webhook" else "",
                greeting=telegram.greeting,
            ),
            means,
        )
    if wechat.app_id:
        account = WeChatSettings(
            app_id=wechat.app_id,
            app_secret=wechat.app_secret,
            token=wechat.token,
            aes_key=wechat.aes_key,
            api=wechat.api,
            greeting=wechat.greeting,
            notice=Notice(
                template=wechat.notice_template,
                number=wechat.notice_number,
                text=wechat.notice_text,
                time=wechat.notice_time,
                url=wechat.notice_url or settings.public.url,
            )
            if wechat.notice_template
            else None,
        )
        try:
            yield WeChatChannel(account, means)
        except ValueError as error:
            raise UnusableSetting(f"wechat.aes_key: {error}") from error
