"""Tells people of what happened: who hears of it is noted as events are read, and made into mail once it is due."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from clearline.events.consumer import consumer
from clearline.events.store import Event
from clearline.mail.outbound import usecases as outbound_mail
from clearline.notifications import compose as notification_mail
from clearline.notifications import preferences as settings_of_people
from clearline.notifications.compose import Office, Outcome, Render
from clearline.notifications.recipients import note_events
from clearline.notifications.store import Group
from clearline.platform.database.transactions import Database, DatabaseUnavailable, Tx
from clearline.platform.work.runner import PeriodicJob
from clearline.settings import Settings

NAME = "notifications"
"""Of the follower, and of its place in the log of events."""

EVERY = 2
"""Seconds between two looks for mail that is due."""

AT_ONCE = 200
"""The most notifications that one turn looks at."""

PUT_OFF = timedelta(minutes=10)
"""For so long a mail waits that could not be made."""

_log = structlog.get_logger("clearline.worker")


def notifying(database: Database, settings: Settings, render: Render, now: Callable[[], datetime]) -> list[PeriodicJob]:
    """The jobs that tell people: one reads the events, one writes the mail; ``render`` fills in its templates.

    Without a server to send mail by nobody is told, and nothing is kept: on the day there is one, old news is no news.
    """
    if settings.smtp is None:
        return [consumer(database, NAME, _nobody)]

    async def handle(tx: Tx, found: list[Event]) -> None:
        noted = await note_events(tx, found, now=now())
        if noted.too_old:
            _log.warning("nobody is told of what is too old", events=noted.too_old)

    composer = Composer(database, settings, render, now)
    return [consumer(database, NAME, handle), PeriodicJob("mail of notifications", EVERY, composer.turn, AT_ONCE // 4)]


async def _nobody(_tx: Tx, _found: list[Event]) -> None:
    """Tell nobody."""


class Composer:
    """Makes mail of what is due. Each mail has a transaction of its own, and one that fails stops no other."""

    def __init__(self, database: Database, settings: Settings, render: Render, now: Callable[[], datetime]) -> None:
        self._database, self._settings, self._render, self._now = database, settings, render, now

    async def turn(self) -> int:
        """Make the mails that are due; how many there were."""
        async with self._database.transaction() as tx:
            due = await notification_mail.due_mails(tx, now=self._now(), limit=AT_ONCE)
            office = await self._office(tx) if due else None
        withheld: Counter[str] = Counter()
        for group in due:
            if office is not None and await self._make(group, office) is Outcome.WITHHELD:
                withheld[str(group.company_id)] += 1
        if withheld:
            _log.warning("mail to contacts not sent: too much within an hour", companies=dict(withheld))
        return len(due)

    async def _office(self, tx: Tx) -> Office:
        listens = self._settings.mail_listen is not None
        return Office(
            self._render,
            await outbound_mail.settings_of(tx, self._settings),
            await settings_of_people.takes_replies(tx, listens=listens),
        )

    async def _make(self, group: Group, office: Office) -> Outcome | None:
        try:
            async with self._database.transaction() as tx:
                return await notification_mail.compose(tx, group, office=office, now=self._now())
        except DatabaseUnavailable:
            raise  # the whole turn is put off
        except Exception:  # noqa: BLE001 - a mail's fault must not stop the others
            _log.exception("mail not made", ticket=group.ticket_number, user=str(group.user_id))
            async with self._database.transaction() as tx:
                now = self._now()
                await notification_mail.put_off(tx, group, to=now + PUT_OFF, now=now)
            return None
