"""A client that openapi-python-client generates from the document does everything that a program needs."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.builders.server import Server
from tests.clients.desk import COMPANY
from tests.patience import patient

PROGRAM = Path(__file__).with_name("python_program.py")
SECONDS = 90


@pytest.mark.slow
def test_a_python_program_with_a_generated_client_does_everything(desk: Server, tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    document.write_bytes(httpx.get(f"{desk.url}/api/v1/openapi.json", timeout=patient(10)).content)
    generator = [str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--meta", "none"]
    target = ["--path", str(document), "--output-path", str(tmp_path / "desk_client")]
    made = subprocess.run(
        [*generator, *target], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=patient(SECONDS)
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert "Unable to process schema" not in made.stdout
    done = subprocess.run(
        [sys.executable, str(PROGRAM), desk.url, desk.staff_secret(), COMPANY],
        env={**desk.environment, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=patient(SECONDS),
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
