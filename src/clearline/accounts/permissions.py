"""The one door: who may see and do what. Every use case that touches a company's data comes through here."""

from uuid import UUID

from clearline.accounts import store as parties
from clearline.errors import Forbidden, NotFound
from clearline.identity import Actor, Company, Role, Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets import store as tickets
from clearline.tickets.domain import Ticket, parse_ticket_number, ticket_number
from clearline.tickets.note import Source, Visibility


def own_company(actor: Actor) -> Company:
    """The customer that the actor belongs to, and sees.

    Raises:
        Forbidden: the actor belongs to none: it works for the provider.
    """
    if actor.company is None or actor.is_staff:
        raise Forbidden("this needs a key or a user of a customer")
    return actor.company


def limited_to(actor: Actor) -> UUID | None:
    """The company whose things alone the actor may see: a customer's own; None for the staff, who see every one's."""
    return None if actor.is_staff else own_company(actor).id


async def ticket_company(tx: Tx, actor: Actor, number: int) -> UUID | None:
    """In which company the actor may look for a ticket. A customer's own, unasked: foreign costs what unknown costs."""
    if actor.is_staff:
        return await tickets.company_of(tx, number)
    return own_company(actor).id


async def ticket_to_change(tx: Tx, actor: Actor, number: int) -> Ticket:
    """A ticket that the actor may see, held against changes by others until the transaction ends.

    Raises:
        NotFound: no such ticket for this actor.
    """
    company_id = await ticket_company(tx, actor, number)
    ticket = None if company_id is None else await tickets.lock(tx, company_id, number)
    if ticket is None:
        raise NotFound("ticket", ticket_number(number))
    return ticket


async def ticket_to_read(tx: Tx, actor: Actor, number: int) -> UUID:
    """The company of a ticket that exists and that the actor may see.

    Raises:
        NotFound: no such ticket for this actor.
    """
    company_id = await ticket_company(tx, actor, number)
    if company_id is None or not await tickets.exists(tx, company_id, number):
        raise NotFound("ticket", ticket_number(number))
    return company_id


async def company_named(tx: Tx, actor: Actor, name: str) -> Company:
    """The company of this name or customer code: any for the staff, a customer's own for the customer.

    Raises:
        NotFound: there is none that the actor may see.
    """
    company = await parties.find_company(tx, name)
    if company is None or not (actor.is_staff or own_company(actor).id == company.id):
        raise NotFound("company", name)
    return company


async def company_with_id(tx: Tx, actor: Actor, company_id: UUID) -> Company:
    """The company of this id: any for the staff, a customer's own for the customer.

    Raises:
        NotFound: there is none that the actor may see.
    """
    allowed = actor.is_staff or own_company(actor).id == company_id
    company = await parties.company(tx, company_id) if allowed else None
    if company is None:
        raise NotFound("company", str(company_id))
    return company


async def company_typed(tx: Tx, actor: Actor, text: str) -> Company:
    """The company whose id, name or code a person typed.

    Raises:
        NotFound: there is none that the actor may see.
    """
    try:
        return await company_with_id(tx, actor, UUID(text))
    except ValueError:
        return await company_named(tx, actor, text)


def check_number(text: str) -> int:
    """The number that a person typed.

    Raises:
        NotFound: it is no ticket number at all.
    """
    if (number := parse_ticket_number(text)) is None:
        raise NotFound("ticket", text)
    return number


def readable(actor: Actor) -> list[str]:
    """Which notes and attachments the actor may read: customers never the internal ones."""
    return [*Visibility] if actor.is_staff else [Visibility.PUBLIC]


def side(actor: Actor) -> Source:
    """For which side the actor speaks."""
    return Source.SELLER if actor.is_staff else Source.BUYER


def allow(actor: Actor, scope: Scope) -> None:
    """Refuse unless the actor holds the scope.

    Raises:
        ScopeMissing: it does not.
    """
    actor.require(scope)


def staff(actor: Actor, scope: Scope) -> None:
    """Refuse unless the actor works for the provider and holds the scope.

    Raises:
        Forbidden: the actor is a customer.
        ScopeMissing: it lacks the scope.
    """
    if not actor.is_staff:
        raise Forbidden("only the provider's people may do this")
    actor.require(scope)


def manage(actor: Actor, company: Company) -> None:
    """Refuse unless the actor manages the people and keys of the company.

    Raises:
        Forbidden: it is neither the provider's admin nor the company's.
        ScopeMissing: it lacks the scope.
    """
    own = actor.company is not None and actor.company.id == company.id and actor.role is Role.CUSTOMER_ADMIN
    if not own:
        operate(actor)
    actor.require(Scope.ACCOUNTS_WRITE)


def operate(actor: Actor) -> None:
    """Refuse unless the actor runs the desk.

    Raises:
        Forbidden: the actor is neither the operator nor an admin.
    """
    if actor.role not in {Role.ADMIN, Role.OPERATOR}:
        raise Forbidden("only an admin may do this")
