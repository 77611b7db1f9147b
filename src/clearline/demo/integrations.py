"""The connections of the demo to other systems: a webhook, a mailbox, and an inbound mail."""

from datetime import datetime
from email.utils import format_datetime

from clearline.events.event_types import EventType
from clearline.identity import Actor, Company
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.mail.inbound import usecases as inbound_mail
from clearline.platform.database.transactions import Tx
from clearline.webhooks import subscription_usecases as subscriptions

_SENDER = "lena.brandt@unknown.example.net"
_MAIL = """\
Message-ID: <demo-question@unknown.example.net>
Date: {date}
From: Lena Brandt <{sender}>
To: {address}
Subject: Port in Lisbon
Content-Type: text/plain; charset=utf-8

Hello,

we are moving into the Lisbon data centre in May. Can you say how long a 10G port takes from order to light?

Thank you
Lena
"""


async def load_webhook(tx: Tx, actor: Actor, company: Company, *, now: datetime) -> None:
    """Add a webhook to a customer that has none. It is not active: its receiver does not exist."""
    if await subscriptions.list_subscriptions(tx, actor, of=company, after=None, limit=1):
        return
    values = {
        "url": "https://hooks.example.com/clearline",
        "description": "Into our own monitoring",
        "types": ("ticket.", EventType.NOTE_ADDED.value),
        "is_active": False,
    }
    await subscriptions.add_subscription(tx, actor, values, of=company, networks=(), now=now)


async def load_mailbox(tx: Tx, actor: Actor, address: str, *, now: datetime) -> None:
    """Add a mailbox, if it does not exist, and receive a mail from an unknown sender."""
    if await mailbox_store.find(tx, [address.lower()]):
        return
    secret_box = await mailboxes.secret_box(tx, None)
    mailbox = await mailboxes.add_mailbox(
        tx, actor, {"address": address, "name": "Support"}, secret_box=secret_box, now=now
    )
    raw = _MAIL.format(date=format_datetime(now), sender=_SENDER, address=address)
    await inbound_mail.receive(tx, mailbox, raw.encode(), envelope_from=_SENDER, envelope_to=[address], now=now)
