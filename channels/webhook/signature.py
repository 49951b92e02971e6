"""The signature of a webhook: HMAC-SHA256 (RFC 2104, FIPS 180-4) over the instant and the body.

``Jiesu-Timestamp`` holds seconds since 1970, ``Jiesu-Signature`` ``v1=`` and the lower-case hexadecimal digest of the
timestamp, a full stop, and the body's octets. A receiver computes the same, compares without leaking where they differ,
and refuses a timestamp more than `WINDOW` away from its own clock: a recorded request cannot be played again later.
"""

from __future__ import annotations

import hashlib
import hmac

TIMESTAMP = "Jiesu-Timestamp"
SIGNATURE = "Jiesu-Signature"
KEY = "Jiesu-Key"
"""The message's own key: under the same one it is the same message, to be counted once."""
EVENT = "Jiesu-Event"

WINDOW = 300.0
"""Seconds by which sender's and receiver's clocks, and the way between them, may differ."""


def signed(secret: str, timestamp: int, body: bytes) -> str:
    """Return the signature of *body* sent at *timestamp*."""
    digest = hmac.new(secret.encode(), str(timestamp).encode() + b"." + body, hashlib.sha256)
    return f"v1={digest.hexdigest()}"


def is_genuine(secret: str, timestamp: str, signature: str, body: bytes, now: float) -> bool:
    """Say whether *body* comes from whoever has *secret*, and came within the window."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    expected = signed(secret, int(timestamp), body)
    return abs(now - int(timestamp)) <= WINDOW and hmac.compare_digest(expected.encode(), signature.encode())
