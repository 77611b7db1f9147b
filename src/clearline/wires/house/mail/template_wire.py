"""House API v1: the texts of mail, exactly as they travel."""

from typing import Annotated

from msgspec import UNSET, Struct, UnsetType

from clearline.mail.templates.domain import BODY_MAX, SUBJECT_MAX
from clearline.mail.templates.kinds import MailKind
from clearline.wires.house.wire import Moment
from clearline.wires.http.fields import characters

Subject = Annotated[str, characters(1, SUBJECT_MAX)]
Body = Annotated[str, characters(1, BODY_MAX)]


class MailTextPatch(Struct, forbid_unknown_fields=True):
    """What to change of a text (RFC 7396)."""

    subject: Subject | UnsetType = UNSET
    body: Body | UnsetType = UNSET


class MailTextOut(Struct, frozen=True):
    """A subject, and a body in Markdown."""

    subject: str
    body: str


class PlaceholderOut(Struct, frozen=True):
    """A placeholder of a text: `{{ name }}`. A block stands on a line of its own in the body."""

    name: str
    about: str
    is_block: bool
    is_required: bool


class MailTemplateSummary(Struct, frozen=True):
    """The text of a kind of mail in a language.

    `is_edited`: an admin wrote it; otherwise it is the shipped one. `is_outdated`: the shipped text changed since.
    `problems` say why an edited text is not sent, but the shipped one: the rules changed with an update.
    """

    id: str
    kind: MailKind
    language: str
    title: str
    subject: str
    is_edited: bool
    is_outdated: bool
    problems: list[str]


class MailTemplateOut(MailTemplateSummary, frozen=True, kw_only=True):
    """The text of a kind of mail in a language, with the shipped text and the placeholders that it may have."""

    body: str
    about: str
    changed_at: Moment | None
    shipped: MailTextOut
    placeholders: list[PlaceholderOut]


class MailPreview(Struct, frozen=True):
    """A mail with sample values."""

    subject: str
    text: str
    html: str
