"""The one door: who may see and do what. Every use case that touches a company's data comes through here."""

from uuid import UUID

from clearline.domain.errors import Forbidden, NotFound
from clearline.domain.note import Source, Visibility
from clearline.domain.party import Actor, Company, Role, Scope
from clearline.domain.ticket import parse_ticket_number
from clearline.store import parties, tickets
from clearline.store.db import Tx


def own_company(actor: Actor) -> Company:
    """The company that the actor belongs to, and sees.

    Raises:
        Forbidden: the actor belongs to none.
    """
    if actor.company is None:
        raise Forbidden("this needs a key or a user of a company")
    return actor.company


async def ticket_company(tx: Tx, actor: Actor, number: int) -> UUID | None:
    """In which company the actor may look for a ticket. A customer's own, unasked: foreign costs what unknown costs."""
    if actor.role is Role.OPERATOR:
        return await tickets.company_of(tx, number)
    return own_company(actor).id


async def company_named(tx: Tx, actor: Actor, name: str) -> Company:
    """The company of this name or customer code.

    Raises:
        Forbidden: the actor is not the operator.
        NotFound: there is none.
    """
    operate(actor)
    if (company := await parties.find_company(tx, name)) is None:
        raise NotFound("company", name)
    return company


def check_number(text: str) -> int:
    """The number that a person typed.

    Raises:
        NotFound: it is no ticket number at all.
    """
    if (number := parse_ticket_number(text)) is None:
        raise NotFound("ticket", text)
    return number


def readable(actor: Actor) -> list[str]:
    """Which notes the actor may read: customers never the internal ones."""
    return [*Visibility] if actor.role is Role.OPERATOR else [Visibility.PUBLIC]


def side(actor: Actor) -> Source:
    """For which side the actor speaks."""
    return Source.SELLER if actor.role is Role.OPERATOR else Source.BUYER


def allow(actor: Actor, scope: Scope) -> None:
    """Refuse unless the actor holds the scope.

    Raises:
        ScopeMissing: it does not.
    """
    actor.require(scope)


def operate(actor: Actor) -> None:
    """Refuse unless the actor runs the desk.

    Raises:
        Forbidden: the actor is a customer.
    """
    if actor.role is not Role.OPERATOR:
        raise Forbidden("only the operator may do this")
