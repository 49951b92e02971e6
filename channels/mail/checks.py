"""What SPF, DKIM and DMARC say of a sender (RFC 7208, 6376, 7489): looked up in threads, under one limit.

Shell over pyspf, dkimpy and dnspython. Whatever is not known within the limit is ``temperror``; nothing is refused on
what is found here, and no failure of it holds a message up for longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import dkim
import dns.exception
import dns.nameserver
import dns.resolver
import spf
import structlog

from channels.mail.dmarc import MOST_SIGNATURES, Findings, Signature, evaluated

WORKERS = 4
CACHED_NAMES = 4096

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What is known of how a message came: the peer's address, its name, and the reverse path; "" for unknown."""

    peer: str = ""
    helo: str = ""
    mail_from: str = ""


class SenderChecks:
    """*nameservers* as ``(address, port)``, none meaning this machine's; *limit* is seconds for one message."""

    def __init__(self, nameservers: Sequence[tuple[str, int]] = (), *, limit: float = 3.0) -> None:
        self._nameservers = nameservers
        self._limit = limit
        self._resolver: dns.resolver.Resolver | None = None
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="mail-checks")

    def close(self) -> None:
        """Let the threads go once they have finished."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def of(self, octets: bytes, from_domain: str, sending: Sending) -> Findings:
        """Return what was found about a message from *from_domain* within the limit."""
        deadline = time.monotonic() + self._limit
        looking = asyncio.get_running_loop().run_in_executor(
            self._threads, self._look, octets, from_domain, sending, deadline
        )
        try:
            async with asyncio.timeout(self._limit):
                return await looking
        except TimeoutError:
            return Findings(dmarc="temperror")

    def _look(self, octets: bytes, from_domain: str, sending: Sending, deadline: float) -> Findings:
        result, domain = "", ""
        signatures: tuple[Signature, ...] = ()
        try:
            lookups = _Lookups(self._dns(), deadline)
            result, domain = lookups.spf(sending)
            signatures = lookups.signatures(octets)
            return evaluated(from_domain, result, domain, signatures, lookups.texts)
        except dns.exception.DNSException:
            return Findings(spf=result, spf_domain=domain, signatures=signatures, dmarc="temperror")
        except Exception as error:  # libraries over what strangers write into mail and DNS: nothing hangs on them
            log.warning("mail.checks_failed", reason=type(error).__name__)
            return Findings(dmarc="temperror")

    def _dns(self) -> dns.resolver.Resolver:
        if self._resolver is None:
            resolver = dns.resolver.Resolver(configure=not self._nameservers)
            if self._nameservers:
                resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in self._nameservers]
            resolver.cache = dns.resolver.LRUCache(CACHED_NAMES)
            self._resolver = resolver
        return self._resolver


class _Lookups:
    """The look-ups for one message; all of them end at *deadline*."""

    def __init__(self, resolver: dns.resolver.Resolver, deadline: float) -> None:
        self._resolver = resolver
        self._deadline = deadline

    def records(self, name: str, kind: str) -> list[Any]:
        """Return the records; none when the name has none. Raises `DNSException` when nobody answers."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise dns.exception.Timeout
        try:
            return list(self._resolver.resolve(name, kind, lifetime=left, search=False))
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN, dns.name.LabelTooLong, dns.name.EmptyLabel):
            return []
        except (dns.name.NameTooLong, UnicodeError):
            return []

    def texts(self, name: str) -> list[str]:
        """Return the TXT records, the strings of each joined."""
        return [b"".join(record.strings).decode("utf-8", "replace") for record in self.records(name, "TXT")]

    def spf(self, sending: Sending) -> tuple[str, str]:
        """Return the result of SPF and the domain it is about; ("", "") where the peer is not known."""
        domain = sending.mail_from.rpartition("@")[2] or sending.helo
        if not sending.peer or "." not in domain:
            return "", ""
        try:
            result, *_ = _Query(self, sending).check()
        except dns.exception.DNSException:
            return "temperror", domain
        return str(result), domain.lower()

    def signatures(self, octets: bytes) -> tuple[Signature, ...]:
        """Return what became of each signature, the first few of them."""
        header = octets.partition(b"\r\n\r\n")[0].lower()
        count = min(header.count(b"\ndkim-signature:") + header.startswith(b"dkim-signature:"), MOST_SIGNATURES)
        return tuple(self._signature(octets, index) for index in range(count))

    def _signature(self, octets: bytes, index: int) -> Signature:
        check = dkim.DKIM(octets)
        failed = "fail"
        try:
            passed = check.verify(index, dnsfunc=self._key)
        except dns.exception.DNSException:
            passed, failed = False, "temperror"
        except (dkim.DKIMException, ValueError, TypeError, IndexError, KeyError, AttributeError):
            passed = False
        domain = (check.domain or b"").decode("ascii", "replace").lower()
        return Signature(domain=domain, result="pass" if passed else failed)

    def _key(self, name: bytes | str, timeout: float = 0.0) -> bytes | None:
        asked = name.decode("ascii") if isinstance(name, bytes) else name
        found = self.records(asked.rstrip("."), "TXT")
        return b"".join(found[0].strings) if found else None


class _Query(spf.query):  # type: ignore[misc]
    """pyspf's evaluation with our look-ups in place of its own."""

    def __init__(self, lookups: _Lookups, sending: Sending) -> None:
        super().__init__(i=sending.peer, s=sending.mail_from, h=sending.helo or "unknown")
        self._lookups = lookups

    def dns(self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[object]:
        """Return the data of the records, in the forms that pyspf expects."""
        name = str(name).rstrip(".").lower()
        if not name or qtype == "SPF":
            return []
        found = [self._datum(record, qtype) for record in self._lookups.records(name, qtype)]
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError(f"Void lookup limit of {spf.MAX_VOID_LOOKUPS} exceeded")
        return found

    @staticmethod
    def _datum(record: Any, qtype: str) -> object:
        if qtype in ("A", "AAAA"):
            return record.address
        if qtype == "MX":
            return record.preference, record.exchange.to_text(True)
        if qtype == "PTR":
            return record.target.to_text(True)
        return record.strings
