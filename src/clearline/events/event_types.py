"""The event types, and what the row of one says: everything that is specific to a type is in its row.

To add a type, add its name to ``EventType`` and its row to ``TICKET_ROWS`` or ``RECORD_ROWS``. The store refuses a type
without a row. The reference pages of events and notifications are generated from the rows.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

from msgspec import Struct


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
    CONTACT_ADDED = "ticket.contact_added"
    CONTACT_CHANGED = "ticket.contact_changed"
    CONTACT_REMOVED = "ticket.contact_removed"
    CC_ADDED = "ticket.cc_added"
    CC_REMOVED = "ticket.cc_removed"
    CASE_ADDED = "ticket.case_added"
    CASE_CHANGED = "ticket.case_changed"
    CASE_REMOVED = "ticket.case_removed"
    ATTACHMENT_REMOVED = "attachment.removed"
    TICKET_REMINDED = "ticket.reminded"
    TICKET_RATED = "ticket.rated"
    TICKET_REDACTED = "ticket.redacted"

    COMPANY_CREATED = "company.created"
    COMPANY_CHANGED = "company.changed"
    COMPANY_FIELDS_CHANGED = "company.fields_changed"
    TIER_CREATED = "tier.created"
    TIER_CHANGED = "tier.changed"
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
    SERVICE_CARRIER_CHANGED = "service.carrier_changed"
    SERVICE_FIELDS_CHANGED = "service.fields_changed"
    SERVICE_DELETED = "service.deleted"
    SERVICE_IMPORTED = "service.imported"
    SERVICE_CHRONIC = "service.chronic"
    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    SUBSCRIPTION_DELETED = "subscription.deleted"
    ISSUE_TYPE_CREATED = "issue_type.created"
    ISSUE_TYPE_CHANGED = "issue_type.changed"
    ISSUE_TYPE_DELETED = "issue_type.deleted"
    SERVICE_TYPE_CREATED = "service_type.created"
    SERVICE_TYPE_CHANGED = "service_type.changed"
    SERVICE_TYPE_DELETED = "service_type.deleted"
    PRIORITY_MATRIX_CHANGED = "priority_matrix.changed"
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
    TICKET_TEMPLATE_CREATED = "ticket_template.created"
    TICKET_TEMPLATE_CHANGED = "ticket_template.changed"
    TICKET_TEMPLATE_DELETED = "ticket_template.deleted"
    TERM_CREATED = "term.created"
    TERM_CHANGED = "term.changed"
    VIEW_CREATED = "view.created"
    VIEW_CHANGED = "view.changed"
    VIEW_DELETED = "view.deleted"
    BRANDING_CHANGED = "branding.changed"
    MAIL_TEMPLATE_CHANGED = "mail_template.changed"
    FIELD_CREATED = "field.created"
    FIELD_CHANGED = "field.changed"
    FIELD_DELETED = "field.deleted"
    FIELD_RESTORED = "field.restored"
    FORM_CREATED = "form.created"
    FORM_CHANGED = "form.changed"
    FORM_DELETED = "form.deleted"
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
    PERSON_EXPORTED = "person.exported"
    PERSON_ERASED = "person.erased"


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
    REMINDER = "reminder"
    """The reminder of a ticket was due."""
    PRIORITY_CHANGED = "priority_changed"
    """The priority changed of a ticket whose contact I am, in a role that is told so."""
    WATCHED_CHANGE = "watched_change"
    """Any other change of a ticket that I watch: its priority, title, assignee, queue, links, merges."""
    COMPANY_TICKET = "company_ticket"
    """Any ticket of my company was raised, got a public note, or changed its status."""


class Relation(StrEnum):
    """What a person has to do with the ticket of an event."""

    CONTACT = "contact"
    """A contact, or one who gets copies: told what the rules of its company say for its roles."""
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
    has. The data of a file has also ``source``, the side that attached it. With ``field``, it holds only when that is
    among the event's changes.
    """

    kind: NotificationKind
    recipients: frozenset[Relation]
    when: Mapping[str, Collection[str]] = {}
    unless: Mapping[str, Collection[str]] = {}
    field: str = ""


class EventTypeRow(Struct, frozen=True):
    """The properties of one event type.

    ``record`` is what the event is about: ``ticket``, or the kind of another record. ``notifications`` is None for a
    type that notifies nobody, and then it has no ``headline``. ``sentence`` completes "<actor>: ..." in a mail;
    ``sentence_when_cleared`` does so when the event's ``after`` is null, and ``sentence_when_bounced`` when its ``by``
    is ``BY_BOUNCE``. All name values in braces. What mail says is marked for translation. Customers do not see the
    ``internal_members`` of the event's data.
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
    internal_members: frozenset[str] = frozenset()
