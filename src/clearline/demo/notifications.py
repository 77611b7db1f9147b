"""The notification preferences of the demo."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any
from uuid import UUID

from clearline.events.event_types import NotificationKind
from clearline.identity import PROVIDER_ID, Actor
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import DeliveryMode, DigestFrequency
from clearline.platform.database.transactions import Tx

_PREFERENCES: Sequence[tuple[str, Mapping[str, Any]]] = (
    (
        "mara.lindqvist@provider.example.org",
        {
            "time_zone": "Europe/Stockholm",
            "quiet_from": time(22),
            "quiet_to": time(7),
            "critical_breaks_quiet": True,
            "rules": {NotificationKind.TICKET_RAISED: DeliveryMode.DIGEST},
        },
    ),
    (
        "aiko.tan@provider.example.org",
        {"time_zone": "Asia/Singapore", "quiet_days": (6, 7), "digest": DigestFrequency.HOURLY},
    ),
)


async def set_preferences(tx: Tx, actor: Actor, *, now: datetime) -> None:
    """Set the preferences of two people of the desk."""
    for email, values in _PREFERENCES:
        await preferences.change_preferences(tx, actor, PROVIDER_ID, email, values, now=now)


async def turn_off_contact_mail(tx: Tx, actor: Actor, company_id: UUID, *, now: datetime) -> None:
    """Send no mail to the contacts of a customer: the addresses of the demo do not exist."""
    await preferences.change_contact_mail(tx, actor, company_id, mails=False, now=now)
