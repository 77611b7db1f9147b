"""The kinds of mail whose texts can be changed, and the placeholders of each."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from clearline.language.marks import gettext_noop as _


class MailKind(StrEnum):
    """A kind of mail with a text of its own."""

    TICKET_RECEIVED = "ticket_received"
    TICKET_ANSWERED = "ticket_answered"
    TICKET_RESOLVED = "ticket_resolved"
    TICKET_UPDATED = "ticket_updated"
    STAFF_TICKET = "staff_ticket"
    DIGEST = "digest"
    ADDRESS_CONFIRMATION = "address_confirmation"
    ADDRESS_CHANGED = "address_changed"
    SIGN_IN_INVITATION = "sign_in_invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of a kind
    WEBHOOK_DISABLED = "webhook_disabled"
    AGENT_UNREACHABLE = "agent_unreachable"
    REPLY_NOT_SENT = "reply_not_sent"


class Placeholder(Struct, frozen=True):
    """A name that stands for a value of each mail.

    A block stands on a line of its own. One that is not ``in_subject`` is a secret, or too long for a line.
    """

    name: str
    about: str
    is_block: bool = False

    @property
    def shown(self) -> str:
        """How it is written in a text."""
        return f"{{{{ {self.name} }}}}"


class KindRow(Struct, frozen=True):
    """What a kind is called, when such mail is sent and to whom, its placeholders, and those that it must have."""

    title: str
    about: str
    placeholders: tuple[Placeholder, ...]
    required: frozenset[str]

    def placeholder(self, name: str) -> Placeholder | None:
        """Return the placeholder of a name, or None."""
        return next((one for one in self.placeholders if one.name == name), None)


def _block(name: str, about: str) -> Placeholder:
    return Placeholder(name, about, is_block=True)


_RECIPIENT = Placeholder("recipient.name", "The name of the recipient; may be empty.")
_NUMBER = Placeholder("ticket.number", "The number, such as INC000000000042.")
_TITLE = Placeholder("ticket.title", "The title.")
_HEADING = _block("ticket.heading", "The number, the title, and what happened in a few words.")
_TICKET = (
    _NUMBER,
    _TITLE,
    Placeholder("ticket.status", "The status in the recipient's words, such as Waiting for your answer."),
    Placeholder("ticket.service", "The service; empty when it is not known."),
    Placeholder("company.name", "The customer whose ticket it is."),
    _RECIPIENT,
    Placeholder("headline", "What happened in a few words, such as New note."),
    _HEADING,
    _block("messages", "What was written and what happened, each with its author and time."),
    _block(
        "ticket.facts", "The status and the service; for your people also the customer, the priority and the agent."
    ),
    _block("ticket.link", "A button to the ticket's page; nothing for a contact, who cannot sign in."),
    _block("reply_hint", "How to answer; nothing where no answer is read."),
)
_FEEDBACK = _block("feedback", "The links that rate the resolution; nothing in mail that does not report one.")
_LINK = _block("link", "The button with the link that works once.")
_LIFETIME = Placeholder("link.lifetime", "How long the link works, such as 7 days.")
_COMPANY = Placeholder("company.name", "The name of the recipient's company.")
_ACCOUNT = Placeholder("company.name", "The name of the customer; empty for your own people.")
_ADDRESS = Placeholder("address", "The address that the mail is about.")
_REASON = Placeholder("reason", "Why; may be empty.")
_MESSAGES = frozenset({"messages"})


def _of_customer(title: str, about: str) -> KindRow:
    return KindRow(title, f"To customers: {about}", (*_TICKET, _FEEDBACK), _MESSAGES)


KINDS: Mapping[MailKind, KindRow] = {
    MailKind.TICKET_RECEIVED: _of_customer("Ticket received", "the receipt of a new ticket."),
    MailKind.TICKET_ANSWERED: _of_customer("Answer to a ticket", "you wrote a public note."),
    MailKind.TICKET_RESOLVED: _of_customer("Ticket resolved", "you resolved the ticket."),
    MailKind.TICKET_UPDATED: _of_customer("Other news of a ticket", "anything else that happened."),
    MailKind.STAFF_TICKET: KindRow(
        "News of a ticket, for your people", "To your people: whatever happened to a ticket.", _TICKET, _MESSAGES
    ),
    MailKind.DIGEST: KindRow(
        "Digest",
        "To customers and your people: what was collected for an hour or a day.",
        (
            Placeholder("updates.count", "How much happened, such as 3 updates."),
            Placeholder("tickets.count", "To how many tickets, such as 2 tickets."),
            _RECIPIENT,
            _block("tickets", "The tickets, each with its status and what happened."),
        ),
        frozenset({"tickets"}),
    ),
    MailKind.ADDRESS_CONFIRMATION: KindRow(
        "Confirm an address",
        "To an address that was added to a person: is it that person's own?",
        (_COMPANY, _ADDRESS, _LINK, _block("reply_hint", "That an answer confirms it; nothing where none is read.")),
        frozenset({"company.name", "link"}),
    ),
    MailKind.ADDRESS_CHANGED: KindRow(
        "Address replaced",
        "To the former address of a person.",
        (_COMPANY, _ADDRESS),
        frozenset({"company.name"}),
    ),
    MailKind.SIGN_IN_INVITATION: KindRow(
        "Invitation to sign in",
        "To people who have no password yet.",
        (_ACCOUNT, _LINK, _LIFETIME),
        frozenset({"link"}),
    ),
    MailKind.PASSWORD_RESET: KindRow(
        "New password", "To people who asked for a new password.", (_ACCOUNT, _LINK, _LIFETIME), frozenset({"link"})
    ),
    MailKind.WEBHOOK_DISABLED: KindRow(
        "Webhook disabled",
        "To whoever created a webhook that is disabled after many failures, or to the company's admins.",
        (
            Placeholder("webhook.origin", "The receiver, such as https://hooks.example.com."),
            _REASON,
            Placeholder("days_kept", "For how many days events can be replayed."),
            _block("commands", "The requests that enable it again."),
        ),
        frozenset({"webhook.origin"}),
    ),
    MailKind.AGENT_UNREACHABLE: KindRow(
        "Mail to an agent comes back",
        "To your admins.",
        (
            Placeholder("agent.name", "The agent."),
            _ADDRESS,
            _REASON,
            Placeholder("tickets.count", "How many tickets returned to their queues."),
            _block("commands.repair", "The requests that change the address or let it get mail again."),
            _block("commands.deactivate", "The request that deactivates the agent."),
        ),
        frozenset({"address"}),
    ),
    MailKind.REPLY_NOT_SENT: KindRow(
        "Reply of an agent not sent",
        "To an agent whose mail did not go to the customer.",
        (
            _NUMBER,
            _TITLE,
            _HEADING,
            _REASON,
            Placeholder("mark", "The mark that sends a mail to the customer."),
            Placeholder("outcome", "What became of the mail."),
        ),
        frozenset({"reason"}),
    ),
}

REASONS: Mapping[MailKind, str] = {
    MailKind.ADDRESS_CONFIRMATION: _("You receive this mail once."),
    MailKind.ADDRESS_CHANGED: _("You receive this mail because this was your address."),
    MailKind.SIGN_IN_INVITATION: _("You receive this mail because somebody added you to the support desk."),
    MailKind.PASSWORD_RESET: _("You receive this mail because a new password was asked for this address."),
    MailKind.WEBHOOK_DISABLED: _(
        "You receive this mail because you created this subscription, or because you manage the users and API keys of "
        "your company."
    ),
    MailKind.AGENT_UNREACHABLE: _("You receive this mail because you are an admin of the support desk."),
    MailKind.REPLY_NOT_SENT: _(
        "You receive this mail because a mail to the support desk has your address as its sender."
    ),
}
"""Why the recipient gets a mail, which stands below it; for mail about tickets it depends on the recipient."""
