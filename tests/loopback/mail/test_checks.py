"""SPF, DKIM and DMARC against a name server of our own: what is recorded, and what is proven."""

from __future__ import annotations

import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import dkim
import pytest

from channels.mail.channel import CheckSettings
from channels.mail.checks import SenderChecks, Sending
from tests.fakes.dns_server import NameServer
from tests.fakes.intake import MemoryIntake
from tests.fakes.mail import mail_channel, message, send, server, smtp

KEY = Path("tests/data/mail/dkim.pem").read_bytes()
PUBLIC = re.sub(
    r"-----[^-]+-----|\s",
    "",
    subprocess.run(["openssl", "rsa", "-pubout"], input=KEY, capture_output=True, check=True).stdout.decode(),
)
HERE = Sending(peer="192.0.2.7", helo="mail.example.com", mail_from="lisi@example.com")


def text(record: str) -> list[str]:
    """A TXT record, in strings of at most 255 octets."""
    return [" ".join(f'"{record[start : start + 250]}"' for start in range(0, len(record), 250))]


ZONE = {
    ("example.com", "TXT"): text("v=spf1 ip4:192.0.2.0/24 include:more.example -all"),
    ("more.example", "TXT"): text("v=spf1 a:relay.more.example ?all"),
    ("relay.more.example", "A"): ["198.51.100.9"],
    ("_dmarc.example.com", "TXT"): text("v=DMARC1; p=reject; sp=quarantine"),
    ("s._domainkey.example.com", "TXT"): text(f"v=DKIM1; k=rsa; p={PUBLIC}"),
    ("_dmarc.strict.example", "TXT"): text("v=DMARC1; p=reject; adkim=s; aspf=s"),
    ("s._domainkey.mail.strict.example", "TXT"): text(f"v=DKIM1; p={PUBLIC}"),
}


def signed(octets: bytes, domain: str) -> bytes:
    return bytes(dkim.sign(octets, b"s", domain.encode(), KEY)) + octets


@pytest.fixture
async def names() -> AsyncIterator[NameServer]:
    async with NameServer(ZONE) as server:
        yield server


@pytest.fixture
async def checks(names: NameServer) -> AsyncIterator[SenderChecks]:
    checks = SenderChecks([names.address], limit=20.0)
    yield checks
    checks.close()


async def test_a_message_of_the_domains_own_server_passes(checks: SenderChecks) -> None:
    found = await checks.of(message(), "example.com", HERE)

    assert (found.spf, found.spf_domain, found.dmarc, found.policy) == ("pass", "example.com", "pass", "reject")


async def test_what_others_may_send_is_looked_up_in_turn(checks: SenderChecks) -> None:
    relayed = Sending(peer="198.51.100.9", helo="relay.more.example", mail_from="lisi@example.com")

    assert (await checks.of(message(), "example.com", relayed)).spf == "pass"


async def test_a_stranger_in_the_domains_name_fails(checks: SenderChecks) -> None:
    found = await checks.of(
        message(), "example.com", Sending(peer="203.0.113.1", helo="x", mail_from="lisi@example.com")
    )

    assert (found.spf, found.dmarc) == ("fail", "fail")


async def test_a_stranger_with_a_domain_of_his_own_does_not_prove_another(checks: SenderChecks) -> None:
    found = await checks.of(message(), "strict.example", HERE)

    assert (found.spf, found.spf_domain, found.dmarc) == ("pass", "example.com", "fail")


async def test_a_signature_proves_the_domain_whoever_brings_the_message(checks: SenderChecks) -> None:
    octets = signed(message(), "example.com")
    found = await checks.of(octets, "example.com", Sending(peer="203.0.113.1", mail_from="x@list.invalid"))
    mailbox = await checks.of(octets, "news.example.com", Sending())
    stranger = Sending(peer="203.0.113.1", mail_from="x@list.invalid")
    changed = await checks.of(octets.replace("坏".encode(), "好".encode()), "example.com", stranger)
    unsigned = await checks.of(message(), "example.com", Sending())

    assert [each.result for each in found.signatures] == ["pass"]
    assert found.dmarc == "pass"
    assert (mailbox.dmarc, mailbox.policy) == ("pass", "quarantine")
    assert [each.result for each in changed.signatures] == ["fail"]
    assert changed.dmarc == "fail"
    assert unsigned.dmarc == ""


async def test_a_strict_domain_is_proven_by_itself_only(checks: SenderChecks) -> None:
    found = await checks.of(signed(message(), "mail.strict.example"), "strict.example", HERE)

    assert [each.result for each in found.signatures] == ["pass"]
    assert found.dmarc == "fail"


async def test_a_domain_without_policy_is_neither_proven_nor_refuted(checks: SenderChecks) -> None:
    found = await checks.of(message(), "unknown.example", Sending(peer="192.0.2.7", mail_from="x@unknown.example"))

    assert (found.spf, found.dmarc, found.policy) == ("none", "none", "")


@pytest.mark.parametrize("domain", ["..", "a..b", "x" * 300, "ü.example", "a b", "-", "."])
async def test_a_name_that_is_none_is_an_answer_and_no_failure(checks: SenderChecks, domain: str) -> None:
    found = await checks.of(message(), domain, Sending(peer="192.0.2.7", helo=domain, mail_from=f"x@{domain}"))

    assert found.dmarc in ("none", "temperror")


async def test_a_silent_name_server_costs_the_limit_and_nothing_else(names: NameServer) -> None:
    names.is_silent = True
    checks = SenderChecks([names.address], limit=0.2)

    found = await checks.of(message(), "example.com", HERE)

    assert found.dmarc == "temperror"
    checks.close()


async def test_what_was_found_is_recorded_and_a_proven_sender_is_proven(names: NameServer) -> None:
    names.zone[("example.com", "TXT")] = text("v=spf1 ip4:127.0.0.1 -all")
    intake = MemoryIntake()

    async with mail_channel(intake, server=server(), checks=CheckSettings(nameservers=[names.address])) as channel:
        await smtp(channel, send(signed(message(), "example.com")))
        await smtp(channel, send(message(number=2, sender="x@unknown.example"), sender="x@unknown.example"))
        await smtp(channel, send(message(number=3, sender="a@example.com, b@evil.example")))

    first, second, third = intake.messages
    assert first.is_proven
    assert first.values == {
        "spf": "pass",
        "spf_domain": "example.com",
        "dkim": ["pass example.com"],
        "dmarc": "pass",
        "dmarc_policy": "reject",
        "sent_at": "2026-11-21T10:10:10+08:00",
    }
    assert not second.is_proven
    assert not third.is_proven
