"""The process that parses mail for another: ``parser.py`` starts it, and ends it by closing its standard input.

A mail may be made to take as long and as much memory as it can. Here that is limited: the process is killed when it
computes for too long, and says so when the memory is not enough.
"""

import contextlib
import os
import resource
import select
import signal
import sys
from struct import Struct as Layout
from typing import NamedTuple

import msgspec
from msgspec import Struct

from clearline.mail.format.parts import MailUnreadable, ParsedMail, message_of, read_message
from clearline.mail.inbound.domain import LARGE
from clearline.mail.outbound.bounce import Bounce, read_bounce

CPU_SECONDS = 30
"""The most computing time for one mail. Then SIGPROF kills the process."""

MEMORY_MAX, MEMORY_PER_BYTE = 192 * 1024**2, 8
"""The most memory of the process, in bytes: so many, and so many times the size of the mail. Ordinary mail takes
half."""

IDLE_SECONDS = 60
"""The process ends when it has nothing to parse for so long."""

_NICE = 5
"""How much the process gives way to those that answer requests: as much as the process for mail does."""

_PIPE_BLOCK = 1024**2
REQUEST, ANSWER = Layout("<IQ"), Layout("<?Q")
"""What precedes a request: the bytes of the envelope sender and of the mail. What precedes an answer: whether the mail
was parsed, and the bytes of its contents, or of the reason why not."""


class MailContents(Struct, frozen=True):
    """What is read of a mail: headers, text and files, and the delivery report, if it is one."""

    parsed: ParsedMail
    bounce: Bounce | None


class Answer(NamedTuple):
    """What the process answers, as it was sent."""

    is_parsed: bool
    body: bytes


def read_contents(raw: bytes, envelope_from: str) -> MailContents:
    """Read a mail.

    Raises:
        MailUnreadable: as for ``message_of``.
    """
    message = message_of(raw)
    parsed = read_message(message)
    bounce = read_bounce(raw, message, parsed.headers, parsed.text, envelope_from=envelope_from)
    return MailContents(parsed, bounce)


def answer_to(raw: bytes, envelope_from: str) -> Answer:
    """Return the answer to a request."""
    try:
        return Answer(True, msgspec.msgpack.encode(read_contents(raw, envelope_from)))
    except MemoryError:
        return Answer(False, b"it takes too much memory")
    except RecursionError:
        return Answer(False, b"its parts are nested too deep")
    except (MailUnreadable, ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        return Answer(False, (str(error) or type(error).__name__).encode("utf-8", "replace"))


def serve(requests: int, answers: int) -> None:
    """Answer requests until there are none for a while, or after a large one. The arguments are descriptors."""
    while select.select([requests], [], [], IDLE_SECONDS)[0]:
        head = read_exactly(requests, REQUEST.size)
        if head is None:
            return
        sender_size, size = REQUEST.unpack(head)
        sender, raw = read_exactly(requests, sender_size), read_exactly(requests, size)
        if sender is None or raw is None:
            return
        memory = MEMORY_MAX + MEMORY_PER_BYTE * size
        resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.RLIM_INFINITY))
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        is_parsed, body = answer_to(raw, sender.decode())
        signal.setitimer(signal.ITIMER_PROF, 0)
        write_all(answers, ANSWER.pack(is_parsed, len(body)))
        write_all(answers, body)
        if size > LARGE:
            return  # much of the memory would be kept


def read_exactly(descriptor: int, size: int) -> bytes | None:
    """Read so many bytes of a pipe; None when it ends before."""
    blocks: list[bytes] = []
    while size:
        block = os.read(descriptor, min(size, _PIPE_BLOCK))
        if not block:
            return None
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


def write_all(descriptor: int, data: bytes) -> None:
    """Write to a pipe."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def main() -> None:
    """Serve on standard input and output. Signals are for the process that started this one."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(max(0, _NICE - os.nice(0)))
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    main()
