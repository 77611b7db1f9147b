"""Attachments: files that belong to a ticket. Contents are stored unchanged and never inspected."""

import re
import unicodedata
from datetime import datetime
from mimetypes import MimeTypes
from uuid import UUID

from msgspec import Struct

from clearline.errors import MediaTypeRefused, RuleCode, Violation, require_valid
from clearline.settings.defaults import COMPANY_ATTACHMENTS_MAX
from clearline.settings.settings import Settings
from clearline.text import is_blank, storable
from clearline.tickets.note_domain import Source, Visibility

NAME_MAX = 255
MEDIA_TYPE_MAX = 127
PER_TICKET_MAX = 100
"""The maximum number of attachments of a ticket."""
MESSAGE_FILES_MAX = 20
"""The maximum number of files of a message, and of a form."""

ANY_TYPE = "application/octet-stream"
"""The media type of a file without one (RFC 2046, 4.5.1)."""

_OFFICE = "application/vnd.openxmlformats-officedocument."
_TYPES = {
    ".log": "text/plain",
    ".cfg": "text/plain",
    ".conf": "text/plain",
    ".md": "text/markdown",
    ".pcap": "application/vnd.tcpdump.pcap",
    ".pcapng": "application/x-pcapng",
    ".eml": "message/rfc822",
    ".msg": "application/vnd.ms-outlook",
    ".docx": _OFFICE + "wordprocessingml.document",
    ".xlsx": _OFFICE + "spreadsheetml.sheet",
    ".pptx": _OFFICE + "presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
}
"""Types that Python's own table lacks in some version, or has by another name."""

_ENCODINGS = {"gzip": "application/gzip"}
_STANDARD_TYPES = MimeTypes()
"""Python's own table, without what the machine adds to it."""

_WORD = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE = re.compile(rf"{_WORD}/{_WORD}")
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, line separators, direction controls: with them ``gnp.exe`` could read ``exe.png``."""


class Limits(Struct, frozen=True):
    """What is accepted: maximum bytes of a file, and media types such as ``text/plain``, ``image/*`` or ``*``.

    ``company_size`` is the maximum bytes of all files of a company, beyond which it can add none itself.
    """

    size: int
    media_types: tuple[str, ...]
    company_size: int = COMPANY_ATTACHMENTS_MAX


def attachment_limits(settings: Settings) -> Limits:
    """Return the limits that are set."""
    return Limits(settings.attachment_max, settings.attachment_types, settings.company_attachments_max)


class Content(Struct, frozen=True):
    """Durably stored content, under a random id."""

    id: UUID
    size: int
    sha256: bytes


class NewAttachment(Struct, frozen=True):
    """The name, media type and visibility of a file to attach; see ``new_attachment``."""

    name: str
    media_type: str
    visibility: Visibility


class Attachment(Struct, frozen=True):
    """A file of a ticket. ``author`` is the name at the time; ``id`` is also the id of its content. Immutable."""

    company_id: UUID
    ticket_number: int
    id: UUID
    name: str
    media_type: str
    size: int
    sha256: bytes
    visibility: Visibility
    source: Source
    author: str
    created_by: UUID | None
    created_at: datetime


class HeldFile(Struct, frozen=True):
    """A file that waits to be attached: with a message, or in the composer of its user. Its content is stored."""

    company_id: UUID
    ticket_number: int
    id: UUID
    user_id: UUID
    message_id: UUID | None
    name: str
    media_type: str
    size: int
    sha256: bytes
    created_at: datetime


def new_attachment(name: str, media_type: str | None, visibility: Visibility, limits: Limits) -> NewAttachment:
    r"""Normalize and check the name and media type of a file.

    Of a path only the last part is kept, as RFC 7578 (section 4.2) and RFC 6266 (section 4.3) advise: some clients send
    ``C:\fakepath\levels.txt``. The name is in Unicode's form NFC, the media type in lower case and without
    parameters; a file without one is ``application/octet-stream``.

    Raises:
        InvalidInput: the name is blank, too long, only dots, or contains control characters.
        MediaTypeRefused: the media type is malformed or not accepted.
    """
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    require_valid(_check_name(name))
    normalized = ANY_TYPE if media_type is None else media_type.partition(";")[0].strip().lower()
    if len(normalized) > MEDIA_TYPE_MAX or not _MEDIA_TYPE.fullmatch(normalized):
        raise MediaTypeRefused("must be a media type, such as text/plain")
    if not any(_matches(pattern, normalized) for pattern in limits.media_types):
        raise MediaTypeRefused("must be one of " + ", ".join(limits.media_types))
    return NewAttachment(name, normalized, visibility)


def guess_type(name: str) -> str | None:
    """Return the media type that the name of a file suggests, or None."""
    kind, encoding = _STANDARD_TYPES.guess_type(name.rpartition("/")[2])
    if encoding is not None:
        return _ENCODINGS.get(encoding)
    stem, dot, suffix = name.rpartition(".")
    return _TYPES.get((dot + suffix).lower(), kind) if stem else kind


def specific_type(name: str, media_type: str, limits: Limits) -> str:
    """Return the media type of an upload: for ``application/octet-stream`` the one that the name of the file suggests.

    Clients that know no media types send every file as octet-stream. One that is not accepted is not suggested.
    """
    if media_type.partition(";")[0].strip().lower() != ANY_TYPE:
        return media_type
    guessed = guess_type(name)
    is_accepted = guessed is not None and any(_matches(pattern, guessed) for pattern in limits.media_types)
    return guessed if guessed is not None and is_accepted else media_type


def _check_name(name: str) -> list[Violation]:
    violations = []
    if not 1 <= len(name) <= NAME_MAX:
        violations.append(Violation("name", f"must have 1 to {NAME_MAX} characters", RuleCode.LENGTH))
    if _HIDDEN.search(name) or not storable(name):
        violations.append(
            Violation("name", "must not contain control characters or lone surrogates", RuleCode.CHARACTERS)
        )
    if name and (is_blank(name) or not name.strip(". ")):
        violations.append(Violation("name", "must not be blank or only dots", RuleCode.BLANK))
    return violations


def _matches(pattern: str, media_type: str) -> bool:
    return pattern in {"*", media_type} or (pattern.endswith("/*") and media_type.startswith(pattern[:-1]))
