"""Values for the preview of a mail: an invented ticket, person and company."""

from collections.abc import Callable, Mapping

from clearline.language.languages import ENGLISH
from clearline.language.reader import reader
from clearline.language.words import gettext, ngettext
from clearline.mail.format.public_mark import MARK
from clearline.mail.templates.blocks import (
    Button,
    Choices,
    Commands,
    DigestTicket,
    DigestTickets,
    Entries,
    Facts,
    Remark,
    TemplateEntry,
    TicketHeading,
    Value,
)
from clearline.mail.templates.kinds import REASONS, MailKind
from clearline.mail.templates.rendering import Footer

_NUMBER, _TITLE, _SERVICE = "INC000000000042", "NET-AMS-0012: no light", "NET-AMS-0012 (Port)"
_COMPANY, _PERSON, _AGENT = "Example Freight", "Ana Ruiz", "Mara Lind"
_DESK = "https://desk.example.net"
_TEXTS = {
    ENGLISH: "Hello Ana,\n\nthe optic was replaced, and the port has light again. Please check:\n\n"
    "    xe-0/0/12   up   up",
    "de": "Guten Tag Frau Ruiz,\n\ndie Optik ist getauscht, der Port hat wieder Licht. Bitte prüfen Sie:\n\n"
    "    xe-0/0/12   up   up",
}
_TIMES = {ENGLISH: "1 Mar 2026 13:00 UTC", "de": "1. März 2026, 13:00 UTC"}


def sample_values(kind: MailKind) -> Mapping[str, Value]:
    """Return values for all placeholders of a kind, in the language of the reader."""
    return _VALUES.get(kind, _ticket)()


def sample_footer(kind: MailKind) -> Footer:
    """Return what stands below a mail of a kind; the settings only where a mail is about tickets."""
    if kind not in _VALUES or kind is MailKind.DIGEST:
        reason = gettext("You receive this mail because of your notification preferences.")
        return Footer(
            f"{reason} {gettext('Times are in %(zone)s.') % {'zone': 'UTC'}}", f"{_DESK}/portal/me/notifications"
        )
    return Footer(gettext(REASONS[kind]))


def _entry() -> TemplateEntry:
    return _AGENT, _TIMES[reader().language], _TEXTS[reader().language], "Console"


def _status() -> str:
    return gettext("In progress")


def _ticket() -> Mapping[str, Value]:
    ratings = {
        gettext("Well"): f"{_DESK}/feedback/x?rating=good",
        gettext("Not well"): f"{_DESK}/feedback/x?rating=bad",
    }
    return {
        "ticket.number": _NUMBER,
        "ticket.title": _TITLE,
        "ticket.status": _status(),
        "ticket.service": _SERVICE,
        "company.name": _COMPANY,
        "recipient.name": _PERSON,
        "headline": gettext("New note"),
        "ticket.heading": TicketHeading(_NUMBER, _TITLE, gettext("New note")),
        "messages": Entries([_entry()]),
        "ticket.facts": Facts([(gettext("Status"), _status()), (gettext("Service"), _SERVICE)]),
        "ticket.link": Button(f"{_DESK}/portal/tickets/{_NUMBER}", gettext("Open the ticket")),
        "reply_hint": Remark(gettext("Reply to this mail to add a note to the ticket.")),
        "feedback": Choices(gettext("How did we resolve it?"), ratings),
    }


def _digest() -> Mapping[str, Value]:
    url = f"{_DESK}/portal/tickets/{_NUMBER}"
    return {
        "updates.count": ngettext("%(num)s update", "%(num)s updates", 3) % {"num": 3},
        "tickets.count": ngettext("%(num)s ticket", "%(num)s tickets", 1) % {"num": 1},
        "recipient.name": _PERSON,
        "tickets": DigestTickets([DigestTicket(_NUMBER, _TITLE, _status(), _COMPANY, [_entry()], url)]),
    }


def _confirmation() -> Mapping[str, Value]:
    return {
        **_address(),
        "link": Button(f"{_DESK}/confirm/x", gettext("Confirm the address")),
        "reply_hint": Remark(gettext("Or answer this mail from that address.")),
    }


def _address() -> Mapping[str, Value]:
    return {"company.name": _COMPANY, "address": "ana@example.com"}


def _sign_in() -> Mapping[str, Value]:
    return {
        "company.name": _COMPANY,
        "link": Button(f"{_DESK}/choose-password/x", gettext("Choose a password")),
        "link.lifetime": ngettext("%(num)s day", "%(num)s days", 7) % {"num": 7},
    }


def _webhook() -> Mapping[str, Value]:
    path = "/api/v1/subscriptions/0f8fad5b-d9cb-469f-a165-70867728950e"
    return {
        "webhook.origin": "https://hooks.example.com",
        "reason": gettext("the receiver could not be reached %(count)s times in a row: %(error)s")
        % {"count": 20, "error": "connection refused"},
        "days_kept": "30",
        "commands": Commands([f'PATCH {path}  {{"is_active": true}}', f"POST  {path}/replay"]),
    }


def _agent() -> Mapping[str, Value]:
    path = "/api/v1/companies/provider/users/6f1de5a8-55f5-4c64-9fdc-2f0a3c3f5f11"
    return {
        "agent.name": _AGENT,
        "address": "mara@example.net",
        "reason": "5.1.1 no such user",
        "tickets.count": "3",
        "commands.repair": Commands(
            [f'PATCH  {path}  {{"email": "..."}}', "DELETE /api/v1/mail-suppressions/mara@example.net"]
        ),
        "commands.deactivate": Commands([f'PATCH  {path}  {{"is_active": false}}']),
    }


def _reply() -> Mapping[str, Value]:
    return {
        "ticket.number": _NUMBER,
        "ticket.title": _TITLE,
        "ticket.heading": TicketHeading(_NUMBER, _TITLE, gettext("Your mail was not sent to the customer")),
        "reason": "its sender is not verified",
        "mark": MARK,
        "outcome": gettext("It waits in quarantine until somebody reviews it."),
    }


_VALUES: Mapping[MailKind, Callable[[], Mapping[str, Value]]] = {
    MailKind.DIGEST: _digest,
    MailKind.ADDRESS_CONFIRMATION: _confirmation,
    MailKind.ADDRESS_CHANGED: _address,
    MailKind.SIGN_IN_INVITATION: _sign_in,
    MailKind.PASSWORD_RESET: _sign_in,
    MailKind.WEBHOOK_DISABLED: _webhook,
    MailKind.AGENT_UNREACHABLE: _agent,
    MailKind.REPLY_NOT_SENT: _reply,
}
"""The kinds that are not about the news of one ticket."""
