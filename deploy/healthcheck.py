"""Asks a node whether it is healthy: exit 0 if /healthz answers 200, else 1 with one line.

The settings file that $JIESU_CONFIG names says where the page is served.
"""

from __future__ import annotations

import http.client
import os
import sys
import tomllib
from pathlib import Path

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
DEFAULT = "127.0.0.1:8345"


def main() -> int:
    """Ask once, within three seconds."""
    settings = tomllib.loads(Path(os.environ["JIESU_CONFIG"]).read_text(encoding="utf-8"))
    host, _, port = settings.get("web", {}).get("listen", DEFAULT).rpartition(":")
    host = host.strip("[]")
    connection = http.client.HTTPConnection(EVERYWHERE.get(host, host), int(port), timeout=3)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except OSError as error:
        print(f"/healthz does not answer: {error}", file=sys.stderr)
        return 1
    if status != http.client.OK:
        print(f"/healthz answers {status}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
