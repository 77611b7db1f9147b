"""Let people leave a ticket by the link in a mail, and make those in Cc of a mail its people or suggestions."""

from collections.abc import Collection
from datetime import datetime

from clearline.accounts import address_usecases as addresses
from clearline.identity import Actor, Role
from clearline.mail.format.headers import MailHeaders
from clearline.mail.outbound.usecases import mail_secret
from clearline.mail.people import store as copies_store
from clearline.mail.people.domain import Membership, copied_people, is_from_list, read_token
from clearline.platform.database.transactions import Tx
from clearline.text import normalized_address
from clearline.tickets import store as ticket_store
from clearline.tickets.contact import CC_MAX, Person, PersonKind
from clearline.tickets.contacts import store as people_store
from clearline.tickets.contacts import usecases as people
from clearline.tickets.domain import Ticket

_IGNORE, _ADD = "ignore", "add"
"""Two of the settings of what becomes of Cc; with the other, all of them are suggested."""


async def membership_of(tx: Tx, token: str) -> Membership | None:
    """Return the membership that the token of a link names; None when the token is not ours."""
    return read_token(token, await mail_secret(tx))


async def is_member(tx: Tx, membership: Membership) -> bool:
    """Return whether the address is one of the people of the ticket."""
    person = await people_store.find(tx, membership.company_id, membership.ticket_number, membership.recipient)
    return person is not None and person.kind in {PersonKind.CONTACT, PersonKind.CC}


async def leave(tx: Tx, membership: Membership, *, now: datetime) -> None:
    """Remove an address from the people of a ticket, in its own name. No effect if it is none of them."""
    ticket = await ticket_store.lock(tx, membership.company_id, membership.ticket_number)
    if ticket is not None:
        await people.leave(tx, Actor(Role.CUSTOMER, membership.recipient), ticket, membership.recipient, now=now)


async def keep_copied(
    tx: Tx, actor: Actor, ticket: Ticket, headers: MailHeaders, *, own: Collection[str], now: datetime
) -> None:
    """Make those in Cc of a customer's mail people of a locked ticket, or suggestions, as the company has set.

    ``own`` are the desk's addresses among them. Only mail of a user of the company adds anybody at once, and only
    addresses within a verified domain of it: From is easily forged, and would have the ticket sent to anybody.
    """
    if not headers.cc or actor.is_staff or headers.form is not None or is_from_list(headers):
        return
    setting = await copies_store.inbound_cc(tx, ticket.company_id)
    if setting == _IGNORE:
        return
    known = {normalized_address(ticket.contact.email), *own, *(sender.address for sender in headers.senders)}
    copied = copied_people(headers.cc, known)
    excluded = await copies_store.excluded(tx, [person.email for person in copied])
    present = await people_store.people(tx, ticket.company_id, ticket.number)
    known_keys = {person.key for person in present.all if person.kind is not PersonKind.SUGGESTED}
    new = [person for person in copied if person.email not in excluded and person.key not in known_keys]
    added: list[Person] = []
    if setting == _ADD and actor.user is not None:
        room = CC_MAX - len(present.cc)
        added = [person for person in new if await addresses.is_in_own_domain(tx, ticket.company_id, person.email)][
            :room
        ]
    if added:
        await people.set_people(tx, actor, ticket.number, cc=[*present.cc, *added], now=now)
    if suggested := [person for person in new if person not in added]:
        await people_store.suggest(tx, ticket.company_id, ticket.number, suggested, most=CC_MAX, now=now)
