"""Mailboxes: addresses whose mail the listener accepts, and which are polled over IMAP when they have a host."""

import re
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from clearline.errors import RuleCode, Violation
from clearline.text import check_email, check_text

NAME_MAX = 255
HOST_MAX = 255
IMAP_USER_MAX = 255
PASSWORD_MAX = 1000
FOLDER_MAX = 255
FORM_ADDRESSES_MAX = 20
IMAP_PORTS = {True: 993, False: 143}
"""The default port with and without implicit TLS (RFC 8314, section 3.2; RFC 9051, section 2.1)."""

_HOST = re.compile(r"[A-Za-z0-9._:-]+")


class Mailbox(Struct, frozen=True):
    """An address that receives mail.

    ``queue_id`` is the queue of its new tickets; None leaves that to the routing rules. ``form_addresses``, in lower
    case, are those of web forms: mail from one of them is from the address in Reply-To.

    ``imap_secret`` is the encrypted password, never shown and never in an event. ``last_error`` is the error of the
    last poll, or None.
    """

    id: UUID
    address: str
    created_at: datetime
    name: str = ""
    queue_id: UUID | None = None
    is_active: bool = True
    imap_host: str | None = None
    imap_port: int | None = None
    imap_tls: bool = True
    imap_user: str | None = None
    imap_secret: bytes | None = None
    imap_folder: str = "INBOX"
    form_addresses: tuple[str, ...] = ()
    polled_at: datetime | None = None
    last_error: str | None = None


def base_address(address: str) -> str:
    """Return an address in lower case without its subaddress (RFC 5233): ``support+x@a`` is ``support@a``."""
    local, _, host = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{host}"


def is_host(text: str) -> bool:
    """Return whether a text has the form of the name or address of a host."""
    return len(text) <= HOST_MAX and _HOST.fullmatch(text) is not None


def check_mailbox(mailbox: Mailbox) -> list[Violation]:
    """Return the violations of a mailbox."""
    violations = [
        *check_email("address", mailbox.address),
        *check_text("name", mailbox.name, least=0, most=NAME_MAX),
        *check_text("imap.folder", mailbox.imap_folder, most=FOLDER_MAX),
    ]
    if "+" in mailbox.address.rpartition("@")[0]:
        violations.append(
            Violation("address", "must not have a plus: the part after it identifies the ticket", RuleCode.CHOICE)
        )
    if len(mailbox.form_addresses) > FORM_ADDRESSES_MAX:
        rule = f"must have at most {FORM_ADDRESSES_MAX} addresses"
        violations.append(Violation("form_addresses", rule, RuleCode.LENGTH))
    for index, address in enumerate(mailbox.form_addresses):
        violations += check_email(f"form_addresses.{index}", address)
    if mailbox.imap_host is not None:
        if not is_host(mailbox.imap_host):
            violations.append(Violation("imap.host", "must be the name or address of a host", RuleCode.FORMAT))
        if not mailbox.imap_user or len(mailbox.imap_user) > IMAP_USER_MAX:
            violations.append(Violation("imap.user", f"must have 1 to {IMAP_USER_MAX} characters", RuleCode.LENGTH))
        if mailbox.imap_secret is None:
            violations.append(Violation("imap.password", "is required to poll a mailbox", RuleCode.REQUIRED))
    if mailbox.imap_port is not None and not 1 <= mailbox.imap_port <= 65535:
        violations.append(Violation("imap.port", "must be from 1 to 65535", RuleCode.RANGE))
    return violations
