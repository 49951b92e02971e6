"""Digest authentication, from either side (RFC 2617, RFC 7616, RFC 8760)."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sip.digest import (
    Challenge,
    Credentials,
    DigestServer,
    Verdict,
    authorization,
    challenge_of,
)
from channels.sip.message import Headers, Response
from channels.sip.text import from_wire

MUFASA = Credentials(user="Mufasa", password="Circle of Life")
TELEPHONE = Credentials(user="8001", password='张三\'s "secret"')
URI = "sip:jiesu.example"


def response_to(challenge: Challenge, credentials: Credentials, uri: str, cnonce: str) -> str:
    _, value = authorization(challenge, credentials, method="GET", uri=uri, cnonce=cnonce)
    found = re.search(r'response="([0-9a-f]+)"', value)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616_is_answered(algorithm: str, expected: str) -> None:
    challenge = Challenge.parse(
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )

    answer = response_to(challenge, MUFASA, "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")

    assert answer == expected


def test_the_example_of_rfc_2617_is_answered() -> None:
    challenge = Challenge.parse(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    credentials = Credentials(user="Mufasa", password="Circle Of Life")

    assert response_to(challenge, credentials, "/dir/index.html", "0a4f113b") == "6629fae49393a05397450978507c4ef1"


def test_a_peer_without_qop_is_answered_in_the_old_way() -> None:
    challenge = Challenge.parse('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"')
    credentials = Credentials(user="Mufasa", password="CircleOfLife")

    assert response_to(challenge, credentials, "/dir/index.html", "") == "1949323746fe6a43ef61f9606e7febea"


def test_an_answer_carries_all_that_rfc_7616_asks() -> None:
    challenge = Challenge.parse(
        'digest  realm="a \\"b\\"",nonce="n" , qop=auth, opaque="", algorithm=md5-SESS,stale=TRUE,x=y', proxy=True
    )
    name, value = authorization(challenge, MUFASA, method="INVITE", uri=URI, count=10, cnonce="c")

    assert challenge.stale
    assert name == "Proxy-Authorization"
    assert re.sub(r"[0-9a-f]{32}", "*", value) == (
        'Digest username="Mufasa", realm="a \\"b\\"", nonce="n", uri="sip:jiesu.example", response="*", '
        'algorithm=MD5-sess, opaque="", qop=auth, nc=0000000a, cnonce="c"'
    )


@pytest.mark.parametrize(
    "value",
    [
        'Basic realm="x"',
        "Digest",
        'Digest realm="x"',
        'Digest nonce="x"',
        'Digest realm="x", nonce="y", algorithm=SHA-512-256',
        'Digest realm="x", nonce="y", qop="auth-int"',
        'Digest realm="x", nonce="y',
        'Digest realm="x" nonce="y"',
    ],
)
def test_a_challenge_that_cannot_be_answered_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"digest|Digest|quality|challenge"):
        Challenge.parse(value)


@pytest.mark.parametrize(
    ("status", "name", "proxy"), [(401, "WWW-Authenticate", False), (407, "Proxy-Authenticate", True)]
)
def test_the_first_challenge_that_we_know_is_taken(status: int, name: str, proxy: bool) -> None:
    headers = Headers(
        [
            (name, 'Digest realm="r", nonce="1", algorithm=SHA-512-256'),
            (name, 'Digest realm="r", nonce="2", algorithm=SHA-256, qop="auth"'),
            (name, 'Digest realm="r", nonce="3", algorithm=MD5'),
        ]
    )

    challenge = challenge_of(Response(status=status, headers=headers))

    assert challenge == Challenge(realm="r", nonce="2", algorithm="SHA-256", qop=True, proxy=proxy)


def test_a_response_without_challenge_has_none() -> None:
    assert challenge_of(Response(status=401)) is None


class Peer:
    """A telephone that answers our challenges."""

    def __init__(self, server: DigestServer, *, algorithm: int = 0, credentials: Credentials = TELEPHONE) -> None:
        self.server = server
        self.algorithm = algorithm
        self.credentials = credentials
        self.challenged(0.0)

    def challenged(self, now: float, *, stale: bool = False) -> None:
        _, value = self.server.challenge(now, stale=stale)[self.algorithm]
        self.challenge = Challenge.parse(value)

    def answer(self, *, count: int = 1, uri: str = URI) -> str:
        return authorization(self.challenge, self.credentials, method="REGISTER", uri=uri, count=count)[1]

    def verdict(self, value: str, *, now: float = 1.0, method: str = "REGISTER", uri: str = URI) -> Verdict:
        passwords = {TELEPHONE.user: TELEPHONE.password}
        return self.server.verify(value, method=method, uri=uri, password_of=passwords.get, now=now).verdict


@pytest.fixture
def server() -> DigestServer:
    return DigestServer("jiesu", b"key", lifetime=60.0)


@pytest.mark.parametrize("algorithm", [0, 1])
def test_the_right_password_is_let_in(server: DigestServer, algorithm: int) -> None:
    peer = Peer(server, algorithm=algorithm)

    verification = server.verify(
        peer.answer(), method="REGISTER", uri=URI, password_of={TELEPHONE.user: TELEPHONE.password}.get, now=60.0
    )

    assert (verification.verdict, verification.user) == (Verdict.OK, "8001")


def test_we_offer_sha_256_first_and_md5_for_older_telephones(server: DigestServer) -> None:
    offered = [value for _, value in server.challenge(0.0)]

    assert [Challenge.parse(value).algorithm for value in offered] == ["SHA-256", "MD5"]


def test_a_telephone_without_qop_is_let_in(server: DigestServer) -> None:
    peer = Peer(server, algorithm=1)
    peer.challenge = replace(peer.challenge, qop=False)

    assert peer.verdict(peer.answer()) is Verdict.OK


@pytest.mark.parametrize(
    "credentials",
    [replace(TELEPHONE, password="guess"), replace(TELEPHONE, password=""), Credentials(user="8002", password="")],
)
def test_a_wrong_password_and_an_unknown_user_are_kept_out(server: DigestServer, credentials: Credentials) -> None:
    peer = Peer(server, credentials=credentials)

    assert peer.verdict(peer.answer()) is Verdict.WRONG


def test_credentials_serve_for_one_method_and_one_resource(server: DigestServer) -> None:
    peer = Peer(server)

    assert peer.verdict(peer.answer(), method="INVITE") is Verdict.WRONG
    assert peer.verdict(peer.answer(), uri="sip:other.example") is Verdict.WRONG
    assert peer.verdict(peer.answer(uri="rubbish")) is Verdict.WRONG


def test_a_telephone_may_differ_in_the_parameters_of_the_uri(server: DigestServer) -> None:
    peer = Peer(server)

    assert peer.verdict(peer.answer(uri="sip:JIESU.example;transport=UDP")) is Verdict.OK


def test_an_old_nonce_is_stale_for_the_right_password_only(server: DigestServer) -> None:
    peer = Peer(server)
    guesser = Peer(server, credentials=replace(TELEPHONE, password="guess"))

    assert peer.verdict(peer.answer(), now=60.1) is Verdict.STALE
    assert guesser.verdict(guesser.answer(), now=60.1) is Verdict.WRONG


def test_after_a_stale_nonce_the_next_one_serves(server: DigestServer) -> None:
    peer = Peer(server)
    peer.verdict(peer.answer(), now=100.0)
    peer.challenged(100.0, stale=True)

    assert peer.challenge.stale
    assert peer.verdict(peer.answer(), now=100.0) is Verdict.OK


@pytest.mark.parametrize("nonce", ["", "abc", "AAAA" * 11, "é", "\udcff"])
def test_a_nonce_that_we_did_not_make_is_stale(server: DigestServer, nonce: str) -> None:
    peer = Peer(server)
    peer.challenge = replace(peer.challenge, nonce=nonce)

    assert peer.verdict(peer.answer()) is Verdict.STALE


def test_a_nonce_of_another_key_or_realm_is_stale() -> None:
    other = Peer(DigestServer("jiesu", b"other key"))
    ours = DigestServer("jiesu", b"key")
    other.server = ours

    assert other.verdict(other.answer()) is Verdict.STALE


def test_a_nonce_from_the_future_is_stale(server: DigestServer) -> None:
    peer = Peer(server)
    peer.challenged(50.0)

    assert peer.verdict(peer.answer(), now=49.0) is Verdict.STALE


def test_recorded_credentials_cannot_be_played_back(server: DigestServer) -> None:
    peer = Peer(server)
    first, second = peer.answer(count=1), peer.answer(count=2)

    assert [peer.verdict(each) for each in (first, second, first, second)] == [
        Verdict.OK,
        Verdict.OK,
        Verdict.STALE,
        Verdict.STALE,
    ]


def test_what_is_remembered_of_a_nonce_goes_with_it(server: DigestServer) -> None:
    for now in range(0, 1000, 50):
        peer = Peer(server)
        peer.challenged(float(now))
        assert peer.verdict(peer.answer(), now=float(now)) is Verdict.OK

    assert len(server._counts) <= 2


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        ("qop=auth", "qop=auth-int"),
        ("nc=00000001", "nc=1"),
        ("nc=00000001", "nc=zzzzzzzz"),
        ("cnonce=", "other="),
        ('realm="jiesu"', 'realm="elsewhere"'),
        ("algorithm=SHA-256", "algorithm=SHA-512"),
        ("algorithm=SHA-256", "algorithm=MD5"),
        ('response="', 'response="0'),
        ("Digest", "Basic"),
        ("username=", "user="),
        ("uri=", "url="),
    ],
)
def test_credentials_that_were_tampered_with_are_wrong(server: DigestServer, pattern: str, replacement: str) -> None:
    peer = Peer(server)
    value = peer.answer()
    assert pattern in value

    assert peer.verdict(value.replace(pattern, replacement)) is Verdict.WRONG


def test_an_algorithm_that_was_not_offered_is_wrong() -> None:
    peer = Peer(DigestServer("jiesu", b"key"), algorithm=1)
    peer.server = DigestServer("jiesu", b"key", algorithms=["SHA-256"])

    assert peer.verdict(peer.answer()) is Verdict.WRONG


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(TELEPHONE)


@given(st.binary() | st.binary().map(lambda raw: b"Digest " + raw))
def test_any_credentials_get_a_verdict(raw: bytes) -> None:
    peer = Peer(DigestServer("jiesu", b"key"))

    assert peer.verdict(from_wire(raw)) is Verdict.WRONG
