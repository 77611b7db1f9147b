"""Containers as an operator runs them, by podman with images and containers of its own.

Where no image registry can be reached, ``debian:12-slim`` is made here by debootstrap.
"""

import json
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.builders.processes import free_port
from tests.patience import patient

BASE = "debian:12-slim"
_SUITE = "bookworm"
_LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache", "var/lib/apt/lists", "var/log")
"""What Debian's slim images have not."""
_LIMIT = 4096


def missing() -> str:
    """Return why no container can run here, or an empty text."""
    programs = [name for name in ("podman", "debootstrap") if shutil.which(name, path="/usr/sbin:/usr/bin") is None]
    if programs:
        return f"not installed: {', '.join(programs)} (make containers)"
    return "" if os.geteuid() == 0 else "debootstrap needs root"


class Podman:
    """Podman with storage of its own."""

    def __init__(self, storage: Path) -> None:
        self._storage = storage
        runtime = ["--runtime", "runc"] if shutil.which("runc", path="/usr/sbin:/usr/bin") else []
        own = ["--root", str(storage / "root"), "--runroot", str(storage / "run"), "--cgroup-manager", "cgroupfs"]
        self._command = ["podman", *own, *runtime]

    def tried(self, *arguments: str | Path, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run podman; return how it ended."""
        return subprocess.run(
            [*self._command, *arguments], capture_output=True, text=True, check=False, timeout=patient(seconds)
        )

    def run(self, *arguments: str | Path, seconds: float = 60) -> str:
        """Run podman and return what it prints."""
        done = self.tried(*arguments, seconds=seconds)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def make_base(self) -> None:
        """Make the base image as Debian's slim images are made."""
        root = self._storage / "debian"
        command = ["debootstrap", "--variant=minbase", _SUITE, str(root)]
        made = subprocess.run(command, capture_output=True, check=False, text=True, timeout=patient(120))
        if made.returncode:
            pytest.skip(f"debootstrap cannot make {BASE} here: {made.stdout[-500:]}{made.stderr[-500:]}")
        for part in _LEFT_OUT:
            for path in (root / part).iterdir():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        packed = self._storage / "debian.tar"
        subprocess.run(["tar", "-C", root, "-cf", packed, "."], check=True)  # noqa: S607
        self.run("import", packed, BASE)

    def build(self, dockerfile: Path, tag: str, context: Path) -> None:
        """Build an image, with the network of this machine and without a package index."""
        isolated = ["--isolation", "chroot", "--network", "host", "--pull=never", "--build-arg", "PIP_NO_INDEX=1"]
        self.run("build", "--format", "docker", *isolated, "-f", dockerfile, "-t", tag, context, seconds=180)

    def inspect(self, image: str) -> dict[str, Any]:
        """Return what an image is."""
        [described] = json.loads(self.run("image", "inspect", image))
        return dict(described)


def limits() -> list[str]:
    """Return options with limits that any account may set: some machines allow less than the defaults of podman."""
    kinds = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    hard = {name: resource.getrlimit(kind)[1] for name, kind in kinds.items()}
    allowed = {name: _LIMIT if most == resource.RLIM_INFINITY else min(most, _LIMIT) for name, most in hard.items()}
    return [part for name, most in allowed.items() for part in ("--ulimit", f"{name}={most}:{most}")]


class Container:
    """Clearline in a container with a read-only root, without capabilities, with its data on a volume."""

    def __init__(self, podman: Podman, image: str, volume: str) -> None:
        self._podman = podman
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        hardened = ["--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges", *limits()]
        self.id = podman.run(
            "run", "--detach", "--network", "host", *hardened, "--health-interval", "disable",
            "--env", f"CLEARLINE_BIND=127.0.0.1:{self.port}", "--volume", f"{volume}:/var/lib/clearline", image,
        )  # fmt: skip

    def execute(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the container."""
        return self._podman.tried("exec", self.id, *command)

    def healthy(self) -> bool:
        """Run the health check of the image."""
        return self._podman.tried("healthcheck", "run", self.id).returncode == 0

    def logs(self) -> str:
        """Return what the container printed."""
        done = self._podman.tried("logs", self.id)
        return done.stdout + done.stderr

    def replace(self) -> int:
        """Stop the container as an upgrade does, and remove it; return its exit status."""
        self._podman.run("stop", "--time", f"{patient(30):.0f}", self.id, seconds=40)
        status = int(self._podman.run("inspect", "--format", "{{.State.ExitCode}}", self.id))
        self._podman.run("rm", self.id)
        return status


@contextmanager
def podman() -> Iterator[Podman]:
    """Yield podman; remove its containers and images afterwards. Images on a file system in memory would take a GB."""
    storage = Path(tempfile.mkdtemp(prefix="cl-", dir="/var/tmp"))
    running = Podman(storage)
    try:
        yield running
    finally:
        running.tried("rm", "--all", "--force", "--time", "5")
        running.tried("rmi", "--all", "--force", seconds=120)
        shutil.rmtree(storage)
