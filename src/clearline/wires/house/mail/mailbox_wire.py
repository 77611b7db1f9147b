"""House API v1: mailboxes, exactly as they travel. A password is only ever sent to us."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.mail.inbound import mailbox_domain as mailbox
from clearline.wires.house.wire import Email, characters

MailboxName = Annotated[str, characters(0, mailbox.NAME_MAX)]
Host = Annotated[str, Meta(min_length=1, max_length=mailbox.HOST_MAX, pattern=r"^[A-Za-z0-9._:-]+$")]
Port = Annotated[int, Meta(ge=1, le=65535)]
ImapUser = Annotated[str, characters(1, mailbox.IMAP_USER_MAX)]
Password = Annotated[str, characters(1, mailbox.PASSWORD_MAX)]
Folder = Annotated[str, characters(1, mailbox.FOLDER_MAX)]


class ImapIn(Struct, forbid_unknown_fields=True):
    """The IMAP server that a mailbox is polled on. Without ``port`` it is 993, or 143 without ``tls``."""

    host: Host
    user: ImapUser
    password: Password
    port: Port | None = None
    tls: bool = True
    folder: Folder = "INBOX"


class ImapPatch(Struct, forbid_unknown_fields=True):
    """What to change of how a mailbox is polled. Another server or user needs the password again."""

    host: Host | UnsetType = UNSET
    user: ImapUser | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    port: Port | UnsetType | None = UNSET
    tls: bool | UnsetType = UNSET
    folder: Folder | UnsetType = UNSET


class ImapOut(Struct, frozen=True):
    """How a mailbox is polled, without the password."""

    host: str
    port: int
    tls: bool
    user: str
    folder: str


class MailboxIn(Struct, forbid_unknown_fields=True):
    """An address to take mail for; with ``imap`` it is polled, too. ``queue_id`` is where its new tickets go first."""

    address: Email
    name: MailboxName = ""
    queue_id: UUID | None = None
    is_active: bool = True
    imap: ImapIn | None = None


class MailboxPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396). ``imap`` null ends the polling, and forgets the password."""

    address: Email | UnsetType = UNSET
    name: MailboxName | UnsetType = UNSET
    queue_id: UUID | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
    imap: ImapPatch | UnsetType | None = UNSET


class MailboxOut(Struct, frozen=True):
    """An address that mail is taken for."""

    id: str
    address: str
    name: str
    queue_id: str | None
    is_active: bool
    imap: ImapOut | None
    created_at: datetime


class MailboxSummary(Struct, frozen=True):
    """A mailbox in a list, with how its last poll went: ``last_error`` is null when it went well."""

    id: str
    address: str
    name: str
    queue_id: str | None
    is_active: bool
    imap: ImapOut | None
    created_at: datetime
    polled_at: datetime | None
    last_error: str | None


class MailboxCheckIn(Struct, forbid_unknown_fields=True):
    """Nothing needs to be said."""


class MailboxCheckOut(Struct, frozen=True):
    """Whether the mailbox can be read, and why not."""

    works: bool
    error: str | None
    unseen: int | None
