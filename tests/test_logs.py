"""The line of each request."""

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


def test_a_line_in_json_has_the_values_the_level_and_the_time(configured: Configured) -> None:
    output = configured("json", "info")
    logs.line_writer("info")(dict(EVENT))
    raw = output.getvalue()
    line = json.loads(raw)
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() is not None
    assert line == {**EVENT, "key": str(KEY), "level": "info"}
    assert raw.count(b"\n") == 1
    assert not any(control in raw.decode() for control in "\x1b\x7f\x9b")


def test_a_line_in_text_shows_ids_and_escapes_control_characters(configured: Configured) -> None:
    output = configured("text", "info")
    logs.line_writer("info")(dict(EVENT))
    line = output.getvalue().decode()
    assert str(KEY) in line
    assert "UUID" not in line
    assert "\x9b" not in line
    assert line.count("\n") == 1


def test_a_line_is_as_that_of_a_logger(configured: Configured) -> None:
    output = configured("json", "info")
    logs.line_writer("info")(dict(EVENT))
    structlog.get_logger().info(**EVENT)
    own, that_of_logger = map(json.loads, output.getvalue().splitlines())
    own.pop("timestamp"), that_of_logger.pop("timestamp")
    assert own == that_of_logger


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_nothing_is_written_below_the_level(configured: Configured, log_format: str) -> None:
    output = configured(log_format, "warning")
    logs.line_writer("info")(dict(EVENT))
    assert output.getvalue() == b""
