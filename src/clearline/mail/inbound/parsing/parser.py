"""Parse mail in a process of its own, within limits of time and memory, whatever the mail was made to do."""

import asyncio
import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from clearline.mail.format.parts import MailUnreadable
from clearline.mail.inbound.parsing.parser_process import (
    ANSWER,
    CPU_SECONDS,
    REQUEST,
    MailContents,
    read_exactly,
    write_all,
)

COMMAND = (sys.executable, "-P", "-m", "clearline.mail.inbound.parsing.parser_process")
SECONDS = 90
"""The most time for one mail, computing or not, which is less than a claim lasts."""

_STARTS = 2
"""How often a request is sent: a process may end, because it was idle, while one is sent."""

MALLOC = {"MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_ARENA_MAX": "2"}
"""Variables that let glibc give the memory of large mails back to the system at once."""

_SECRETS = ("CLEARLINE_", "AWS_")
"""How the names of the variables begin that the process does not get."""


class ParserEnded(Exception):
    """The process ended before it answered, and not because of the mail: another attempt may succeed."""


class Parser:
    """Parses one mail at a time. The process starts with the first mail, and ends when it is idle, or with this one."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self._thread = ThreadPoolExecutor(1, "mail parser")
        self._process: subprocess.Popen[bytes] | None = None

    async def read(self, raw: bytes, envelope_from: str = "") -> MailContents:
        """Return the contents of a mail.

        Raises:
            MailUnreadable: it cannot be parsed, or not within the limits. The text says why.
            ParserEnded: the process was killed.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, raw, envelope_from)

    def close(self) -> None:
        """End the process; a mail that is being parsed is ``ParserEnded``."""
        if self._process is None:
            return
        self._process.kill()
        with contextlib.suppress(RuntimeError):  # at the end of the interpreter there are no threads any more
            self._thread.submit(self._forget).result()

    def _read(self, raw: bytes, envelope_from: str) -> MailContents:
        sender = envelope_from.encode("utf-8", "replace")
        request = REQUEST.pack(len(sender), len(raw)) + sender
        for _ in range(_STARTS):
            process = self._running()
            timer = threading.Timer(SECONDS, process.kill)
            timer.start()
            try:
                answer = _ask(process, request, raw)
            finally:
                timer.cancel()
            if answer is not None:
                is_parsed, body = answer
                if not is_parsed:
                    raise MailUnreadable(body.decode())
                return msgspec.msgpack.decode(body, type=MailContents)
            status = process.wait()
            if status == -signal.SIGPROF:
                raise MailUnreadable(f"it takes more than {CPU_SECONDS} seconds")
            if status != 0:
                break
        raise ParserEnded(f"status {status}")

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._forget()
            environment = {name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)}
            environment |= MALLOC
            self._process = subprocess.Popen(
                self._command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        return self._process

    def _forget(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with process:  # closes its pipes, and waits for its end
                pass


def _ask(process: "subprocess.Popen[bytes]", *request: bytes) -> tuple[bool, bytes] | None:
    """Send a request, and return the answer; None when the process has ended."""
    if process.stdin is None or process.stdout is None:
        return None
    with contextlib.suppress(BrokenPipeError):
        for part in request:
            write_all(process.stdin.fileno(), part)
    head = read_exactly(process.stdout.fileno(), ANSWER.size)
    if head is None:
        return None
    is_parsed, size = ANSWER.unpack(head)
    body = read_exactly(process.stdout.fileno(), size)
    return None if body is None else (is_parsed, body)


PARSER = Parser()
"""The parser of this process."""

atexit.register(PARSER.close)
