"""House API v1: notification preferences, and mail to contacts."""

from datetime import time
from typing import Any

from clearline.events.event_types import NotificationKind
from clearline.identity import Scope
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.contact_rules import RuleRole
from clearline.notifications.domain import WEEK
from clearline.wires.house.accounts.companies import COMPANIES, COMPANY
from clearline.wires.house.accounts.users import USERS
from clearline.wires.house.notifications import wire
from clearline.wires.house.notifications.mapping import company_notifications_out, notifications_out
from clearline.wires.house.parameters import id_in_path, uuid_of
from clearline.wires.house.wire import set_fields
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_ME = "/api/v1/me/notifications"
_OF_USER = USERS + "/{user_id}/notifications"
_OF_COMPANY = COMPANIES + "/{id}/notifications"
_USER = COMPANY | id_in_path("user_id", "The user's id.")
_TIMES = {"quiet_from", "quiet_to", "digest_at"}


def _values(body: wire.NotificationsPatch) -> dict[str, Any]:
    values = set_fields(body)
    for name in _TIMES & values.keys():
        if values[name] is not None:
            values[name] = time.fromisoformat(values[name])
    if isinstance(body.rules, wire.RulesPatch):
        values["rules"] = {NotificationKind(kind): mode for kind, mode in set_fields(body.rules).items()}
    if "quiet_days" in values:
        values["quiet_days"] = tuple(WEEK.index(day) + 1 for day in values["quiet_days"])
    return values


async def get_own(call: Call) -> wire.NotificationsOut:
    """Return the actor's preferences."""
    async with call.statement() as tx:
        return notifications_out(await preferences.get_own(tx, call.actor))


async def change_own(call: Call) -> wire.NotificationsOut:
    """Change the actor's preferences."""
    values = _values(call.body(wire.NotificationsPatch))
    async with call.transaction() as tx:
        call.check_if_match(notifications_out(await preferences.lock_own(tx, call.actor)))
        return notifications_out(await preferences.change_own(tx, call.actor, values, now=call.now))


async def get_user_preferences(call: Call) -> wire.NotificationsOut:
    """Return the preferences of a user."""
    company_id, user_id = uuid_of(call.path["id"], "company"), uuid_of(call.path["user_id"], "user")
    async with call.transaction() as tx:
        return notifications_out(await preferences.get_preferences(tx, call.actor, company_id, user_id))


async def change_user_preferences(call: Call) -> wire.NotificationsOut:
    """Change the preferences of a user."""
    company_id, user_id = uuid_of(call.path["id"], "company"), uuid_of(call.path["user_id"], "user")
    values = _values(call.body(wire.NotificationsPatch))
    async with call.transaction() as tx:
        call.check_if_match(notifications_out(await preferences.lock_preferences(tx, call.actor, company_id, user_id)))
        return notifications_out(
            await preferences.change_preferences(tx, call.actor, company_id, user_id, values, now=call.now)
        )


async def get_company_preferences(call: Call) -> wire.CompanyNotificationsOut:
    """Return what mail contacts receive."""
    company_id = uuid_of(call.path["id"], "company")
    async with call.transaction() as tx:
        return company_notifications_out(await preferences.get_contact_mail(tx, call.actor, company_id))


async def change_company_preferences(call: Call) -> wire.CompanyNotificationsOut:
    """Change what mail contacts receive."""
    company_id = uuid_of(call.path["id"], "company")
    values = set_fields(call.body(wire.CompanyNotificationsPatch))
    given = values.get("contact_rules")
    rules = None if given is None else {RuleRole(role): notices for role, notices in set_fields(given).items()}
    async with call.transaction() as tx:
        locked = await preferences.lock_contact_mail(tx, call.actor, company_id)
        call.check_if_match(company_notifications_out(locked))
        changed = await preferences.change_contact_mail(
            tx,
            call.actor,
            company_id,
            mails=values.get("mails_contacts"),
            rules=rules,
            inbound_cc=values.get("inbound_cc"),
            now=call.now,
        )
        return company_notifications_out(changed)


OPERATIONS = (
    Operation(
        "getMyNotifications", "GET", _ME, get_own,
        "Get your notification preferences", "Returns all rules of your role, with the defaults where you set none.",
        Scope.TICKETS_READ, wire.NotificationsOut,
    ),
    Operation(
        "changeMyNotifications", "PATCH", _ME, change_own,
        "Change your notification preferences", "Sets how you are notified, and when mail waits. Notifications that "
        "are already pending keep their time. The preferences of viewers are set by an admin.",
        Scope.TICKETS_WRITE, wire.NotificationsOut, body=wire.NotificationsPatch, conditional=True,
    ),
    Operation(
        "getUserNotifications", "GET", _OF_USER, get_user_preferences,
        "Get the notification preferences of a user", "For the provider's admins, and for a customer's in its own "
        "company.",
        Scope.ACCOUNTS_WRITE, wire.NotificationsOut, path_parameters=_USER, errors=(404,),
    ),
    Operation(
        "changeUserNotifications", "PATCH", _OF_USER, change_user_preferences,
        "Change the notification preferences of a user",
        "For the provider's admins, and for a customer's in its own company.",
        Scope.ACCOUNTS_WRITE, wire.NotificationsOut, body=wire.NotificationsPatch, path_parameters=_USER, errors=(404,),
        conditional=True,
    ),
    Operation(
        "getCompanyNotifications", "GET", _OF_COMPANY, get_company_preferences,
        "Get what mail contacts receive", "Customers can get it for their own company.",
        Scope.ACCOUNTS_READ, wire.CompanyNotificationsOut, path_parameters=COMPANY, errors=(404,),
    ),
    Operation(
        "changeCompanyNotifications", "PATCH", _OF_COMPANY, change_company_preferences,
        "Set what mail contacts receive", "Whether the contacts of the company's tickets receive mail about the "
        "events that they may see, what by their roles, and what becomes of Cc in the mail of its people. For the "
        "provider's admins, and for a customer's in its own company.",
        Scope.ACCOUNTS_WRITE, wire.CompanyNotificationsOut, body=wire.CompanyNotificationsPatch,
        path_parameters=COMPANY, errors=(404,), conditional=True,
    ),
)  # fmt: skip
