"""The settings file: the example tells the truth, and every mistake is one line that can be acted on."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.channels import App, Citizen, Inlet, Open311, Public, Written
from config.chat import Telegram, WeChat
from config.mail import HostedMailbox, Mail, Smarthost
from config.sections import Asr, Casework, Log, Node, Partner, Understanding, Web
from config.settings import Settings, load
from config.sms import CloudSms, Cmpp, Smpp
from config.telephone_line import (
    ChainLink,
    Desk,
    EmergencyLine,
    Handoff,
    Media,
    MergedLine,
    Sip,
    Telephone,
    Trunk,
    Unit,
)
from config.toml_file import SettingsError
from config.values import Address, Duration, ListenAddress

EXAMPLE = Path("config/gateway.example.toml")
SECTIONS: dict[str, type[msgspec.Struct]] = {
    "node": Node,
    "sip": Sip,
    "desk": Desk,
    "handoff": Handoff,
    "media": Media,
    "asr": Asr,
    "understanding": Understanding,
    "web": Web,
    "casework": Casework,
    "public": Public,
    "mail": Mail,
    "smarthost": Smarthost,
    "written": Written,
    "citizen": Citizen,
    "open311": Open311,
    "telegram": Telegram,
    "wechat": WeChat,
    "log": Log,
}
REPEATED: dict[str, type[msgspec.Struct]] = {
    "trunk": Trunk,
    "telephone": Telephone,
    "emergency_line": EmergencyLine,
    "unit": Unit,
    "merged_line": MergedLine,
    "partner": Partner,
    "cmpp": Cmpp,
    "smpp": Smpp,
    "cloud_sms": CloudSms,
    "mailbox": HostedMailbox,
    "app": App,
    "inlet": Inlet,
}


def written_out() -> dict[str, Any]:
    """The example with its commented-out defaults made live."""
    text = re.sub(r"^#(?=\w+ = )", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return tomllib.loads(text)


def refusal(tmp_path: Path, text: str) -> str:
    """What the operator reads about a file that holds *text*, without the folder in front."""
    path = tmp_path / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(path)
    line = str(caught.value)
    assert "\n" not in line
    return line.removeprefix(f"{tmp_path}/")


TRUNK = '[[trunk]]\nname = "telecom"\naddress = "192.0.2.1:5060"\n'
TELEPHONE = '[[telephone]]\nuser = "8001"\npassword = "x"\nname = "一号"\nrole = "agent"\nagent = "a1"\n'


def test_the_example_loads() -> None:
    settings = load(EXAMPLE)

    assert settings.emergency_line[0].chain[1].trunk == settings.trunk[0].name
    assert settings.telephone[0].name == "一号坐席"
    assert Path(settings.node.data).is_absolute()


def test_the_example_has_every_section() -> None:
    assert set(written_out()) == set(Settings.__struct_fields__) == {*SECTIONS, *REPEATED}


@pytest.mark.parametrize("name", SECTIONS)
def test_the_example_shows_every_key_of_a_section_with_its_default(name: str) -> None:
    kind = SECTIONS[name]
    shown = msgspec.convert(
        written_out()[name], kind, dec_hook=lambda kind, value: (Duration.parse if kind is Duration else kind)(value)
    )

    assert set(written_out()[name]) == set(kind.__struct_fields__)
    assert shown == kind()


@pytest.mark.parametrize("name", REPEATED)
def test_the_example_shows_every_key_of_a_repeated_table(name: str) -> None:
    assert set().union(*written_out()[name]) == set(REPEATED[name].__struct_fields__)


@pytest.mark.parametrize("name", REPEATED)
def test_a_commented_out_key_shows_its_default(name: str) -> None:
    live, all_keys = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))[name][0], written_out()[name][0]
    defaults = {field.name: field.default for field in msgspec.structs.fields(REPEATED[name])}

    for key in set(all_keys) - set(live):
        expected = defaults[key]
        assert all_keys[key] == (list(expected) if isinstance(expected, tuple) else expected)


def test_the_example_shows_every_key_of_a_chain() -> None:
    links = written_out()["emergency_line"][0]["chain"]

    assert set(links[0]) == set(ChainLink.__struct_fields__)
    assert Duration.parse(links[0]["ring_limit"]) == ChainLink(number="119").ring_limit


def test_every_key_of_the_example_is_explained() -> None:
    """Its first mention stands under a comment, or under a key that shares one with it."""
    explained, told = False, set[str]()
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        key = re.match(r"#?(\w+) = ", line)
        if key:
            assert explained or key[1] in told, f"{key[1]} is not explained"
            told.add(key[1])
        elif line.startswith("# "):
            explained = True
        elif not line:
            explained = False


def test_an_empty_file_is_a_node_with_every_default(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text("")
    settings = load(path)

    assert settings.sip == Settings().sip
    assert settings.node.data == str(tmp_path / "var")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x =", "gateway.toml: is not TOML: Invalid value (at end of document)"),
        ("[sipp]\n", "gateway.toml:1: sipp: unknown key; did you mean sip?"),
        ('[sip]\n\nlistn = ["a"]', 'gateway.toml:3: sip.listn = ["a"]: unknown key; did you mean listen?'),
        ("[sip]\nmax_calls = 0", "gateway.toml:2: sip.max_calls = 0: expected int >= 1"),
        ('[sip]\nmax_calls = "9"', 'gateway.toml:2: sip.max_calls = "9": expected int, got str'),
        (
            "[sip]\nt1 = 5",
            'gateway.toml:2: sip.t1 = 5: expected a duration such as "8s", "500ms", "30min", "12h" or "7d"',
        ),
        ('[sip]\nt1 = "0s"', 'gateway.toml:2: sip.t1 = "0s": expected a duration above zero'),
        ('[sip]\nt1 = "5s"', 'gateway.toml:2: sip.t1 = "5s": is longer than sip.t2'),
        ('sip.t1 = "5s"', 'gateway.toml:1: sip.t1 = "5s": is longer than sip.t2'),
        (
            '[sip]\nlisten = ["ws:0.0.0.0:5061"]',
            'gateway.toml:2: sip.listen[1] = "ws:0.0.0.0:5061": '
            "expected udp:ADDRESS:PORT, tcp:ADDRESS:PORT or tls:ADDRESS:PORT",
        ),
        (
            '[sip]\nlisten = ["udp:0.0.0.0"]',
            'gateway.toml:2: sip.listen[1] = "udp:0.0.0.0": '
            "expected an IP address and a port, such as 10.0.0.1:5060 or [::1]:5060",
        ),
        (
            '[sip]\nlisten = ["udp:0.0.0.0:1", "udp:0.0.0.0:1"]',
            'gateway.toml:2: sip.listen[2] = "udp:0.0.0.0:1": is there twice',
        ),
        (
            '[sip]\nregistration_min = "2h"',
            'gateway.toml:2: sip.registration_min = "2h": is longer than sip.registration_max',
        ),
        ("[media]\nports = [16384]", "gateway.toml:2: media.ports = [16384]: expected array of length 2, got 1"),
        ("[media]\nports = [-2, 90]", "gateway.toml:2: media.ports[1] = -2: expected int >= 0"),
        (
            "[media]\nports = [4001, 5000]",
            "gateway.toml:2: media.ports = [4001, 5000]: "
            "expected [LOW, HIGH], LOW even and from 1024, room for four legs of two ports; or [0, 0]",
        ),
        (
            '[media]\ncodecs = ["G729"]',
            'gateway.toml:2: media.codecs[1] = "G729": expected one of "PCMA", "PCMU", "G722"',
        ),
        (
            '[media]\nsilence_alert = "5min"',
            'gateway.toml:2: media.silence_alert = "5min": is longer than media.silence_limit',
        ),
        (
            '[node]\ntimezone = "Mars/North"',
            'gateway.toml:2: node.timezone = "Mars/North": no such time zone on this machine',
        ),
        (
            '[node]\ndatabase = "mysql://jiesu:secret@db/jiesu"',
            "gateway.toml:2: node.database = (not shown): "
            'expected postgresql://USER@HOST/DATABASE, or "" for SQLite in node.data',
        ),
        (
            '[log]\nformat = "xml"',
            'gateway.toml:2: log.format = "xml": expected one of "console", "json"',
        ),
        ('[[trunk]]\nname = "a"', "gateway.toml:1: trunk[1].address: is missing"),
        (
            TRUNK.replace("5060", "0"),
            'gateway.toml:3: trunk[1].address = "192.0.2.1:0": expected a port above 0',
        ),
        (TRUNK + TRUNK, 'gateway.toml:5: trunk[2].name = "telecom": is there twice'),
        (
            TRUNK + 'sources = ["192.0.2.1/8"]',
            'gateway.toml:4: trunk[1].sources[1] = "192.0.2.1/8": 192.0.2.1/8 has host bits set',
        ),
        (TRUNK + 'username = "u"', 'gateway.toml:4: trunk[1].username = "u": username and password belong together'),
        (
            TRUNK + 'username = "u"\npassword = "a"\npassword_file = "b"',
            "gateway.toml:6: trunk[1].password_file = (not shown): give password or password_file, not both",
        ),
        (
            TELEPHONE.replace('password = "x"\n', ""),
            "gateway.toml:1: telephone[1].password: is missing; give password or password_file",
        ),
        (
            TELEPHONE.replace('"x"', "12"),
            "gateway.toml:3: telephone[1].password = (not shown): expected str, got int",
        ),
        (
            TELEPHONE.replace('agent = "a1"\n', ""),
            'gateway.toml:1: telephone[1].agent: is missing; a telephone with role = "agent" belongs to one',
        ),
        (
            TELEPHONE.replace('"agent"', '"unit"'),
            'gateway.toml:6: telephone[1].agent = "a1": only a telephone with role = "agent" or "supervisor" has one',
        ),
        (
            TELEPHONE + TELEPHONE.replace("8001", "8002"),
            'gateway.toml:12: telephone[2].agent = "a1": is there twice',
        ),
        (
            TELEPHONE + '[[emergency_line]]\nline = "119"\nname = "消防"\nchain = [{ number = "8001" }]',
            'gateway.toml:10: emergency_line[1].chain[1].number = "8001": '
            'this telephone has role = "agent", not "emergency"',
        ),
        (
            '[[emergency_line]]\nline = "119"\nname = "消防"\nchain = [\n{ number = "119", trunk = "x" }]',
            'gateway.toml:4: emergency_line[1].chain[1].trunk = "x": no [[trunk]] has this name',
        ),
        (
            '[[emergency_line]]\nline = "119"\nname = "消防"\n[[emergency_line.chain]]\nnumber = "119"\ntrunk = "x"',
            'gateway.toml:6: emergency_line[1].chain[1].trunk = "x": no [[trunk]] has this name',
        ),
        (
            '[[unit]]\nid = "w"\nname = "供水"\nnumber = "8003"',
            'gateway.toml:4: unit[1].number = "8003": no [[telephone]] has this user; name the trunk that leads there',
        ),
        (
            TRUNK + '[[unit]]\nid = "w"\nname = "供水"\nnumber = "1"\ntrunk = "telecom"\nduty = [{ number = "9" }]',
            'gateway.toml:9: unit[1].duty[1].number = "9": no [[telephone]] has this user; '
            "name the trunk that leads there",
        ),
        (
            '[desk]\noffice_hours = ["12:00-08:00"]',
            'gateway.toml:2: desk.office_hours = ["12:00-08:00"]: 12:00-08:00: closes before it opens',
        ),
        (
            '[[merged_line]]\nnumber = "12369"\nname = "环保"\nmerging = "whole"\nunit = "w"',
            'gateway.toml:4: merged_line[1].merging = "whole": '
            'only a line with merging = "sub_centre" has agents or a unit of its own',
        ),
        (
            '[[merged_line]]\nnumber = "12369"\nname = "环保"\nmerging = "sub_centre"\nagents = ["a9"]',
            'gateway.toml:5: merged_line[1].agents[1] = "a9": '
            'no [[telephone]] with role = "agent" belongs to this agent',
        ),
        (
            '[[merged_line]]\nnumber = "12369"\nname = "环保"\nmerging = "sub_centre"\nunit = "w"',
            'gateway.toml:5: merged_line[1].unit = "w": no [[unit]] has this id',
        ),
        (
            TRUNK + 'emergency_line = "110"',
            'gateway.toml:4: trunk[1].emergency_line = "110": no [[emergency_line]] has this line',
        ),
        (
            TRUNK + '[[emergency_line]]\nline = "119"\nname = "消防"\nwebhook = "https://fire.example"\n'
            'chain = [{ number = "119", trunk = "telecom" }]',
            'gateway.toml:7: emergency_line[1].webhook = "https://fire.example": webhook and secret belong together',
        ),
    ],
)
def test_a_mistake_is_one_line_with_file_key_and_value(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text) == said


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^nowhere/gateway\.toml: cannot be read: No such file or directory$"):
        load(Path("nowhere/gateway.toml"))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_bytes('name = "消防"'.encode("gb18030"))

    with pytest.raises(SettingsError, match="is not UTF-8 text"):
        load(path)


def test_a_password_may_lie_in_a_file_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    path = tmp_path / "gateway.toml"
    path.write_text(TELEPHONE.replace('password = "x"', 'password_file = "secret"'), encoding="utf-8")

    telephone = load(path).telephone[0]

    assert telephone.password == "s3cret"
    assert "s3cret" not in repr(telephone)


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file or directory"), ("\n", "the file is empty")])
def test_a_password_file_without_a_password_is_refused(tmp_path: Path, content: str | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "secret").write_text(content)

    line = refusal(tmp_path, TELEPHONE.replace('password = "x"', 'password_file = "secret"'))

    assert line.startswith("gateway.toml:3: telephone[1].password_file = (not shown): ")
    assert reason in line


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("8s", timedelta(seconds=8)),
        ("500ms", timedelta(milliseconds=500)),
        ("30 min", timedelta(minutes=30)),
        ("1.5h", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, span: timedelta) -> None:
    assert Duration.parse(text) == span


@given(st.text() | st.integers() | st.none() | st.from_regex(r"[0-9]{1,3}(ms|d)?", fullmatch=True))
def test_what_is_no_duration_is_refused(text: object) -> None:
    try:
        span = Duration.parse(text)
    except ValueError:
        return
    assert span > timedelta(0)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_an_address_keeps_its_host_and_port(host: Any, port: int) -> None:
    text = f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"

    assert Address.parse(text) == (str(host), port)
    assert ListenAddress.parse(f"udp:{text}") == ("udp", str(host), port)


@given(st.text())
def test_what_is_no_address_is_refused(text: str) -> None:
    try:
        Address.parse(text)
    except ValueError:
        return
    assert ":" in text


PARTNER = f'[[partner]]\nid = "p"\napi_key = "{"k" * 32}"\n'


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ('unit = "water"', "there is no unit 'water'; known are none"),
        ('webhook = "ftp://p.example"\nsecret = "' + "s" * 32 + '"', "expected an address such as https://"),
        ('webhook = "https://p.example"', "webhook and secret belong together"),
        ('webhook = "https://p.example"\nsecret = "short"', "expected at least 32 characters"),
        ('api_key_file = "x"', "give api_key or api_key_file, not both"),
    ],
)
def test_a_partner_that_cannot_work_is_refused(tmp_path: Path, more: str, complaint: str) -> None:
    assert complaint in refusal(tmp_path, f"{PARTNER}{more}\n")


def test_a_partner_needs_a_key_or_a_webhook(tmp_path: Path) -> None:
    assert "is missing; a partner has an api_key, a webhook, or both" in refusal(tmp_path, '[[partner]]\nid = "p"\n')


def test_deadlines_are_looked_at_every_minute_at_least(tmp_path: Path) -> None:
    assert "is longer than 60s" in refusal(tmp_path, '[casework]\nsweep_interval = "2min"\n')


def test_a_partners_secrets_are_read_from_their_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 40 + "\n")
    (tmp_path / "secret").write_text("s" * 40)
    path = tmp_path / "gateway.toml"
    path.write_text(
        '[[partner]]\nid = "p"\napi_key_file = "key"\nwebhook = "https://p.example"\nsecret_file = "secret"\n'
    )
    (partner,) = load(path).partner

    assert (partner.api_key, partner.secret) == ("k" * 40, "s" * 40)
    assert "kkk" not in repr(partner)
