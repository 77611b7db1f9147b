"""The version of Clearline: of a clone that of its commit, by the nearest tag; else that which is installed.

It imports nothing of Clearline, because the build of the wheel loads it alone.
"""

import os
import re
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_FIRST = "0.1.0"
"""The version that is developed before there is a tag."""
_TAGGED = re.compile(r"v(\d+\.\d+\.(?:\d+rc)?)(\d+)-(\d+)-(g[0-9a-f]+)(-dirty)?")
_UNTAGGED = re.compile(r"([0-9a-f]+)(-dirty)?")


class NoVersion(Exception):
    """The folder is no clone, or git cannot describe its commit."""


@cache
def version() -> str:
    """Return the version of the running Clearline, as PEP 440 writes it."""
    try:
        return version_of_clone()
    except NoVersion:
        return metadata.version("clearline")


def version_of_clone(root: Path = _ROOT) -> str:
    """Return the version of the commit that is checked out in a clone.

    At a tag such as ``v1.2.3`` it is 1.2.3. Four commits later it is 1.2.4.dev4+g0123456789, and with changed files
    ``.dirty`` follows.

    Raises:
        NoVersion: it is no clone, git is missing, or the nearest tag is no version.
    """
    if not (root / ".git").exists():
        raise NoVersion(f"{root} is no clone of the repository")
    described = _git(root, "describe", "--tags", "--long", "--dirty", "--always", "--abbrev=10", "--match=v[0-9]*")
    if tagged := _TAGGED.fullmatch(described):
        base, last, since, commit, dirty = tagged.groups()
        if since == "0" and not dirty:
            return f"{base}{last}"
        return f"{base}{int(last) + 1}.dev{since}+{commit}{'.dirty' if dirty else ''}"
    if untagged := _UNTAGGED.fullmatch(described):
        commit, dirty = untagged.groups()
        return f"{_FIRST}.dev{_git(root, 'rev-list', '--count', 'HEAD')}+g{commit}{'.dirty' if dirty else ''}"
    raise NoVersion(f"no version like v1.2.3: {described}")


def _git(root: Path, *arguments: str) -> str:
    """Return what git prints about a clone that may belong to another account, as that of a service does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-C", str(root), *arguments]
    try:
        done = subprocess.run(
            command, env={**environment, "GIT_OPTIONAL_LOCKS": "0"}, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoVersion(f"git cannot describe {root}: {error}") from error
    return done.stdout.strip()
