import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.databases import ROOT, reachable_dir
from tests.builders.processes import naming


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder for data directories; processes that use it are killed at the end."""
    path = reachable_dir("clearline-pg-")
    yield path
    for pid in naming(path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(path)


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """Yield a file system of 24 MiB, less than an empty database needs."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=711", "tmpfs", str(disk)]
    if not ROOT or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    yield disk
    subprocess.run(["umount", disk], check=True)  # noqa: S607
