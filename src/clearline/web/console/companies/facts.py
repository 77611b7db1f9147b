"""What pages say of a company: the time of day there, where notices go, and what mail its tickets' people get."""

from datetime import datetime

from clearline.accounts.domain import CompanyDetails
from clearline.language.reader import zone_of
from clearline.language.times import zone_name
from clearline.notifications.contact_rules import Notice, RuleRole, own_rules
from clearline.notifications.preference_usecases import ContactMail
from clearline.tickets.contacts.words import ROLES
from clearline.web.records.contact_mail import notice_words
from clearline.web.words import gettext


def local_time(company: CompanyDetails, now: datetime) -> str:
    """Return the time of day at a customer with its zone: ``14:05 CEST``; empty when its zone is not known."""
    if company.time_zone is None:
        return ""
    local = now.astimezone(zone_of(company.time_zone))
    return f"{local:%H:%M} {zone_name(local)}"


def notices_of(company: CompanyDetails) -> list[tuple[str, tuple[str, ...]]]:
    """Return the subjects of notices that have addresses, with them."""
    addresses = company.notice_addresses
    subjects = (
        (gettext("Incidents"), addresses.incidents),
        (gettext("Maintenance"), addresses.maintenance),
        (gettext("Billing"), addresses.billing),
    )
    return [(subject, tuple(listed)) for subject, listed in subjects if listed]


def contact_mail_of(mail: ContactMail) -> list[tuple[str, str]]:
    """Return what is not as by default: whether the people of tickets get mail, and what by their roles."""
    settings = mail.settings
    if not settings.mails_contacts:
        return [(gettext("Everybody"), gettext("No mail"))]
    words = notice_words()
    return [
        (gettext(ROLES[RuleRole(role)]), ", ".join(words[Notice(each)] for each in notices) or gettext("No mail"))
        for role, notices in own_rules(settings.rules).items()
    ]
