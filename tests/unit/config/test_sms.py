"""The sections of short messages: every mistake is one line, every secret may be a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import load
from config.toml_file import SettingsError

CMPP = '[[cmpp]]\nname = "a"\naddress = "192.0.2.1:7890"\nnumber = "10612345"\nsource = "901234"\n'
SMPP = '[[smpp]]\nname = "b"\naddress = "192.0.2.1:2775"\nnumber = "10612345"\nsystem_id = "jiesu"\n'
CLOUD = (
    '[[cloud_sms]]\nname = "c"\nvendor = "aliyun"\nkey_id = "k"\nkey_secret = "s"\n'
    'signature = "热线"\ntemplate = "SMS_1"\n'
)
TOKEN = f'token = "{"t" * 32}"\n'


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(path)
    return str(caught.value).removeprefix(f"{tmp_path}/")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CMPP, "gateway.toml:1: cmpp[1].secret: is missing; give secret or secret_file"),
        (
            CMPP + 'secret = "s"\nsecret_file = "f"',
            "gateway.toml:7: cmpp[1].secret_file = (not shown): give secret or secret_file, not both",
        ),
        (
            CMPP.replace("192.0.2.1:7890", "192.0.2.1") + 'secret = "s"',
            'gateway.toml:3: cmpp[1].address = "192.0.2.1": '
            "expected an IP address and a port, such as 10.0.0.1:5060 or [::1]:5060",
        ),
        (
            CMPP + 'secret = "s"\n' + SMPP.replace('"b"', '"a"') + 'password = "p"',
            'gateway.toml:8: smpp[1].name = "a": is there twice; links of short messages share their names',
        ),
        (
            SMPP + 'password = "123456789"',
            "gateway.toml:6: smpp[1].password = (not shown): SMPP 3.4 has no password beyond 8 characters",
        ),
        (
            CLOUD + 'token = "short"',
            "gateway.toml:8: cloud_sms[1].token = (not shown): "
            "expected at least 32 characters, such as `openssl rand -hex 32`",
        ),
        (
            CLOUD + TOKEN + 'url = "sms.example"',
            'gateway.toml:9: cloud_sms[1].url = "sms.example": expected an address such as https://sms.example',
        ),
        (
            CLOUD.replace("aliyun", "tencent") + TOKEN,
            'gateway.toml:1: cloud_sms[1].app: is missing; vendor = "tencent" needs the SDK AppID',
        ),
        (
            SMPP.replace("192.0.2.1:2775", "smsc.example") + 'password = "p"',
            'gateway.toml:3: smpp[1].address = "smsc.example": expected a port, too, such as smsc.example:2775',
        ),
        (CMPP + "window = 0", "gateway.toml:6: cmpp[1].window = 0: expected int >= 1"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text) == said


def test_secrets_may_be_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n", encoding="utf-8")
    path = tmp_path / "gateway.toml"
    path.write_text(CMPP + 'secret_file = "key"\n' + CLOUD + 'token_file = "key"\n', encoding="utf-8")

    settings = load(path)

    assert settings.cmpp[0].secret == "from-a-file"
    assert settings.cloud_sms[0].token == "from-a-file"
    assert "from-a-file" not in repr(settings.cmpp[0])
