"""Background jobs that record notifications as events are read, and turn due notifications into mail."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from clearline.events.consumer import consumer
from clearline.events.store import Event
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import RateLimits
from clearline.mail.templates.rendering import Render
from clearline.notifications import compose, preference_store
from clearline.notifications import store as notification_store
from clearline.notifications.address_mail import write_address_mail
from clearline.notifications.agent_mail import suppressed_addresses, write_agent_mail
from clearline.notifications.compose import ComposeResult
from clearline.notifications.contents import MailContext
from clearline.notifications.recipients import record_notifications
from clearline.notifications.store import MailGroup
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob
from clearline.settings.settings import Settings

NAME = "notifications"
"""The name of the event consumer, under which its offset is stored."""

INTERVAL_SECONDS = 2
"""Between two looks for due notifications."""

BATCH_SIZE = 200
"""The most notifications that one turn looks at."""

RETRY_DELAY = timedelta(minutes=10)
"""How long a mail that could not be composed is postponed."""

_log = structlog.get_logger("clearline.worker")


def jobs(
    database: Database,
    settings: Settings,
    render: Render,
    now: Callable[[], datetime],
    rate_limits: RateLimits | None = None,
) -> list[PeriodicJob]:
    """Return the jobs of notifications: one reads events, two write mail with the templates of ``render``.

    Without a mail server the events are skipped: notifications that accumulated until there is one would be outdated.
    """
    if settings.smtp is None:
        return [consumer(database, NAME, _skip)]

    composer = Composer(
        database,
        settings,
        render,
        now,
        rate_limits or RateLimits(settings.recipient_mails, settings.company_contact_mails),
    )

    async def handle(tx: Tx, events: list[Event]) -> None:
        at = now()
        since = at - timedelta(days=settings.keep_unnotified_events_days)
        recorded = await record_notifications(tx, events, since=since, now=at)
        if recorded.too_old:
            _log.warning("events too old for notifications", events=recorded.too_old)
        if addresses := suppressed_addresses(events, since=since):
            await write_agent_mail(tx, addresses, context=await composer.context(tx), now=at)

    return [
        consumer(database, NAME, handle),
        PeriodicJob("notification mail", INTERVAL_SECONDS, composer.turn, BATCH_SIZE // 4),
        PeriodicJob("address mail", INTERVAL_SECONDS, composer.address_turn, BATCH_SIZE // 4),
    ]


async def _skip(_tx: Tx, _events: list[Event]) -> None:
    """Make no notifications."""


class Composer:
    """Composes due mail. Each mail has its own transaction, and one that fails does not stop the others."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        render: Render,
        now: Callable[[], datetime],
        rate_limits: RateLimits,
    ) -> None:
        self._database, self._settings, self._render, self._now = database, settings, render, now
        self._rate_limits = rate_limits

    async def turn(self) -> int:
        """Compose the mail that is due, and return how many groups there were."""
        async with self._database.transaction() as tx:
            groups = await notification_store.due_groups(tx, now=self._now(), limit=BATCH_SIZE)
            context = await self.context(tx) if groups else None
        withheld: Counter[str] = Counter()
        for group in groups:
            if context is not None and await self._compose(group, context) is ComposeResult.WITHHELD:
                withheld[str(group.company_id)] += 1
        if withheld:
            _log.warning("mail to contacts not sent: rate limit of the company", companies=dict(withheld))
        return len(groups)

    async def address_turn(self) -> int:
        """Write the mail about addresses of users, and return how many were looked at."""
        async with self._database.transaction() as tx:
            context = await self.context(tx)
            return await write_address_mail(tx, context=context, limit=BATCH_SIZE, now=self._now())

    async def context(self, tx: Tx) -> MailContext:
        """Return what composing a mail needs."""
        is_listening = self._settings.mail_listen is not None
        return MailContext(
            self._render,
            await outbound_mail.mail_settings(tx, self._settings),
            await preference_store.accepts_replies(tx, is_listening=is_listening),
            self._rate_limits,
            staff_replies=self._settings.staff_replies_by_mail is not None,
        )

    async def _compose(self, group: MailGroup, context: MailContext) -> ComposeResult | None:
        try:
            async with self._database.transaction() as tx:
                now = self._now()
                since = now - timedelta(days=self._settings.keep_notifications_days)
                return await compose.compose(tx, group, context=context, since=since, now=now)
        except DatabaseUnavailable:
            raise  # the whole turn is retried
        except Exception:  # noqa: BLE001 - one mail's failure must not stop the others
            _log.exception("mail not composed", ticket=group.ticket_number, user=str(group.user_id))
            async with self._database.transaction() as tx:
                now = self._now()
                await compose.postpone(tx, group, to=now + RETRY_DELAY, now=now)
            return None
