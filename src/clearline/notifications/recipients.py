"""Decide who hears of an event, how, and when."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from clearline.events.event_types import Audience, EventType, Relation, visible_data
from clearline.events.store import Event
from clearline.identity import PROVIDER_ID, User
from clearline.mail.outbound.domain import folded, is_mailable
from clearline.notifications import recipient_store
from clearline.notifications import store as notification_store
from clearline.notifications.domain import (
    NotificationSettings,
    Way,
    audience_of,
    is_receipt,
    notification_rules,
    way_to,
)
from clearline.notifications.quiet_hours import next_digest, quiet_until
from clearline.notifications.recipient_store import Person, TicketNow
from clearline.notifications.store import NewNotification
from clearline.platform.database.transactions import Tx

WINDOW = timedelta(seconds=30)
"""What happens to a ticket within this time makes one mail."""

TOO_OLD = timedelta(days=1)
"""Nobody is told of what happened longer ago than this."""

_TEXT_TYPES = {EventType.NOTE_ADDED, EventType.ATTACHMENT_ADDED}
_Id = tuple[UUID, UUID]
"""A person: its company, and itself."""


class Noted(NamedTuple):
    """What became of events: how many notifications they made, and how many events were too old to tell of."""

    notifications: int
    too_old: int


async def note_events(tx: Tx, found: Sequence[Event], *, now: datetime) -> Noted:
    """Note for everybody who wants to hear of the events that they are to be told, and when.

    Nobody hears of what it did itself, but for the receipt of a ticket; nobody who is not active hears of anything; and
    an address hears once of each event.
    """
    fresh = [event for event in found if event.at > now - TOO_OLD]
    concerned = [
        event for event in fresh if event.ticket_number is not None and notification_rules(event.type, event.data)
    ]
    # The notes and files that a split brings along were told of before.
    born = {(event.ticket_number, event.offset.xid) for event in fresh if event.type == EventType.TICKET_CREATED}
    concerned = [
        event
        for event in concerned
        if event.type not in _TEXT_TYPES or (event.ticket_number, event.offset.xid) not in born
    ]
    if not concerned:
        return Noted(0, len(found) - len(fresh))
    hearers = await _read_audience(tx, concerned, now)
    made = [one for event in concerned for one in hearers.hear(event)]
    await notification_store.insert(tx, made)
    return Noted(len(made), len(found) - len(fresh))


async def _read_audience(tx: Tx, found: Sequence[Event], now: datetime) -> "_Audience":
    """Everybody who may hear of the events, in one statement for each way to have to do with a ticket."""
    wanted = {(event.company_id, event.ticket_number) for event in found if event.ticket_number is not None}
    tickets = await recipient_store.tickets(tx, wanted)
    watchers = await recipient_store.watchers(tx, wanted)
    teams = await recipient_store.teams_of(
        tx, {UUID(one.data["after"]) for one in found if _leads(one, EventType.TICKET_ROUTED)}
    )
    files = {(one.company_id, UUID(one.data["id"])) for one in found if one.type == EventType.ATTACHMENT_ADDED}
    sides = await recipient_store.sides_of(tx, files)
    staff = {user_id for _queue, user_id in teams} | {
        UUID(one.data["after"]) for one in found if _leads(one, EventType.TICKET_ASSIGNED)
    }
    staff |= {one.assignee_id for one in tickets.values() if one.assignee_id is not None}
    ids = {(PROVIDER_ID, one) for one in staff} | {(company_id, one) for _number, company_id, one in watchers}
    contacts = [(one.company_id, one.contact) for one in tickets.values() if one.contact]
    contacts += [(PROVIDER_ID, address) for _company, address in contacts]
    companies = {PROVIDER_ID, *(one.company_id for one in tickets.values())}
    people = await recipient_store.people(tx, ids, contacts, companies)
    return _Audience(tickets, people, watchers, teams, sides, now)


def _leads(event: Event, kind: str) -> bool:
    """Whether an event of the kind brings the ticket somewhere, and not only away."""
    return event.type == kind and event.data["after"] is not None


class _Audience:
    """Who may hear of the events of one turn."""

    def __init__(
        self,
        tickets: dict[int, TicketNow],
        people: Sequence[Person],
        watchers: Sequence[tuple[int, UUID, UUID]],
        teams: Sequence[tuple[UUID, UUID]],
        sides: dict[UUID, str],
        now: datetime,
    ) -> None:
        self._tickets, self._sides, self._now = tickets, sides, now
        self._people: dict[_Id, Person] = {(one.user.company_id, one.user.id): one for one in people}
        self._ids_at: dict[tuple[UUID, str], _Id] = {
            (key[0], folded(one.user.email)): key for key, one in self._people.items()
        }
        self._of_company: dict[UUID, list[_Id]] = defaultdict(list)
        for key, one in self._people.items():
            if one.user.is_active:
                self._of_company[key[0]].append(key)
        self._watchers: dict[int, list[_Id]] = defaultdict(list)
        for number, company_id, user_id in watchers:
            self._watchers[number].append((company_id, user_id))
        self._teams: dict[str, list[_Id]] = defaultdict(list)
        for queue_id, user_id in teams:
            self._teams[str(queue_id)].append((PROVIDER_ID, user_id))
        self._due: dict[tuple[_Id, Way, bool], datetime] = {}

    def hear(self, event: Event) -> Iterator[NewNotification]:
        """What is to be told of an event: at most one thing to each address; users go before contacts."""
        ticket = self._tickets.get(event.ticket_number or 0)
        if ticket is None:
            return
        told: set[str] = set()
        relations = self._relations(event, ticket)
        outside = self._outside(ticket, relations)
        for key, has in relations.items():
            one = self._hears(event, ticket, key, has, outside)
            if one is not None and folded(one.recipient) not in told:
                told.add(folded(one.recipient))
                yield one
        to_contact = None if self._contact(ticket) else self._contact_hears(event, ticket)
        if to_contact is not None and folded(to_contact.recipient) not in told:
            yield to_contact

    def _relations(self, event: Event, ticket: TicketNow) -> dict[_Id, set[Relation]]:
        """What each person who is active has to do with the event's ticket, the customer's people first."""
        found: dict[_Id, set[Relation]] = defaultdict(set)
        if (contact := self._contact(ticket)) is not None:
            found[contact].add(Relation.CONTACT)
        for key in self._of_company[ticket.company_id]:
            found[key].add(Relation.COMPANY)
        for key in self._watchers[ticket.number]:
            found[key].add(Relation.WATCHER)
        assignee = event.data["after"] if event.type == EventType.TICKET_ASSIGNED else ticket.assignee_id
        if assignee is not None:
            found[PROVIDER_ID, UUID(str(assignee))].add(Relation.ASSIGNEE)
        if event.type == EventType.TICKET_ROUTED and ticket.assignee_id is None:
            for key in self._teams[event.data["after"]]:
                found[key].add(Relation.TEAM)
        if event.type == EventType.TICKET_CREATED:
            for key in self._of_company[PROVIDER_ID]:
                found[key].add(Relation.STAFF)
        return {key: has for key, has in found.items() if key in self._people and self._people[key].user.is_active}

    def _contact(self, ticket: TicketNow) -> _Id | None:
        """The user who is the ticket's contact, by its address; one who is not active is nevertheless it."""
        if ticket.contact is None:
            return None
        address = folded(ticket.contact)
        return self._ids_at.get((ticket.company_id, address)) or self._ids_at.get((PROVIDER_ID, address))

    def _outside(self, ticket: TicketNow, relations: dict[_Id, set[Relation]]) -> set[str]:
        """The addresses that have to do with the ticket and belong to the customer."""
        own = {folded(self._people[key].user.email) for key in relations if key[0] != PROVIDER_ID}
        return own if ticket.contact is None else own | {folded(ticket.contact)}

    def _hears(
        self, event: Event, ticket: TicketNow, key: _Id, has: set[Relation], outside: set[str]
    ) -> NewNotification | None:
        user, settings = self._people[key]
        if user.id == event.actor_id:
            if Relation.CONTACT not in has or not is_receipt(event.type, event.data):
                return None
            has = {Relation.CONTACT}
        rules = notification_rules(event.type, event.data, source=self._side(event))
        way = way_to(user.role, settings.rules, has, rules)
        # An address that is the customer's too gets what customers may know, whoever else it belongs to.
        audience = Audience.CUSTOMER if folded(user.email) in outside else audience_of(user.role)
        data = visible_data(event.type, event.data, audience)
        if way is Way.OFF or data is None or not is_mailable(user.email):
            return None
        due_at = self._due_at(user, settings, way, is_critical=ticket.is_critical)
        return _new(event, ticket, user.email, key, data, way, due_at)

    def _contact_hears(self, event: Event, ticket: TicketNow) -> NewNotification | None:
        """What a contact who is no user hears of: always at once."""
        rules = notification_rules(event.type, event.data, source=self._side(event))
        data = visible_data(event.type, event.data, Audience.CUSTOMER)
        address = ticket.contact
        if address is None or data is None or not is_mailable(address):
            return None
        if not any(Relation.CONTACT in rule.recipients for rule in rules):
            return None
        return _new(event, ticket, address, None, data, Way.EMAIL, self._now + WINDOW)

    def _side(self, event: Event) -> str | None:
        """The side that a file comes from; None for other events, and for a file that is gone."""
        return self._sides.get(UUID(event.data["id"])) if event.type == EventType.ATTACHMENT_ADDED else None

    def _due_at(self, user: User, settings: NotificationSettings, way: Way, *, is_critical: bool) -> datetime:
        key = ((user.company_id, user.id), way, is_critical)
        if key not in self._due:
            self._due[key] = due_at(settings, way, is_critical=is_critical, now=self._now)
        return self._due[key]


def due_at(settings: NotificationSettings, way: Way, *, is_critical: bool, now: datetime) -> datetime:
    """When a person is told of what is noted now: with the next digest or, after quiet time, at once."""
    if way is Way.DIGEST:
        return next_digest(settings, now)
    soon = now + WINDOW
    return soon if is_critical and settings.critical_breaks_quiet else quiet_until(settings, soon)


def _new(
    event: Event, ticket: TicketNow, recipient: str, who: _Id | None, data: dict[str, object], way: Way, due: datetime
) -> NewNotification:
    company_id, user_id = who or (None, None)
    return NewNotification(
        event.company_id,
        recipient,
        company_id,
        user_id,
        ticket.number,
        event.note_number,
        event.offset.id,
        event.type,
        data,
        event.actor_name,
        event.at,
        way,
        due,
    )
