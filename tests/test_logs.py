"""The line of each request."""

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID

import pytest
import structlog

from clearline import logs

KEY = UUID("0f0e0d0c-0000-4000-8000-000000000001")
EVENT = {"event": "request", "path": "/a\x1b\x7f\x9b\u00e9", "status": 200, "ms": 0.4, "company": None, "key": KEY}

Configured = Callable[[str, str], io.BytesIO]


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configured]:
    before = structlog.get_config()

    def configure(log_format: str, level: str) -> io.BytesIO:
        stream = io.TextIOWrapper(io.BytesIO(), write_through=True)
        streams.append(stream)
        monkeypatch.setattr("sys.stderr", stream)
        logs.configure(log_format, level)
        return stream.buffer

    streams: list[io.TextIOWrapper] = []
    yield configure
    structlog.configure(**before)


async def test_a_line_in_json_has_the_values_the_level_and_the_time(configured: Configured) -> None:
    output = configured("json", "info")
    logs.line_writer("info")(dict(EVENT))
    await asyncio.sleep(0)
    raw = output.getvalue()
    line = json.loads(raw)
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() is not None
    assert line == {**EVENT, "key": str(KEY), "level": "info"}
    assert raw.count(b"\n") == 1
    assert not any(control in raw.decode() for control in "\x1b\x7f\x9b")


async def test_a_line_in_text_shows_ids_and_escapes_control_characters(configured: Configured) -> None:
    output = configured("text", "info")
    logs.line_writer("info")(dict(EVENT))
    await asyncio.sleep(0)
    line = output.getvalue().decode()
    assert str(KEY) in line
    assert "UUID" not in line
    assert "\x9b" not in line
    assert line.count("\n") == 1


async def test_a_line_is_as_that_of_a_logger(configured: Configured) -> None:
    output = configured("json", "info")
    logs.line_writer("info")(dict(EVENT))
    await asyncio.sleep(0)
    structlog.get_logger().info(**EVENT)
    own, that_of_logger = map(json.loads, output.getvalue().splitlines())
    own.pop("timestamp"), that_of_logger.pop("timestamp")
    assert own == that_of_logger


@pytest.mark.parametrize("log_format", ["json", "text"])
async def test_nothing_is_written_below_the_level(configured: Configured, log_format: str) -> None:
    output = configured(log_format, "warning")
    logs.line_writer("info")(dict(EVENT))
    await asyncio.sleep(0)
    assert output.getvalue() == b""


@pytest.mark.parametrize("log_format", ["json", "text"])
async def test_the_lines_of_one_turn_are_written_at_its_end(configured: Configured, log_format: str) -> None:
    output = configured(log_format, "info")
    log = logs.line_writer("info")
    for status in (200, 404):
        log({**EVENT, "status": status})
    assert output.getvalue() == b""
    await asyncio.sleep(0)
    first, second = output.getvalue().decode().splitlines()
    assert "200" in first
    assert "404" in second
    log(dict(EVENT))
    await asyncio.sleep(0)
    assert len(output.getvalue().splitlines()) == 3
