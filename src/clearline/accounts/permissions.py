"""Who may see and do what. Every use case that touches a company's data asks these functions.

``tickets/access.py`` finds the tickets of an actor by the same rules.
"""

from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import company_store, user_store
from clearline.errors import Forbidden, LastAdmin, NotFound, ScopeMissing, require_found
from clearline.identity import PROVIDER_ID, ROLE_SCOPES, Actor, Company, Role, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.text import storable


def own_company(actor: Actor) -> Company:
    """Return the customer that the actor belongs to; refuse the provider's staff."""
    if actor.company is None or actor.is_staff:
        raise Forbidden("this needs a key or a user of a customer")
    return actor.company


def ticket_companies(actor: Actor) -> tuple[UUID, ...]:
    """Return the companies whose tickets a customer sees: its own, and the children that share theirs with it."""
    return own_company(actor).id, *(child.id for child in actor.children)


def may_see_tickets(actor: Actor, company_id: UUID) -> bool:
    """Return whether the actor may see tickets of a company: as ``may_see_company``, and of children of a customer."""
    return may_see_company(actor, company_id) or any(child.id == company_id for child in actor.children)


def in_own_company(actor: Actor) -> Actor:
    """Return a customer as somebody who sees the tickets of its own company alone."""
    own_company(actor)
    return replace(actor, children=()) if actor.children else actor


def company_filter(actor: Actor) -> UUID | None:
    """Return the only company whose data the actor may see; None for the staff, who see every company's.

    A customer sees of its children only what ``ticket_companies`` is asked for.
    """
    return None if actor.is_staff else own_company(actor).id


def may_see_company(actor: Actor, company_id: UUID) -> bool:
    """Return whether the actor may see a company: any within its limits for the staff, only its own for a customer."""
    if not actor.is_staff:
        return own_company(actor).id == company_id
    return actor.limits is None or actor.limits.reaches_company(company_id)


def only_companies(actor: Actor) -> tuple[UUID, ...] | None:
    """Return the only customers that one of the provider's people may see; None for all."""
    return None if actor.limits is None else actor.limits.only_companies


async def company_named(tx: Tx, actor: Actor, name: str) -> Company:
    """Return the company of this name or customer code: any for the staff, only its own for a customer."""
    company = await company_store.find(tx, name) if storable(name) else None
    if company is None or not may_see_company(actor, company.id):
        raise NotFound("company", name)
    return company


async def company_with_id(tx: Tx, actor: Actor, company_id: UUID) -> Company:
    """Return the company of this id: any for the staff, only its own for a customer."""
    company = await company_store.get(tx, company_id) if may_see_company(actor, company_id) else None
    return require_found(company, "company", company_id)


async def company_typed(tx: Tx, actor: Actor, text: str) -> Company:
    """Return the company whose id, name or customer code a person typed."""
    try:
        return await company_with_id(tx, actor, UUID(text))
    except ValueError:
        return await company_named(tx, actor, text)


def child_named(actor: Actor, ref: UUID | str) -> Company | None:
    """Return the child with an id, name or code, of those that share their tickets with a customer."""
    named = str(ref).lower()
    children = ((child, {str(child.id), child.code.lower(), child.name.lower()}) for child in actor.children)
    return next((child for child, names in children if named in names), None)


async def ticket_company_typed(tx: Tx, actor: Actor, text: str) -> Company:
    """Return the company whose id, name or code a person typed, of those whose tickets the actor may see."""
    return child_named(actor, text) or await company_typed(tx, actor, text)


def require_scope(actor: Actor, scope: Scope) -> None:
    """Refuse unless the actor has the scope."""
    if scope not in actor.scopes:
        raise ScopeMissing(scope)


def require_staff(actor: Actor, scope: Scope) -> None:
    """Refuse unless the actor works for the provider and has the scope."""
    if not actor.is_staff:
        raise Forbidden("only the provider's people may do this")
    require_scope(actor, scope)


def require_whole_desk(actor: Actor, scope: Scope) -> None:
    """Refuse unless the actor works for the provider, has the scope, and sees every queue and customer."""
    require_staff(actor, scope)
    if actor.limits is not None:
        raise Forbidden("this is about all queues and customers, and your access is limited to some")


def require_company_admin(actor: Actor, company: Company) -> None:
    """Refuse unless the actor manages the users and keys of the company: as its admin, or as the provider's."""
    is_own = actor.company is not None and actor.company.id == company.id and actor.is_company_admin
    if not is_own:
        require_desk_admin(actor)
    require_scope(actor, Scope.ACCOUNTS_WRITE)


def require_desk_admin(actor: Actor) -> None:
    """Refuse unless the actor is the operator or an admin of the provider."""
    if not actor.is_desk_admin:
        raise Forbidden("only an admin may do this")


_WITHOUT_KEY = frozenset({Scope.TICKETS_READ, Scope.TICKETS_WRITE})
"""What people may do without a key, as far as their role may: get notifications, and write by mail."""


def require_rights_of_person(actor: Actor, role: Role) -> None:
    """Refuse unless the actor may itself do what a person of a role may do by mail.

    Whoever sets the address of a person may be that person: a key must not gain by mail what it may not do.
    """
    for scope in sorted(_WITHOUT_KEY & ROLE_SCOPES[role]):
        require_scope(actor, scope)


def require_rights_of_role(actor: Actor, role: Role) -> None:
    """Refuse unless the actor has every scope of a role: keys that a user of the role has already may use them all."""
    for scope in sorted(ROLE_SCOPES[role]):
        require_scope(actor, scope)


def require_granted_rights(actor: Actor, before: User, after: User) -> None:
    """Refuse a change that gives a user, or whoever reads its mail, more than the actor may do itself."""
    is_activated = after.is_active and not before.is_active
    if after.is_active and (is_activated or ROLE_SCOPES[after.role] - ROLE_SCOPES[before.role]):
        require_rights_of_role(actor, after.role)
    if after.email != before.email or (after.is_confirmed and not before.is_confirmed):
        require_rights_of_person(actor, after.role)


async def require_admin_left(tx: Tx, actor: Actor, before: User, after: User) -> None:
    """Refuse that a company loses its last admin, unless who does so can appoint another one."""
    loses = _is_active_admin(before) and not _is_active_admin(after)
    may_appoint = actor.is_operator or (actor.is_staff and before.company_id != PROVIDER_ID)
    if loses and not may_appoint and not await user_store.has_other_admin(tx, before):
        raise LastAdmin


def _is_active_admin(user: User) -> bool:
    return user.is_active and (user.role.is_desk_admin or user.role.is_company_admin)
