"""The words that the schema allows are the values of the domain, which a new value must join by a migration."""

import re
from collections.abc import Iterable

from clearline.accounts.account_mail_store import AccountMailKind
from clearline.accounts.mail_domain import DomainState, Proof
from clearline.branding.logo_domain import LogoTheme
from clearline.bulk.domain import ItemOutcome, JobKind, JobState
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.catalogue.term_domain import TermKind
from clearline.feedback.domain import Rating
from clearline.fields.domain import FieldAudience, FieldType, RecordKind, RefersTo, Required
from clearline.identity import CUSTOMER_ROLES, STAFF_ROLES
from clearline.inventory.facts_domain import ServiceState
from clearline.mail.inbound.domain import InboundState
from clearline.mail.outbound.domain import MailState, SuppressionReason
from clearline.notifications.contact_rules import InboundCc
from clearline.notifications.domain import DeliveryMode, DigestFrequency
from clearline.platform.database.transactions import Database
from clearline.queues.domain import Assignment
from clearline.redaction.domain import Target
from clearline.sign_in.link_domain import LinkKind
from clearline.tickets.contact import PersonKind
from clearline.tickets.domain import Status
from clearline.tickets.links.domain import LinkType
from clearline.tickets.note_domain import Source, Visibility
from clearline.tickets.status_domain import FINISHED
from clearline.tickets.third_parties.domain import CaseKind, CaseState
from clearline.webhooks.delivery_actions.domain import Action
from clearline.webhooks.delivery_domain import DeliveryState

ALLOWED: dict[str, Iterable[str]] = {
    "account_mail.kind": AccountMailKind,
    "logo.theme": LogoTheme,
    "mail_domain.state": DomainState,
    "mail_domain.verified_by": Proof,
    "app_user.role": (*STAFF_ROLES, *CUSTOMER_ROLES),
    "attachment.source": Source,
    "attachment.visibility": Visibility,
    "delivery.state": DeliveryState,
    "delivery_action.action": Action,
    "draft.visibility": Visibility,
    "pending_message.visibility": Visibility,
    "identity_provider.default_role": STAFF_ROLES,
    "inbound_mail.state": InboundState,
    "job.kind": JobKind,
    "job.state": JobState,
    "job_item.outcome": ItemOutcome,
    "macro.visibility": Visibility,
    "mail_suppression.reason": SuppressionReason,
    "note.source": Source,
    "feedback.rating": Rating,
    "company.inbound_cc": InboundCc,
    "ticket_contact.kind": PersonKind,
    "ticket_case.kind": CaseKind,
    "ticket_case.state": CaseState,
    "note.visibility": Visibility,
    "notification.channel": (DeliveryMode.EMAIL, DeliveryMode.DIGEST),
    "notification_settings.digest": DigestFrequency,
    "outbound_mail.state": MailState,
    "priority_matrix.impact": Impact,
    "priority_matrix.priority": Priority,
    "priority_matrix.severity": Severity,
    "priority_matrix.urgency": Priority,
    "queue.assignment": Assignment,
    "field.edited_by": FieldAudience,
    "field.record": RecordKind,
    "field.refers_to": RefersTo,
    "field.required": Required,
    "field.type": FieldType,
    "field.visible_to": FieldAudience,
    "form.audience": FieldAudience,
    "issue_type.console_connect": IssueType,
    "issue_type.impact": Impact,
    "issue_type.priority": Priority,
    "issue_type.severity": Severity,
    "service.state": ServiceState,
    "service_type.console_connect": ServiceType,
    "redaction.target": Target,
    "term.kind": TermKind,
    "second_factor_role.role": STAFF_ROLES,
    "sign_in_link.kind": LinkKind,
    "ticket.asked_priority": Priority,
    "ticket.asked_severity": Severity,
    "ticket.impact": Impact,
    "ticket.priority": Priority,
    "ticket_template.priority": Priority,
    "ticket.severity": Severity,
    "ticket.status": Status,
    "ticket_link.type": LinkType,
}
_CHECKS = """
    select conrelid::regclass || '.' || attname, pg_get_constraintdef(c.oid)
      from pg_constraint c join pg_attribute on attrelid = conrelid and attnum = conkey[1]
     where contype = 'c' and cardinality(conkey) = 1 and connamespace = current_schema::regnamespace
       and pg_get_constraintdef(c.oid) like '%= ANY (ARRAY[%'"""
_IS_OPEN = """
    select pg_get_expr(adbin, adrelid) from pg_attrdef join pg_attribute on attrelid = adrelid and attnum = adnum
     where adrelid = 'ticket'::regclass and attname = 'is_open'"""


def words(expression: str) -> list[str]:
    """Return the texts of an expression, sorted."""
    return sorted(re.findall("'([^']*)'", expression))


async def test_a_column_of_words_allows_the_values_of_its_enum(database: Database) -> None:
    async with database.statement() as tx:
        checks = await tx.fetch(_CHECKS)
    assert {column: words(check) for column, check in checks} == {
        column: sorted(values) for column, values in ALLOWED.items()
    }


async def test_a_ticket_is_open_unless_its_status_is_final(database: Database) -> None:
    async with database.statement() as tx:
        expression = await tx.fetchval(_IS_OPEN)
    assert words(expression) == sorted(FINISHED)
