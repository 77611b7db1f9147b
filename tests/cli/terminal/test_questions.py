"""Commands that cannot be undone ask at a terminal."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import clearline
from clearline.cli.main import main
from tests.builders.application import run_command, run_json
from tests.builders.commands import commands_below
from tests.builders.processes import open_terminal
from tests.patience import patient, stretched

ASK = {
    "attachment adopt", "company deactivate", "identity-provider unlink", "inbound-mail discard", "key revoke",
    "person erase", "priority-matrix apply", "ticket redact", "user deactivate", "user reset-second-factor",
}  # fmt: skip
"""Commands that ask and are not called delete."""


def test_every_command_that_deletes_can_be_told_not_to_ask() -> None:
    asking = {path for path, command in commands_below(main) if any(option.name == "yes" for option in command.params)}
    deleting = {path for path, _command in commands_below(main) if path.split()[-1] == "delete"}
    assert len(deleting) >= 9
    assert asking == deleting | ASK


def at_terminal(url: str, answer: bytes | signal.Signals, *arguments: str) -> tuple[int, str, str]:
    """Run a command at a terminal of its own, answer it, and return its exit status, output and terminal."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CLEARLINE_")}
    environment = {**clean, "CLEARLINE_DATABASE_URL": url, "PYTHONPATH": str(Path(clearline.__file__).parents[1])}
    ours, theirs = open_terminal()
    seen = bytearray()

    def read() -> None:
        answered = False
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                return
            seen.extend(part)
            if not answered and seen.endswith(b"[y/N]: "):
                answered = True
                if isinstance(answer, bytes):
                    os.write(ours, answer)
                else:
                    threading.Thread(target=interrupt, args=[answer]).start()

    def interrupt(by: signal.Signals) -> None:
        """Send a signal until the process ends. One that arrives just before the process reads is not seen by it."""
        while process.poll() is None:
            process.send_signal(by)
            with suppress(subprocess.TimeoutExpired):
                process.wait(stretched(2))

    process = subprocess.Popen(
        [sys.executable, "-m", "clearline", *arguments],
        env=environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        start_new_session=True,
    )
    os.close(theirs)
    reader = threading.Thread(target=read)
    reader.start()
    out, _err = process.communicate(timeout=patient(30))
    reader.join(patient(10))
    os.close(ours)
    return process.returncode, out, seen.decode()


@pytest.fixture
def queue(database_url: str) -> Iterator[str]:
    """The name of a queue, which may be deleted."""
    run_json(database_url, "queue", "add", "Ports")
    yield "Ports"
    run_command(database_url, "queue", "delete", "Ports")


def queues(url: str) -> list[str]:
    return [listed["name"] for listed in run_json(url, "queue", "list")]


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [(b"n\n", 1, "Nothing was done."), (b"\n", 1, "Nothing was done."), (b"\x04", 1, "Aborted!"),
     (signal.SIGINT, 130, "Interrupted.")],
)  # fmt: skip
def test_nothing_is_deleted_unless_the_answer_is_yes(
    database_url: str, queue: str, answer: bytes | signal.Signals, status: int, said: str
) -> None:
    done, out, terminal = at_terminal(database_url, answer, "queue", "delete", queue)
    assert (done, out) == (status, "")
    assert f"Delete queue {queue}? [y/N]: " in terminal
    assert said in terminal
    assert queues(database_url) == [queue]


@pytest.mark.parametrize("more", [(), ("--yes",)])
def test_yes_deletes(database_url: str, queue: str, more: tuple[str, ...]) -> None:
    done, out, terminal = at_terminal(database_url, b"y\n", "queue", "delete", queue, *more)
    assert (done, out) == (0, f"Queue {queue} deleted.\n"), terminal
    assert ("[y/N]" in terminal) is (not more)
    assert queues(database_url) == []


def test_a_rule_is_named_before_it_is_deleted(database_url: str, queue: str) -> None:
    run_json(database_url, "route", "add", "Slow ports", "--queue", queue)
    done, out, terminal = at_terminal(database_url, b"y\n", "route", "delete", "1")
    assert "Delete rule Slow ports at position 1? [y/N]: " in terminal
    assert (done, out) == (0, "Rule Slow ports deleted.\n")


def test_a_script_is_not_asked(database_url: str, queue: str) -> None:
    done = run_command(database_url, "queue", "delete", queue)
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"Queue {queue} deleted.\n", "")
