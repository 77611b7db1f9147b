"""A ticket with all kinds of recipients, for the tests of notifications."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import key_store
from clearline.accounts import usecases as accounts
from clearline.events import store as event_store
from clearline.events.event_types import NotificationKind
from clearline.events.store import Event
from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, Actor, Role, Scope
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import DeliveryMode
from clearline.notifications.recipients import RecordResult, record_notifications
from clearline.platform.database.transactions import Database, Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.note_domain import Visibility
from tests.builders.databases import Undone, undo
from tests.builders.jobs import kept
from tests.builders.people import NOW, Tenant, id_of
from tests.builders.queues import unique_name
from tests.builders.tickets import a_new_ticket

CONTACT = "pat.contact@example.com"
LATER = NOW + timedelta(minutes=1)


class StoredNotification(NamedTuple):
    """The members of a notification that tests compare."""

    recipient: str
    channel: str
    type: str
    data: dict[str, Any]
    due_at: datetime
    user_id: UUID | None


class Scene:
    """A ticket with a contact, an assignee, watchers on both sides, and other possible recipients."""

    def __init__(self, tx: Tx, tenant: Tenant) -> None:
        self.tx, self.tenant = tx, tenant
        self.people: dict[str, Actor] = {}
        self.number = 0
        self.queue_id = uuid4()
        self._seen = 0

    async def add_person(self, name: str, role: Role, **rules: str) -> Actor:
        """Add a user of the provider or of the customer, whose address begins with the name."""
        of_provider = role in {Role.ADMIN, Role.AGENT, Role.VIEWER}
        company_id = PROVIDER_ID if of_provider else self.tenant.company.id
        email = f"{name}@{uuid4().hex[:8]}.example.{'net' if of_provider else 'com'}"
        user = await accounts.add_user(
            self.tx, OPERATOR, company_id, name=name.title(), email=email, phone="", role=role, now=NOW
        )
        actor = await key_store.actor_for(self.tx, company_id, user.id, frozenset(map(Scope, ALL_SCOPES)))
        assert actor is not None
        self.people[name] = actor
        if rules:
            await self.set_preferences(
                name, rules={NotificationKind(kind): DeliveryMode(mode) for kind, mode in rules.items()}
            )
        return actor

    async def set_preferences(self, name: str, **values: Any) -> None:
        """Change the preferences of a user."""
        user = self.people[name].user
        assert user is not None
        await preferences.change_preferences(self.tx, OPERATOR, user.company_id, user.id, values, now=NOW)

    def id(self, name: str) -> UUID:
        return id_of(self.people[name])

    def address(self, name: str) -> str:
        user = self.people[name].user
        assert user is not None
        return user.email

    async def raise_ticket(
        self,
        by: str = "colleague",
        *,
        channel: Channel = Channel.API,
        contact: str = CONTACT,
        sends_receipt: bool = True,
    ) -> int:
        """Create another ticket; the scene uses it from now on."""
        actor = self.people[by]
        new = replace(a_new_ticket(), contact=Contact("Pat Contact", "", contact), channel=channel)
        created = await tickets.create_ticket(
            self.tx, actor, new, company_id=self.tenant.company.id, sends_receipt=sends_receipt, now=NOW
        )
        self.number = created.ticket.number
        return self.number

    async def new_events(self) -> list[Event]:
        """Return the events of the ticket since the last call."""
        company_id = self.tenant.company.id
        events = await event_store.of_ticket(self.tx, company_id, self.number, after=self._seen, limit=1000)
        self._seen = max([self._seen, *(event.offset.id for event in events)])
        return events

    def rewind(self) -> None:
        """Let ``new_events`` start again with the first event."""
        self._seen = 0

    async def record(self, *, now: datetime = NOW) -> RecordResult:
        """Record the notifications of the new events."""
        return await record_notifications(
            self.tx, await self.new_events(), since=now - kept("unnotified_events"), now=now
        )

    async def stored(self) -> list[StoredNotification]:
        """Return the stored notifications of the ticket."""
        rows = await self.tx.fetch(
            """select recipient, channel, type, data::text, due_at, user_id from notification
                where ticket_number = $1 order by id""",
            self.number,
        )
        return [StoredNotification(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5]) for row in rows]

    async def notified(self, *, now: datetime = NOW) -> dict[str, str]:
        """Return who is notified of the new events, and how, by name."""
        await self.tx.write("delete from notification")
        await self.record(now=now)
        names = {self.address(name): name for name in self.people} | {CONTACT: "contact"}
        modes: dict[str, str] = {}
        for stored in await self.stored():
            name = names.get(stored.recipient, stored.recipient)
            modes[name] = stored.channel if modes.get(name) in {None, stored.channel} else "both"
        return modes


@asynccontextmanager
async def a_scene(database: Database, tenant: Tenant) -> AsyncIterator[Scene]:
    """Yield a scene without notifications, in a transaction that is rolled back."""
    with suppress(Undone):
        async with database.transaction() as tx:
            scene = Scene(tx, tenant)
            await scene.add_person("agent", Role.AGENT)
            await scene.add_person("mate", Role.AGENT)
            await scene.add_person("watcher", Role.VIEWER)
            await scene.add_person("curious", Role.ADMIN, ticket_raised="digest")
            await scene.add_person("colleague", Role.CUSTOMER)
            await scene.add_person("customer_watcher", Role.CUSTOMER)
            await scene.add_person("boss", Role.CUSTOMER_ADMIN, company_ticket="email")
            await scene.add_person("quiet_boss", Role.CUSTOMER_ADMIN)
            await scene.raise_ticket()
            await ticket_changes.assign(tx, OPERATOR, scene.number, scene.id("agent"), now=NOW)
            for name in ("watcher", "customer_watcher"):
                await watchers.watch(tx, OPERATOR, scene.number, scene.id(name), now=NOW)
            team = await teams.add_team(tx, OPERATOR, unique_name("Team"), now=NOW)
            for name in ("agent", "mate"):
                await teams.join_team(tx, OPERATOR, team.team.id, scene.id(name), now=NOW)
            queue = await queues.add_queue(tx, OPERATOR, name=unique_name("Queue"), team_id=team.team.id, now=NOW)
            scene.queue_id = queue.queue.id
            await scene.new_events()
            yield scene
            undo()


def note(by: str, visibility: Visibility = Visibility.PUBLIC) -> Callable[[Scene], Awaitable[object]]:
    """Return a function that adds a note on behalf of a person of the scene."""

    async def do(at: Scene) -> None:
        actor = at.people[by]
        await notes.add_note(at.tx, actor, at.number, "Hm", channel=Channel.API, visibility=visibility, now=NOW)

    return do
