"""House API v1: attachments, exactly as they travel. The content itself travels bare, with its own media type."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from clearline.tickets.attachments import domain as attachment
from clearline.tickets.note_domain import Source, Visibility

FileName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=attachment.NAME_MAX,
        extra_json_schema={"pattern": r"^[^\x00-\x1f\x7f-\x9f/\\]*$"},
        description="What the file is called, without a path.",
    ),
]


class AttachmentQuery(Struct, forbid_unknown_fields=True):
    """What is said about a file; its media type is the request's Content-Type."""

    name: FileName
    visibility: Annotated[Visibility, Meta(description="`internal` is for the provider's people alone.")] = (
        Visibility.PUBLIC
    )


class AttachmentOut(Struct, frozen=True):
    """A file of a ticket. ``size`` is in bytes, ``sha256`` in hexadecimal digits; ``source`` the side it came from."""

    id: str
    ticket: str
    name: str
    media_type: str
    size: int
    sha256: str
    visibility: Visibility
    source: Source
    author: str
    created_at: datetime
