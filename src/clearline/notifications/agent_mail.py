"""Write the mail to the admins about an agent whose address bounces: the open tickets returned to their queues."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from clearline.accounts import company_store, user_store
from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.identity import PROVIDER_ID, User
from clearline.language.reader import Reader, first_language, read_by
from clearline.language.words import gettext
from clearline.mail.outbound import suppression_store
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import NewMail, Suppression, SuppressionReason
from clearline.mail.outbound.usecases import RETURNED_TICKETS
from clearline.mail.templates import usecases as mail_templates
from clearline.mail.templates.blocks import Commands, Value
from clearline.mail.templates.kinds import REASONS, MailKind
from clearline.mail.templates.rendering import Footer
from clearline.notifications import recipient_store
from clearline.notifications.contents import MailContext
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import can_be_assigned

AGENT_UNREACHABLE = "agent_unreachable"
_RECIPIENTS_MAX = 5


def suppressed_addresses(events: Sequence[Event], *, since: datetime) -> dict[str, int]:
    """Return the addresses that were suppressed after a time, with the number of tickets that returned to queues."""
    return {
        event.data["id"]: sum(
            change["after"] for change in event.data.get("changes", ()) if change["field"] == RETURNED_TICKETS
        )
        for event in events
        if event.type == EventType.MAIL_SUPPRESSION_CREATED and event.at > since
    }


async def write_agent_mail(tx: Tx, addresses: Mapping[str, int], *, context: MailContext, now: datetime) -> int:
    """Write a mail to some admins about each agent whose address bounced; return how many mails were written.

    ``addresses`` are as ``suppressed_addresses`` returns them.
    """
    total = 0
    for address, returned in addresses.items():
        suppression = await suppression_store.get(tx, address)
        agent = await user_store.find(tx, PROVIDER_ID, address)
        is_lost = suppression is not None and suppression.reason is SuppressionReason.BOUNCE
        if suppression is None or agent is None or not is_lost or not can_be_assigned(agent):
            continue
        for admin in await _admins(tx):
            language = first_language(admin.language, await company_store.language_of_mail(tx, PROVIDER_ID))
            with read_by(Reader(language)):
                mail = await _mail(tx, agent, suppression, admin, returned, context)
            await outbound_mail.enqueue(tx, mail, now=now, settings=context.settings)
            total += 1
    return total


async def _admins(tx: Tx) -> list[User]:
    """Return some active admins of the provider who get mail."""
    keys = [(PROVIDER_ID, user_id) for user_id in await recipient_store.admins(tx)]
    people = [recipient.user for recipient in await recipient_store.users(tx, keys, [], [])]
    reachable = [user for user in people if user.is_confirmed and await outbound_mail.may_mail(tx, user.email)]
    return sorted(reachable, key=lambda user: user.email)[:_RECIPIENTS_MAX]


async def _mail(
    tx: Tx, agent: User, suppression: Suppression, admin: User, returned: int, context: MailContext
) -> NewMail:
    path = f"/api/v1/companies/{PROVIDER_ID}/users/{agent.id}"
    values: dict[str, Value] = {
        "agent.name": agent.name,
        "address": suppression.address,
        "reason": suppression.detail,
        "tickets.count": str(returned),
        "commands.repair": Commands(
            [f'PATCH  {path}  {{"email": "..."}}', f"DELETE /api/v1/mail-suppressions/{suppression.address}"]
        ),
        "commands.deactivate": Commands([f'PATCH  {path}  {{"is_active": false}}']),
    }
    kind = MailKind.AGENT_UNREACHABLE
    footer = Footer(gettext(REASONS[kind]))
    rendered = await mail_templates.render_mail(
        tx, kind, values, footer=footer, is_customer=False, render=context.render, link=context.settings.link
    )
    return NewMail(
        recipient=admin.email,
        recipient_name=admin.name,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        kind=AGENT_UNREACHABLE,
        company_id=PROVIDER_ID,
        user_id=admin.id,
    )
