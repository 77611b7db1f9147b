"""House API v1: the table of its operations."""

from itertools import chain

from clearline.wires.house import errors
from clearline.wires.house.accounts import addresses, companies, keys, mail_domains, tiers, users
from clearline.wires.house.audit import handlers as audit
from clearline.wires.house.branding import handlers as branding
from clearline.wires.house.bulk import exports, jobs
from clearline.wires.house.catalogue import issue_types, matrix, service_types, terms
from clearline.wires.house.event_stream import handlers as events
from clearline.wires.house.feedback import handlers as feedback
from clearline.wires.house.fields import handlers as fields
from clearline.wires.house.forms import handlers as forms
from clearline.wires.house.handovers import handlers as handovers
from clearline.wires.house.inventory import handlers as services
from clearline.wires.house.mail import inbound as inbound_mail
from clearline.wires.house.mail import mailboxes, opt_outs
from clearline.wires.house.mail import outbound as outbound_mail
from clearline.wires.house.mail import templates as mail_templates
from clearline.wires.house.notifications import handlers as notifications
from clearline.wires.house.privacy import erasures
from clearline.wires.house.privacy import handlers as privacy
from clearline.wires.house.queues import queues, teams
from clearline.wires.house.redaction import handlers as redactions
from clearline.wires.house.routing import handlers as routing
from clearline.wires.house.search import handlers as search
from clearline.wires.house.tickets import handlers as tickets
from clearline.wires.house.tickets import notes
from clearline.wires.house.tickets.attachments import handlers as attachments
from clearline.wires.house.tickets.cases import handlers as cases
from clearline.wires.house.tickets.links import links, merging, watchers
from clearline.wires.house.webhooks import deliveries, subscriptions
from clearline.wires.house.wire import NoQuery
from clearline.wires.house.workspace import macros, templates, views
from clearline.wires.http.call import Services
from clearline.wires.http.resource import Dialect, Wire
from clearline.wires.http.table import Operation

GROUPS: dict[str, tuple[Operation, ...]] = {
    "Tickets": tickets.OPERATIONS,
    "Notes": notes.OPERATIONS,
    "Attachments": attachments.OPERATIONS,
    "Redactions": redactions.OPERATIONS,
    "Assignment and routing": (*routing.OPERATIONS, *queues.OPERATIONS, *teams.OPERATIONS),
    "Third-party cases": cases.OPERATIONS,
    "Watchers": watchers.OPERATIONS,
    "Links, merging, splitting": (*links.OPERATIONS, *merging.OPERATIONS),
    "Search and views": (*search.OPERATIONS, *views.OPERATIONS),
    "Macros": macros.OPERATIONS,
    "Ticket templates": templates.OPERATIONS,
    "Priority matrix": matrix.OPERATIONS,
    "Terms": terms.OPERATIONS,
    "Own fields": fields.OPERATIONS,
    "Forms": forms.OPERATIONS,
    "Branding": branding.OPERATIONS,
    "Feedback": feedback.OPERATIONS,
    "Handovers": handovers.OPERATIONS,
    "Bulk changes, import, export": (*jobs.OPERATIONS, *exports.OPERATIONS),
    "Companies, people, keys": (
        *companies.OPERATIONS,
        *tiers.OPERATIONS,
        *users.OPERATIONS,
        *addresses.OPERATIONS,
        *mail_domains.OPERATIONS,
        *keys.OPERATIONS,
    ),
    "Services": services.OPERATIONS,
    "Catalogue": (*issue_types.OPERATIONS, *service_types.OPERATIONS),
    "Webhooks": (*subscriptions.OPERATIONS, *deliveries.OPERATIONS),
    "Events": events.OPERATIONS,
    "Inbound mail": (*mailboxes.OPERATIONS, *inbound_mail.OPERATIONS),
    "Outbound mail": (*outbound_mail.OPERATIONS, *opt_outs.OPERATIONS),
    "Mail templates": mail_templates.OPERATIONS,
    "Notifications": notifications.OPERATIONS,
    "Personal data": (*privacy.OPERATIONS, *erasures.OPERATIONS),
    "Audit": audit.OPERATIONS,
}
"""The operations in the order of the reference. Routes, scopes, OpenAPI and the reference page are derived from it."""

OPERATIONS = tuple(chain.from_iterable(GROUPS.values()))

DIALECT = Dialect("house", errors.refuse, no_query=NoQuery)


def wire_app(services: Services) -> Wire:
    """Return the ASGI application of this wire, whose paths begin with ``/api/v1``."""
    return Wire(OPERATIONS, services, DIALECT)
