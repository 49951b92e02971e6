"""What the settings of signalling become, and what must agree in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.sip.connections import Target
from channels.sip.numbers import read_number
from config.settings import Settings, load
from config.toml_file import SettingsError
from config.values import FarAddress
from gateway.sip_parts import Directory, EmergencyPeers, call_settings, trunk_of, user_agent_settings

TRUNK = '[[trunk]]\nname = "telecom"\naddress = "{}"\n'


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1:5060", ("192.0.2.1", 5060)),
        ("[2001:db8::1]:5061", ("2001:db8::1", 5061)),
        ("SBC.example.net:5070", ("sbc.example.net", 5070)),
        ("carrier.example.net", ("carrier.example.net", 0)),
    ],
)
def test_a_far_end_is_an_address_a_host_or_a_domain(text: str, expected: tuple[str, int]) -> None:
    assert FarAddress.parse(text) == expected


@pytest.mark.parametrize("text", ["192.0.2.1", "192.0.2.1:0", "a.example:0", "a.example:x", "a b:1", "2001:db8::1", ""])
def test_anything_else_is_no_far_end(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        FarAddress.parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[sip]\nlisten = ["tls:0.0.0.0:5061"]\n', "sip.tls_certificate: is missing"),
        ('[sip]\ntls_certificate = "a.pem"\n', "tls_certificate and tls_key belong together"),
        ('[sip]\nnameservers = ["192.0.2.53:0"]\n', "expected a port above 0"),
        ('[sip]\nsession_interval_min = "1h"\n', "is longer than sip.session_interval"),
        ('[sip]\narea_code = "x"\n', "sip.area_code"),
        (TRUNK.format("192.0.2.1:5060") + 'transport = "tls"\n', "name a tls:ADDRESS:PORT too"),
        (TRUNK.format("192.0.2.1:5060") + "register = true\n", "needs username and password"),
        (TRUNK.format("192.0.2.1:5060") + 'proxy = "nowhere at all"\n', "trunk[1].proxy"),
    ],
)
def test_what_does_not_agree_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)


def test_every_key_of_signalling_arrives(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        '[sip]\nlisten = ["tls:[::]:5061", "udp:[::]:5060"]\nsession_interval = "10min"\narea_code = "0476"\n'
        'tls_certificate = "c.pem"\ntls_key = "k.pem"\ntls_client_certificates = true\n'
        'nameservers = ["192.0.2.53:53"]\nfail_over_after = "1s"\nmax_calls = 5\nmax_calls_per_second = 2.0\n'
        'max_calls_per_caller = 3\noverload_retry = "20s"\nstranger_rate = 1.0\nstranger_burst = 7\n'
        'stranger_silence = "5min"\n'
        + TRUNK.format("carrier.example.net")
        + 'transport = "tls"\ntls_name = "ims.example.net"\nproxy = "192.0.2.7:5061"\nregister = true\n'
        'username = "hotline"\npassword = "x"\ntrust_identity = false\nidentity = "047612345"\nprivate = true\n'
        "max_calls = 2\n",
    )
    agent = user_agent_settings(settings)
    calls = call_settings(settings, {})
    (trunk,) = agent.trunks

    assert (agent.session_timer.interval, agent.session_timer.least) == (600, 90)
    assert agent.tls is not None
    assert (agent.tls.certificate, agent.tls.asks_clients) == (tmp_path / "c.pem", True)
    assert list(agent.nameservers) == [("192.0.2.53", 53)]
    assert agent.fail_over_after == 1.0
    assert (agent.strangers.rate, agent.strangers.burst, agent.strangers.silence) == (1.0, 7, 300.0)
    assert trunk == trunk_of(settings.trunk[0])
    assert (trunk.target, trunk.target.name) == (Target("tls", "carrier.example.net", 0), "ims.example.net")
    assert trunk.proxy == Target("tls", "192.0.2.7", 5061)
    assert (trunk.registers, trunk.believes, trunk.asserts, trunk.is_private) == (True, False, "047612345", True)
    assert calls.home_area == "0476"
    assert calls.hotline_numbers == {"telecom": ("12345", "hotline")}
    assert (calls.load.calls, calls.load.calls_a_second, calls.load.calls_of_one_caller) == (5, 2.0, 3)
    assert (dict(calls.load.calls_of_trunk), calls.load.retry_after) == ({"telecom": 2}, 20)


def test_calls_may_be_led_only_to_numbers_of_the_directory(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        '[sip]\narea_code = "0476"\n'
        + TRUNK.format("192.0.2.1:5060")
        + '[[telephone]]\nuser = "8002"\npassword = "x"\nname = "水"\nrole = "unit"\n'
        '[[unit]]\nid = "water"\nname = "供水"\nnumber = "8002"\n'
        '[[unit]]\nid = "heat"\nname = "供热"\nnumber = "04765550100"\ntrunk = "telecom"\n'
        '[[emergency_line]]\nline = "119"\nname = "消防"\nchain = [{ number = "119", trunk = "telecom" }]\n',
    )
    find = Directory(settings).find

    assert find("telecom", read_number("5550100", home_area="476")) == "04765550100"
    assert find("telecom", read_number("+864765550100")) == "04765550100"
    assert find("telecom", read_number("119")) == "119"
    assert find("", read_number("8002")) == "8002"
    assert find("telecom", read_number("8002")) is None
    assert find("", read_number("119")) is None
    assert find("telecom", read_number("0085299999999")) is None


def test_calls_of_an_emergency_line_are_known_by_its_link_its_telephone_or_its_number(tmp_path: Path) -> None:
    chain = '{ number = "119", trunk = "" }, { number = "04768119119", trunk = "telecom" }'
    line = f'[[emergency_line]]\nline = "119"\nname = "消防"\nchain = [{chain}]\n'
    police = '[[emergency_line]]\nline = "110"\nname = "公安"\nchain = [{ number = "110", trunk = "police" }]\n'
    desk = '[[telephone]]\nuser = "119"\npassword = "x"\nname = "值班台"\nrole = "emergency"\n'
    trunks = (
        TRUNK.format("192.0.2.1:5060")
        + '[[trunk]]\nname = "police"\naddress = "192.0.2.9:5060"\nemergency_line = "110"\n'
        + '[[trunk]]\nname = "doubted"\naddress = "192.0.2.8:5060"\ntrust_identity = false\n'
    )
    peers = EmergencyPeers(read(tmp_path, trunks + line + police + desk))

    assert peers.line_of("police", "13800000001") == "110"
    assert peers.line_of("119", "119") == "119"
    assert peers.line_of("telecom", "+864768119119") == "119"
    for peer, caller in (("telecom", "119"), ("telecom", ""), ("doubted", "04768119119"), ("8001", "04768119119")):
        assert peers.line_of(peer, caller) is None
