"""Structured logs on standard error: one JSON object a line, or readable text on a terminal.

What people write and what opens doors is never logged: no ticket text, no key, no database password.
"""

import asyncio
import logging
import re
import sys
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from clearline import clock
from clearline.controls import visible_json, visible_line

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(log_format: str, level: str, process: str | None = None) -> None:
    """Set up logging for this process; what libraries log with the standard library is included.

    ``process`` names one that is not the server or the command that was started; its lines have it as ``process_name``.
    """
    import structlog  # noqa: PLC0415 - see Logger

    readable = sys.stderr.isatty() if log_format == "auto" else log_format == "text"
    if readable:
        processors: list[Any] = [
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _visible_values,
            # the fancy formatter of exceptions shows the values of variables
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
        factory: Any = structlog.WriteLoggerFactory(file=sys.stderr)
    else:
        processors = [_json_line]
        factory = structlog.BytesLoggerFactory(file=sys.stderr.buffer)
    if process is not None:
        processors.insert(0, _named(process))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Bridge()], level=logging.WARNING, force=True)


def line_writer(level: str) -> Callable[[dict[str, Any]], object]:
    """Return a function that logs an event at one level, without the steps that each call of a logger takes.

    For the line of each request: those steps take as long as writing it. The lines of one turn of the event loop are
    written together at its end.
    """
    import structlog  # noqa: PLC0415 - see Logger

    if not structlog.get_logger().is_enabled_for(_LEVELS[level]):
        return lambda _event: None
    config = structlog.get_config()
    processors, write = config["processors"], getattr(config["logger_factory"](), level)

    lines: list[Any] = []

    def flush() -> None:
        write((b"\n" if isinstance(lines[0], bytes) else "\n").join(lines))
        lines.clear()

    def log(event: Any) -> None:
        try:
            for process in processors:
                event = process(None, level, event)
        except structlog.DropEvent:
            return
        lines.append(event)
        if len(lines) == 1:
            asyncio.get_running_loop().call_soon(flush)

    return log


def _named(process: str) -> Any:
    def name(_logger: Any, _method: str, event: Any) -> Any:
        event["process_name"] = process
        return event

    return name


_RAW_CONTROLS = re.compile(rb"\x7f|\xc2[\x80-\x9f]")
"""The control characters that JSON does not escape, in UTF-8."""
_encoder = msgspec.json.Encoder(enc_hook=repr)


def _json_line(logger: Any, level: str, event: Any) -> bytes:
    """Render an event as JSON (a processor of structlog). One step, because every request logs a line."""
    if "exc_info" in event:
        import structlog  # noqa: PLC0415 - see Logger

        event = structlog.processors.format_exc_info(logger, level, event)
    event["level"] = level
    event["timestamp"] = clock.now()
    line = _encoder.encode(event)
    if (b"\x7f" in line or b"\xc2" in line) and _RAW_CONTROLS.search(line) is not None:  # the search alone is slow
        return visible_json(line.decode()).encode()
    return line


def _visible_values(_logger: Any, _method: str, event: Any) -> Any:
    """Escape the control characters of what clients sent, such as the path of a request, and write ids as text."""
    return {
        name: visible_line(str(value)) if isinstance(value, (str, UUID)) else value for name, value in event.items()
    }


class Logger:
    """A logger of structlog, which is imported with the first line: most commands log none, and start twice as fast."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, level: str) -> Any:
        """Return the method that logs at a level."""
        import structlog  # noqa: PLC0415

        return getattr(structlog.get_logger(self._name), level)


class _Bridge(logging.Handler):
    """Hands what libraries log to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        import structlog  # noqa: PLC0415 - see Logger

        structlog.get_logger(record.name).log(record.levelno, record.getMessage(), exc_info=record.exc_info)
