"""The OpenAPI document promises what the server keeps: requests made from it by schemathesis, every check on."""

import subprocess
import sys
from pathlib import Path

from tests.e2e.running import Running


def test_the_server_keeps_what_its_openapi_document_promises(running: Running, tmp_path: Path) -> None:
    running.start("--demo")
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{running.url}/openapi.json",
        "-H", f"Authorization: Bearer {running.secret()}", "--checks", "all",
        "--include-path-regex", "^/(api/)?v2/support-tickets", "--max-examples", "20", "--workers", "1",
        "--seed", "1", "--request-timeout", "15", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if "SystemError: AST constructor recursion depth mismatch" in done.stdout:  # CPython 3.11 tripped inside the tester
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "No issues found" in done.stdout
