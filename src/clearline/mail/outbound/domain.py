"""Outbound mail: its values, addresses, message ids, and when it is retried."""

import hmac
import re
from base64 import b32encode, b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.utils import parseaddr
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from clearline.settings.defaults import COMPANY_CONTACT_MAILS, RECIPIENT_MAILS
from clearline.text import normalized_address
from clearline.tickets.domain import parse_ticket_number, ticket_number

RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 480, 1440, 1440, 720))
"""The delay before each retry: three days in all. RFC 5321, section 4.5.4.1 suggests four or five days, but mail about
a ticket is outdated earlier."""

RETRY_JITTER = 0.1
"""A delay is longer or shorter by up to this share."""

_REPLY = re.compile(r"[^@]*\+(inc[0-9]{12})-([0-9a-f]{16}|[a-z2-7]{20})@[^@]+", re.IGNORECASE)
_TOKEN_LENGTH = 10
"""Characters of each of the two tokens of a reply address: 50 bits."""


class MailState(StrEnum):
    """The state of a mail. ``dead``: it is not retried; ``last_error`` says why."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"
    BOUNCED = "bounced"


DETAIL_MAX = 255
"""Characters of the reason of a bounce or a suppression."""
NOTIFICATION = "notification"
"""The kind of a mail that notifies of one ticket."""

INVITATION = "invitation"
"""The kind of a mail that asks to confirm an address; an answer to it does so."""


SIGN_IN_LINK = "sign_in_link"
"""The kind of a mail whose link signs its recipient in: nobody else is shown it, and its text is deleted once sent."""


class SuppressionReason(StrEnum):
    """Why mail to an address is suppressed."""

    BOUNCE = "bounce"
    MANUAL = "manual"


class MailSettings(Struct, frozen=True):
    """The properties of this installation that a mail needs.

    ``sender`` is ``Name <address>``; ``secret`` signs reply addresses; ``public_url`` is the start of links, without a
    trailing slash. When not ``enabled``, there is no mail server and no mail is written. ``is_listening`` is whether
    the server accepts mail for its mailboxes itself.
    """

    sender: str
    secret: bytes
    public_url: str
    enabled: bool
    is_listening: bool = False

    @property
    def address(self) -> str:
        """The sender's address without the name."""
        return parseaddr(self.sender)[1]

    def link(self, path: str) -> str:
        """Return the URL of a page: ``path`` begins with a slash, such as ``/tickets/INC000000000042``."""
        return self.public_url.rstrip("/") + path


class Sender(Struct, frozen=True):
    """The name and the address in From of a mail; where one is empty, that of the desk.

    ``accepts_mail`` is whether mail to the address arrives at the desk, so that replies may go there.
    """

    name: str = ""
    address: str = ""
    accepts_mail: bool = False


DESK_SENDER = Sender()


class RateLimits(Struct, frozen=True):
    """How many notifications are sent within an hour.

    ``per_address`` to one address: the others go into a digest. ``per_company_contacts`` about the tickets of a company
    to contacts who are not users, since a ticket may name any address: further ones are not sent.
    """

    per_address: int = RECIPIENT_MAILS
    per_company_contacts: int = COMPANY_CONTACT_MAILS


class NewMail(Struct, frozen=True, kw_only=True):
    """A mail to one address.

    ``recipient_name`` is empty when it is not known.
    The ticket's number is added before ``subject`` of a mail about a ticket. ``company_id`` is the
    ticket's company or, without a ticket, the recipient's or the provider. ``user_id`` is None when the recipient is
    not a user. ``kind`` is ``notification``, ``digest``, ``test`` or another word. ``unsubscribe`` is an https link
    that stops such mail at a POST (RFC 8058), or a mailto link, and empty for a direct answer. ``topic`` is what all
    mails about a ticket have in common: its title, where the subject may be another one.
    """

    recipient: str
    subject: str
    text: str
    html: str | None
    kind: str
    company_id: UUID
    ticket_number: int | None = None
    user_id: UUID | None = None
    recipient_name: str = ""
    unsubscribe: str = ""
    topic: str = ""


class OutboundMail(Struct, frozen=True):
    """A mail in the outbound queue, or a finished one, without its message.

    ``number`` is the order of creation. ``attempts`` counts the attempts that failed because of this mail.
    """

    company_id: UUID
    id: UUID
    number: int
    recipient: str
    user_id: UUID | None
    subject: str
    kind: str
    ticket_number: int | None
    message_id: str
    state: MailState
    attempts: int
    due_at: datetime
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


class Suppression(Struct, frozen=True):
    """An address, in lower case, that gets no mail."""

    address: str
    reason: SuppressionReason
    detail: str
    created_at: datetime


def ascii_domain(domain: str) -> str:
    """Return a domain in ASCII (RFC 5890), with ``xn--`` for internationalized labels; unchanged when that fails."""
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


def wire_address(address: str) -> str:
    """Return the address with an ASCII domain. The local part may still need SMTPUTF8 (RFC 6531)."""
    local, at, domain = address.rpartition("@")
    return local + at + ascii_domain(domain)


def reply_address(sender_address: str, number: int, recipient: str, secret: bytes) -> str:
    """Return the address for replies of a recipient about a ticket: ``support+INC000000000042-<token>@example.net``.

    The token has 20 letters and digits, the starts of two HMAC-SHA256: of the ticket, and of the ticket and the
    recipient, so nobody can make the address of another ticket, or of another recipient. ``sender_address`` may be
    ``Name <address>``.
    """
    local, at, domain = parseaddr(sender_address)[1].rpartition("@")
    name = ticket_number(number)
    return f"{local}+{name}-{_ticket_token(name, secret)}{_recipient_token(name, recipient, secret)}{at}{domain}"


def read_reply_address(address: str, secret: bytes, *, recipient: str | None = None) -> int | None:
    """Return the ticket number in a reply address; None when the address or its token is not ours.

    With ``recipient``, only an address that was made for that recipient counts. Case is ignored. The addresses of
    earlier versions were made for no recipient in particular.
    """
    match = _REPLY.fullmatch(parseaddr(address)[1] or address)
    if match is None:
        return None
    name, token = match[1].upper(), match[2].lower()
    if len(token) == len(_earlier_token(name, secret)):
        is_ours = recipient is None and hmac.compare_digest(token, _earlier_token(name, secret))
    else:
        of_recipient = token[_TOKEN_LENGTH:] if recipient is None else _recipient_token(name, recipient, secret)
        is_ours = hmac.compare_digest(token, _ticket_token(name, secret) + of_recipient)
    return parse_ticket_number(name) if is_ours else None


def _ticket_token(name: str, secret: bytes) -> str:
    return _token(f"reply to ticket {name}", secret)


def _recipient_token(name: str, recipient: str, secret: bytes) -> str:
    return _token(f"reply to ticket {name} of {wire_address(normalized_address(recipient))}", secret)


def _token(text: str, secret: bytes) -> str:
    digest = hmac.new(secret, text.encode(errors="replace"), sha256).digest()
    return b32encode(digest).decode().lower()[:_TOKEN_LENGTH]


def _earlier_token(name: str, secret: bytes) -> str:
    return hmac.new(secret, f"reply {name}".encode(), sha256).hexdigest()[:16]


def message_domain(sender_address: str) -> str:
    """Return the domain of our Message-IDs: the sender's, or ``localhost``."""
    return ascii_domain(parseaddr(sender_address)[1].rpartition("@")[2]) or "localhost"


def message_id_for(mail_id: UUID, number: int | None, sender_address: str) -> str:
    """Return the Message-ID of a mail (RFC 5322, section 3.6.4), with its angle brackets."""
    about = "" if number is None else f".{ticket_number(number)}"
    return f"<{mail_id.hex}{about}@{message_domain(sender_address)}>"


def root_id(number: int, sender_address: str) -> str:
    """Return the id that all mails about a ticket refer to. No mail has it; it holds the thread together."""
    return f"<{ticket_number(number).lower()}@{message_domain(sender_address)}>"


def thread_index(number: int, sender_address: str) -> str:
    """Return the Thread-Index of all mails about a ticket (MS-OXOMSG, section 2.2.1.3), which Outlook groups by.

    The 5 octets of the first mail's time are constant, since only equality matters.
    """
    identity = sha256(root_id(number, sender_address).encode()).digest()[:16]
    return b64encode(b"\x01" + b"\xd9\x00\x00\x00\x00" + identity).decode()


def prefixed_subject(subject: str, number: int | None) -> str:
    """Return the subject with the ticket's number before it once, and without leading ``Re:`` and the like."""
    if number is None:
        return subject
    mark = f"[{ticket_number(number)}]"
    return f"{mark} {without_reply_prefixes(subject.replace(mark, ' '))}".strip()


def without_reply_prefixes(subject: str) -> str:
    """Return a subject without leading ``Re:`` and the like."""
    return re.sub(r"\A(?:\s*(?:re|aw|fwd?|wg)\s*:)+", "", subject, flags=re.IGNORECASE).strip()


def retry_delay(failures: int) -> timedelta | None:
    """Return the delay before the next attempt after so many failures, or None to give up."""
    return RETRY_DELAYS[failures - 1] if failures <= len(RETRY_DELAYS) else None


def address_of(address: str) -> Address:
    """Return an address for a header.

    Raises:
        ValueError: the address is not valid in a header.
    """
    local, _at, domain = address.rpartition("@")
    return Address("", local, domain)


def thread_of(root: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the References of a mail (RFC 5322, section 3.6.4): the root, then the known ids, oldest first.

    Ids that are too long for a header are left out.
    """
    return (
        root,
        *(known_id for known_id in dict.fromkeys(known) if known_id != root and MESSAGE_ID.fullmatch(known_id)),
    )


MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")
"""A Message-ID that our headers may contain; longer ones are left out."""
