"""The possible recipients of events: contacts, watchers, assignees, team members, and users who want everything."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

import msgspec

from clearline.accounts.user_store import USER, USER_WIDTH, user_of
from clearline.catalogue.assessment import Priority
from clearline.events.event_types import NotificationKind
from clearline.identity import PROVIDER_ID, Role, User
from clearline.notifications.contact_rules import ContactRules, rules_of
from clearline.notifications.domain import DeliveryMode, NotificationPreferences
from clearline.notifications.preference_store import COLUMNS, preferences_of
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.contact import ContactRole, Person, PersonKind


class NotifiedTicket(NamedTuple):
    """What decides the recipients of a ticket's events.

    ``people`` are the contact, as the reporter, and then the others; nobody when the company has mail to contacts off.
    ``rules`` say what mail they get.
    """

    company_id: UUID
    number: int
    is_critical: bool
    assignee_id: UUID | None
    queue_id: UUID | None
    people: list[Person]
    rules: ContactRules


TICKETS = """
    select t.company_id, t.number, t.priority, t.assignee_id, t.queue_id, c.mails_contacts, t.contact_email,
           t.contact_name, c.contact_rules::text,
           (select json_agg(json_build_array(p.kind, p.email, p.name, p.phone, p.roles) order by p.id)
              from ticket_contact p
             where p.company_id = t.company_id and p.ticket_number = t.number and p.kind in ('contact', 'cc'))
      from unnest($1::uuid[], $2::bigint[]) w (company_id, number)
      join ticket t on t.company_id = w.company_id and t.number = w.number
      join company c on c.id = t.company_id"""
_decode_people = msgspec.json.Decoder(list[Person]).decode


async def tickets(tx: Tx, keys: Collection[tuple[UUID, int]]) -> dict[int, NotifiedTicket]:
    """Return tickets by number. Served by the primary keys."""
    rows = await tx.fetch(TICKETS, [company_id for company_id, _ in keys], [number for _, number in keys])
    return {row[1]: _ticket(row) for row in rows}


def _ticket(row: Record) -> NotifiedTicket:
    company_id, number, priority, assignee_id, queue_id, mails_contacts, email, name, own, others = row
    people: list[Person] = []
    if mails_contacts:
        reporter = Person(PersonKind.CONTACT, email, name, roles=(ContactRole.REPORTER,))
        people = [reporter, *(person for person in (_decode_people(others) if others else ()) if person.email)]
    rules = rules_of(None if own is None else msgspec.json.decode(own))
    return NotifiedTicket(company_id, number, priority == Priority.CRITICAL, assignee_id, queue_id, people, rules)


WATCHERS = """
    select w.ticket_number, w.user_company_id, w.user_id
      from unnest($1::uuid[], $2::bigint[]) t (company_id, number)
      join ticket_watcher w on w.company_id = t.company_id and w.ticket_number = t.number"""


async def watchers(tx: Tx, keys: Collection[tuple[UUID, int]]) -> list[tuple[int, UUID, UUID]]:
    """Return the watchers of tickets: the ticket number, the user's company, the user. Served by the primary key."""
    rows = await tx.fetch(WATCHERS, [company_id for company_id, _ in keys], [number for _, number in keys])
    return [(row[0], row[1], row[2]) for row in rows]


TEAM_MEMBERS = """
    select q.id, m.user_id from queue q join team_member m on m.team_id = q.team_id where q.id = any($1::uuid[])"""


async def team_members(tx: Tx, queues: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """Return the members of the teams of queues: the queue, and the user of the provider.

    Served by the primary keys.
    """
    return [(row[0], row[1]) for row in await tx.fetch(TEAM_MEMBERS, list(queues))] if queues else []


ADMINS = "select u.id from app_user u where u.company_id = $1 and u.role = $2 and u.is_active order by u.id limit 50"


async def admins(tx: Tx) -> list[UUID]:
    """Return the active admins of the provider, at most 50. Reads all of the provider's people."""
    return [row[0] for row in await tx.fetch(ADMINS, PROVIDER_ID, Role.ADMIN)]


FILE_SOURCES = """
    select a.id, a.source from unnest($1::uuid[], $2::uuid[]) w (company_id, id)
      join attachment a on a.company_id = w.company_id and a.id = w.id"""


async def file_sources(tx: Tx, files: Collection[tuple[UUID, UUID]]) -> dict[UUID, str]:
    """Return the side that attached each file, without deleted files. Files are named by company and id.

    Served by ``attachment_by_id``.
    """
    if not files:
        return {}
    rows = await tx.fetch(FILE_SOURCES, [company_id for company_id, _ in files], [file_id for _, file_id in files])
    return {row[0]: row[1] for row in rows}


class Recipient(NamedTuple):
    """A user, active or not, and their preferences."""

    user: User
    preferences: NotificationPreferences


USERS = f"""
    with candidate (company_id, id) as (
        select * from unnest($1::uuid[], $2::uuid[])
        union
        select u.company_id, u.id
          from unnest($3::uuid[], $4::text[]) contact (company_id, email)
          join app_user u on u.company_id = contact.company_id and lower(u.email) = lower(contact.email)
        union
        select s.company_id, s.user_id from notification_settings s
         where s.company_id = any($5::uuid[])
           and s.rules ->> case when s.company_id = $6 then '{NotificationKind.TICKET_RAISED}'
                                else '{NotificationKind.COMPANY_TICKET}' end
               in ('{DeliveryMode.EMAIL}', '{DeliveryMode.DIGEST}')
    )
    select {USER}, {COLUMNS}
      from candidate join app_user u on u.company_id = candidate.company_id and u.id = candidate.id
      left join notification_settings s on s.company_id = u.company_id and s.user_id = u.id"""


async def users(
    tx: Tx,
    ids: Collection[tuple[UUID, UUID]],
    addresses: Collection[tuple[UUID, str]],
    companies: Collection[UUID],
) -> list[Recipient]:
    """Return users by company and id, and users by company and address, whatever the case of the address.

    Also return the users of ``companies`` with a rule for each ticket of their company, or for staff, for each new
    ticket. Served by the primary keys and ``app_user_email``; reads all settings of each of the companies.
    """
    rows = await tx.fetch(
        USERS,
        [company_id for company_id, _ in ids],
        [user_id for _, user_id in ids],
        [company_id for company_id, _ in addresses],
        [address for _, address in addresses],
        list(companies),
        PROVIDER_ID,
    )
    return [Recipient(user_of(row), preferences_of(row[USER_WIDTH:])) for row in rows]
