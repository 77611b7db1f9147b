"""House API v1: everything that a page can do, a program can do."""

from itertools import chain

from clearline.facades.api import (
    attachments,
    audit,
    companies,
    deliveries,
    errors,
    events,
    exports,
    inbound_mail,
    jobs,
    keys,
    links,
    macros,
    mailboxes,
    merging,
    notes,
    notifications,
    outbound_mail,
    queues,
    routing,
    search,
    services,
    subscriptions,
    teams,
    tickets,
    users,
    views,
    watchers,
)
from clearline.facades.api.wire import NoQuery
from clearline.facades.http.call import Desk
from clearline.facades.http.resource import Dialect, Wire
from clearline.facades.http.table import Operation

GROUPS: dict[str, tuple[Operation, ...]] = {
    "Tickets": tickets.OPERATIONS,
    "Notes": notes.OPERATIONS,
    "Attachments": attachments.OPERATIONS,
    "Assignment and routing": (*routing.OPERATIONS, *queues.OPERATIONS, *teams.OPERATIONS),
    "Watchers": watchers.OPERATIONS,
    "Links, merging, splitting": (*links.OPERATIONS, *merging.OPERATIONS),
    "Search and views": (*search.OPERATIONS, *views.OPERATIONS),
    "Macros": macros.OPERATIONS,
    "Many tickets": (*jobs.OPERATIONS, *exports.OPERATIONS),
    "Companies, people, keys": (*companies.OPERATIONS, *users.OPERATIONS, *keys.OPERATIONS),
    "Services": services.OPERATIONS,
    "Webhooks": (*subscriptions.OPERATIONS, *deliveries.OPERATIONS),
    "Events": events.OPERATIONS,
    "Mail that comes in": (*mailboxes.OPERATIONS, *inbound_mail.OPERATIONS),
    "Outgoing mail": outbound_mail.OPERATIONS,
    "Notifications": notifications.OPERATIONS,
    "Audit": audit.OPERATIONS,
}
"""The table, in the order of the reference. Routes, scopes, OpenAPI and the reference page are all made from it."""

OPERATIONS = tuple(chain.from_iterable(GROUPS.values()))

DIALECT = Dialect(errors.refuse, no_query=NoQuery)


def wire_app(desk: Desk) -> Wire:
    """This wire as an application. It answers under ``/api/v1``."""
    return Wire(OPERATIONS, desk, DIALECT)
