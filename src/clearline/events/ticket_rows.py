"""The rows of the event types about tickets. Of several events in one mail the higher row gives the headline."""

from clearline.events.event_types import (
    BY_BOUNCE,
    EventType,
    EventTypeRow,
    NotificationKind,
    NotificationRule,
    Relation,
    Visibility,
)
from clearline.language.marks import gettext_noop as _

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
    NotificationRule(
        NotificationKind.CUSTOMER_NOTE, _WATCHERS_AND_ASSIGNEE | _CONTACT, _PUBLIC, {"source": ("seller", "system")}
    ),
    NotificationRule(NotificationKind.COMPANY_TICKET, _COMPANY, _PUBLIC, _BY_SYSTEM),
)
_MERGES = (_WATCHED, NotificationRule(NotificationKind.STATUS_CHANGED, _CONTACT))

TICKET_ROWS = (
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
        EventType.TICKET_REMINDED, "ticket", Visibility.STAFF_ONLY,
        (NotificationRule(NotificationKind.REMINDER, _WATCHERS_AND_ASSIGNEE),),
        _("Reminder"), _("The reminder of this ticket is due."),
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
        internal_members=frozenset({"sub_status", "waiting"}),
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
        EventType.TICKET_CHANGED, "ticket", Visibility.SOME_FIELDS,
        (NotificationRule(NotificationKind.PRIORITY_CHANGED, _CONTACT, field="priority"), _WATCHED),
        _("Updated"), _("Changed {changes}."),
        visible_fields=frozenset({
            "title", "issue_type", "contact", "severity", "priority", "impact", "asked_severity", "asked_priority",
            "external_ids", "occurred_at", "detected_by", "intermittent", "observed_impact", "service_end",
            "path_state", "testing_consent", "testing_hours", "dispatch_allowed", "site_access",
            "closure.resolution", "sub_status_for_customers",
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
        EventType.CONTACT_ADDED, "ticket", Visibility.ALWAYS, None, None, "Added a contact.",
    ),
    EventTypeRow(
        EventType.CONTACT_CHANGED, "ticket", Visibility.ALWAYS, None, None, "Changed a contact.",
    ),
    EventTypeRow(
        EventType.CONTACT_REMOVED, "ticket", Visibility.ALWAYS, None, None, "Removed a contact.",
    ),
    EventTypeRow(
        EventType.CC_ADDED, "ticket", Visibility.ALWAYS, None, None, "Added an address that gets copies of mail.",
    ),
    EventTypeRow(
        EventType.CC_REMOVED, "ticket", Visibility.ALWAYS, None, None, "Removed an address that got copies of mail.",
    ),
    EventTypeRow(
        EventType.CASE_ADDED, "ticket", Visibility.STAFF_ONLY, None, None, "Added a case at a third party.",
    ),
    EventTypeRow(
        EventType.CASE_CHANGED, "ticket", Visibility.STAFF_ONLY, None, None, "Changed a case at a third party.",
    ),
    EventTypeRow(
        EventType.CASE_REMOVED, "ticket", Visibility.STAFF_ONLY, None, None, "Removed a case at a third party.",
    ),
    EventTypeRow(
        EventType.ATTACHMENT_REMOVED, "ticket", Visibility.WHEN_PUBLIC, None,
        None, "Deleted an attached file.",
    ),
    EventTypeRow(
        EventType.TICKET_RATED, "ticket", Visibility.STAFF_ONLY, None,
        None, "Rated how the ticket was resolved, or changed the rating.",
    ),
    EventTypeRow(
        EventType.TICKET_REDACTED, "ticket", Visibility.WHEN_PUBLIC, None,
        None, "Removed words or a file for good, everywhere.",
    ),
)  # fmt: skip
