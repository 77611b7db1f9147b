"""What the people of the demo want to hear of; and its contacts, who are invented, get no mail."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any
from uuid import UUID

from clearline.events.event_types import NotificationKind
from clearline.identity import PROVIDER_ID, Actor
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import DeliveryMode, DigestFrequency
from clearline.platform.database.transactions import Tx

_WISHES: Sequence[tuple[str, Mapping[str, Any]]] = (
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


async def demo_notifications(tx: Tx, actor: Actor, companies: Sequence[UUID], *, now: datetime) -> None:
    """Set what two people of the demo's provider want, and that contacts of these companies are not written to."""
    for email, values in _WISHES:
        await preferences.change_preferences(tx, actor, PROVIDER_ID, email, values, now=now)
    for company_id in companies:
        await preferences.change_contact_mail(tx, actor, company_id, mails=False, now=now)
