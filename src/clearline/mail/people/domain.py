"""The tokens of the links by which people leave a ticket, and which addresses in Cc may be people of one."""

import re
from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from clearline.mail.format.headers import Address, MailHeaders
from clearline.mail.outbound.domain import MailSettings
from clearline.mail.outbound.sealed_token import seal, unseal
from clearline.text import is_mailable, normalized_address
from clearline.tickets.contact import CC_MAX, Person, PersonKind

LEAVE_PATH = "/leave/"
"""The start of the path of the page on which somebody leaves a ticket; a token follows."""
_PURPOSE = b"leave"
_MACHINES = re.compile(
    r"(?:no|not|do-?not|never)[-_.]?reply.*|.*[-_.]no-?reply|mailer-daemon|postmaster|bounces?|.*[-_+.]bounces?"
    r"|bounces?[-_+.].*|listserv|majordomo|mailman|owner-.*|.*-(?:owner|request|subscribe|unsubscribe)"
)
"""The local parts of addresses that programs read, or nobody."""
_LISTS = re.compile(r"(?:lists?|groups|mailman)\..*|.*\.googlegroups\.com|googlegroups\.com")
"""The domains of mailing lists."""
_LIST_HEADERS = ("list-id", "list-post", "list-unsubscribe", "mailing-list")


class Membership(Struct, frozen=True, array_like=True):
    """The right of an address, in lower case, to leave a ticket."""

    company_id: UUID
    ticket_number: int
    recipient: str


_decode = msgspec.msgpack.Decoder(Membership).decode
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode


def leave_link(settings: MailSettings, company_id: UUID, number: int, recipient: str) -> str:
    """Return the URL of the page on which an address leaves a ticket. It does not expire."""
    membership = Membership(company_id, number, normalized_address(recipient))
    return settings.link(LEAVE_PATH + write_token(membership, settings.secret))


def write_token(membership: Membership, secret: bytes) -> str:
    """Return a token that names a membership: authentic, unreadable, and always the same."""
    return seal(_encode(membership), _PURPOSE, secret)


def read_token(token: str, secret: bytes) -> Membership | None:
    """Return the membership that a token names; None when the token is not ours."""
    values = unseal(token, _PURPOSE, secret)
    try:
        return None if values is None else _decode(values)
    except msgspec.ValidationError:
        return None


def is_from_list(headers: MailHeaders) -> bool:
    """Return whether a mailing list sent a mail: those in Cc of it chose nothing."""
    return any(headers.values(name) for name in _LIST_HEADERS)


def copied_people(cc: Sequence[Address], known: Collection[str]) -> list[Person]:
    """Return those in Cc of a mail who may get copies: no programs, no lists, nobody who is ``known``; the first."""
    people: dict[str, Person] = {}
    for address in cc:
        local, _at, domain = address.address.rpartition("@")
        is_machine = _MACHINES.fullmatch(local) or _LISTS.fullmatch(domain)
        if address.address not in known and is_mailable(address.address) and not is_machine:
            people.setdefault(address.address, Person(PersonKind.CC, address.address, address.name))
    return list(people.values())[:CC_MAX]
