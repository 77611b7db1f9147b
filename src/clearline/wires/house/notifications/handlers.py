"""House API v1: what people want to hear of, and whether contacts are written to."""

from datetime import time
from typing import Any

from clearline.events.event_types import NotificationKind
from clearline.identity import Scope
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import WEEK
from clearline.wires.house.accounts.companies import COMPANIES, COMPANY
from clearline.wires.house.accounts.users import USERS
from clearline.wires.house.notifications import wire
from clearline.wires.house.notifications.mapping import company_notifications_out, notifications_out
from clearline.wires.house.tickets.handlers import id_in_path, uuid_of
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
        values["rules"] = {NotificationKind(what): way for what, way in set_fields(body.rules).items()}
    if "quiet_days" in values:
        values["quiet_days"] = tuple(WEEK.index(day) + 1 for day in values["quiet_days"])
    return values


async def get_own(call: Call) -> wire.NotificationsOut:
    """What one wants to hear of."""
    async with call.statement() as tx:
        return notifications_out(await preferences.get_own(tx, call.actor))


async def change_own(call: Call) -> wire.NotificationsOut:
    """Say what one wants to hear of."""
    values = _values(call.body(wire.NotificationsPatch))
    async with call.transaction() as tx:
        call.check_if_match(notifications_out(await preferences.lock_own(tx, call.actor)))
        return notifications_out(await preferences.change_own(tx, call.actor, values, now=call.now))


async def get_settings(call: Call) -> wire.NotificationsOut:
    """What a person wants to hear of."""
    company_id, user_id = uuid_of(call.path["id"], "company"), uuid_of(call.path["user_id"], "user")
    async with call.transaction() as tx:
        return notifications_out(await preferences.get_preferences(tx, call.actor, company_id, user_id))


async def change_settings(call: Call) -> wire.NotificationsOut:
    """Say what a person hears of."""
    company_id, user_id = uuid_of(call.path["id"], "company"), uuid_of(call.path["user_id"], "user")
    values = _values(call.body(wire.NotificationsPatch))
    async with call.transaction() as tx:
        call.check_if_match(notifications_out(await preferences.lock_preferences(tx, call.actor, company_id, user_id)))
        return notifications_out(
            await preferences.change_preferences(tx, call.actor, company_id, user_id, values, now=call.now)
        )


async def get_contacts(call: Call) -> wire.CompanyNotificationsOut:
    """Whether contacts are written to."""
    company_id = uuid_of(call.path["id"], "company")
    async with call.transaction() as tx:
        return company_notifications_out(await preferences.get_contact_mail(tx, call.actor, company_id))


async def change_contacts(call: Call) -> wire.CompanyNotificationsOut:
    """Say whether contacts are written to."""
    company_id = uuid_of(call.path["id"], "company")
    mails = call.body(wire.CompanyNotificationsPatch).mails_contacts
    async with call.transaction() as tx:
        held = await preferences.lock_contact_mail(tx, call.actor, company_id)
        call.check_if_match(company_notifications_out(held))
        if isinstance(mails, bool):
            held = await preferences.change_contact_mail(tx, call.actor, company_id, mails=mails, now=call.now)
        return company_notifications_out(held)


OPERATIONS = (
    Operation(
        "getMyNotifications", "GET", _ME, get_own,
        "Read what you hear of", "With the rules that hold until you change them.",
        Scope.TICKETS_READ, wire.NotificationsOut,
    ),
    Operation(
        "changeMyNotifications", "PATCH", _ME, change_own,
        "Choose what you hear of", "By mail at once, in a digest, or not at all; and when mail has to wait. What waits "
        "already keeps its time. For viewers an admin chooses.",
        Scope.TICKETS_WRITE, wire.NotificationsOut, body=wire.NotificationsPatch, conditional=True,
    ),
    Operation(
        "getUserNotifications", "GET", _OF_USER, get_settings,
        "Read what a user hears of", "For the provider's admins, and for a customer's in its own company.",
        Scope.ACCOUNTS_WRITE, wire.NotificationsOut, path_parameters=_USER, errors=(404,),
    ),
    Operation(
        "changeUserNotifications", "PATCH", _OF_USER, change_settings,
        "Choose what a user hears of", "For the provider's admins, and for a customer's in its own company.",
        Scope.ACCOUNTS_WRITE, wire.NotificationsOut, body=wire.NotificationsPatch, path_parameters=_USER, errors=(404,),
        conditional=True,
    ),
    Operation(
        "getCompanyNotifications", "GET", _OF_COMPANY, get_contacts,
        "Read whether contacts get mail", "Customers read it of their own company.",
        Scope.ACCOUNTS_READ, wire.CompanyNotificationsOut, path_parameters=COMPANY, errors=(404,),
    ),
    Operation(
        "changeCompanyNotifications", "PATCH", _OF_COMPANY, change_contacts,
        "Say whether contacts get mail", "Whether those whom tickets name as contact are written to when something "
        "happens that they may know. For the provider's admins, and for a customer's in its own company.",
        Scope.ACCOUNTS_WRITE, wire.CompanyNotificationsOut, body=wire.CompanyNotificationsPatch,
        path_parameters=COMPANY, errors=(404,), conditional=True,
    ),
)  # fmt: skip
