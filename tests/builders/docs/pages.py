"""The commands of a documentation page, pasted into a shell as a reader pastes them."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.builders.server import Server
from tests.patience import patient

ROOT = Path(__file__).parents[3]
SECONDS = 60


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language; without a language, those that show output."""
    text = page.read_text(encoding="utf-8")
    fences: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [body for name, body in fences if name == language]


def paste(
    server: Server, commands: str, replacements: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run commands in a shell that stops at the first failure, and in which curl fails with an HTTP error."""
    for text, replacement in replacements.items():
        commands = commands.replace(text, replacement)
    (server.folder / ".curlrc").write_text('fail-with-body\nwrite-out = "\\n"\n')
    path = f"{Path(sys.executable).parent}:{server.environment['PATH']}"
    return subprocess.run(
        ["bash", "-c", f"set -eo pipefail\n{commands}"],  # noqa: S607
        cwd=folder,
        env={**server.environment, "PATH": path, "CURL_HOME": str(server.folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patient(SECONDS),
        check=False,
    )
