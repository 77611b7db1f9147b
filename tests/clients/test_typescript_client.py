"""Types that openapi-typescript generates from the document let a program do everything that it needs."""

import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.builders.server import Server
from tests.clients.desk import COMPANY
from tests.patience import patient

PROJECT = Path(__file__).with_name("typescript")
SECONDS = 120
NPM = shutil.which("npm")


def run(*command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=patient(SECONDS))


@pytest.mark.slow
@pytest.mark.skipif(NPM is None or shutil.which("node") is None, reason="there is no node with npm")
def test_a_typescript_program_with_generated_types_does_everything(desk: Server, tmp_path: Path) -> None:
    assert NPM is not None
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("node_modules"))
    installed = run(NPM, "ci", "--no-audit", "--no-fund", folder=project)
    if installed.returncode != 0 and any(code in installed.stderr for code in UNREACHABLE):
        pytest.skip("npm reaches no registry that has the packages")
    assert installed.returncode == 0, installed.stderr
    (project / "openapi.json").write_bytes(httpx.get(f"{desk.url}/api/v1/openapi.json", timeout=patient(10)).content)
    binaries = project / "node_modules" / ".bin"
    made = run(
        str(binaries / "openapi-typescript"),
        "openapi.json",
        "--output",
        "desk.d.ts",
        "--default-non-nullable",
        "false",
        folder=project,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    compiled = run(str(binaries / "tsc"), folder=project)
    assert compiled.returncode == 0, compiled.stdout
    done = run("node", "out/program.js", desk.url, desk.staff_secret(), COMPANY, folder=project)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


UNREACHABLE = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
    "E404",
    "E403",
    "E401",
)
"""What npm says when the machine has no registry, or one without these packages."""
