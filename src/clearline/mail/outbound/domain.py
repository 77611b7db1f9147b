"""Mail that the desk sends: what it is, its addresses and ids, and when it is tried again."""

import hmac
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.utils import parseaddr
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from clearline.text import EMAIL_MAX, storable
from clearline.tickets.domain import parse_ticket_number, ticket_number

LOCAL_PART_MAX = 64
"""Octets of what stands before the ``@`` (RFC 5321, 4.5.3.1.1)."""

RETRY_DELAYS = tuple(timedelta(minutes=one) for one in (1, 5, 15, 60, 240, 480, 1440, 1440, 720))
"""How long after each failure a mail is tried again: three days in all. RFC 5321, 4.5.4.1 speaks of four or five; by
then news of a ticket is no news."""

_REPLY = re.compile(r"[^@]*\+(inc[0-9]{12})-([0-9a-f]{16})@[^@]+", re.IGNORECASE)
_LOCAL = re.compile(r'[^\x00-\x20\x7f"(),:;<>@\[\\\]]+')
_DOMAIN = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(\.(?!-)[\w-]{1,63}(?<!-))*|\[[0-9A-Fa-f:.]+\]|\[IPv6:[0-9A-Fa-f:.]+\]")


class MailState(StrEnum):
    """Where a mail stands. ``dead``: it is not tried again; ``last_error`` says why."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"
    BOUNCED = "bounced"


class SuppressionReason(StrEnum):
    """Why an address is not written to."""

    BOUNCE = "bounce"
    MANUAL = "manual"


class MailSettings(Struct, frozen=True):
    """What composing a mail needs to know of this desk.

    ``sender`` is ``Name <address>``; ``secret`` makes reply addresses; ``public_url`` is what links begin with, without
    a slash at its end. Not ``enabled``: there is no server to send by, and nothing is written.
    """

    sender: str
    secret: bytes
    public_url: str
    enabled: bool

    @property
    def address(self) -> str:
        """The sender's address alone."""
        return parseaddr(self.sender)[1]

    def link(self, path: str) -> str:
        """The address of a page: ``path`` begins with a slash, such as ``/tickets/INC000000000042``."""
        return self.public_url.rstrip("/") + path


class RateLimits(Struct, frozen=True):
    """How many notifications are sent within an hour.

    ``per_address`` to one address: the others go into a digest. ``per_company_contacts`` about the tickets of a company
    to contacts who are not users, since a ticket may name any address: further ones are not sent.
    """

    per_address: int = 60
    per_company_contacts: int = 200


class RenderedMail(Struct, frozen=True):
    """What a template made: a subject in one line, the text, and the same as HTML."""

    subject: str
    text: str
    html: str | None


class NewMail(Struct, frozen=True, kw_only=True):
    """A mail to write to one address.

    ``subject`` is the ticket's title for a mail about a ticket: its number is put before it. ``company_id`` is the
    ticket's company, and the recipient's own, or the provider, when it is about no ticket; ``user_id`` is the person,
    when known. ``kind`` is a word for what it is: ``notification``, ``digest``, ``test``. ``unsubscribe`` is an https
    or mailto address at which one can stop such mail (RFC 2369), empty for none.
    """

    recipient: str
    subject: str
    text: str
    html: str | None
    kind: str
    company_id: UUID
    ticket_number: int | None = None
    user_id: UUID | None = None
    unsubscribe: str = ""


class OutboundMail(Struct, frozen=True):
    """A mail on its way out, or that was; without the message itself.

    ``number`` says in which order they were written. ``attempts`` counts those that failed because of this mail.
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
    """An address, in small letters, that is not written to."""

    address: str
    reason: SuppressionReason
    detail: str
    created_at: datetime


def is_mailable(address: str) -> bool:
    """Whether a server can be asked to send to the address: dots and names where RFC 5321, 4.1.2 wants them.

    Stricter than what a contact's address may be: quoted local parts are refused, since few servers take them.
    """
    local, at, domain = address.rpartition("@")
    fits = len(address.encode(errors="replace")) <= EMAIL_MAX and len(local.encode(errors="replace")) <= LOCAL_PART_MAX
    return bool(at and fits and storable(address) and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)) and not (
        local.startswith(".") or local.endswith(".") or ".." in local
    )


def normalized_address(address: str) -> str:
    """The address as suppressions keep it: who it reaches hardly ever depends on case."""
    return address.strip().lower()


def ascii_domain(domain: str) -> str:
    """A domain as DNS spells it (RFC 5890): ``xn--`` for labels with other letters; unchanged when that fails."""
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


def wire_address(address: str) -> str:
    """The address as it travels: an ASCII domain. The local part may still need SMTPUTF8 (RFC 6531)."""
    local, at, domain = address.rpartition("@")
    return local + at + ascii_domain(domain)


def reply_address(sender_address: str, number: int, secret: bytes) -> str:
    """Where replies about a ticket come: ``support+INC000000000042-<16 hex digits>@example.net``.

    The digits are the beginning of an HMAC-SHA256: nobody can make one for another ticket. ``sender_address`` may be
    ``Name <address>``.
    """
    local, at, domain = parseaddr(sender_address)[1].rpartition("@")
    name = ticket_number(number)
    return f"{local}+{name}-{_token(name, secret)}{at}{domain}"


def read_reply_address(address: str, secret: bytes) -> int | None:
    """The ticket that a reply address was made for; None when it is none of ours. Case does not matter."""
    found = _REPLY.fullmatch(parseaddr(address)[1] or address)
    if found is None:
        return None
    name = found[1].upper()
    if not hmac.compare_digest(found[2].lower(), _token(name, secret)):
        return None
    return parse_ticket_number(name)


def _token(name: str, secret: bytes) -> str:
    return hmac.new(secret, f"reply {name}".encode(), sha256).hexdigest()[:16]


def message_domain(sender_address: str) -> str:
    """What stands behind the ``@`` of our Message-IDs: the domain of the sender."""
    return ascii_domain(parseaddr(sender_address)[1].rpartition("@")[2]) or "localhost"


def message_id_for(mail_id: UUID, number: int | None, sender_address: str) -> str:
    """The Message-ID of a mail (RFC 5322, 3.6.4), with its angle brackets."""
    about = "" if number is None else f".{ticket_number(number)}"
    return f"<{mail_id.hex}{about}@{message_domain(sender_address)}>"


def root_id(number: int, sender_address: str) -> str:
    """The id that every mail about a ticket refers to, though no mail bears it: it holds the thread together."""
    return f"<{ticket_number(number).lower()}@{message_domain(sender_address)}>"


def thread_index(number: int, sender_address: str) -> str:
    """The Thread-Index of every mail about a ticket (MS-OXOMSG, 2.2.1.3): one conversation for Outlook.

    The 5 octets where the time of the first mail stands are constant: only sameness counts.
    """
    identity = sha256(root_id(number, sender_address).encode()).digest()[:16]
    return b64encode(b"\x01" + b"\xd9\x00\x00\x00\x00" + identity).decode()


def prefixed_subject(subject: str, number: int | None) -> str:
    """The subject with the ticket's number before it once, and no pile of ``Re:``."""
    if number is None:
        return subject
    mark = f"[{ticket_number(number)}]"
    rest = subject.replace(mark, " ")
    while (shorter := re.sub(r"^\s*(re|aw|fwd?|wg)\s*:", "", rest, flags=re.IGNORECASE)) != rest:
        rest = shorter
    return f"{mark} {rest.strip()}".strip()


def retry_delay(failures: int) -> timedelta | None:
    """How long to wait after so many failures, or None to give up."""
    return RETRY_DELAYS[failures - 1] if failures <= len(RETRY_DELAYS) else None


def address_of(address: str) -> Address:
    """An address for a header.

    Raises:
        ValueError: it cannot stand in one.
    """
    local, _at, domain = address.rpartition("@")
    return Address("", local, domain)


def thread_of(root: str, known: Sequence[str]) -> tuple[str, ...]:
    """What a mail refers to (RFC 5322, 3.6.4): the root, then the known ids, oldest first, that fit into a header."""
    return (root, *(one for one in dict.fromkeys(known) if one != root and MESSAGE_ID.fullmatch(one)))


MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")
"""A Message-ID that may stand in a header of ours; longer ones are left out."""
