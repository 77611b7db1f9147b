"""The configuration of HAProxy in the guide to production is one that HAProxy accepts."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "run-in-production.md"
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin")


def configuration() -> str:
    [block] = re.findall(r"```haproxy\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(block)


def test_a_frozen_primary_is_left_within_seconds_and_with_its_sessions() -> None:
    lines = {" ".join(line.split()) for line in configuration().splitlines()}
    assert "default-server inter 2s fall 2 rise 1 on-marked-down shutdown-sessions" in lines
    assert {"mode tcp", "timeout connect 3s", "timeout check 2s"} <= lines


@pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")
def test_haproxy_accepts_it(tmp_path: Path) -> None:
    assert HAPROXY is not None
    file = tmp_path / "haproxy.cfg"
    file.write_text(re.sub(r"db\d\.example\.net", "127.0.0.1", configuration()))
    checked = subprocess.run([HAPROXY, "-c", "-f", file], capture_output=True, text=True, check=False)
    assert (checked.returncode, "[ALERT]" in checked.stderr, "[WARNING]" in checked.stderr) == (0, False, False)
