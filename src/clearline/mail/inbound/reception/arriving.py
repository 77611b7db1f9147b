"""A mail while it arrives over SMTP or LMTP: in a file, and within limits, so that memory does not grow with it."""

from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Self

from clearline.mail.format.parts import LINES_MAX

LINE_MAX = 256 * 1024
"""Bytes of a line with its end. RFC 5321, section 4.5.3.1.6, allows 1000, but many programs send more, and refusing
them helps nobody."""

IN_MEMORY_MAX = 256 * 1024
"""Bytes of a mail that are in memory; a longer one is in a temporary file."""

_TOO_LONG_LINE = f"500 5.5.2 A line is longer than {LINE_MAX} bytes"
_TOO_MANY_LINES = f"552 5.3.4 The mail has more than {LINES_MAX} lines"
_FULL = "452 4.3.1 Too much mail is arriving; try again later"
_NO_SPACE = "452 4.3.1 No space for the mail; try again later"


class ArrivingBytes:
    """The bytes of all mails that are arriving, at most ``most``."""

    def __init__(self, most: int) -> None:
        self._free = most

    def take(self, size: int) -> bool:
        """Count more bytes; False when there is no room for them."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def give_back(self, size: int) -> None:
        """Count bytes no more."""
        self._free += size


class ArrivingMail:
    """What follows DATA, up to the line with a single dot, which is not part of it (RFC 5321, section 4.1.1.4).

    Only CR LF ends a line: a dot between other line ends is text, so that a mail cannot end before its sender's server
    believes it does (SMTP smuggling, CVE-2023-51764). ``refusal`` is the reply to a mail that exceeds a limit; its
    bytes are no longer kept, and ``size`` goes on counting them.
    """

    def __init__(self, all_bytes: ArrivingBytes, size_max: int) -> None:
        self._all_bytes, self._size_max = all_bytes, size_max
        self._file = SpooledTemporaryFile[bytes](IN_MEMORY_MAX)
        self._taken = self._lines = self._line_size = 0
        self._held_back = b"\r\n"
        """The end of what arrived, if it may be a line end before a dot; at first the one before the mail."""
        self._has_begun = False
        self.size = 0
        self.refusal: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._drop()

    def add(self, block: bytes) -> None:
        """Add the next bytes, as they were sent, in blocks of any size up to ``LINE_MAX``."""
        self.size += len(block)
        if self.refusal is None:
            self.refusal = self._refusal_for(block)
        if self.refusal is not None:
            self._drop()
            return
        text = self._held_back + block
        end = len(text) - (2 if text.endswith(b"\r\n") else 1 if text.endswith(b"\r") else 0)
        self._held_back = text[end:]
        try:
            self._write(text[:end].replace(b"\r\n.", b"\r\n"))
        except OSError:
            self.refusal = _NO_SPACE
            self._drop()

    def content(self) -> bytes:
        """Return the whole mail, without the dots that transparency added (RFC 5321, section 4.5.2)."""
        self._write(self._held_back)
        self._held_back = b""
        self._file.seek(0)
        return self._file.read()

    def _refusal_for(self, block: bytes) -> str | None:
        first = block.find(b"\n")
        longest = self._line_size + (len(block) if first < 0 else first)
        self._line_size = self._line_size + len(block) if first < 0 else len(block) - block.rfind(b"\n") - 1
        is_split = self._held_back == b"\r" and block.startswith(b"\n")  # a line end in two blocks is one
        self._lines += block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n") - is_split
        if self.size > self._size_max:
            return f"552 5.3.4 The mail is larger than {self._size_max} bytes"
        if longest >= LINE_MAX:
            return _TOO_LONG_LINE
        if self._lines > LINES_MAX:
            return _TOO_MANY_LINES
        if not self._all_bytes.take(len(block)):
            return _FULL
        self._taken += len(block)
        return None

    def _write(self, text: bytes) -> None:
        if not self._has_begun and text:
            self._has_begun = True
            text = text.removeprefix(b"\r\n")
        self._file.write(text)

    def _drop(self) -> None:
        self._file.close()
        self._all_bytes.give_back(self._taken)
        self._taken = 0
