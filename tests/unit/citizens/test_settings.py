"""The settings of the citizens' door: mistakes are named, and what is asked for is opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from config.settings import Settings, load
from config.toml_file import SettingsError
from gateway.citizen_parts import citizen_channels
from gateway.domain.contact import ChannelKind
from gateway.domain.errors import OurMistake
from tests.fakes.chats import MemoryChatLog
from tests.fakes.means import MemoryMeans

DOOR = '[public]\nlisten = "127.0.0.1:0"\n'
APP = f'[[app]]\nid = "city-app"\napi_key_sha256 = "{"0" * 64}"\n'


def loaded(folder: Path, text: str) -> Settings:
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[citizen]\nopen = true\n", "citizen.open = true: needs public.listen"),
        ('[public]\nlisten = "here"\n', "public.listen"),
        ('[public]\ntrusted_proxies = ["10.0.0.0/99"]\n', "public.trusted_proxies[1]"),
        ('[citizen]\nembed_origins = ["https://a.example/path"]\n', "expected an origin"),
        ("[citizen]\nembed_origins = [\"https://a.example; script-src 'unsafe-inline'\"]\n", "expected an origin"),
        ('[citizen]\nname = "maybe"\n', "citizen.name"),
        ("[citizen]\nfiles = 21\n", "citizen.files"),
        (DOOR + APP + APP, "app"),
        (DOOR + '[[app]]\nid = "x"\napi_key_sha256 = "key"\n', "api_key_sha256"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, text)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("", []),
        (DOOR + "[citizen]\nopen = true\n", [ChannelKind.WEB]),
        (DOOR + APP, [ChannelKind.APP]),
        (DOOR + "[citizen]\nopen = true\n" + APP, [ChannelKind.WEB, ChannelKind.APP]),
    ],
)
def test_what_is_asked_for_is_opened(tmp_path: Path, text: str, kinds: list[ChannelKind]) -> None:
    means = replace(MemoryMeans().means, chats=MemoryChatLog())

    channels = list(citizen_channels(loaded(tmp_path, text), means))

    assert [channel.kind for channel in channels] == kinds
    assert {channel.status for channel in channels} <= {"ok"}


def test_a_store_without_conversations_opens_nothing(tmp_path: Path) -> None:
    with pytest.raises(OurMistake):
        list(citizen_channels(loaded(tmp_path, DOOR + APP), MemoryMeans().means))
