"""Decide who may see and do what. Every use case that touches a company's data comes through here.

``tickets/access.py`` finds the tickets of an actor by these rules.
"""

from uuid import UUID

from clearline.accounts import store as account_store
from clearline.errors import Forbidden, NotFound
from clearline.identity import Actor, Company, Scope
from clearline.platform.database.transactions import Tx


def own_company(actor: Actor) -> Company:
    """The customer that the actor belongs to, and sees.

    Raises:
        Forbidden: the actor belongs to none: it works for the provider.
    """
    if actor.company is None or actor.is_staff:
        raise Forbidden("this needs a key or a user of a customer")
    return actor.company


def company_filter(actor: Actor) -> UUID | None:
    """The company whose things alone the actor may see: a customer's own; None for the staff, who see every one's."""
    return None if actor.is_staff else own_company(actor).id


async def company_named(tx: Tx, actor: Actor, name: str) -> Company:
    """The company of this name or customer code: any for the staff, a customer's own for the customer.

    Raises:
        NotFound: there is none that the actor may see.
    """
    company = await account_store.find_company(tx, name)
    if company is None or not (actor.is_staff or own_company(actor).id == company.id):
        raise NotFound("company", name)
    return company


async def company_with_id(tx: Tx, actor: Actor, company_id: UUID) -> Company:
    """The company of this id: any for the staff, a customer's own for the customer.

    Raises:
        NotFound: there is none that the actor may see.
    """
    allowed = actor.is_staff or own_company(actor).id == company_id
    company = await account_store.company(tx, company_id) if allowed else None
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


def require_scope(actor: Actor, scope: Scope) -> None:
    """Refuse unless the actor holds the scope.

    Raises:
        ScopeMissing: it does not.
    """
    actor.require(scope)


def require_staff(actor: Actor, scope: Scope) -> None:
    """Refuse unless the actor works for the provider and holds the scope.

    Raises:
        Forbidden: the actor is a customer.
        ScopeMissing: it lacks the scope.
    """
    if not actor.is_staff:
        raise Forbidden("only the provider's people may do this")
    actor.require(scope)


def require_company_admin(actor: Actor, company: Company) -> None:
    """Refuse unless the actor manages the people and keys of the company.

    Raises:
        Forbidden: it is neither the provider's admin nor the company's.
        ScopeMissing: it lacks the scope.
    """
    own = actor.company is not None and actor.company.id == company.id and actor.is_company_admin
    if not own:
        require_desk_admin(actor)
    actor.require(Scope.ACCOUNTS_WRITE)


def require_desk_admin(actor: Actor) -> None:
    """Refuse unless the actor runs the desk.

    Raises:
        Forbidden: the actor is neither the operator nor an admin.
    """
    if not actor.is_desk_admin:
        raise Forbidden("only an admin may do this")
