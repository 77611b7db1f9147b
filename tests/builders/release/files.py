"""The files of a release, built of a clone of this repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.patience import patient

ROOT = Path(__file__).parents[3]
FRONTEND = Path("frontend")


def run(*command: str | Path, cwd: Path, umask: int = 0o022, seconds: float = 120, **environment: str) -> str:
    """Run a command as a release does; its output is shown when it fails."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, umask=umask, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False, timeout=patient(seconds),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def build(folder: Path, umask: int, zone: str) -> Path:
    """Clone this repository into a folder, build its pages and its release; return where the release is."""
    run("git", "clone", "-q", ROOT, folder, cwd=ROOT)
    if (ROOT / FRONTEND / "node_modules").exists():
        shutil.copytree(ROOT / FRONTEND / "node_modules", folder / FRONTEND / "node_modules", symlinks=True)
    path = os.pathsep.join([str(ROOT / FRONTEND / ".node" / "bin"), os.environ["PATH"]])
    run(sys.executable, "frontend/build.py", cwd=folder, umask=umask, TZ=zone, PATH=path)
    run(sys.executable, "release/dist.py", cwd=folder, umask=umask, TZ=zone, PATH=path)
    return folder / "dist"


def of(dist: Path, ending: str) -> Path:
    """Return the file of a release that ends so."""
    [file] = dist.glob(f"clearline-*{ending}")
    return file
