"""Recognize reports in the formats of old mail servers, with the library of GNU Mailman."""

import re
from email import message_from_bytes

_HEAD_MAX = 16 * 1024
"""Bytes in which a report is looked for: its text comes before the copy of the mail."""

_LONG_LINE = re.compile(rb"[^\r\n]{200}(?=[^\r\n])")
"""Lines are broken here: the library takes quadratic time for long ones."""

_FAILED = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError)
"""What the library and the standard library raise for malformed mail."""


def came_back(raw: bytes) -> bool:
    """Return whether a mail server sent back a mail, as a text that old servers write says.

    Which addresses failed, and whether for good, is not used: those verdicts serve mailing lists, which may drop a
    member too many.
    """
    from flufl.bounce import all_failures  # noqa: PLC0415 - only for mail that may be a report

    headers, blank, body = raw[:_HEAD_MAX].partition(b"\r\n\r\n" if b"\r\n\r\n" in raw[:_HEAD_MAX] else b"\n\n")
    try:
        temporary, permanent = all_failures(message_from_bytes(headers + blank + _LONG_LINE.sub(rb"\g<0>\n", body)))
    except _FAILED:
        return False
    return bool(temporary or permanent)
