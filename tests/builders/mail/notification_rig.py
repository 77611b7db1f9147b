"""A rig that runs the jobs of notifications with a fixed clock, and reads the mail that they enqueue."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple

from clearline.identity import OPERATOR, Actor, Role
from clearline.mail.outbound.domain import RateLimits
from clearline.notifications import preference_usecases as preferences
from clearline.notifications import worker
from clearline.platform.database.transactions import Database, Tx
from clearline.settings.settings import Settings
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.note_domain import Visibility
from clearline.web import mail as templates
from tests.builders.databases import administer
from tests.builders.people import NOW, Tenant, id_of, new_person

SETTINGS = Settings(
    smtp="smtp://127.0.0.1:25", mail_from="Support <support@example.net>", mail_listen="smtp://127.0.0.1:25"
)
CONTACT = "ada@example.com"


class SentMail(NamedTuple):
    """The members of a mail in the outbound queue that tests compare."""

    to: str
    kind: str
    number: int | None
    subject: str
    text: str
    html: str


class NotificationRig:
    """The jobs of notifications, with a fixed clock that tests advance."""

    def __init__(self, database: Database, tenant: Tenant, url: str) -> None:
        self.database, self.tenant, self.url = database, tenant, url
        self.now = NOW
        self.limit(RateLimits())

    def limit(self, rate_limits: RateLimits) -> None:
        """Use other rate limits from now on."""
        self.jobs = worker.jobs(self.database, SETTINGS, templates.render, lambda: self.now, rate_limits)

    async def record(self) -> None:
        """Read all events and record their notifications."""
        while await self.jobs[0].run():
            pass

    async def compose(self) -> int:
        """Compose the mails that are due."""
        return await self.jobs[1].run()

    async def advance(self, span: timedelta) -> int:
        """Record notifications, advance the clock, and compose the mail that is due then."""
        await self.record()
        self.now += span
        return await self.compose()

    async def transact(self, work: Callable[[Tx], Awaitable[Any]]) -> Any:
        """Run a function in a transaction."""
        async with self.database.transaction() as tx:
            return await work(tx)

    async def take_sent(self) -> list[SentMail]:
        """Return and delete the mails in the outbound queue, in their order."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch("select recipient, kind, ticket_number, message from outbound_mail order by number")
            await tx.write("delete from outbound_mail")
        return [SentMail(row[0], row[1], row[2], *_parts(row[3])) for row in rows]

    async def take_messages(self) -> list[EmailMessage]:
        """Return and delete the messages in the outbound queue, in their order."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch("select message from outbound_mail order by number")
            await tx.write("delete from outbound_mail")
        return [_message(row[0]) for row in rows]

    async def pending_count(self) -> int:
        """Return how many notifications are stored."""
        async with self.database.statement() as tx:
            count: int = await tx.fetchval("select count(*) from notification")
            return count

    @asynccontextmanager
    async def failing(self, statement: str) -> AsyncIterator[None]:
        """Let the database refuse a kind of statement, such as ``delete on notification``, while the block runs."""
        table = statement.rsplit(maxsplit=1)[-1]
        await administer(
            self.url,
            f"""create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
                create trigger refuse before {statement} for each row execute function refuse()""",
        )
        try:
            yield
        finally:
            await administer(self.url, f"drop trigger refuse on {table}; drop function refuse()")


def _message(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _parts(raw: bytes) -> tuple[str, str, str]:
    message = _message(raw)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return str(message["Subject"]), str(text.get_content()), str(html.get_content())


def note(
    number: int, text: str, by: Actor, visibility: Visibility = Visibility.PUBLIC, at: datetime = NOW
) -> Callable[[Tx], Awaitable[Any]]:
    """Return a function that adds a note to a ticket."""
    return lambda tx: notes.add_note(tx, by, number, text, channel=Channel.API, visibility=visibility, now=at)


async def new_watcher(tx: Tx, number: int, role: Role, company: str = "PROVIDER", **values: Any) -> Actor:
    """Add a user who watches a ticket, with these notification preferences."""
    watcher = await new_person(tx, role=role, company=company)
    await watchers.watch(tx, OPERATOR, number, id_of(watcher), now=NOW)
    if values:
        assert watcher.user is not None
        await preferences.change_preferences(tx, OPERATOR, watcher.user.company_id, watcher.user.id, values, now=NOW)
    return watcher
