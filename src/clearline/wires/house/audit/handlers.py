"""House API v1: the audit."""

from datetime import datetime
from uuid import UUID

from clearline.audit import usecases as audit
from clearline.audit.store import AuditPosition
from clearline.identity import Scope
from clearline.tickets import access
from clearline.wires.house import paging
from clearline.wires.house.audit import wire
from clearline.wires.house.audit.mapping import event_out
from clearline.wires.house.parameters import query_refusals, user_in_query
from clearline.wires.house.wire import Page
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation


async def list_events(call: Call) -> Page[wire.AuditEventOut]:
    """Return events, newest first."""
    query: wire.AuditQuery = call.query
    after = paging.read_cursor(call, _position)
    user_id = user_in_query(call.actor, "actor", query.actor, "must be me or the id of a user")
    with query_refusals():
        async with call.transaction() as tx:
            events = await audit.list_events(
                tx,
                call.actor,
                since=query.since,
                until=query.until,
                user_id=user_id,
                kind=query.type,
                ticket=None if query.ticket is None else access.parse_number(query.ticket),
                company=_company(query.company),
                after=after,
                limit=query.limit + 1,
            )
    return paging.page(call, events, lambda event: [event.at.isoformat(), *reversed(event.offset)], event_out)


def _position(at: str, event_id: int, xid: int) -> AuditPosition:
    return datetime.fromisoformat(at), event_id, xid


def _company(text: str | None) -> UUID | str | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return text


OPERATIONS = (
    Operation(
        "listAuditEvents", "GET", "/api/v1/audit", list_events,
        "Read the audit", "Returns events about every record, newest first: who did it, and the values before and "
        "after. For the provider's admins, and for a customer's, who read what their own company may see.",
        Scope.AUDIT_READ, Page[wire.AuditEventOut], query=wire.AuditQuery, errors=(400,),
    ),
)  # fmt: skip
