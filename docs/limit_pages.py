"""The page of limits: what a company, and a client, may have and do at most."""

from collections.abc import Iterator
from typing import NamedTuple

from markup import table

from clearline.accounts.domain import KEYS_IN_A_DAY, REMINDERS_MAX
from clearline.branding.logo_domain import SIDE_MAX, STORED_MAX, UPLOAD_MAX
from clearline.bulk.domain import BULK_MAX, IMPORT_MAX
from clearline.drafts.domain import DRAFTS_MAX
from clearline.mail.inbound.domain import BURST_LIMIT, DAILY_LIMIT
from clearline.settings.docs import documented
from clearline.settings.settings import PREFIX
from clearline.sign_in.second_factors.domain import RECOVERY_CODES
from clearline.tickets.attachments.domain import MESSAGE_FILES_MAX, PER_TICKET_MAX
from clearline.tickets.contact import CC_MAX, CONTACTS_MAX
from clearline.tickets.links.domain import LINKS_MAX
from clearline.tickets.third_parties.domain import CASES_MAX
from clearline.webhooks.attempt_domain import SCHEDULE
from clearline.wires.http.body import BODY_MAX, DEPTH_MAX
from clearline.workspace.domain import VIEWS_MAX
from clearline.workspace.templates.domain import TEMPLATES_MAX

REQUESTS = "as its requests: each makes a few rows"


class TableLimit(NamedTuple):
    """What bounds the rows of a company in a table. ``settings`` change it; without one it is fixed."""

    table: str
    limit: str
    settings: tuple[str, ...] = ()


TABLES = (
    TableLimit("app_user", "users that its own admins add, inactive ones too", ("company_users_max",)),
    TableLimit(
        "api_key",
        f"keys in force that its own admins issue, and {KEYS_IN_A_DAY} times as many issued in a day",
        ("company_keys_max",),
    ),
    TableLimit(
        "account_mail",
        "mails about addresses in a day: invitations, reminders, notices to replaced addresses. An invitation is sent "
        f"again {REMINDERS_MAX} times",
        ("company_invitations_max",),
    ),
    TableLimit("mail_domain", "mail domains that its own admins add", ("company_mail_domains_max",)),
    TableLimit("mail_opt_out", "one for each recipient and topic: digests, tickets, webhooks, and each ticket"),
    TableLimit("notification_settings", "one for each user"),
    TableLimit("former_parent", "one for each parent that the provider gave it"),
    TableLimit("saved_view", f"{VIEWS_MAX} of each user"),
    TableLimit("ticket_template", f"{TEMPLATES_MAX}, and as many of the provider"),
    TableLimit("list_columns", "one for each user and list of the console: four, and each queue"),
    TableLimit("bulk_change", "as the changes of agents: each is kept for an hour"),
    TableLimit("draft", f"{DRAFTS_MAX} of each user", ("keep_drafts_days",)),
    TableLimit(
        "held_file",
        f"{MESSAGE_FILES_MAX} in the composer of each user and ticket, and those of messages",
        ("keep_drafts_days",),
    ),
    TableLimit("redaction", "as the work of the provider's people, who alone redact"),
    TableLimit(
        "undone_assignment",
        "one for each user and ticket: those that typing assigned and the user gave back",
        ("keep_drafts_days",),
    ),
    TableLimit("assign_by_typing_off", "one for each user"),
    TableLimit("pending_message", "as the messages of agents: each waits for some seconds", ("undo_seconds",)),
    TableLimit("service", "none: only the provider's people add services"),
    TableLimit("second_factor", "one for each user"),
    TableLimit("recovery_code", f"{RECOVERY_CODES} of each user"),
    TableLimit("sign_in_challenge", "one for each user"),
    TableLimit("sign_in_link", "one for each user"),
    TableLimit("sign_in_session", "none: each costs a sign-in", ("session_days",)),
    TableLimit("user_identity", "one for each user and issuer: only the provider's people sign in by an issuer"),
    TableLimit("user_password", "one for each user"),
    TableLimit("timer", "one for each ticket: only the provider's people set reminders"),
    TableLimit("ticket", REQUESTS, ("company_rate_limit",)),
    TableLimit("ticket_count", "32 for each company"),
    TableLimit("ticket_search", "one for each ticket"),
    TableLimit("ticket_merge", "one for each ticket"),
    TableLimit("feedback", "one for each address and resolution of a ticket, by the link of a mail"),
    TableLimit("ticket_field", "one for each value of an own field, and each option of several"),
    TableLimit("ticket_link", f"{LINKS_MAX} of each ticket"),
    TableLimit(
        "ticket_contact", f"{CONTACTS_MAX - 1} contacts, {CC_MAX} copies and {CC_MAX} suggestions of each ticket"
    ),
    TableLimit("ticket_case", f"{CASES_MAX} of each ticket: only the provider's people add them"),
    TableLimit("ticket_watcher", "one for each ticket and user"),
    TableLimit("note", "notes of each ticket, and as many of the provider", ("ticket_notes_max",)),
    TableLimit(
        "attachment",
        f"{PER_TICKET_MAX} of each ticket, and bytes in all",
        ("company_attachments_max", "attachment_max"),
    ),
    TableLimit("event", REQUESTS, ("company_rate_limit",)),
    TableLimit(
        "idempotency_key", "bytes of answers in a day", ("company_idempotency_max", "keep_idempotency_keys_days")
    ),
    TableLimit("job", "jobs that are not finished", ("company_jobs_max", "keep_jobs_days")),
    TableLimit("job_item", f"{BULK_MAX:,} of a bulk change, {IMPORT_MAX:,} of an import"),
    TableLimit("subscription", "subscriptions", ("company_subscriptions_max",)),
    TableLimit("delivery", "one for each event and subscription", ("keep_deliveries_days",)),
    TableLimit("delivery_action", "one for each subscription, while thousands of its deliveries are changed"),
    TableLimit("delivery_attempt", f"{len(SCHEDULE)} of each delivery that fails, and one for each replay"),
    TableLimit("notification", "one for each event and recipient", ("keep_notifications_days",)),
    TableLimit(
        "outbound_mail",
        "notifications in an hour to contacts who are no users, and to one address",
        ("company_contact_mails", "recipient_mails", "keep_outbound_mail_days"),
    ),
    TableLimit("mail_reference", "one for each mail about a ticket"),
    TableLimit(
        "inbound_mail",
        f"{BURST_LIMIT} mails of a sender in 10 minutes and {DAILY_LIMIT} in a day, and mails of all senders of a "
        "company in an hour; others are in quarantine",
        ("company_mails", "keep_inbound_mail_days", "mail_max"),
    ),
)
"""Every table with rows of companies. A test compares them with the tables of the database."""

_CLIENTS = (
    ("requests a minute of one key, or of one person in the pages", ("rate_limit",)),
    ("requests a minute of one customer", ("company_rate_limit",)),
    ("unknown keys a minute of one address", ("unknown_keys",)),
    ("event streams, exports and downloads of one customer at a time", ("company_streams",)),
    ("event streams, exports and downloads at a time", ("streams",)),
    ("searches of one customer at a time", ("company_searches",)),
    ("seconds of a statement of a search, or of a filtered list of tickets", ("search_seconds",)),
    ("connections at a time", ("connections",)),
    ("connections of one address at a time", ("peer_connections",)),
    ("bytes of the request line and the headers", ("headers_max",)),
    (f"bytes of a JSON body: {BODY_MAX} (1 MiB), {DEPTH_MAX} levels deep", ()),
    ("bytes of an attached file", ("attachment_max",)),
    ("bytes of a received mail", ("mail_max",)),
    (f"bytes of an uploaded logo: {UPLOAD_MAX} (512 KiB), {SIDE_MAX} pixels on each side; as stored {STORED_MAX}", ()),
)


def limits() -> Iterator[str]:
    """Return the page."""
    defaults = {setting.variable: setting.default for setting in documented()}

    def shown(names: tuple[str, ...]) -> str:
        variables = [PREFIX + name.upper() for name in names]
        return ", ".join(f"`{variable}` ({defaults[variable]})" for variable in variables) or "fixed"

    yield "What a company and a client may have and do at most. A limit with a [setting](settings.md) shows its"
    yield "default. Limits of requests hold for each server process. The provider's people may go beyond what is said"
    yield "of a customer's own admins. The lengths of texts are in [the house API](house-api.md)."
    yield ""
    yield "## Of a company"
    yield ""
    yield "Each table with rows of companies, and what bounds them. What is within the limits is deleted"
    yield "[after some time](retention.md)."
    yield ""
    rows = [(f"`{limit.table}`", limit.limit, shown(limit.settings)) for limit in TABLES]
    yield from table(("table", "limit", "setting"), rows)
    yield "## Of a client"
    yield ""
    yield from table(("limit", "setting"), [(about, shown(names)) for about, names in _CLIENTS])
