"""DMARC over results that others found: alignment, organisational domains, policies."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from channels.mail.dmarc import Findings, Signature, evaluated

RECORDS = {
    "example.com": "v=DMARC1; p=reject; sp=none",
    "city.gov.example": "v=DMARC1;p=quarantine;",
    "gov.example": "v=DMARC1; p=reject; psd=y",
    "home.example": "v=DMARC1; p=none; psd=n",
    "twice.example": "v=DMARC1; p=none",
}


def look_up(name: str) -> Sequence[str]:
    domain = name.removeprefix("_dmarc.")
    texts = ["unrelated", RECORDS[domain]] if domain in RECORDS else []
    return texts * 2 if domain == "twice.example" else texts


def judged(from_domain: str, spf_domain: str = "", signer: str = "") -> Findings:
    signatures = [Signature(domain=signer, result="pass")] if signer else []
    return evaluated(from_domain, "pass" if spf_domain else "none", spf_domain, signatures, look_up)


@pytest.mark.parametrize(
    ("from_domain", "spf_domain", "signer", "dmarc", "policy"),
    [
        ("example.com", "example.com", "", "pass", "reject"),
        ("example.com", "bounce.example.com", "", "pass", "reject"),
        ("mail.example.com", "", "example.com", "pass", "none"),
        ("a.example.com", "", "b.example.com", "pass", "none"),
        ("example.com", "example.org", "evil.example", "fail", "reject"),
        ("example.com", "", "", "fail", "reject"),
        ("city.gov.example", "", "other.gov.example", "fail", "quarantine"),
        ("x.city.gov.example", "", "city.gov.example", "pass", "quarantine"),
        ("a.b.home.example", "", "home.example", "pass", "none"),
        ("unknown.example", "unknown.example", "", "none", ""),
        ("twice.example", "twice.example", "", "none", ""),
        (".".join("abcdefghijkl") + ".example.com", "", "example.com", "pass", "none"),
    ],
)
def test_a_message_is_judged(from_domain: str, spf_domain: str, signer: str, dmarc: str, policy: str) -> None:
    found = judged(from_domain, spf_domain, signer)

    assert (found.dmarc, found.policy) == (dmarc, policy)


def test_what_could_not_be_looked_up_is_not_a_failure() -> None:
    unsure = evaluated("example.com", "temperror", "example.com", [], look_up)
    broken = evaluated("example.com", "none", "", [Signature(domain="example.com", result="temperror")], look_up)

    assert (unsure.dmarc, broken.dmarc) == ("temperror", "temperror")


def test_findings_are_recorded_without_what_was_not_looked_at() -> None:
    assert Findings().as_values() == {}
    assert judged("example.com", signer="example.com").as_values() == {
        "spf": "none",
        "dkim": ["pass example.com"],
        "dmarc": "pass",
        "dmarc_policy": "reject",
    }
