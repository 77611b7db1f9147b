"""House API v1: bodies of attachments. The content of a file is sent as it is, with its own media type."""

from typing import Annotated

from msgspec import Meta, Struct

from clearline.tickets.attachments import domain as attachment
from clearline.tickets.note_domain import Source, Visibility
from clearline.wires.house.wire import Id, Moment, Number

FileName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=attachment.NAME_MAX,
        extra_json_schema={"pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"},
        description="The name of the file. Of a path the last part is kept.",
    ),
]


class AttachmentQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """The name and visibility of a file. Its media type is the Content-Type of the request."""

    name: FileName
    visibility: Annotated[Visibility, Meta(description="`internal`: visible to the provider's people only.")] = (
        Visibility.PUBLIC
    )


class AttachmentOut(Struct, frozen=True):
    """A file of a ticket. ``size`` is in bytes, ``sha256`` hexadecimal; ``source`` is the side that added it.

    ``ticket`` is the ticket that it was added to, which may have been merged into this one since.
    """

    id: Id
    ticket: Number
    name: str
    media_type: str
    size: int
    sha256: str
    visibility: Visibility
    source: Source
    author: str
    created_at: Moment
