"""The audit: who changed what, newest first, with the values before and after."""

from datetime import datetime
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from clearline.audit import usecases as audit
from clearline.audit.store import AuditPosition
from clearline.errors import InvalidInput, NotFound
from clearline.events.store import Event
from clearline.identity import Scope
from clearline.web.console.admin.section import ADMIN
from clearline.web.console.admin.sidebar import admin_sidebar
from clearline.web.language.refusals import refusal_text
from clearline.web.visit import Page, Visit
from clearline.wires.http.call import Answer
from clearline.wires.http.cursors import InvalidCursor, list_id

PATH = f"{ADMIN}/audit"
_SIZE = 50
_FILTER_MAX = 255


class Row(Struct, frozen=True):
    """An event and what it says: each value with that before and after, or the members of another fact."""

    event: Event
    changes: list[tuple[str, str, str]]
    facts: list[tuple[str, str]]


async def show_audit(visit: Visit) -> Answer:
    """Show the events of the audit, by type and company."""
    kind, company = (visit.query.get(name, "").strip()[:_FILTER_MAX] for name in ("type", "company"))
    made_for = list_id(PATH, {"type": kind, "company": company})
    after = _position(visit.services.cursors.read(visit.query["after"], made_for)) if visit.query.get("after") else None
    events: list[Event] = []
    problem = ""
    async with visit.services.database.transaction() as tx:
        side = await admin_sidebar(tx, visit.actor)
        try:
            events = await audit.list_events(
                tx, visit.actor, kind=kind or None, company=company or None, after=after, limit=_SIZE + 1
            )
        except (InvalidInput, NotFound) as error:
            problem = refusal_text(error)
    following = None
    if len(events) > _SIZE:
        last = events[_SIZE - 1]
        cursor = visit.services.cursors.make([last.at.isoformat(), *reversed(last.offset)], made_for)
        following = f"{PATH}?{urlencode({'type': kind, 'company': company, 'after': cursor})}"
    return visit.page(
        "console/admin/audit.html", 422 if problem else 200, side=side, here=PATH, problem=problem, next=following,
        rows=[_row(event) for event in events[:_SIZE]], kind=kind, company=company,
    )  # fmt: skip


def _position(keys: list[object]) -> AuditPosition:
    try:
        at, event_id, xid = msgspec.convert(keys, tuple[str, int, int])
        return datetime.fromisoformat(at), event_id, xid
    except (msgspec.ValidationError, ValueError):
        raise InvalidCursor from None


def _row(event: Event) -> Row:
    changes, facts = [], []
    for name, value in event.data.items():
        if name == "changes" and isinstance(value, list):
            changes = [(str(change["field"]), _text(change["before"]), _text(change["after"])) for change in value]
        else:
            facts.append((name, _text(value)))
    return Row(event, changes, facts)


def _text(value: object) -> str:
    """Return a value of an event as people read it."""
    if value is None or value == "":
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


AUDIT_PAGE = Page("adminAudit", "GET", PATH, show_audit, Scope.AUDIT_READ)
