"""What a mail is rendered from, and what it is rendered to."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from clearline.mail.templates.blocks import Piece


class Footer(Struct, frozen=True):
    """What stands below a mail: why the recipient gets it, the page where that is set, and lines of the branding.

    ``settings_url`` is empty for those who have no such page, and ``leave_url`` for all but the people of a ticket who
    can leave it without a sign-in.
    """

    reason: str
    settings_url: str = ""
    leave_url: str = ""
    support: Sequence[str] = ()


class MailContent(Struct, frozen=True):
    """What a mail says: the subject in one line, the pieces of its body in order, and what stands below."""

    subject: str
    pieces: Sequence[Piece]
    footer: Footer


class RenderedMail(Struct, frozen=True):
    """The subject in one line, the text and the HTML of a mail."""

    subject: str
    text: str
    html: str | None


class Render(Protocol):
    """Renders a mail as text and as HTML."""

    def __call__(self, content: MailContent) -> RenderedMail:
        """Render a mail."""
