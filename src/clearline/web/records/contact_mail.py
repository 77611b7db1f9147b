"""The fields of the mail to the people of a company's tickets: what by role, and what becomes of Cc in its own mail."""

from collections.abc import Mapping
from typing import NamedTuple

from clearline.notifications.contact_rules import DEFAULT_RULES, ContactRules, InboundCc, Notice, RuleRole, listed
from clearline.notifications.preference_usecases import ContactMail
from clearline.tickets.contacts.words import ROLES
from clearline.web.fields import member_in, members_in
from clearline.web.records.form import Choice, Field, Kind, Values
from clearline.web.visit import Form
from clearline.web.words import gettext


class Given(NamedTuple):
    """What a form sets."""

    mails: bool
    rules: Mapping[RuleRole, tuple[Notice, ...]]
    inbound_cc: InboundCc


def contact_mail_fields() -> list[Field]:
    """Return the fields: whether there is mail at all, what by role, and what becomes of Cc."""
    words = notice_words()
    choices = [Choice(notice, words[notice]) for notice in Notice]
    cc = [
        Choice(InboundCc.IGNORE, gettext("Ignore them")),
        Choice(InboundCc.SUGGEST, gettext("Suggest them to the support team")),
        Choice(InboundCc.ADD, gettext("Add those in the company's verified mail domains, suggest others")),
    ]
    return [
        Field(
            "mails_contacts", gettext("Send mail to the people of tickets"), Kind.CHECK,
            hint=gettext("Switch it off when the company's own system tells them."),
        ),
        *(Field(role, gettext(ROLES[role]), Kind.CHECKS, choices, _default_hint(role, words)) for role in RuleRole),
        Field(
            "inbound_cc", gettext("Addresses in Cc of the company's mail"), Kind.SELECT, cc,
            gettext("What becomes of them when its people write to a ticket by mail."),
        ),
    ]  # fmt: skip


def contact_mail_values(record: ContactMail) -> Values:
    """Return what the fields have."""
    settings = record.settings
    return {
        "mails_contacts": ["1"] if settings.mails_contacts else [],
        **_listed(settings.rules),
        "inbound_cc": [settings.inbound_cc],
    }


def _listed(rules: ContactRules) -> dict[str, list[str]]:
    return {str(role): listed(rules[role]) for role in RuleRole}


def contact_mail_in(form: Form) -> Given:
    """Return what a form sets.

    Raises:
        InvalidInput: a value is none of the choices.
    """
    return Given(
        form.has("mails_contacts"),
        {role: members_in(Notice, form, role) for role in RuleRole},
        member_in(InboundCc, form, "inbound_cc"),
    )


def notice_words() -> dict[Notice, str]:
    """Return what pages call what a role can get."""
    return {
        Notice.RAISED: gettext("Ticket raised"),
        Notice.ANSWERS: gettext("Answers of the support team"),
        Notice.CUSTOMER_NOTES: gettext("Notes of the company"),
        Notice.STATUS: gettext("Changes of the status"),
        Notice.RESOLVED: gettext("Resolution"),
        Notice.PRIORITY: gettext("Changes of the priority"),
    }


def _default_hint(role: RuleRole, words: Mapping[Notice, str]) -> str:
    """Return what a role gets where nothing else is set."""
    if not (notices := listed(DEFAULT_RULES[role])):
        return gettext("By default: no mail.")
    return gettext("By default: %(notices)s.") % {"notices": ", ".join(words[Notice(each)] for each in notices)}
