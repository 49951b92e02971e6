"""Proves the Dockerfile where no container engine runs: its own lines, carried out in Debian chroots.

Each stage starts from a fresh Debian whose python3 stands for the Python image's, made once by debootstrap from the
mirror that this machine uses. Then the image's own entry point runs in it as the image's own user: ``--help``,
``check``, and a node that must turn healthy and must stop when asked. Needs root, debootstrap and unshare.

pip and apt inside reach what they reach outside: this machine's settings are lent to the chroot and taken back.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.dockerfile import BadDockerfile, Context, Instruction, Stage, read
from scripts.peers import install

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "image-check"
BASES = {"python:3.11-slim-bookworm": "bookworm"}
"""An image the Dockerfile starts from, and the Debian release that stands for it."""
PACKAGES = "python3,python3-venv,ca-certificates,netbase,tzdata"
LENT = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/pip.conf",
    "/root/.config/pip/pip.conf",
    "/root/.pip/pip.conf",
    "/etc/ssl/certs",
]
LENT_VARIABLES = re.compile(r"PIP_.*|.*_PROXY|.*_proxy|SSL_CERT_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HEALTHY_WITHIN = 60.0
STOPPED_WITHIN = 15.0


class Failed(Exception):
    """A step of the proof failed; the text says which."""


class Chroot:
    """A stage under construction: its file system and what its instructions have set so far."""

    def __init__(self, folder: Path) -> None:
        """Stand in *folder*, which holds a Debian."""
        self.folder = folder
        self.user = "root"
        self.workdir = "/"
        self.environment = {"PATH": PATH, "LANG": "C.UTF-8"}

    def inside(self, path: str) -> Path:
        """Return where *path* of the image lies on this machine."""
        return self.folder / os.path.normpath(os.path.join(self.workdir, path)).lstrip("/")

    def command(self, words: list[str]) -> list[str]:
        """Return *words* wrapped so that they run inside, as the stage's user, in its working folder."""
        home = "/root" if self.user == "root" else self.workdir
        variables = [f"{name}={value}" for name, value in {**self.environment, "HOME": home}.items()]
        step_in = ["chroot", f"--userspec={self.user}:{self.user}", str(self.folder), "/usr/bin/env", "-i", *variables]
        return [*step_in, "/bin/sh", "-c", 'cd "$0" && exec "$@"', self.workdir, *words]

    def run(self, words: list[str], lent: dict[str, str] | None = None) -> str:
        """Run *words* inside and return what they print. Raises `Failed`."""
        before = self.environment
        self.environment = {**before, **(lent or {})}
        try:
            done = subprocess.run(self.command(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        finally:
            self.environment = before
        if done.returncode:
            raise Failed(f"{' '.join(words)[:200]}\n{done.stdout}\nexit code {done.returncode}")
        return done.stdout


def main() -> int:
    """Build every stage, then try the last. Exit code 1 when the proof fails, 2 when it cannot be made here."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        print("image-check: needs root and unshare", file=sys.stderr)
        return 2
    if shutil.which("debootstrap") is None and not install(["debootstrap"]):
        print("image-check: needs debootstrap", file=sys.stderr)
        return 2
    if "--inside" not in sys.argv:
        # Mounts and processes of this namespace end with it, however the proof ends.
        script = [sys.executable, "-m", "scripts.image_check", "--inside"]
        return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", *script], cwd=ROOT).returncode
    try:
        image, stage = _build()
        _try_out(image, stage)
    except (Failed, BadDockerfile) as error:
        print(f"image-check: FAILED: {error}", file=sys.stderr)
        return 1
    print("image-check: the Dockerfile's steps work, and its node runs, turns healthy and stops")
    return 0


def _build() -> tuple[Chroot, Stage]:
    done: dict[str, Chroot] = {}
    for stage in read((ROOT / "Dockerfile").read_text(encoding="utf-8")):
        print(f"image-check: stage {stage.name} from {stage.base}", flush=True)
        folder = BUILD / f"stage-{stage.name}"
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["cp", "--archive", "--reflink=auto", str(_base(stage.base)), str(folder)], check=True)
        image = done[stage.name] = Chroot(folder)
        with _mounted(folder), _lent(folder) as variables:
            for step in stage.steps:
                print(f"  {step.line:3} {str(step)[:110]}", flush=True)
                _carry_out(step, image, done, variables)
    return image, stage


def _base(image: str) -> Path:
    """Return a Debian that stands for *image*, made at the first call."""
    if image not in BASES:
        raise BadDockerfile(f"no Debian is known to stand for {image}")
    release = BASES[image]
    folder = BUILD / f"base-{release}"
    if not folder.exists():
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        print(f"image-check: debootstrap of {release}; once, it takes about a minute", flush=True)
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", release, str(unfinished), _mirror()]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Failed(f"debootstrap\n{done.stdout[-2000:]}")
        unfinished.rename(folder)
    return folder


def _mirror() -> str:
    """Return the first Debian mirror of this machine's own apt sources."""
    apt = Path("/etc/apt")
    for source in [
        *sorted(apt.glob("sources.list.d/debian*.sources")),
        *sorted(apt.glob("**/*.sources")),
        apt / "sources.list",
    ]:
        text = source.read_text(encoding="utf-8") if source.exists() else ""
        if found := re.search(
            r"^(?:URIs: *|deb (?:\[.*?\] )?)(https?://\S+/debian/?)(?:\s|$)", text, flags=re.MULTILINE
        ):
            return found[1]
    return "http://deb.debian.org/debian"


@contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    mounts = [("-t", "proc", "proc", "proc"), ("--rbind", "/dev", "dev")]
    for *what, where in mounts:
        subprocess.run(["mount", *what, str(folder / where)], check=True)
    try:
        yield
    finally:
        for *_, where in mounts:
            subprocess.run(["umount", "--recursive", "--lazy", str(folder / where)], check=True)


@contextmanager
def _lent(folder: Path) -> Iterator[dict[str, str]]:
    """Lend this machine's way to the network and to its package index; yield the variables that belong to it."""
    taken_back: list[tuple[Path, Path]] = []
    for path in map(Path, LENT):
        if not path.exists():
            continue
        place, kept = folder / path.relative_to("/"), folder / "lent" / path.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        if place.exists() or place.is_symlink():
            place.rename(kept)
        taken_back.append((place, kept))
        subprocess.run(
            ["cp", "--recursive", "--dereference", str(path), str(place)], check=True, stderr=subprocess.DEVNULL
        )
    try:
        yield {name: value for name, value in os.environ.items() if LENT_VARIABLES.fullmatch(name)}
    finally:
        for place, kept in taken_back:
            shutil.rmtree(place) if place.is_dir() else place.unlink()
            if kept.exists() or kept.is_symlink():
                kept.rename(place)
        shutil.rmtree(folder / "lent", ignore_errors=True)


def _carry_out(step: Instruction, image: Chroot, stages: dict[str, Chroot], lent: dict[str, str]) -> None:
    match step.word:
        case "RUN":
            image.run(["/bin/sh", "-c", step.rest], lent)
        case "COPY":
            _copy(step, image, stages)
        case "ENV":
            image.environment.update((name, value) for name, _, value in (pair.partition("=") for pair in step.words()))
        case "WORKDIR":
            image.workdir = step.rest
            image.inside("").mkdir(parents=True, exist_ok=True)
        case "USER":
            image.user = step.rest
        case _:
            return


def _copy(step: Instruction, image: Chroot, stages: dict[str, Chroot]) -> None:
    """Copy files as an engine does: a folder's contents go into the target, owned by root."""
    *sources, target = step.words()
    place = image.inside(target)
    for source in sources:
        if "from" in step.flags:
            place.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "--archive", str(stages[step.flags["from"]].inside(source)), str(place)], check=True)
            continue
        is_folder = (ROOT / source).is_dir()
        for path in Context(ROOT).files(source):
            into_folder = place / (path.relative_to(source) if is_folder else path.name)
            goal = into_folder if is_folder or target.endswith("/") or len(sources) > 1 else place
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, goal)


def _try_out(image: Chroot, stage: Stage) -> None:
    """Run the image as an operator does, with a settings file of ours in the place of the one that it brings."""
    entry = stage.last("ENTRYPOINT").words()
    settings = image.environment["JIESU_CONFIG"]
    port = _free_port()
    shipped = image.inside(settings).read_text(encoding="utf-8")
    ours = f'[node]\ndata = "/var/lib/jiesu"\n[sip]\nlisten = ["udp:127.0.0.1:0"]\n[web]\nlisten = "127.0.0.1:{port}"\n'
    with _mounted(image.folder):
        if image.run(["id", "-u"]).strip() == "0":
            raise Failed("the image runs as root")
        image.run(["sh", "-c", "! test -w /opt/jiesu && test -w /var/lib/jiesu"])
        print("  --help", flush=True)
        image.run([*entry, "--help"])
        try:
            image.inside(settings).write_text(ours, encoding="utf-8")
            print("  check", flush=True)
            print(image.run([*entry, "check"]), end="")
            print("  run", flush=True)
            _serve(image, [*entry, *stage.last("CMD").words()], stage.last("HEALTHCHECK"))
        finally:
            image.inside(settings).write_text(shipped, encoding="utf-8")


def _serve(image: Chroot, command: list[str], health: Instruction) -> None:
    question = Instruction(line=health.line, word="CMD", flags={}, rest=health.rest.removeprefix("CMD").strip()).words()
    node = subprocess.Popen(image.command(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    began = time.monotonic()
    try:
        while subprocess.run(image.command(question), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            if node.poll() is not None:
                raise Failed(f"the node ended by itself with {node.returncode}\n{node.communicate()[0][-3000:]}")
            if time.monotonic() - began > HEALTHY_WITHIN:
                raise Failed(f"the node was not healthy within {HEALTHY_WITHIN:.0f} s")
            time.sleep(0.5)
        print(f"  healthy after {time.monotonic() - began:.1f} s", flush=True)
        node.send_signal(signal.SIGTERM)
        said, _ = node.communicate(timeout=STOPPED_WITHIN)
    except subprocess.TimeoutExpired:
        raise Failed(f"the node did not stop within {STOPPED_WITHIN:.0f} s of SIGTERM") from None
    finally:
        node.kill()
    if node.returncode != 0:
        raise Failed(f"the node stopped with exit code {node.returncode}\n{said[-3000:]}")
    print("  stopped when asked", flush=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
