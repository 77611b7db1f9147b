"""House API v1: notification preferences as they travel."""

from datetime import time
from typing import get_args

from clearline.notifications.contact_rules import Notice
from clearline.notifications.domain import effective_rules
from clearline.notifications.preference_usecases import ContactMail, UserPreferences
from clearline.wires.house.notifications import wire

_DAYS: tuple[wire.Day, ...] = get_args(wire.Day)


def notifications_out(of_user: UserPreferences) -> wire.NotificationsOut:
    """Return the notification preferences of a user."""
    user, preferences = of_user
    return wire.NotificationsOut(
        str(user.id),
        preferences.time_zone,
        _clock(preferences.quiet_from),
        _clock(preferences.quiet_to),
        [_DAYS[day - 1] for day in sorted(preferences.quiet_days)],
        preferences.critical_breaks_quiet,
        preferences.digest,
        f"{preferences.digest_at:%H:%M}",
        preferences.replies_by_mail,
        wire.RulesOut(**effective_rules(preferences, user.role)),
    )


def _clock(value: time | None) -> str | None:
    return None if value is None else f"{value:%H:%M}"


def company_notifications_out(contact_mail: ContactMail) -> wire.CompanyNotificationsOut:
    """Return what mail the people of a company's tickets get."""
    company, settings = contact_mail
    rules = {role: [each for each in Notice if each in notices] for role, notices in settings.rules.items()}
    return wire.CompanyNotificationsOut(
        str(company.id), settings.mails_contacts, wire.ContactRulesOut(**rules), settings.inbound_cc
    )
