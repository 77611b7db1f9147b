"""Mail is parsed in a process of its own, which ends when a mail takes too long or too much memory."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from clearline.mail.format.parts import MailUnreadable, parse
from clearline.mail.inbound import worker as inbound_worker
from clearline.mail.inbound.domain import InboundState
from clearline.mail.inbound.parsing.parser import PARSER, Parser, ParserEnded
from tests.builders.mail.inbound_rig import CORPUS, SUPPORT, InboundMailRig, a_mail
from tests.builders.processes import children, command_of, eventually

ENDLESS = "read_contents = lambda *_: [number for number in iter(int, 1)]"
GREEDY = "read_contents = lambda *_: bytearray(1024 ** 3)"
MAIL = a_mail("a@example.com", SUPPORT)


@contextmanager
def parser_with(*changes: str) -> Iterator[Parser]:
    """Return a parser whose process has other limits, or takes longer."""
    program = "; ".join(
        ["from clearline.mail.inbound.parsing import parser_process as p", *(f"p.{c}" for c in changes)]
    )
    parser = Parser((sys.executable, "-c", f"{program}; p.main()"))
    yield parser
    parser.close()


def processes() -> list[int]:
    return [pid for pid in children(os.getpid()) if "parser_process" in command_of(pid)]


async def refusal(parser: Parser, raw: bytes = MAIL) -> str:
    with pytest.raises(MailUnreadable) as caught:
        await parser.read(raw)
    return str(caught.value)


async def test_contents_are_those_of_the_mail_and_a_report_is_read_with_its_envelope() -> None:
    for file in sorted(CORPUS.glob("*.eml"))[:20]:
        raw = file.read_bytes()
        assert (await PARSER.read(raw)).parsed == parse(raw), file.name
    raw = a_mail("mailer-daemon@example.com", SUPPORT, "This is the mail system at host\nMessage-ID: <1@example.net>")
    contents = await PARSER.read(raw, "")
    assert contents.bounce is not None
    assert contents.bounce.message_ids == ("<1@example.net>",)


async def test_a_mail_that_takes_too_long_is_refused_and_the_next_one_is_parsed() -> None:
    with parser_with("CPU_SECONDS = 0.2", ENDLESS) as parser:
        assert [await refusal(parser), await refusal(parser)] == ["it takes more than 30 seconds"] * 2


async def test_a_mail_that_takes_too_much_memory_is_refused() -> None:
    with parser_with(GREEDY) as parser:
        assert await refusal(parser) == "it takes too much memory"


async def test_a_parser_that_somebody_kills_says_nothing_about_the_mail() -> None:
    others = set(processes())
    with parser_with(ENDLESS) as parser:
        reading = asyncio.create_task(parser.read(MAIL))
        assert await asyncio.to_thread(eventually, lambda: set(processes()) - others)
        assert not reading.done()
        [pid] = set(processes()) - others
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ParserEnded):
            await reading
    assert (await PARSER.read(MAIL)).parsed.text == "Hello"


async def test_the_process_ends_when_it_is_idle_or_had_a_large_mail_and_starts_again() -> None:
    others = set(processes())
    with parser_with("IDLE_SECONDS = 0.2") as parser:
        for _ in range(2):
            assert (await parser.read(MAIL)).parsed.text == "Hello"
    with parser_with("LARGE = 1") as parser:
        for _ in range(2):
            assert (await parser.read(MAIL)).parsed.text == "Hello"
            assert await asyncio.to_thread(eventually, lambda: set(processes()) == others)


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Callable[[Parser], None]:
    """Return what sets the parser of the worker."""
    return lambda parser: monkeypatch.setattr(inbound_worker, "PARSER", parser)


async def test_a_mail_beyond_the_limits_is_quarantined_with_its_bytes(
    rig: InboundMailRig, limited: Callable[[Parser], None]
) -> None:
    with parser_with("CPU_SECONDS = 0.2", ENDLESS) as parser:
        limited(parser)
        mail = await rig.receive(a_mail(rig.sender, SUPPORT, "Port is down"))
    assert (mail.state, mail.reason) == (
        InboundState.QUARANTINED,
        "it cannot be parsed: it takes more than 30 seconds",
    )
    assert mail.has_raw


async def test_a_mail_whose_parser_was_killed_is_tried_again(
    rig: InboundMailRig, limited: Callable[[Parser], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with parser_with("read_contents = lambda *_: p.os.kill(p.os.getpid(), 9)") as parser:
        limited(parser)
        mail = await rig.receive(a_mail(rig.sender, SUPPORT, "Port is down"))
        assert (mail.state, mail.attempts) == (InboundState.WAITING, 1)
    monkeypatch.setattr(inbound_worker, "PARSER", PARSER)
    await rig.process()
    assert (await rig.mail(mail.id)).state is InboundState.ACCEPTED
