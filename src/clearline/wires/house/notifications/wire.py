"""House API v1: the bodies of notification preferences."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.notifications.contact_rules import InboundCc, Notice
from clearline.notifications.domain import WEEK, DeliveryMode, DigestFrequency
from clearline.wires.house.wire import Id
from clearline.wires.http.fields import characters
from clearline.wires.http.one_of import OneOf

Day = OneOf[str, WEEK]
Clock = Annotated[
    str,
    Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", extra={"rule": "must be a time of day such as 08:00"}),
]
"""Hours and minutes in the user's time zone."""
Days = Annotated[list[Day], Meta(max_length=6)]
Zone = Annotated[str, characters(1, 64)]


class RulesOut(Struct, frozen=True):
    """The delivery mode of each kind of notification. Kinds that the user's role does not have are absent."""

    assigned_to_me: DeliveryMode | UnsetType = UNSET
    routed_to_my_team: DeliveryMode | UnsetType = UNSET
    ticket_raised: DeliveryMode | UnsetType = UNSET
    customer_note: DeliveryMode | UnsetType = UNSET
    provider_note: DeliveryMode | UnsetType = UNSET
    internal_note: DeliveryMode | UnsetType = UNSET
    status_changed: DeliveryMode | UnsetType = UNSET
    resolved: DeliveryMode | UnsetType = UNSET
    reopened: DeliveryMode | UnsetType = UNSET
    reminder: DeliveryMode | UnsetType = UNSET
    priority_changed: DeliveryMode | UnsetType = UNSET
    watched_change: DeliveryMode | UnsetType = UNSET
    company_ticket: DeliveryMode | UnsetType = UNSET


class RulesPatch(Struct, forbid_unknown_fields=True):
    """The rules to change. Null restores the default."""

    assigned_to_me: DeliveryMode | UnsetType | None = UNSET
    routed_to_my_team: DeliveryMode | UnsetType | None = UNSET
    ticket_raised: DeliveryMode | UnsetType | None = UNSET
    customer_note: DeliveryMode | UnsetType | None = UNSET
    provider_note: DeliveryMode | UnsetType | None = UNSET
    internal_note: DeliveryMode | UnsetType | None = UNSET
    status_changed: DeliveryMode | UnsetType | None = UNSET
    resolved: DeliveryMode | UnsetType | None = UNSET
    reopened: DeliveryMode | UnsetType | None = UNSET
    reminder: DeliveryMode | UnsetType | None = UNSET
    priority_changed: DeliveryMode | UnsetType | None = UNSET
    watched_change: DeliveryMode | UnsetType | None = UNSET
    company_ticket: DeliveryMode | UnsetType | None = UNSET


class NotificationsOut(Struct, frozen=True):
    """The notification preferences of a user.

    ``rules`` has each kind of notification of the user's role: sent at once by ``email``, in the next ``digest``, or
    ``off``. Mail waits from ``quiet_from`` to ``quiet_to``, past midnight when the second is earlier, and on
    ``quiet_days``; with ``critical_breaks_quiet``, mail about critical tickets does not wait. A daily digest is sent at
    ``digest_at``. Times are in ``time_zone`` (IANA). With ``replies_by_mail``, and where the desk allows it, mail of an
    agent that begins with ``#public`` goes to the customer.
    """

    user_id: Id
    time_zone: str
    quiet_from: str | None
    quiet_to: str | None
    quiet_days: list[Day]
    critical_breaks_quiet: bool
    digest: DigestFrequency
    digest_at: str
    replies_by_mail: bool
    rules: RulesOut


class NotificationsPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396)."""

    time_zone: Zone | UnsetType = UNSET
    quiet_from: Clock | UnsetType | None = UNSET
    quiet_to: Clock | UnsetType | None = UNSET
    quiet_days: Days | UnsetType = UNSET
    critical_breaks_quiet: bool | UnsetType = UNSET
    digest: DigestFrequency | UnsetType = UNSET
    digest_at: Clock | UnsetType = UNSET
    replies_by_mail: bool | UnsetType = UNSET
    rules: RulesPatch | UnsetType = UNSET


class ContactRulesOut(Struct, frozen=True):
    """What mail the contacts of each role get, and those who get copies (``cc``)."""

    reporter: list[Notice]
    technical: list[Notice]
    on_duty: list[Notice]
    escalation: list[Notice]
    site_access: list[Notice]
    cc: list[Notice]


Notices = Annotated[list[Notice], Meta(max_length=len(Notice))]


class ContactRulesPatch(Struct, forbid_unknown_fields=True):
    """The rules to change: what mail a role gets from now on. Null restores the default."""

    reporter: Notices | UnsetType | None = UNSET
    technical: Notices | UnsetType | None = UNSET
    on_duty: Notices | UnsetType | None = UNSET
    escalation: Notices | UnsetType | None = UNSET
    site_access: Notices | UnsetType | None = UNSET
    cc: Notices | UnsetType | None = UNSET


class CompanyNotificationsOut(Struct, frozen=True):
    """Whether the contacts of a company's tickets receive mail, and what.

    ``inbound_cc`` is what becomes of the addresses in Cc of a mail of the company's people: ``ignore``; ``suggest``
    them to the agents; ``add`` those within the company's verified mail domains to the ticket, and suggest others.
    """

    company_id: Id
    mails_contacts: bool
    contact_rules: ContactRulesOut
    inbound_cc: InboundCc


class CompanyNotificationsPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396)."""

    mails_contacts: bool | UnsetType = UNSET
    contact_rules: ContactRulesPatch | UnsetType = UNSET
    inbound_cc: InboundCc | UnsetType = UNSET
