"""Structured logs on standard error: one JSON object a line, or readable text on a terminal.

What people write and what opens doors is never logged: no ticket text, no key, no database password.
"""

import logging
import sys
from typing import Any

import msgspec
import structlog

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(log_format: str, level: str) -> None:
    """Set up logging for this process; what libraries log with the standard library is included."""
    readable = sys.stderr.isatty() if log_format == "auto" else log_format == "text"
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    shared: list[Any] = [structlog.processors.add_log_level, stamp]
    if readable:
        plain = structlog.dev.plain_traceback  # the fancy one shows the values of variables
        renderers: list[Any] = [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
        factory: Any = structlog.WriteLoggerFactory(file=sys.stderr)
    else:
        renderers = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_json)]
        factory = structlog.BytesLoggerFactory(file=sys.stderr.buffer)
    structlog.configure(
        processors=[*shared, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Bridge()], level=logging.WARNING, force=True)


_encoder = msgspec.json.Encoder(enc_hook=repr)


def _json(event: Any, **_options: Any) -> bytes:
    return _encoder.encode(event)


class _Bridge(logging.Handler):
    """Hands what libraries log to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(record.levelno, record.getMessage(), exc_info=record.exc_info)
