"""Writes the lock files anew: every package that pyproject.toml leads to, with its exact version and hashes.

uv resolves for all supported Python versions and machines at once. It is fetched into a temporary folder, because
nothing else needs it. Versions that still fit are kept; ``--upgrade`` takes the newest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"
LOCKS = {"requirements.lock": ["demo"], "requirements-dev.lock": ["demo", "learn", "dev"]}
"""Each lock file and the extras of pyproject.toml in it; the second is held to the versions of the first."""


def main() -> int:
    """Write both lock files; further arguments go to ``uv pip compile``."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        subprocess.run([f"{folder}/bin/pip", "install", "--quiet", UV], check=True)
        for lock, extras in LOCKS.items():
            command = [f"{folder}/bin/uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
            command += ["--generate-hashes", "--no-annotate", "--custom-compile-command", "make lock"]
            command += [part for extra in extras for part in ("--extra", extra)]
            if lock != "requirements.lock":
                command += ["--constraint", "requirements.lock"]
            subprocess.run(
                [*command, "pyproject.toml", "-o", lock, *sys.argv[1:]], cwd=ROOT, env=dict(os.environ), check=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
