"""Read the audit: what happened to every record, and who did it."""

from datetime import datetime
from uuid import UUID

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.audit import store as audit_store
from clearline.audit.store import AuditFilter, AuditPosition
from clearline.errors import Forbidden, RuleCode, Violation, require_valid
from clearline.events.event_types import Audience
from clearline.events.store import Event, seen_by
from clearline.events.type_names import check_types
from clearline.events.type_table import EVENT_TYPES
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets import access

_PURGED_AT_ONCE = 500
_TICKET_PREFIXES = {kind.partition(".")[0] for kind, row in EVENT_TYPES.items() if row.record == "ticket"}
"""First parts of the types of events about tickets; no other type is about a ticket."""


async def list_events(
    tx: Tx,
    actor: Actor,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    user_id: UUID | None = None,
    kind: str | None = None,
    ticket: int | None = None,
    company: UUID | str | None = None,
    after: AuditPosition | None = None,
    limit: int,
) -> list[Event]:
    """Return events, newest first: all for the provider's admins, those of its own company for a customer's admin.

    ``since`` is inclusive, ``until`` exclusive. ``kind`` is an event type, or a prefix of types that ends with a dot,
    such as ``user.``. Several filters must all hold.

    Raises:
        Forbidden: the actor is no admin.
        ScopeMissing: its key may not read the audit.
        NotFound: no such company or ticket for this actor.
        InvalidInput: ``until`` is not after ``since``, or ``kind`` is neither a type nor a prefix.
    """
    permissions.require_scope(actor, Scope.AUDIT_READ)
    if not actor.is_company_admin:
        raise Forbidden("only an admin may do this")
    violations = [] if kind is None else check_types("type", [kind])
    if since is not None and until is not None and until <= since:
        violations.append(Violation("until", "must be after since", RuleCode.ORDER))
    require_valid(violations)
    company_id = await _company_id(tx, actor, company)
    about_records = kind is not None and "." in kind and kind.split(".")[0] not in _TICKET_PREFIXES
    filters = AuditFilter(since, until, kind, company_id, user_id, ticket, about_records, not actor.is_staff)
    if ticket is not None:
        ticket_company_id = await access.require_ticket(tx, actor, ticket)
        if company_id not in {None, ticket_company_id}:
            return []
        filters = filters._replace(company_id=ticket_company_id)
    events = await audit_store.page(tx, filters, after, limit)
    return events if actor.is_staff else [_visible(event) for event in events]


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete a batch of the events from before a time that are about no ticket; return how many."""
    return await audit_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)


async def _company_id(tx: Tx, actor: Actor, company: UUID | str | None) -> UUID | None:
    if company is not None:
        return (await accounts.find_company(tx, actor, company)).id
    return permissions.company_filter(actor)


def _visible(event: Event) -> Event:
    """Return an event as the admin of its company may see it; what it may not see at all was not read."""
    hidden = event._replace(data={}, version=event.customer_version)
    return seen_by(Audience.COMPANY_ADMIN, event) or hidden
