"""Processes that the tests start end with them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests import guardian
from tests.builders.processes import alive, eventually, started

PROGRAM = """
import subprocess, sys, time
from tests import guardian
guardian.watch(sys.argv[1])
print(subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=subprocess.DEVNULL).pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_the_processes_of_a_killed_run_are_killed(signal_number: signal.Signals) -> None:
    run, root = uuid4().hex, Path(guardian.__file__).parents[1]
    command = [sys.executable, "-c", PROGRAM, run]
    with started(command, cwd=root, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        orphan = int(owner.stdout.readline())
        assert eventually(lambda: guardian.marked(run, but=os.getpid()) == [orphan])  # one that is executed has no mark
        owner.send_signal(signal_number)
        assert eventually(lambda: not alive(orphan))


def test_a_block_kills_the_process_it_started_and_its_children() -> None:
    with started(["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        sleeper = int(shell.stdout.readline())
        assert alive(sleeper)
    assert not alive(shell.pid)
    assert eventually(lambda: not alive(sleeper))
