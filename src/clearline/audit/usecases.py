"""What happened, and who did it: the audit."""

from datetime import datetime
from uuid import UUID

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.audit import store as audit_store
from clearline.audit.store import Place, Wanted
from clearline.errors import Forbidden, InvalidInput, Violation
from clearline.events.event_types import Audience, visible_data
from clearline.events.store import Event
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets import access

_TICKET_KINDS = {"ticket", "note", "attachment"}
"""Kinds of events that are about a ticket; every other kind never is."""


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
    after: Place | None = None,
    limit: int,
) -> list[Event]:
    """Events, newest first: all for the provider's admins, of its own company for a customer's admin.

    ``since`` is included, ``until`` is not. ``kind`` is an event's type, or with a dot at its end a beginning of it,
    such as ``user.``. Several filters must all hold. ``after`` is the time, id and transaction of the last event
    before. Served by ``event_by_ticket``, the primary key, ``event_of_company_records``, ``event_of_records`` or
    ``event_by_time``, in that order of preference.

    Raises:
        Forbidden: the actor is no admin.
        ScopeMissing: its key may not read the audit.
        NotFound: no such company or ticket for this actor.
        InvalidInput: ``until`` is not after ``since``.
    """
    permissions.require_scope(actor, Scope.AUDIT_READ)
    if not actor.is_company_admin:
        raise Forbidden("only an admin may do this")
    if since is not None and until is not None and until <= since:
        raise InvalidInput([Violation("until", "must be after since")])
    company_id = await _company_id(tx, actor, company)
    wanted = Wanted(since, until, kind, company_id, user_id, not actor.is_staff)
    if ticket is not None:
        of = await access.ticket_to_read(tx, actor, ticket)
        if company_id not in {None, of}:
            return []
        found = await audit_store.of_ticket(tx, wanted._replace(company_id=of), ticket, after, limit)
    else:
        found = await _walk(tx, wanted, after, limit)
    return found if actor.is_staff else [_shown(event) for event in found]


async def _company_id(tx: Tx, actor: Actor, company: UUID | str | None) -> UUID | None:
    if company is not None:
        return (await accounts.company_of(tx, actor, company)).id
    return permissions.company_filter(actor)


async def _walk(tx: Tx, wanted: Wanted, after: Place | None, limit: int) -> list[Event]:
    about_records = wanted.type is not None and "." in wanted.type and wanted.type.split(".")[0] not in _TICKET_KINDS
    if wanted.company_id is not None and about_records:
        return await audit_store.records_of_company(tx, wanted, after, limit)
    if wanted.company_id is not None:
        return await audit_store.of_company(tx, wanted, after, limit)
    if about_records:
        return await audit_store.records(tx, wanted, after, limit)
    return await audit_store.everything(tx, wanted, after, limit)


def _shown(event: Event) -> Event:
    """Return an event as the admin of its company may see it; what it may not see at all was not read."""
    return event._replace(data=visible_data(event.type, event.data, Audience.COMPANY_ADMIN) or {})
