"""Makes this checkout's virtual environment (.venv) from a lock file; the standard library is all it needs.

``python3 scripts/bootstrap.py run`` installs what the gateway and its demo need, ``dev`` what the tests need as well.
It does nothing when the lock has not changed since, waits when another bootstrap is at work, and looks for a Python of
the right version if it was started with another. Progress goes to standard error.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "ready"
LOCKS = {"run": ["requirements.lock"], "dev": ["requirements.lock", "requirements-dev.lock"]}
"""What each kind of environment satisfies; the last one is installed and holds all of those before it."""
VERSIONS = [(3, 11), (3, 12), (3, 13)]


class Hopeless(Exception):
    """Nothing more can be done here; the text says what a person can do."""


def main() -> int:
    """Bring the environment up to date. Exit code 2 with one line when a person must help."""
    kind = sys.argv[1] if len(sys.argv) == 2 else ""
    if kind not in LOCKS:
        print("usage: bootstrap.py run|dev", file=sys.stderr)
        return 2
    try:
        if sys.version_info[:2] not in VERSIONS:
            other = _other_python()
            os.execv(other, [other, __file__, kind])
        _bring_up_to_date(kind)
    except Hopeless as error:
        print(f"jiesu: {error}", file=sys.stderr)
        return 2
    return 0


def _bring_up_to_date(kind: str) -> None:
    wanted = [_digest(ROOT / name) for name in LOCKS[kind]]
    if _is_current(wanted):
        return
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for the other bootstrap of this checkout")
            fcntl.flock(folder, fcntl.LOCK_EX)
        if not _is_current(wanted):
            STAMP.unlink(missing_ok=True)
            _install(ROOT / LOCKS[kind][-1])
            STAMP.write_text("\n".join(wanted) + "\n", encoding="ascii")
    finally:
        os.close(folder)


def _is_current(wanted: list[str]) -> bool:
    try:
        return PYTHON.exists() and set(wanted) <= set(STAMP.read_text(encoding="ascii").split())
    except FileNotFoundError:
        return False


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _install(lock: Path) -> None:
    total = len(re.findall(r"^[a-zA-Z0-9]\S*==", lock.read_text(encoding="utf-8"), flags=re.MULTILINE))
    if not PYTHON.exists():
        _say(f"making .venv with Python {sys.version.split()[0]}")
        _make_venv()
    _say(f"installing up to {total} packages of {lock.name} into .venv; once, it takes about a minute")
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--require-hashes", "--use-pep517"]
    _run_pip([*pip, "--progress-bar", "off", "--requirement", str(lock)], total)
    _say("the environment is ready")


def _run_pip(command: list[str], total: int) -> None:
    """Run pip and show how far it is, on one line of a terminal; all of its words when it fails."""
    said, count = [], 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            said.append(line)
            if re.match(r"(Collecting|Requirement already satisfied: )", line):
                count += 1
            if sys.stderr.isatty():
                doing = "installing" if line.startswith("Installing collected") else f"{min(count, total)}/{total}"
                print(f"\r\033[K  {doing} {line.strip()[:60]}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if pip.returncode:
        sys.stderr.writelines(said)
        raise Hopeless("pip could not install the locked packages; its words are above")


def _make_venv() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    if not _can_make_venvs() and _is_root_on_debian():
        _install_with_apt(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")
    if not _can_make_venvs():
        raise Hopeless(f"{sys.executable} cannot make virtual environments; as root: apt-get install python3-venv")
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode:
        raise Hopeless(f"{sys.executable} -m venv {VENV} failed; its words are above")


def _install_with_apt(package: str) -> None:
    _say(f"installing {package} with apt")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "--yes", "--no-install-recommends", package]):
        command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *step]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.stderr.write(done.stdout)


def _can_make_venvs() -> bool:
    """Ask a fresh interpreter, because Debian's Python comes without ensurepip and apt may just have brought it."""
    return (
        subprocess.run(
            [sys.executable, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL, check=False
        ).returncode
        == 0
    )


def _is_root_on_debian() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _other_python() -> str:
    """Find a Python that fits. A name on the PATH may be a version manager's empty shim, so each is asked."""
    for major, minor in VERSIONS:
        found = shutil.which(f"python{major}.{minor}")
        question = f"import sys; sys.exit(sys.version_info[:2] != ({major}, {minor}))"
        if found and subprocess.run([found, "-c", question], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return found
    raise Hopeless(
        f"needs Python 3.11, 3.12 or 3.13; {sys.executable} is {sys.version.split()[0]} and no other was found"
    )


def _say(text: str) -> None:
    print(f"jiesu: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
