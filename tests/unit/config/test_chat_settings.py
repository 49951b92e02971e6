"""The sections of the chat platforms, and the channels that they open."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import load
from config.toml_file import SettingsError
from gateway.chat_parts import chat_channels
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import UnusableSetting
from tests.fakes.means import MemoryMeans

DOOR = '[public]\nlisten = "127.0.0.1:8346"\nurl = "https://12345.example"\n'
TELEGRAM = '[telegram]\ntoken = "123:abc"\n'
WECHAT = '[wechat]\napp_id = "wx0"\napp_secret = "s"\ntoken = "t"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(written(folder, text))
    return str(caught.value).removeprefix(f"{folder}/")


def opened(folder: Path, text: str) -> list[ChannelKind]:
    return [channel.kind for channel in chat_channels(load(written(folder, text)), MemoryMeans().means)]


def test_nothing_is_opened_that_is_not_set_up(tmp_path: Path) -> None:
    assert opened(tmp_path, "") == []


def test_a_bot_and_an_account_are_opened(tmp_path: Path) -> None:
    assert opened(tmp_path, DOOR + TELEGRAM + WECHAT) == [ChannelKind.TELEGRAM, ChannelKind.WECHAT]


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "bot.token").write_text("123:from-file\n", encoding="utf-8")
    settings = load(written(tmp_path, '[telegram]\ntoken_file = "bot.token"\n'))

    assert settings.telegram.token == "123:from-file"
    assert "from-file" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '[telegram]\ntoken = "a"\ntoken_file = "b"\n',
            "gateway.toml:3: telegram.token_file = (not shown): give token or token_file, not both",
        ),
        (
            '[telegram]\ntoken_file = "no-such-file"\n',
            "gateway.toml:2: telegram.token_file = (not shown): cannot be read",
        ),
        (
            TELEGRAM + 'delivery = "webhook"\n',
            'gateway.toml:3: telegram.delivery = "webhook": a webhook needs public.url',
        ),
        (
            '[public]\nurl = "https://a.example"\n' + TELEGRAM + 'delivery = "webhook"\n',
            'gateway.toml:5: telegram.delivery = "webhook": a webhook needs public.listen',
        ),
        ('[telegram]\napi = "api.telegram.org"\n', 'gateway.toml:2: telegram.api = "api.telegram.org": expected'),
        (DOOR + '[wechat]\napp_id = "wx0"\ntoken = "t"\n', "gateway.toml:4: wechat.app_secret: is missing"),
        (WECHAT, 'gateway.toml:2: wechat.app_id = "wx0": WeChat brings messages to public.listen'),
        (DOOR + WECHAT + 'aes_key = "short"\n', "gateway.toml:8: wechat.aes_key = (not shown): expected the Encod"),
        (
            DOOR + WECHAT + 'notice_template = "t"\n',
            'gateway.toml:8: wechat.notice_template = "t": needs notice_number or notice_text',
        ),
        (
            DOOR + WECHAT + 'notice_url = "12345.example"\n',
            'gateway.toml:8: wechat.notice_url = "12345.example": expected an address',
        ),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    assert refusal(tmp_path, text).startswith(line)


def test_a_key_from_a_file_that_is_none_is_said_when_the_channel_opens(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("!" * 43, encoding="utf-8")

    with pytest.raises(UnusableSetting, match=r"wechat\.aes_key"):
        opened(tmp_path, DOOR + WECHAT + 'aes_key_file = "key"\n')
