"""Control characters that others wrote do not reach a terminal."""

import io
import json

import pytest
import structlog

from clearline import logs
from clearline.controls import visible, visible_json, visible_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain \u65e5\u672c \U0001f600\tand\nlines", "plain \u65e5\u672c \U0001f600\tand\nlines"),
        ("\x1b]52;c;cm0gLXJm\x07", "\\x1b]52;c;cm0gLXJm\\x07"),
        ("\x9b31m\x9d0;title\x9c\x90\x85", "\\x9b31m\\x9d0;title\\x9c\\x90\\x85"),
        ("a\rb\x08\x7f\x00\x0b\x0c", "a\\x0db\\x08\\x7f\\x00\\x0b\\x0c"),
        ("one\r\ntwo", "one\ntwo"),
        ("\u202egpj.exe\u202c \u2066x\u2069 \u200f\u061c", "\\u202egpj.exe\\u202c \\u2066x\\u2069 \\u200f\\u061c"),
        ("\ud800", "\\ud800"),
        ("\u200d \ufe0f", "\u200d \ufe0f"),
    ],
)
def test_a_control_character_is_shown_and_not_obeyed(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_line_stays_one_line() -> None:
    assert visible_line("a\r\nb\tc\x0bd\x0ce\x85f\u2028g\u2029h\ri") == "a b c d e f g h i"


def test_json_keeps_its_value() -> None:
    value = "".join(map(chr, range(0x250))) + "\u202e\u2066"
    encoded = visible_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(encoded) == value
    assert visible(encoded) == encoded


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_log_line_does_not_steer_the_terminal(log_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stderr", stream)
    before = structlog.get_config()
    try:
        logs.configure(log_format, "info")
        structlog.get_logger("test").info("request", path="/\x1b]52;c;eA==\x07\x9b2J\n", status=200)
    finally:
        structlog.configure(**before)
    stream.flush()
    line = stream.buffer.getvalue().decode()
    assert "52;c;eA==" in line
    assert not {"\x1b]", "\x07", "\x9b"} & {line[index : index + size] for size in (1, 2) for index in range(len(line))}
    assert line.count("\n") == 1
