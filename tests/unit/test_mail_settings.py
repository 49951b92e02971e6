"""The settings of e-mail: what must agree, and what they open."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.mail.channel import MailChannel
from config.settings import Settings, load
from config.toml_file import SettingsError
from gateway.domain.errors import UnusableSetting
from gateway.mail_parts import identity_of, mail_channels
from tests.fakes.means import MemoryMeans

SERVER = '[mail]\nlisten = ["127.0.0.1:0"]\naddresses = ["12345@City.example"]\n'
MAILBOX = '[[mailbox]]\nname = "m"\naddress = "m@city.example"\nserver = "imap.city.example"\npassword = "x"\n'
SMARTHOST = '[smarthost]\nserver = "smtp.city.example"\nsender = "office@city.example"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return path


def opened(folder: Path, text: str) -> list[MailChannel]:
    channels = list(mail_channels(load(written(folder, text)), MemoryMeans().means))
    assert all(isinstance(each, MailChannel) for each in channels)
    return [each for each in channels if isinstance(each, MailChannel)]


def test_without_any_section_there_is_no_channel() -> None:
    assert list(mail_channels(Settings(), MemoryMeans().means)) == []


@pytest.mark.parametrize(
    ("text", "sends"), [(SERVER, False), (MAILBOX, False), (SMARTHOST, True), (SERVER + MAILBOX + SMARTHOST, True)]
)
def test_any_section_makes_one_channel(tmp_path: Path, text: str, sends: bool) -> None:
    (channel,) = opened(tmp_path, text)

    assert (channel.way_out is not None) is sends
    assert channel.status == "ok"


def test_we_are_all_addresses_that_are_named(tmp_path: Path) -> None:
    identity = identity_of(load(written(tmp_path, SERVER + MAILBOX + SMARTHOST)))

    assert identity.addresses == {"12345@city.example", "m@city.example", "office@city.example"}
    assert identity.domain == "city.example"


def test_a_password_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n", encoding="utf-8")
    settings = load(written(tmp_path, SMARTHOST + 'username = "u"\npassword_file = "password"\n'))

    assert settings.smarthost.password == "secret"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[mail]\nlisten = ["127.0.0.1:0"]\n', "1: mail.addresses"),
        (SERVER + "needs_tls = true\n", "4: mail.needs_tls = true: needs tls_certificate"),
        (SERVER + 'tls_key = "x"\n', "mail.tls_certificate"),
        (SERVER + 'relays = ["city"]\n', '4: mail.relays[1] = "city"'),
        (SERVER + 'nameservers = ["city"]\n', '4: mail.nameservers[1] = "city"'),
        ('[mail]\nlisten = ["city:25"]\naddresses = ["@a.example"]\n', '2: mail.listen[1] = "city:25"'),
        ('[mail]\naddresses = ["city"]\n', '2: mail.addresses[1] = "city"'),
        ('[mail]\nbounces = "a+b@city.example"\n', "2: mail.bounces"),
        (MAILBOX + MAILBOX, '7: mailbox[2].name = "m": is there twice'),
        (MAILBOX.replace('password = "x"\n', ""), "mailbox[1].password: is missing"),
        (MAILBOX + 'password_file = "x"\n', "give password or password_file, not both"),
        (SMARTHOST.replace('sender = "office@city.example"\n', ""), "smarthost.sender: is missing"),
        (SMARTHOST + 'username = "u"\n', "username and password belong together"),
        (SMARTHOST + 'username = "u"\npassword = "x"\nencryption = "none"\n', "a password needs encryption"),
        (SMARTHOST + 'dkim_key = "x"\n', "dkim_domain, dkim_selector and dkim_key belong together"),
        (SMARTHOST.replace("smtp.city.example", "smtp city"), "2: smarthost.server"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, text))

    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        SERVER + 'tls_certificate = "absent.pem"\ntls_key = "absent.key"\n',
        SMARTHOST + 'tls_authorities = "absent.pem"\n',
        SMARTHOST + 'dkim_domain = "city.example"\ndkim_selector = "s"\ndkim_key = "gateway.toml"\n',
        MAILBOX + 'tls_authorities = "absent.pem"\n',
    ],
)
def test_a_certificate_or_key_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnusableSetting) as caught:
        opened(tmp_path, text)

    assert "cannot be used" in str(caught.value)


def test_certificates_and_keys_are_read(tmp_path: Path) -> None:
    house = Path.cwd() / "tests/data"
    server = f'tls_certificate = "{house}/tls/gateway.pem"\ntls_key = "{house}/tls/gateway.key"\n'
    key = f'dkim_domain = "city.example"\ndkim_selector = "s"\ndkim_key = "{house}/mail/dkim.pem"\n'

    assert len(opened(tmp_path, SERVER + server + SMARTHOST + key)) == 1
