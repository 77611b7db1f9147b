"""Notifications that are pending."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from clearline.events.event_types import EventType
from clearline.identity import PROVIDER_ID
from clearline.mail.outbound.opt_out_domain import DIGEST, TICKETS
from clearline.notifications.domain import DeliveryMode
from clearline.notifications.wording import Names
from clearline.platform.database.transactions import Record, Tx
from clearline.redactor import Redactor
from clearline.tickets.domain import UNKNOWN_SERVICE, Channel
from clearline.tickets.faults.domain import NO_FAULT, Fault

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_fault = msgspec.json.Decoder(Fault).decode
_encode = msgspec.json.Encoder().encode


class NewNotification(NamedTuple):
    """A notification to store. A contact who is not a user has no user id. ``data`` is what the recipient may see."""

    company_id: UUID
    recipient: str
    user_company_id: UUID | None
    user_id: UUID | None
    ticket_number: int
    note_number: int | None
    event_id: int
    type: str
    data: dict[str, Any]
    actor_name: str
    at: datetime
    channel: str
    due_at: datetime


async def insert(tx: Tx, notifications: Sequence[NewNotification]) -> None:
    """Store notifications, in one statement. An address that already has a notification of an event keeps that one."""
    if not notifications:
        return
    columns = [list(column) for column in zip(*notifications, strict=True)]
    columns[8] = [_encode(data).decode() for data in columns[8]]
    await tx.write(
        """
        insert into notification (company_id, recipient, user_company_id, user_id, ticket_number, note_number, event_id,
                                  type, data, actor_name, at, channel, due_at)
        select n.a, n.b, n.c, n.d, n.e, n.f, n.g, n.h, n.i::jsonb, n.j, n.k, n.l, n.m
          from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[],
                      $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::text[], $13::timestamptz[])
               n (a, b, c, d, e, f, g, h, i, j, k, l, m)
        on conflict do nothing
        """,
        *columns,
    )


class MailGroup(NamedTuple):
    """The notifications that go into one mail: those of one ticket, or a digest.

    A digest has notifications of all tickets; that of a contact who is not a user has those of one company.
    """

    channel: str
    recipient: str
    user_company_id: UUID | None
    user_id: UUID | None
    company_id: UUID | None
    ticket_number: int | None


DUE = """
    select channel, recipient, user_company_id, user_id, company_id, ticket_number
      from notification where due_at <= $1 order by due_at, recipient, id limit $2"""


async def due_groups(tx: Tx, *, now: datetime, limit: int) -> list[MailGroup]:
    """Return the groups of the longest due notifications, at most ``limit`` of them. Served by ``notification_due``."""
    groups: dict[MailGroup, None] = {}
    for channel, recipient, user_company_id, user_id, company_id, number in await tx.fetch(DUE, now, limit):
        is_digest = channel == DeliveryMode.DIGEST
        of_company = None if is_digest and user_id is not None else company_id
        group = MailGroup(channel, recipient, user_company_id, user_id, of_company, None if is_digest else number)
        groups[group] = None
    return list(groups)


class DueNotification(NamedTuple):
    """A due notification, with its ticket as it is now.

    ``may_receive`` says whether the recipient may get mail at all: an active user whose address is confirmed or, where
    the company allows it, one of the people of the ticket. ``text`` is None when the recipient may not see the note,
    or it does not exist. ``recipient_name`` is the name of the user or, while the ticket still names that address,
    of the contact; ``service`` is None when it is not known. ``is_contact`` says whether the recipient has the address
    of the ticket's contact, ``person`` what else the recipient is to the ticket, ``is_stopped`` whether the recipient
    stopped such mail, and ``replies_by_mail`` whether the recipient turned on replies to customers by mail.
    ``channel`` is the one of the note, or of a ticket that was created. ``sub_status`` and ``waiting_reason`` are keys
    of terms, whether or not these have words for the recipient.
    """

    key: tuple[UUID, int]
    number: int
    type: str
    data: dict[str, Any]
    actor_name: str
    at: datetime
    title: str
    description: str
    status: str
    priority: str
    service: str | None
    company_name: str
    agent_name: str | None
    role: str | None
    time_zone: str
    recipient_name: str
    may_receive: bool
    text: str | None
    is_contact: bool
    is_stopped: bool
    replies_by_mail: bool
    channel: str
    names: Names
    language: str | None
    resolved_at: datetime | None
    person: str | None
    occurred_at: datetime | None
    fault: Fault
    sub_status: str | None = None
    waiting_reason: str | None = None
    resolution: str = ""


LOCK_DUE = f"""
    select n.company_id, n.id, n.ticket_number, n.type, n.data, n.actor_name, n.at, t.title, t.description, t.status,
           t.priority, case when t.service_id <> '{UNKNOWN_SERVICE}' then coalesce(t.service_label, t.service_id) end,
           c.name, agent.name, u.role,
           coalesce(s.time_zone,
                    (select o.time_zone from company o where o.id = coalesce(n.user_company_id, n.company_id)), 'UTC'),
           coalesce(u.name, case when lower(t.contact_email) = lower(n.recipient) then t.contact_name end, p.name, ''),
           case when n.user_id is null
                then c.mails_contacts and (p.id is not null or lower(t.contact_email) = lower(n.recipient))
                else coalesce(u.is_active and u.is_confirmed, false) end,
           note.text, lower(t.contact_email) = lower(n.recipient),
           exists (select from mail_opt_out o
                    where o.company_id = n.company_id and o.recipient = lower(n.recipient)
                      and o.topic in ('{TICKETS}', 'ticket ' || n.ticket_number))
               or n.channel = '{DeliveryMode.DIGEST}'
                  and exists (select from mail_opt_out o
                               where o.company_id = n.user_company_id and o.recipient = lower(n.recipient)
                                 and o.topic = '{DIGEST}'),
           coalesce(s.replies_by_mail, false),
           case n.type when '{EventType.TICKET_CREATED}' then t.channel
                       else coalesce(note.channel, '{Channel.SYSTEM}') end,
           f.name, f.size, assignee.name, q.name,
           coalesce(u.language,
                    (select o.language from company o where o.id = coalesce(n.user_company_id, n.company_id)),
                    (select o.language from company o where o.id = $7)),
           t.resolved_at, p.kind, t.occurred_at, t.fault, t.sub_status, t.waiting ->> 'reason',
           coalesce(t.closure ->> 'resolution', '')
      from notification n
      join ticket t on t.company_id = n.company_id and t.number = n.ticket_number
      join company c on c.id = n.company_id
      left join app_user u on u.company_id = n.user_company_id and u.id = n.user_id
      left join notification_settings s on s.company_id = n.user_company_id and s.user_id = n.user_id
      left join ticket_contact p on p.company_id = n.company_id and p.ticket_number = n.ticket_number
                                and lower(p.email) = lower(n.recipient) and p.email <> ''
                                and p.kind in ('contact', 'cc')
      left join app_user agent on agent.company_id = $7 and agent.id = t.assignee_id
      left join note on note.company_id = n.company_id and note.ticket_number = n.ticket_number
                         and note.number = n.note_number and (note.visibility = 'public' or u.company_id = $7)
      left join attachment f on f.company_id = n.company_id
                            and f.ticket_number = n.ticket_number
                            and f.id = case n.type when '{EventType.ATTACHMENT_ADDED}' then (n.data ->> 'id')::uuid end
                            and (f.visibility = 'public' or u.company_id = $7)
      left join app_user assignee on assignee.company_id = $7
                              and assignee.id = case n.type when '{EventType.TICKET_ASSIGNED}'
                                                         then (n.data ->> 'after')::uuid end
      left join queue q on q.id = case n.type when '{EventType.TICKET_ROUTED}' then (n.data ->> 'after')::uuid end
     where n.recipient = $1 and n.due_at <= $2 and n.channel = $3 and n.user_id is not distinct from $4
       and ($5::uuid is null or n.company_id = $5) and ($6::bigint is null or n.ticket_number = $6)
     order by n.due_at, n.id limit $8
       for update of n skip locked"""


async def lock_due(tx: Tx, group: MailGroup, *, until: datetime, limit: int) -> list[DueNotification]:
    """Lock and return the notifications of a group that are due by ``until``, oldest first, until the transaction ends.

    Notifications that another transaction has locked are left out. Served by ``notification_of_recipient``.
    """
    rows = await tx.fetch(
        LOCK_DUE,
        group.recipient,
        until,
        group.channel,
        group.user_id,
        group.company_id,
        group.ticket_number,
        PROVIDER_ID,
        limit,
    )
    return [_due(row) for row in rows]


def _due(row: Record) -> DueNotification:
    names = Names(row[23], row[24] or 0, row[25], row[26])
    fault = NO_FAULT if row[31] is None else _decode_fault(row[31])
    return DueNotification._make(
        ((row[0], row[1]), row[2], row[3], _decode(row[4]), *row[5:23], names, *row[27:31], fault, *row[32:35])
    )


async def delete(tx: Tx, keys: Sequence[tuple[UUID, int]]) -> None:
    """Delete locked notifications."""
    await tx.write(
        """delete from notification n using unnest($1::uuid[], $2::bigint[]) key (company_id, id)
            where n.company_id = key.company_id and n.id = key.id""",
        [company_id for company_id, _ in keys],
        [notification_id for _, notification_id in keys],
    )


async def postpone(tx: Tx, group: MailGroup, *, channel: str, until: datetime, to: datetime) -> None:
    """Change the channel and the due time of the notifications of a group that are due by ``until``.

    Served by ``notification_of_recipient``.
    """
    await tx.write(
        """update notification set channel = $7, due_at = $8
            where recipient = $1 and due_at <= $2 and channel = $3 and user_id is not distinct from $4
              and ($5::uuid is null or company_id = $5) and ($6::bigint is null or ticket_number = $6)""",
        group.recipient,
        until,
        group.channel,
        group.user_id,
        group.company_id,
        group.ticket_number,
        channel,
        to,
    )


async def shorten_waits(tx: Tx, *, grouped: timedelta, longest: timedelta, now: datetime) -> int:
    """Make notifications due that a clock that was ahead has stored; return how many.

    They are about a future event and wait for no more than ``grouped`` after it, or wait for more than ``longest``.
    Quiet hours and digests are times of day, and stay.
    Served by ``notification_due``.
    """
    row = await tx.write(
        """
        with shortened as (
            update notification set due_at = $2
             where due_at > $2::timestamptz + $1::interval
               and (channel = 'email' and at > $2 and due_at <= at + $1::interval
                    or due_at > $2::timestamptz + $3::interval)
            returning 1
        )
        select count(*) from shortened
        """,
        grouped,
        now,
        longest,
    )
    return 0 if row is None else int(row[0])


class PendingNotification(NamedTuple):
    """A notification that is not sent yet."""

    due_at: datetime
    recipient: str
    id: int
    company_id: UUID
    ticket_number: int
    type: str
    channel: str
    at: datetime


PENDING = """
    select due_at, recipient, id, company_id, ticket_number, type, channel, at from notification
     where (due_at, recipient, id) > ($1, $2, $3) order by due_at, recipient, id limit $4"""
_BEFORE_ALL = (datetime(1, 1, 1, tzinfo=UTC), "", 0)


async def pending(tx: Tx, *, after: tuple[datetime, str, int] | None, limit: int) -> list[PendingNotification]:
    """Return pending notifications, the earliest due first, after the given key. Served by ``notification_due``."""
    rows = await tx.fetch(PENDING, *(after or _BEFORE_ALL), limit)
    return [PendingNotification(*row) for row in rows]


async def redact(tx: Tx, company_id: UUID, numbers: Sequence[int], redactor: Redactor, *, saves: bool) -> int:
    """Return how many notifications of tickets hold the words; with ``saves`` rewrite them.

    Looks at every notification of the company that waits.
    """
    rows = await tx.fetch(
        "select id, data::text from notification where company_id = $1 and ticket_number = any($2)",
        company_id,
        numbers,
    )
    redacted = [(company_id, row[0], redactor.json_text(row[1]), row[1]) for row in rows]
    changed: list[tuple[object, ...]] = [row[:3] for row in redacted if row[2] != row[3]]
    if saves and changed:
        await tx.write_many("update notification set data = $3::text::jsonb where company_id = $1 and id = $2", changed)
    return len(changed)
