"""The table of event types: everything that is specific to one type is in its row.

To add a type, add its name to ``EventType`` and its row to ``EVENT_TYPES``. The store refuses a type without a row. The
reference pages of events and notifications are generated from the table.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from clearline.language.marks import gettext_noop as _


class EventType(StrEnum):
    """Every type that a stored event can have: about a ticket, or the kind of a record and what was done to it."""

    TICKET_CREATED = "ticket.created"
    TICKET_MERGED = "ticket.merged"
    STATUS_CHANGED = "ticket.status_changed"
    NOTE_ADDED = "note.added"
    ATTACHMENT_ADDED = "attachment.added"
    TICKET_ASSIGNED = "ticket.assigned"
    TICKET_ROUTED = "ticket.routed"
    TICKET_CHANGED = "ticket.changed"
    TICKET_LINKED = "ticket.linked"
    TICKET_UNLINKED = "ticket.unlinked"
    TICKET_UNMERGED = "ticket.unmerged"
    TICKET_WATCHED = "ticket.watched"
    ATTACHMENT_REMOVED = "attachment.removed"
    TICKET_RATED = "ticket.rated"

    COMPANY_CREATED = "company.created"
    COMPANY_CHANGED = "company.changed"
    USER_CREATED = "user.created"
    USER_CHANGED = "user.changed"
    API_KEY_CREATED = "api_key.created"
    API_KEY_REVOKED = "api_key.revoked"
    SESSION_CREATED = "session.created"
    SESSION_ENDED = "session.ended"
    PASSWORD_REFUSED = "password.refused"  # noqa: S105
    SIGN_IN_LINK_CREATED = "sign_in_link.created"
    SECOND_FACTOR_CHANGED = "second_factor.changed"
    SECOND_FACTOR_REFUSED = "second_factor.refused"
    SIGN_IN_POLICY_CHANGED = "sign_in_policy.changed"
    IDENTITY_PROVIDER_CREATED = "identity_provider.created"
    IDENTITY_PROVIDER_CHANGED = "identity_provider.changed"
    IDENTITY_PROVIDER_DELETED = "identity_provider.deleted"
    IDENTITY_LINKED = "identity.linked"
    IDENTITY_UNLINKED = "identity.unlinked"
    IDENTITY_REFUSED = "identity.refused"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105
    MAIL_DOMAIN_CREATED = "mail_domain.created"
    MAIL_DOMAIN_CHANGED = "mail_domain.changed"
    MAIL_DOMAIN_DELETED = "mail_domain.deleted"
    SERVICE_CREATED = "service.created"
    SERVICE_CHANGED = "service.changed"
    SERVICE_DELETED = "service.deleted"
    SERVICE_IMPORTED = "service.imported"
    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    SUBSCRIPTION_DELETED = "subscription.deleted"
    TEAM_CREATED = "team.created"
    TEAM_CHANGED = "team.changed"
    TEAM_DELETED = "team.deleted"
    QUEUE_CREATED = "queue.created"
    QUEUE_CHANGED = "queue.changed"
    QUEUE_DELETED = "queue.deleted"
    ROUTING_RULE_CREATED = "routing_rule.created"
    ROUTING_RULE_CHANGED = "routing_rule.changed"
    ROUTING_RULE_DELETED = "routing_rule.deleted"
    MACRO_CREATED = "macro.created"
    MACRO_CHANGED = "macro.changed"
    MACRO_DELETED = "macro.deleted"
    VIEW_CREATED = "view.created"
    VIEW_CHANGED = "view.changed"
    VIEW_DELETED = "view.deleted"
    BRANDING_CHANGED = "branding.changed"
    MAIL_TEMPLATE_CHANGED = "mail_template.changed"
    HANDOVER_CREATED = "handover.created"
    JOB_CREATED = "job.created"
    JOB_CANCELLED = "job.cancelled"
    JOB_FINISHED = "job.finished"
    MAILBOX_CREATED = "mailbox.created"
    MAILBOX_CHANGED = "mailbox.changed"
    MAILBOX_DELETED = "mailbox.deleted"
    INBOUND_MAIL_RELEASED = "inbound_mail.released"
    INBOUND_MAIL_DISCARDED = "inbound_mail.discarded"
    MAIL_SUPPRESSION_CREATED = "mail_suppression.created"
    MAIL_SUPPRESSION_DELETED = "mail_suppression.deleted"
    MAIL_OPT_OUT_CREATED = "mail_opt_out.created"
    MAIL_OPT_OUT_DELETED = "mail_opt_out.deleted"


BY_BOUNCE = "bounce"
"""``by`` of a ``ticket.assigned``: the ticket returned to its queue, because mail to its assignee bounced."""


class Visibility(StrEnum):
    """Who of the company that an event is about may see it. The provider's people may see every event."""

    ALWAYS = "always"
    WHEN_PUBLIC = "when public"
    """Its customers, when the event's ``visibility`` is public."""
    SOME_FIELDS = "some fields"
    """Its customers, reduced to the changes of ``visible_fields``; not at all when none is left."""
    COMPANY_ADMINS = "company admins"
    """Those of its customers who may read the audit."""
    STAFF_ONLY = "staff only"


class Audience(StrEnum):
    """Who reads an event of a company, as far as visibility goes."""

    STAFF = "staff"
    COMPANY_ADMIN = "company admin"
    """A customer who may read the audit of its company."""
    CUSTOMER = "customer"
    """Any other customer, and a contact who is no user."""


class NotificationKind(StrEnum):
    """What a person can choose to be notified of. Files count as notes."""

    ASSIGNED_TO_ME = "assigned_to_me"
    """A ticket was assigned to me."""
    ROUTED_TO_MY_TEAM = "routed_to_my_team"
    """A ticket without an assignee came into a queue of one of my teams, or returned to it after a bounce."""
    TICKET_RAISED = "ticket_raised"
    """A ticket was raised: for staff any ticket, for a customer's people those whose contact they are."""
    CUSTOMER_NOTE = "customer_note"
    """The customer wrote a note."""
    PROVIDER_NOTE = "provider_note"
    """The provider wrote a public note."""
    INTERNAL_NOTE = "internal_note"
    """The provider's people wrote a note that the customer does not see."""
    STATUS_CHANGED = "status_changed"
    """The status changed, other than the next two."""
    RESOLVED = "resolved"
    REOPENED = "reopened"
    WATCHED_CHANGE = "watched_change"
    """Any other change of a ticket that I watch: its priority, title, assignee, queue, links, merges."""
    COMPANY_TICKET = "company_ticket"
    """Any ticket of my company was raised, got a public note, or changed its status."""


class Relation(StrEnum):
    """What a person has to do with the ticket of an event."""

    CONTACT = "contact"
    WATCHER = "watcher"
    ASSIGNEE = "assignee"
    TEAM = "team"
    """Of the team of the queue that the ticket came into or returned to, while the ticket has no assignee."""
    STAFF = "staff"
    """Of the provider."""
    COMPANY = "company"
    """Of the customer."""


class NotificationRule(Struct, frozen=True):
    """A notification that an event makes: its kind, and whom it is for.

    It holds when every member of ``when`` has one of the values there in the event's data, and no member of ``unless``
    has. The data of a file has also ``source``, the side that attached it.
    """

    kind: NotificationKind
    recipients: frozenset[Relation]
    when: Mapping[str, Collection[str]] = {}
    unless: Mapping[str, Collection[str]] = {}


class EventTypeRow(Struct, frozen=True):
    """The properties of one event type.

    ``record`` is what the event is about: ``ticket``, or the kind of another record. ``notifications`` is None for a
    type that notifies nobody, and then it has no ``headline``. ``sentence`` completes "<actor>: ..." in a mail;
    ``sentence_when_cleared`` does so when the event's ``after`` is null, and ``sentence_when_bounced`` when its ``by``
    is ``BY_BOUNCE``. All name values in braces. What mail says is marked for translation.
    """

    type: EventType
    record: str
    visibility: Visibility
    notifications: tuple[NotificationRule, ...] | None
    headline: str | None
    sentence: str
    sentence_when_cleared: str | None = None
    sentence_when_bounced: str | None = None
    visible_fields: frozenset[str] = frozenset()


_WATCHERS_AND_ASSIGNEE = frozenset({Relation.WATCHER, Relation.ASSIGNEE})
_CONTACT = frozenset({Relation.CONTACT})
_BY_SYSTEM = {"source": ("system",)}
_IMPORTED = {"channel": ("System",)}
_PUBLIC = {"visibility": ("public",)}
_WATCHED = NotificationRule(NotificationKind.WATCHED_CHANGE, frozenset({Relation.WATCHER}))
_COMPANY = frozenset({Relation.COMPANY})
_NOTES = (
    NotificationRule(NotificationKind.INTERNAL_NOTE, _WATCHERS_AND_ASSIGNEE, {"visibility": ("internal",)}, _BY_SYSTEM),
    NotificationRule(
        NotificationKind.PROVIDER_NOTE, _WATCHERS_AND_ASSIGNEE | _CONTACT, {**_PUBLIC, "source": ("seller",)}
    ),
    NotificationRule(NotificationKind.CUSTOMER_NOTE, _WATCHERS_AND_ASSIGNEE, _PUBLIC, {"source": ("seller", "system")}),
    NotificationRule(NotificationKind.COMPANY_TICKET, _COMPANY, _PUBLIC, _BY_SYSTEM),
)
_MERGES = (_WATCHED, NotificationRule(NotificationKind.STATUS_CHANGED, _CONTACT))

_TICKET_ROWS = (
    EventTypeRow(
        EventType.TICKET_CREATED, "ticket", Visibility.ALWAYS,
        (
            NotificationRule(NotificationKind.TICKET_RAISED, _CONTACT | {Relation.STAFF}, {}, _IMPORTED),
            NotificationRule(NotificationKind.COMPANY_TICKET, _COMPANY, {}, _IMPORTED),
        ),
        _("New ticket"), _("Raised the ticket."),
    ),
    EventTypeRow(
        EventType.TICKET_MERGED, "ticket", Visibility.ALWAYS, _MERGES,
        _("Merged"), _("Merged the ticket into {into}. Use that ticket from now on."),
    ),
    EventTypeRow(
        EventType.STATUS_CHANGED, "ticket", Visibility.ALWAYS,
        (
            NotificationRule(NotificationKind.RESOLVED, _WATCHERS_AND_ASSIGNEE | _CONTACT, {"after": ("resolved",)}),
            NotificationRule(NotificationKind.REOPENED, _WATCHERS_AND_ASSIGNEE | _CONTACT, {"after": ("reopened",)}),
            NotificationRule(
                NotificationKind.STATUS_CHANGED, _WATCHERS_AND_ASSIGNEE, {}, {"after": ("resolved", "reopened")}
            ),
            NotificationRule(
                NotificationKind.STATUS_CHANGED, _CONTACT,
                {"after": ("pending", "held", "cancelled", "closed", "rejected")},
            ),
            NotificationRule(  # work begins; from any other status "in progress" means little to a contact
                NotificationKind.STATUS_CHANGED, _CONTACT,
                {"before": ("acknowledged", "reopened"), "after": ("in_progress",)},
            ),
            NotificationRule(NotificationKind.COMPANY_TICKET, _COMPANY),
        ),
        "{after}", _("Changed the status from {before} to {after}."),
    ),
    EventTypeRow(
        EventType.NOTE_ADDED, "ticket", Visibility.WHEN_PUBLIC, _NOTES,
        _("New note"), _("Added a note."),
    ),
    EventTypeRow(
        EventType.ATTACHMENT_ADDED, "ticket", Visibility.WHEN_PUBLIC, _NOTES,
        _("New file"), _("Attached {file} ({size})."),
    ),
    EventTypeRow(
        EventType.TICKET_ASSIGNED, "ticket", Visibility.STAFF_ONLY,
        (
            NotificationRule(NotificationKind.ASSIGNED_TO_ME, frozenset({Relation.ASSIGNEE})),
            NotificationRule(NotificationKind.ROUTED_TO_MY_TEAM, frozenset({Relation.TEAM}), {"by": (BY_BOUNCE,)}),
            _WATCHED,
        ),
        _("New agent"), _("Assigned the ticket to {agent}."), _("Unassigned the ticket."),
        _("Returned the ticket to its queue, because mail to its agent bounces."),
    ),
    EventTypeRow(
        EventType.TICKET_ROUTED, "ticket", Visibility.STAFF_ONLY,
        (NotificationRule(NotificationKind.ROUTED_TO_MY_TEAM, frozenset({Relation.TEAM})), _WATCHED),
        _("New queue"), _("Moved the ticket to {queue}."), _("Removed the ticket from its queue."),
    ),
    EventTypeRow(
        EventType.TICKET_CHANGED, "ticket", Visibility.SOME_FIELDS, (_WATCHED,),
        _("Updated"), _("Changed {changes}."),
        visible_fields=frozenset({
            "title", "issue_type", "contact", "severity", "priority", "impact", "asked_severity", "asked_priority",
            "external_ids",
        }),
    ),
    EventTypeRow(
        EventType.TICKET_LINKED, "ticket", Visibility.STAFF_ONLY, (_WATCHED,),
        _("Updated"), _("Linked the ticket: {link} {other}."),
    ),
    EventTypeRow(
        EventType.TICKET_UNLINKED, "ticket", Visibility.STAFF_ONLY, (_WATCHED,),
        _("Updated"), _("Removed the link: {link} {other}."),
    ),
    EventTypeRow(
        EventType.TICKET_UNMERGED, "ticket", Visibility.ALWAYS, _MERGES,
        _("Updated"), _("Undid the merge into {into}."),
    ),
    EventTypeRow(
        EventType.TICKET_WATCHED, "ticket", Visibility.STAFF_ONLY, None,
        None, "Began to watch the ticket, or stopped.",
    ),
    EventTypeRow(
        EventType.ATTACHMENT_REMOVED, "ticket", Visibility.WHEN_PUBLIC, None,
        None, "Deleted an attached file.",
    ),
    EventTypeRow(
        EventType.TICKET_RATED, "ticket", Visibility.STAFF_ONLY, None,
        None, "Rated how the ticket was resolved, or changed the rating.",
    ),
)  # fmt: skip


def _record(kind: EventType, sentence: str, visibility: Visibility = Visibility.STAFF_ONLY) -> EventTypeRow:
    """Return the row of a type about something other than a ticket; such events notify nobody."""
    return EventTypeRow(kind, kind.partition(".")[0], visibility, None, None, sentence)


_RECORD_ROWS = (
    _record(EventType.COMPANY_CREATED, "Added a company.", Visibility.COMPANY_ADMINS),
    _record(EventType.COMPANY_CHANGED, "Changed a company.", Visibility.COMPANY_ADMINS),
    _record(EventType.USER_CREATED, "Added a user.", Visibility.COMPANY_ADMINS),
    _record(EventType.USER_CHANGED, "Changed a user.", Visibility.COMPANY_ADMINS),
    _record(EventType.API_KEY_CREATED, "Created an API key.", Visibility.COMPANY_ADMINS),
    _record(EventType.API_KEY_REVOKED, "Revoked an API key.", Visibility.COMPANY_ADMINS),
    _record(EventType.SESSION_CREATED, "Signed in."),
    _record(EventType.SESSION_ENDED, "Signed out, or ended a session."),
    _record(EventType.PASSWORD_REFUSED, "Refused a wrong password."),
    _record(EventType.SIGN_IN_LINK_CREATED, "Made a link to choose a password."),
    _record(EventType.SECOND_FACTOR_CHANGED, "Set up or removed a second factor, or renewed its recovery codes."),
    _record(EventType.SECOND_FACTOR_REFUSED, "Refused a wrong code of a second factor."),
    _record(EventType.SIGN_IN_POLICY_CHANGED, "Set the roles that need a second factor."),
    _record(EventType.IDENTITY_PROVIDER_CREATED, "Added an identity provider."),
    _record(EventType.IDENTITY_PROVIDER_CHANGED, "Changed an identity provider."),
    _record(EventType.IDENTITY_PROVIDER_DELETED, "Deleted an identity provider."),
    _record(EventType.IDENTITY_LINKED, "Linked a person to an identity at an identity provider."),
    _record(EventType.IDENTITY_UNLINKED, "Unlinked a person from its identity providers."),
    _record(EventType.IDENTITY_REFUSED, "Refused a person whom an identity provider knows."),
    _record(EventType.PASSWORD_CHANGED, "Set or changed a password."),
    _record(EventType.MAIL_DOMAIN_CREATED, "Added a mail domain.", Visibility.COMPANY_ADMINS),
    _record(EventType.MAIL_DOMAIN_CHANGED, "Verified a mail domain, or had it checked.", Visibility.COMPANY_ADMINS),
    _record(EventType.MAIL_DOMAIN_DELETED, "Deleted a mail domain.", Visibility.COMPANY_ADMINS),
    _record(EventType.SERVICE_CREATED, "Added a service.", Visibility.COMPANY_ADMINS),
    _record(EventType.SERVICE_CHANGED, "Changed a service.", Visibility.COMPANY_ADMINS),
    _record(EventType.SERVICE_DELETED, "Deleted a service.", Visibility.COMPANY_ADMINS),
    _record(EventType.SERVICE_IMPORTED, "Imported the services of a company.", Visibility.COMPANY_ADMINS),
    _record(EventType.SUBSCRIPTION_CREATED, "Created a webhook subscription.", Visibility.COMPANY_ADMINS),
    _record(EventType.SUBSCRIPTION_CHANGED, "Changed a webhook subscription.", Visibility.COMPANY_ADMINS),
    _record(EventType.SUBSCRIPTION_DELETED, "Deleted a webhook subscription.", Visibility.COMPANY_ADMINS),
    _record(EventType.TEAM_CREATED, "Created a team."),
    _record(EventType.TEAM_CHANGED, "Renamed a team, or changed its members."),
    _record(EventType.TEAM_DELETED, "Deleted a team."),
    _record(EventType.QUEUE_CREATED, "Created a queue."),
    _record(EventType.QUEUE_CHANGED, "Changed a queue."),
    _record(EventType.QUEUE_DELETED, "Deleted a queue."),
    _record(EventType.ROUTING_RULE_CREATED, "Created a routing rule."),
    _record(EventType.ROUTING_RULE_CHANGED, "Changed or moved a routing rule."),
    _record(EventType.ROUTING_RULE_DELETED, "Deleted a routing rule."),
    _record(EventType.MACRO_CREATED, "Created a macro."),
    _record(EventType.MACRO_CHANGED, "Changed a macro."),
    _record(EventType.MACRO_DELETED, "Deleted a macro."),
    _record(EventType.VIEW_CREATED, "Created a shared view."),
    _record(EventType.VIEW_CHANGED, "Changed a shared view."),
    _record(EventType.VIEW_DELETED, "Deleted a shared view."),
    _record(EventType.BRANDING_CHANGED, "Changed what customers read about the support, or how the pages look."),
    _record(EventType.MAIL_TEMPLATE_CHANGED, "Changed the text of a mail."),
    _record(EventType.HANDOVER_CREATED, "Signed a shift off."),
    _record(EventType.JOB_CREATED, "Started a job: a bulk change or an import."),
    _record(EventType.JOB_CANCELLED, "Cancelled a job."),
    _record(EventType.JOB_FINISHED, "Finished a job."),
    _record(EventType.MAILBOX_CREATED, "Added a mailbox."),
    _record(EventType.MAILBOX_CHANGED, "Changed a mailbox."),
    _record(EventType.MAILBOX_DELETED, "Deleted a mailbox."),
    _record(EventType.INBOUND_MAIL_RELEASED, "Released a mail from quarantine."),
    _record(EventType.INBOUND_MAIL_DISCARDED, "Discarded a mail in quarantine."),
    _record(EventType.MAIL_SUPPRESSION_CREATED, "Stopped mail to an address."),
    _record(EventType.MAIL_SUPPRESSION_DELETED, "Allowed mail to an address again."),
    _record(EventType.MAIL_OPT_OUT_CREATED, "Stopped some mail with the link in it."),
    _record(EventType.MAIL_OPT_OUT_DELETED, "Resumed mail that its recipient had stopped."),
)

EVENT_TYPES: dict[str, EventTypeRow] = {row.type: row for row in (*_TICKET_ROWS, *_RECORD_ROWS)}
"""Every event type with its row. Where several events share a headline, that of the type that comes first is used."""


def visible_data(kind: str, data: dict[str, Any], audience: Audience) -> dict[str, Any] | None:
    """Return what a reader may see of an event of its own company: its data, a part of it, or None for nothing.

    A type that is not in the table is visible to the staff only.
    """
    if audience is Audience.STAFF:
        return data
    if (row := EVENT_TYPES.get(kind)) is None:
        return None
    if row.visibility is Visibility.SOME_FIELDS:
        changes = [change for change in data["changes"] if change["field"] in row.visible_fields]
        return {"changes": changes} if changes else None
    is_visible = (
        row.visibility is Visibility.ALWAYS
        or (row.visibility is Visibility.WHEN_PUBLIC and data["visibility"] == "public")
        or (row.visibility is Visibility.COMPANY_ADMINS and audience is Audience.COMPANY_ADMIN)
    )
    return data if is_visible else None


def types_with(visibility: Visibility) -> list[EventType]:
    """Return the types of a visibility, in the table's order."""
    return [row.type for row in EVENT_TYPES.values() if row.visibility is visibility]
