"""Find on whose behalf a mail about a ticket acts."""

from uuid import UUID

from clearline.accounts import company_store, key_store, user_store
from clearline.accounts.parents import store as parent_store
from clearline.identity import PROVIDER_ID, Actor, Role, Scope
from clearline.mail.format.headers import Address
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.contact import PersonKind
from clearline.tickets.contacts import store as people_store
from clearline.tickets.domain import Ticket

SENDER_SCOPES = frozenset(map(str, (Scope.TICKETS_READ, Scope.TICKETS_WRITE)))
"""What a mail may do on behalf of its sender."""


async def acting_user(tx: Tx, sender: Address, ticket: Ticket, *, by_subject: bool = False) -> Actor | None:
    """Return the actor of a mail about a ticket: of the provider, its company or its parent, or one of its people.

    None for anybody else, inactive and unconfirmed users, agents with other limits, the people of inactive
    companies, and those of a parent with which the company no longer shares its tickets, even if the ticket names
    them. Watchers are always users. Who gets copies has to reply to a mail of the ticket: a number in the subject
    (``by_subject``) is not enough, and the name of the author says that it is a copy.
    """
    for company_id in (PROVIDER_ID, ticket.company_id):
        user = await user_store.find(tx, company_id, sender.address)
        if user is not None and user.is_confirmed:
            actor = await key_store.actor_for(tx, company_id, user.id, SENDER_SCOPES)
            return actor if actor and access.reaches(actor, ticket.company_id, ticket.queue_id) else None
    of_parent = await parent_store.people_of_parents(tx, [(ticket.company_id, sender.address)])
    for person in of_parent.values():
        return await _of_parent(tx, sender, ticket) if person.has_access else None
    name: str | None = ticket.contact.name
    if ticket.contact.email.lower() != sender.address:
        name = await _author(tx, sender, ticket, by_subject=by_subject)
    if name is None or not await is_active_company(tx, ticket.company_id):
        return None
    return await contact_actor(tx, ticket.company_id, name)


async def _of_parent(tx: Tx, sender: Address, ticket: Ticket) -> Actor | None:
    """Return the user of the parent of a ticket's company who has the address of the sender."""
    company = await company_store.details(tx, ticket.company_id)
    user = None
    if company is not None and company.parent_id is not None:
        user = await user_store.find(tx, company.parent_id, sender.address)
    actor = None if user is None else await key_store.actor_for(tx, user.company_id, user.id, SENDER_SCOPES)
    return actor if actor and access.reaches(actor, ticket.company_id, ticket.queue_id) else None


async def _author(tx: Tx, sender: Address, ticket: Ticket, *, by_subject: bool) -> str | None:
    """Return the name of the author of a mail of one of a ticket's people besides its contact; None for others."""
    person = await people_store.find(tx, ticket.company_id, ticket.number, sender.address)
    allowed = {PersonKind.CONTACT} if by_subject else {PersonKind.CONTACT, PersonKind.CC}
    return person.author if person is not None and person.kind in allowed else None


async def is_active_company(tx: Tx, company_id: UUID) -> bool:
    """Return whether those who are no users may write for a company: not while it is deactivated."""
    company = await company_store.details(tx, company_id)
    return company is not None and company.deactivated_at is None


async def contact_actor(tx: Tx, company_id: UUID, name: str) -> Actor | None:
    """Return an actor for a person who acts for a company and is not a user."""
    company = await company_store.get(tx, company_id)
    scopes = frozenset({Scope.TICKETS_READ, Scope.TICKETS_WRITE})
    return None if company is None else Actor(Role.CUSTOMER, name, company, scopes=scopes)
