"""House API v1: the bodies of mailboxes. A password is only ever in a request."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.mail.inbound import mailbox_domain as mailbox
from clearline.wires.house.wire import Id, Moment
from clearline.wires.http.fields import Email, characters

MailboxName = Annotated[str, characters(0, mailbox.NAME_MAX)]
Host = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=mailbox.HOST_MAX,
        pattern=r"^[A-Za-z0-9._:\-]+$",
        extra={"rule": "must be the name or address of a host, such as imap.example.net"},
    ),
]
Port = Annotated[int, Meta(ge=1, le=65535)]
ImapUser = Annotated[str, characters(1, mailbox.IMAP_USER_MAX)]
Password = Annotated[str, characters(1, mailbox.PASSWORD_MAX)]
FormAddresses = Annotated[list[Email], Meta(max_length=mailbox.FORM_ADDRESSES_MAX)]
Folder = Annotated[str, characters(1, mailbox.FOLDER_MAX)]


class ImapIn(Struct, forbid_unknown_fields=True):
    """The IMAP server to poll. ``port`` defaults to 993, or to 143 without ``tls``."""

    host: Host
    user: ImapUser
    password: Password
    port: Port | None = None
    tls: bool = True
    folder: Folder = "INBOX"


class ImapPatch(Struct, forbid_unknown_fields=True):
    """What to change of the polling. Another server or user requires the password."""

    host: Host | UnsetType = UNSET
    user: ImapUser | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    port: Port | UnsetType | None = UNSET
    tls: bool | UnsetType = UNSET
    folder: Folder | UnsetType = UNSET


class ImapOut(Struct, frozen=True):
    """The IMAP server that is polled, without the password."""

    host: str
    port: int
    tls: bool
    user: str
    folder: str


class MailboxIn(Struct, forbid_unknown_fields=True):
    """An address that receives mail. With ``imap`` it is also polled. ``queue_id`` is the queue of its new tickets.

    ``form_addresses`` are the senders of web forms: mail from one of them is from the address in its Reply-To.
    """

    address: Email
    name: MailboxName = ""
    queue_id: UUID | None = None
    is_active: bool = True
    imap: ImapIn | None = None
    form_addresses: FormAddresses = []


class MailboxPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396). Setting ``imap`` to null stops polling and deletes the password."""

    address: Email | UnsetType = UNSET
    name: MailboxName | UnsetType = UNSET
    queue_id: UUID | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
    imap: ImapPatch | UnsetType | None = UNSET
    form_addresses: FormAddresses | UnsetType = UNSET


class MailboxOut(Struct, frozen=True):
    """An address that receives mail."""

    id: Id
    address: str
    name: str
    queue_id: Id | None
    is_active: bool
    imap: ImapOut | None
    form_addresses: list[str]
    created_at: Moment


class MailboxSummary(Struct, frozen=True):
    """A mailbox in a list, with the result of its last poll: ``last_error`` is null when it succeeded."""

    id: Id
    address: str
    name: str
    queue_id: Id | None
    is_active: bool
    imap: ImapOut | None
    form_addresses: list[str]
    created_at: Moment
    polled_at: Moment | None
    last_error: str | None


class MailboxCheckIn(Struct, forbid_unknown_fields=True):
    """An empty object."""


class MailboxCheckOut(Struct, frozen=True):
    """Whether the mailbox can be read, and why not."""

    works: bool
    error: str | None
    unseen: int | None
