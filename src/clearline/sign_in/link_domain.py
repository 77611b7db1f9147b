"""Links with which a person chooses a password."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from clearline.errors import Conflict
from clearline.identity import User

LINK_PATH, SET_UP_PATH = "/sign-in/link", "/set-up"
"""Where the pages of the links are. The token is in the query, which the access log leaves out."""
RESET_PAUSE = timedelta(minutes=5)
"""The shortest time between two mails that somebody asks for by an address."""


class LinkKind(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    """The person has no password yet."""
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of a kind
    SET_UP = "set_up"
    """The first admin of an installation."""


LIFETIMES = {
    LinkKind.INVITATION: timedelta(days=7),
    LinkKind.PASSWORD_RESET: timedelta(hours=1),
    LinkKind.SET_UP: timedelta(days=1),
}


class Link(Struct, frozen=True):
    """A link without its token. ``user_id`` is None for the set-up."""

    company_id: UUID
    id: UUID
    user_id: UUID | None
    kind: LinkKind
    created_at: datetime
    expires_at: datetime


class NewLink(Struct, frozen=True):
    """A new link with its token, which is shown only now. ``is_mailed``: the person gets it by mail."""

    token: str
    kind: LinkKind
    user: User
    expires_at: datetime
    is_mailed: bool


class LinkRefused(Conflict):
    """The link is unknown, used, expired or replaced by a newer one; the error does not say which."""

    code = "link_refused"

    def __init__(self) -> None:
        super().__init__("this link is not valid any more: ask for a new one")


def path_of(token: str, kind: LinkKind) -> str:
    """Return the path of the page of a link; a token needs no escapes."""
    return f"{SET_UP_PATH if kind is LinkKind.SET_UP else LINK_PATH}?token={token}"
