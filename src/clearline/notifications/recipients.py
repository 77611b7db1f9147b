"""Decide which recipients an event has, how each is notified, and when."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from clearline.accounts.parents import store as parent_store
from clearline.accounts.parents.store import PersonOfParent
from clearline.events.event_types import (
    BY_BOUNCE,
    Audience,
    EventType,
    NotificationKind,
    NotificationRule,
    Relation,
)
from clearline.events.store import Event
from clearline.events.type_table import visible_data
from clearline.identity import PROVIDER_ID, User
from clearline.mail.outbound import usecases as outbound_mail
from clearline.notifications import recipient_store
from clearline.notifications import store as notification_store
from clearline.notifications.contact_rules import Notice, notices_of, told
from clearline.notifications.domain import (
    DeliveryMode,
    NotificationPreferences,
    audience_of,
    delivery_mode,
    is_receipt,
    notification_rules,
    notifies_contact,
)
from clearline.notifications.quiet_hours import next_digest, quiet_until
from clearline.notifications.recipient_store import NotifiedTicket, Recipient
from clearline.notifications.store import NewNotification
from clearline.platform.database.transactions import Tx
from clearline.text import is_mailable, normalized_address
from clearline.tickets.contact import Person
from clearline.tickets.domain import can_be_assigned

GROUPING_WINDOW = timedelta(seconds=30)
"""Events of a ticket within this time go into one mail."""

_TEXT_TYPES = {EventType.NOTE_ADDED, EventType.ATTACHMENT_ADDED}
_UserKey = tuple[UUID, UUID]
"""The company id and the id of a user."""


class RecordResult(NamedTuple):
    """How many notifications events made, and how many events were too old to make any."""

    notifications: int
    too_old: int


async def record_notifications(tx: Tx, events: Sequence[Event], *, since: datetime, now: datetime) -> RecordResult:
    """Store a notification for each recipient of the events, with the time when it is due.

    Users get no notification of their own actions, except for the receipt of a ticket. Inactive users and
    unconfirmed addresses get none. An
    address gets at most one notification of an event. Events at or before ``since`` make none.
    """
    fresh = [event for event in events if event.at > since]
    too_old = len(events) - len(fresh)
    relevant = [
        event for event in fresh if event.ticket_number is not None and notification_rules(event.type, event.data)
    ]
    # A split copies notes and files into the new ticket: their recipients were notified when they were added.
    created = {(event.ticket_number, event.offset.xid) for event in fresh if event.type == EventType.TICKET_CREATED}
    relevant = [
        event
        for event in relevant
        if event.type not in _TEXT_TYPES or (event.ticket_number, event.offset.xid) not in created
    ]
    if not relevant:
        return RecordResult(0, too_old)
    recipients = await _load_recipients(tx, relevant, now)
    notifications = [notification for event in relevant for notification in recipients.notifications_for(event)]
    await notification_store.insert(tx, notifications)
    return RecordResult(len(notifications), too_old)


async def _load_recipients(tx: Tx, events: Sequence[Event], now: datetime) -> "_Recipients":
    """Read all possible recipients of the events, in one statement for each kind of relation to a ticket."""
    ticket_keys = {(event.company_id, event.ticket_number) for event in events if event.ticket_number is not None}
    tickets = await recipient_store.tickets(tx, ticket_keys)
    watchers = await recipient_store.watchers(tx, ticket_keys)
    new_queues = {UUID(event.data["after"]) for event in events if _has_target(event, EventType.TICKET_ROUTED)}
    returned = {event.ticket_number for event in events if _is_return(event)}
    new_queues |= {ticket.queue_id for number, ticket in tickets.items() if number in returned and ticket.queue_id}
    team_members = await recipient_store.team_members(tx, new_queues)
    files = {(event.company_id, UUID(event.data["id"])) for event in events if event.type == EventType.ATTACHMENT_ADDED}
    file_sources = await recipient_store.file_sources(tx, files)
    staff = {user_id for _queue, user_id in team_members}
    staff |= {UUID(event.data["after"]) for event in events if _has_target(event, EventType.TICKET_ASSIGNED)}
    staff |= {ticket.assignee_id for ticket in tickets.values() if ticket.assignee_id is not None}
    user_keys = {(PROVIDER_ID, user_id) for user_id in staff}
    user_keys |= {(company_id, user_id) for _number, company_id, user_id in watchers}
    contacts = [(ticket.company_id, person.email) for ticket in tickets.values() for person in ticket.people]
    of_parents = await parent_store.people_of_parents(tx, contacts)
    contacts += [(PROVIDER_ID, address) for _company, address in contacts]
    companies = {PROVIDER_ID, *(ticket.company_id for ticket in tickets.values())}
    users = await recipient_store.users(tx, user_keys, contacts, companies)
    answered = {event.ticket_number for event in events if _is_answer(event, _file_source(event, file_sources))}
    answered_tickets = [ticket for number, ticket in tickets.items() if number in answered]
    substitutes = await _load_substitutes(tx, answered_tickets, users)
    users = [*users, *(recipient for people in substitutes.values() for recipient in people)]
    return _Recipients(tickets, users, watchers, team_members, file_sources, substitutes, of_parents, now)


async def _load_substitutes(
    tx: Tx, answered: Sequence[NotifiedTicket], users: Sequence[Recipient]
) -> dict[int, list[Recipient]]:
    """Return who is notified of an answer on each ticket whose assignee cannot be, or that has none.

    These are the people of the queue's team or, when none of them can be notified, the provider's admins.
    """
    if not answered:
        return {}
    staff = {recipient.user.id: recipient for recipient in users if recipient.user.company_id == PROVIDER_ID}
    reachable = await _reachable(tx, staff.values())
    waiting = [ticket for ticket in answered if ticket.assignee_id not in reachable]
    if not waiting:
        return {}
    members = await recipient_store.team_members(tx, {ticket.queue_id for ticket in waiting if ticket.queue_id})
    admins = await recipient_store.admins(tx)
    keys = {(PROVIDER_ID, user_id) for user_id in (*admins, *(user_id for _queue, user_id in members))}
    people = {recipient.user.id: recipient for recipient in await recipient_store.users(tx, keys, [], [])}
    reachable = await _reachable(tx, people.values())
    substitutes = {}
    for ticket in waiting:
        team = [user_id for queue_id, user_id in members if queue_id == ticket.queue_id and user_id in reachable]
        chosen = team or [user_id for user_id in admins if user_id in reachable]
        substitutes[ticket.number] = [people[user_id] for user_id in chosen]
    return substitutes


def _is_answer(event: Event, source: str | None) -> bool:
    """Return whether the provider has to react: the customer answered, the ticket was reopened or its reminder due."""
    answers = {NotificationKind.CUSTOMER_NOTE, NotificationKind.REOPENED, NotificationKind.REMINDER}
    return any(rule.kind in answers for rule in notification_rules(event.type, event.data, source=source))


def _file_source(event: Event, sources: dict[UUID, str]) -> str | None:
    """Return the side that attached the event's file; None for other events, and for a deleted file."""
    return sources.get(UUID(event.data["id"])) if event.type == EventType.ATTACHMENT_ADDED else None


async def _reachable(tx: Tx, people: Iterable[Recipient]) -> set[UUID]:
    """Return the ids of those who work tickets and whose address gets mail."""
    working = {
        recipient.user.id: normalized_address(recipient.user.email)
        for recipient in people
        if can_be_assigned(recipient.user) and is_mailable(recipient.user.email)
    }
    suppressed = await outbound_mail.suppressed(tx, set(working.values()))
    return {user_id for user_id, address in working.items() if address not in suppressed}


def _has_target(event: Event, kind: str) -> bool:
    """Return whether an event of the kind sets a new agent or queue, rather than only removing the old one."""
    return event.type == kind and event.data["after"] is not None


def _is_return(event: Event) -> bool:
    """Return whether a ticket returned to its queue after a bounce."""
    return event.type == EventType.TICKET_ASSIGNED and event.data["by"] == BY_BOUNCE


class _Recipients:
    """The possible recipients of one batch of events."""

    def __init__(
        self,
        tickets: dict[int, NotifiedTicket],
        users: Sequence[Recipient],
        watchers: Sequence[tuple[int, UUID, UUID]],
        team_members: Sequence[tuple[UUID, UUID]],
        file_sources: dict[UUID, str],
        substitutes: dict[int, list[Recipient]],
        of_parents: dict[tuple[UUID, str], PersonOfParent],
        now: datetime,
    ) -> None:
        self._tickets, self._file_sources, self._now = tickets, file_sources, now
        self._substitutes, self._of_parents = substitutes, of_parents
        self._users: dict[_UserKey, Recipient] = {
            (recipient.user.company_id, recipient.user.id): recipient for recipient in users
        }
        self._keys_by_address: dict[tuple[UUID, str], _UserKey] = {
            (key[0], normalized_address(recipient.user.email)): key for key, recipient in self._users.items()
        }
        self._active_by_company: dict[UUID, list[_UserKey]] = defaultdict(list)
        for key, recipient in self._users.items():
            if recipient.user.is_active:
                self._active_by_company[key[0]].append(key)
        self._watchers: dict[int, list[_UserKey]] = defaultdict(list)
        for number, company_id, user_id in watchers:
            self._watchers[number].append((company_id, user_id))
        self._team_members: dict[str, list[_UserKey]] = defaultdict(list)
        for queue_id, user_id in team_members:
            self._team_members[str(queue_id)].append((PROVIDER_ID, user_id))
        self._due_times: dict[tuple[_UserKey, DeliveryMode, bool], datetime] = {}

    def notifications_for(self, event: Event) -> Iterator[NewNotification]:
        """Yield the notifications of an event: at most one for each address; users take precedence over contacts."""
        ticket = self._tickets.get(event.ticket_number or 0)
        if ticket is None:
            return
        notified: set[str] = set()
        matching = notification_rules(event.type, event.data, source=_file_source(event, self._file_sources))
        relations = self._relations(event, ticket)
        customer_addresses = self._customer_addresses(ticket, relations)
        for key, user_relations in relations.items():
            notification = self._for_user(event, ticket, key, user_relations, matching, customer_addresses)
            if notification is not None and normalized_address(notification.recipient) not in notified:
                notified.add(normalized_address(notification.recipient))
                yield notification
        for person in ticket.people:
            address = normalized_address(person.email)
            if address in notified or self._user_with(ticket, address) is not None:
                continue
            notification = self._for_contact(event, ticket, person, matching)
            if notification is not None:
                notified.add(address)
                yield notification

    def _relations(self, event: Event, ticket: NotifiedTicket) -> dict[_UserKey, set[Relation]]:
        """Return the relations of each active user to the event's ticket, the customer's users first."""
        relations: dict[_UserKey, set[Relation]] = defaultdict(set)
        for person in ticket.people:
            if (key := self._user_with(ticket, person.email)) is not None:
                relations[key].add(Relation.CONTACT)
        for key in self._active_by_company[ticket.company_id]:
            relations[key].add(Relation.COMPANY)
        for key in self._watchers[ticket.number]:
            relations[key].add(Relation.WATCHER)
        for key, relation in self._staff_relations(event, ticket):
            relations[key].add(relation)
        return {key: related for key, related in relations.items() if self._may_receive(key, ticket)}

    def _staff_relations(self, event: Event, ticket: NotifiedTicket) -> Iterator[tuple[_UserKey, Relation]]:
        """Yield the relations of the provider's people to the event's ticket, apart from watchers."""
        assignee = event.data["after"] if event.type == EventType.TICKET_ASSIGNED else ticket.assignee_id
        if assignee is not None:
            yield (PROVIDER_ID, UUID(str(assignee))), Relation.ASSIGNEE
        if _is_answer(event, _file_source(event, self._file_sources)):
            for recipient in self._substitutes.get(ticket.number, ()):
                yield (PROVIDER_ID, recipient.user.id), Relation.ASSIGNEE
        if ticket.assignee_id is None and (event.type == EventType.TICKET_ROUTED or _is_return(event)):
            queue_id = event.data["after"] if event.type == EventType.TICKET_ROUTED else str(ticket.queue_id)
            for key in self._team_members[queue_id]:
                yield key, Relation.TEAM
        if event.type == EventType.TICKET_CREATED:
            for key in self._active_by_company[PROVIDER_ID]:
                yield key, Relation.STAFF

    def _may_receive(self, key: _UserKey, ticket: NotifiedTicket) -> bool:
        if key not in self._users:
            return False
        user = self._users[key].user
        return user.is_active and user.is_confirmed and user.reaches_ticket(ticket.company_id, ticket.queue_id)

    def _user_with(self, ticket: NotifiedTicket, email: str) -> _UserKey | None:
        """Return the user of the customer or the provider with an address, active and confirmed or not."""
        address = normalized_address(email)
        return self._keys_by_address.get((ticket.company_id, address)) or self._keys_by_address.get(
            (PROVIDER_ID, address)
        )

    def _customer_addresses(self, ticket: NotifiedTicket, relations: dict[_UserKey, set[Relation]]) -> set[str]:
        """Return the addresses related to the ticket that belong to the customer."""
        addresses = {normalized_address(self._users[key].user.email) for key in relations if key[0] != PROVIDER_ID}
        return addresses | {normalized_address(person.email) for person in ticket.people}

    def _notices(self, ticket: NotifiedTicket, key: _UserKey) -> frozenset[Notice]:
        """Return what a user gets as one of the people of a ticket."""
        address = normalized_address(self._users[key].user.email)
        same = (person for person in ticket.people if normalized_address(person.email) == address)
        return frozenset[Notice]().union(*(notices_of(person, ticket.rules) for person in same))

    def _for_user(
        self,
        event: Event,
        ticket: NotifiedTicket,
        key: _UserKey,
        relations: set[Relation],
        matching: Sequence[NotificationRule],
        customer_addresses: set[str],
    ) -> NewNotification | None:
        user, preferences = self._users[key]
        others = relations - {Relation.CONTACT}
        as_contact: list[NotificationRule] = []
        if Relation.CONTACT in relations and notifies_contact(event.data):
            as_contact = told(matching, self._notices(ticket, key))
        if user.id == event.actor_id:
            is_reporter = self._user_with(ticket, ticket.people[0].email) == key if ticket.people else False
            if not is_reporter or not is_receipt(event.type, event.data):
                return None
            others = set()
        rules = [rule for rule in matching if rule in as_contact or not rule.recipients.isdisjoint(others)]
        mode = delivery_mode(user.role, preferences.rules, relations, rules)
        # An address that is also the customer's gets only what customers may see, whoever else it belongs to.
        is_customers = normalized_address(user.email) in customer_addresses
        audience = Audience.CUSTOMER if is_customers else audience_of(user.role)
        data = visible_data(event.type, event.data, audience, keeps_marks=True)
        if mode is DeliveryMode.OFF or data is None or not is_mailable(user.email):
            return None
        due_at = self._due_at(user, preferences, mode, is_critical=ticket.is_critical)
        return _new(event, ticket, user.email, key, data, mode, due_at)

    def _for_contact(
        self, event: Event, ticket: NotifiedTicket, person: Person, matching: Sequence[NotificationRule]
    ) -> NewNotification | None:
        """Return the notification of one of the people who is not a user. It is never part of a daily digest.

        Nobody is notified of what they wrote themselves; the author of a mail is known by name only. People of a parent
        are notified as long as the company shares its tickets with it.
        """
        data = visible_data(event.type, event.data, Audience.CUSTOMER, keeps_marks=True)
        if data is None or not is_mailable(person.email) or not notifies_contact(data):
            return None
        if event.type in _TEXT_TYPES and event.actor_id is None and event.actor_name == person.author:
            return None
        of_parent = self._of_parents.get((ticket.company_id, normalized_address(person.email)))
        if of_parent is not None:
            is_own = event.actor_id in of_parent.users and not is_receipt(event.type, event.data)
            if is_own or not of_parent.has_access:
                return None
        if not told(matching, notices_of(person, ticket.rules)):
            return None
        return _new(event, ticket, person.email, None, data, DeliveryMode.EMAIL, self._now + GROUPING_WINDOW)

    def _due_at(
        self, user: User, preferences: NotificationPreferences, mode: DeliveryMode, *, is_critical: bool
    ) -> datetime:
        key = ((user.company_id, user.id), mode, is_critical)
        if key not in self._due_times:
            self._due_times[key] = due_at(preferences, mode, is_critical=is_critical, now=self._now)
        return self._due_times[key]


def due_at(preferences: NotificationPreferences, mode: DeliveryMode, *, is_critical: bool, now: datetime) -> datetime:
    """Return when a notification recorded now is due.

    In a digest: when the next digest is due. By email: after the grouping window, or when quiet time ends, which
    notifications about critical tickets ignore if the user wants that.
    """
    if mode is DeliveryMode.DIGEST:
        return next_digest(preferences, now)
    soon = now + GROUPING_WINDOW
    return soon if is_critical and preferences.critical_breaks_quiet else quiet_until(preferences, soon)


def _new(
    event: Event,
    ticket: NotifiedTicket,
    recipient: str,
    user_key: _UserKey | None,
    data: dict[str, object],
    mode: DeliveryMode,
    due: datetime,
) -> NewNotification:
    company_id, user_id = user_key or (None, None)
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
        mode,
        due,
    )
