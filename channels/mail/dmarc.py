"""Whether a message is from the domain that it claims: DMARC (RFC 7489) over the results of SPF and DKIM.

Organisational domains are found by walking up the DNS tree (draft-ietf-dmarc-dmarcbis 4.10), so that no list of public
suffixes is needed. What a policy asks to be done with a message is recorded and not done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

MOST_LABELS = 8
MOST_SIGNATURES = 5

LookUp = Callable[[str], Sequence[str]]
"""Returns the TXT records of a name, none when there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A DKIM signature's domain (``d=``), and ``pass``, ``fail`` or ``temperror``."""

    domain: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found out about a sender, in the words of RFC 8601; "" for what was not looked at."""

    spf: str = ""
    spf_domain: str = ""
    signatures: tuple[Signature, ...] = ()
    dmarc: str = ""
    policy: str = ""

    def as_values(self) -> dict[str, str | list[str]]:
        """Return what is recorded with the contact."""
        values: dict[str, str | list[str]] = {"spf": self.spf, "spf_domain": self.spf_domain, "dmarc": self.dmarc}
        if self.signatures:
            values["dkim"] = [f"{each.result} {each.domain}" for each in self.signatures]
        if self.policy:
            values["dmarc_policy"] = self.policy
        return {name: value for name, value in values.items() if value}


def evaluated(
    from_domain: str, spf: str, spf_domain: str, signatures: Sequence[Signature], look_up: LookUp
) -> Findings:
    """Judge a message whose From names *from_domain*. Where SPF was not looked at ("") it fails nobody.

    Raises whatever *look_up* raises.
    """
    record = _record(from_domain, look_up)
    found = Findings(spf=spf, spf_domain=spf_domain, signatures=tuple(signatures), dmarc="none")
    home = ""
    if record is None:
        home, record = _organisation(from_domain, look_up)
        if record is None:
            return found
    proven = [("adkim", each.domain) for each in signatures if each.result == "pass"]
    proven += [("aspf", spf_domain)] if spf == "pass" else []
    policy = record.get("sp" if home and home != from_domain else "p", record.get("p", "none"))
    passed = any(_aligned(from_domain, domain, record.get(mode, "r"), look_up) for mode, domain in proven)
    unsure = spf == "temperror" or any(each.result == "temperror" for each in signatures)
    return Findings(
        spf=spf,
        spf_domain=spf_domain,
        signatures=tuple(signatures),
        dmarc="pass" if passed else "temperror" if unsure else "fail" if spf else "",
        policy=policy[:20],
    )


def _aligned(from_domain: str, domain: str, mode: str, look_up: LookUp) -> bool:
    if domain == from_domain:
        return True
    if mode == "s" or not _share_a_parent(domain, from_domain):
        return False
    return _organisation(domain, look_up)[0] == _organisation(from_domain, look_up)[0]


def _share_a_parent(one: str, other: str) -> bool:
    return one.split(".")[-2:] == other.split(".")[-2:]


def _organisation(domain: str, look_up: LookUp) -> tuple[str, dict[str, str] | None]:
    """Return the organisational domain and its record; *domain* itself when nobody on the way up has one."""
    found: tuple[str, dict[str, str] | None] = domain, None
    for name in _upwards(domain):
        record = _record(name, look_up)
        if record is None:
            continue
        if record.get("psd") == "n":
            return name, record
        if record.get("psd") == "y":
            return found if found[1] is not None or name == domain else (_below(domain, name), record)
        found = name, record
    return found


def _upwards(domain: str) -> list[str]:
    labels = domain.split(".")
    start = max(1, len(labels) - MOST_LABELS + 1) if len(labels) > MOST_LABELS else 1
    return [domain, *(".".join(labels[index:]) for index in range(start, len(labels)))]


def _below(domain: str, parent: str) -> str:
    labels = domain.split(".")
    return ".".join(labels[-(parent.count(".") + 2) :])


def _record(domain: str, look_up: LookUp) -> dict[str, str] | None:
    records = [text for text in look_up(f"_dmarc.{domain}") if text.replace(" ", "").startswith("v=DMARC1")]
    if len(records) != 1:  # none, or more than one, which counts as none (RFC 7489 6.6.3)
        return None
    pairs = (tag.partition("=") for tag in records[0].split(";"))
    return {name.strip().lower(): value.strip().lower() for name, equals, value in pairs if equals}
