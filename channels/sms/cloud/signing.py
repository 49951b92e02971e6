"""The vendors' request signatures: Alibaba Cloud's V3 (ACS3-HMAC-SHA256) and Tencent Cloud's v3 (TC3-HMAC-SHA256).

Both hash a canonical form of the request; Tencent's key is derived from the secret, the day and the service.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Return *parameters* as a query in the order and the encoding that signatures want (RFC 3986)."""
    return "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in sorted(parameters.items()))


def acs3_authorization(
    key_id: str, secret: str, *, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> str:
    """Return Alibaba Cloud's Authorization over all of *headers* (lower-case names)."""
    names, canonical = _canonical(method, path, query, headers, body)
    text = f"ACS3-HMAC-SHA256\n{_hash(canonical.encode())}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}"


def tc3_authorization(
    key_id: str,
    secret: str,
    *,
    service: str,
    at: datetime,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
) -> str:
    """Return Tencent Cloud's Authorization at the instant *at* over all of *headers* (lower-case names)."""
    names, canonical = _canonical(method, path, query, headers, body)
    day = at.astimezone(UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{int(at.timestamp())}\n{scope}\n{_hash(canonical.encode())}"
    key = f"TC3{secret}".encode()
    for step in (day, service, "tc3_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return f"TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"


def _canonical(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Return the names of the signed headers, and the canonical request."""
    ordered = sorted(headers.items())
    names = ";".join(name for name, _ in ordered)
    lines = "".join(f"{name}:{value.strip()}\n" for name, value in ordered)
    return names, "\n".join((method, path, query, lines, names, _hash(body)))


def _hash(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()
