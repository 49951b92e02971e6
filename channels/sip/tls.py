"""SIP over TLS (RFC 3261 26.3.2, RFC 5922): whose certificate we show, and whose we believe.

Shell. Peers are believed by the authorities in one file, or by those of this machine; as a server we ask for a
certificate where the configuration says so (mutual TLS). A far end must be named in its certificate as it is named in
our configuration.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import OurMistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files in PEM: our certificate (with its chain) and its key, and the authorities we believe (None: the system's).

    ``asks_clients``: whoever connects must show a certificate of these authorities.
    """

    certificate: Path
    key: Path
    authorities: Path | None = None
    asks_clients: bool = False

    def server(self) -> ssl.SSLContext:
        """Return the context of our listeners. Raises OurMistake for files that cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._equip(context)
        context.verify_mode = ssl.CERT_REQUIRED if self.asks_clients else ssl.CERT_NONE
        return context

    def client(self) -> ssl.SSLContext:
        """Return the context of our connections; they show our certificate to servers that ask for one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._equip(context)
        return context

    def _equip(self, context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.authorities is None:
                context.load_default_certs()
            else:
                context.load_verify_locations(self.authorities)
        except OSError as error:  # SSLError is one
            raise OurMistake(f"TLS with {self.certificate}, {self.key}, {self.authorities}: {error}") from error
