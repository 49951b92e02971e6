"""The independent programs that tests meet (SIPp, baresip, ...), and how to install them on Debian.

`python scripts/peers.py` installs what is absent, as root with apt; elsewhere it says what is absent and goes on,
because the tests that need it are then skipped by name. With `--interop` it also installs those of `FURTHER`, which
take longer than a test run should and are required nowhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PEERS = {
    "sipp": "sip-tester",
    "baresip": "baresip-core",
    "espeak-ng": "espeak-ng",
    "chromium": "chromium",
    "postgresql": "postgresql",
    "sipvicious": "sipvicious",
    "swaks": "swaks libnet-ssleay-perl",
    "dovecot": "dovecot-imapd",
}
"""Program, and the Debian packages that it takes."""

FURTHER = {"linphonec": "linphone-cli", "asterisk": "debootstrap"}
"""Peers that JIESU_REQUIRE_PEERS does not ask for. Debian 12 has no Asterisk: Debian 11's is put into a chroot."""

ASTERISK = Path(os.environ.get("JIESU_ASTERISK", "/var/cache/jiesu/asterisk"))
"""The folder that is, or becomes, the root of Asterisk's chroot: 563 MB, about a minute."""

PROGRAMS = {"sipvicious": "svmap"}
"""Where a peer's program is not called as the peer is: the one that shows that it is there."""


def is_installed(peer: str) -> bool:
    """Tell whether the program *peer* can be run."""
    if peer == "postgresql":
        return postgresql_programs() is not None
    if peer == "asterisk":
        return asterisk_root() is not None
    return shutil.which(PROGRAMS.get(peer, peer)) is not None


def asterisk_root() -> Path | None:
    """Return the chroot that has Asterisk in it, if there is one and we may use it."""
    return ASTERISK if os.geteuid() == 0 and (ASTERISK / "usr/sbin/asterisk").exists() else None


def postgresql_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, of the newest version there is; Debian keeps it out of the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


def main() -> int:
    """Install what is absent. Exit code 1 when apt was tried and failed."""
    wanted = PEERS | FURTHER if "--interop" in sys.argv[1:] else PEERS
    absent = [peer for peer in wanted if not is_installed(peer)]
    if not absent:
        print(f"peers: {', '.join(wanted)} are installed", file=sys.stderr)
        return 0
    packages = [package for peer in absent for package in wanted[peer].split()]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(
            f"peers: {', '.join(absent)} absent; on Debian, as root: apt-get install {' '.join(packages)}",
            file=sys.stderr,
        )
        return 0
    print(f"peers: installing {', '.join(packages)} with apt", file=sys.stderr)
    if not install(packages):
        return 1
    return 0 if "asterisk" not in absent or install_asterisk(ASTERISK) else 1


def install_asterisk(folder: Path) -> bool:
    """Make *folder* a Debian 11 with Asterisk in it; what debootstrap says is shown when it fails."""
    print(f"peers: installing Asterisk into {folder}", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    for command in (
        ["debootstrap", "--variant=minbase", "bullseye", str(folder), "http://deb.debian.org/debian"],
        ["chroot", str(folder), "apt-get", "install", "-y", "-q", "--no-install-recommends", "asterisk"],
    ):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            print(done.stdout[-3000:], file=sys.stderr)
            return False
    return True


def install(packages: list[str]) -> bool:
    """Install Debian *packages* without their recommendations, quietly; what apt says is shown when it fails."""
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(
            [*apt, *step], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode:
            print(done.stdout, file=sys.stderr)
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
