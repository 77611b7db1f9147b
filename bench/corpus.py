"""Tickets with a vocabulary of their own, spread evenly over companies, with the index of the search: for search.py.

They have 20,000 words, of which a few are in nearly every ticket and most are rare (Zipf), sites, circuits, addresses
and names, and what a provider knows of a ticket: two in three say when the fault began, half have own fields, one in
ten has another contact and somebody who gets copies, one in 20 a case at a carrier, one in 30 is chronic; all open ones
have a sub-status, one in ten of them a reminder. What they are found by is made by the product's own code.
"""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import NamedTuple
from uuid import UUID

import asyncpg
from msgspec import json
from rich.progress import Progress

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.catalogue.published import IssueType, ServiceType
from clearline.clock import now
from clearline.fields.domain import Field, FieldAudience, FieldType, RecordKind
from clearline.identity import OPERATOR, PROVIDER_ID, Company, Role
from clearline.platform.database.transactions import Database
from clearline.reminders.domain import Reminder
from clearline.search.document import Document, vector
from clearline.tickets.contact import NOBODY, Contact, ContactRole, People, Person, PersonKind
from clearline.tickets.domain import Channel, Status, Ticket, TicketView
from clearline.tickets.third_parties.domain import Case, CaseKind, CaseState
from dataset import COMPANIES, Tenant, companies

BATCH = 2_000
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_FILLED_AT = now().replace(microsecond=0)
PLAIN = (
    "the to and we is on of in at port circuit down since router loss packet fibre please customer site link line "
    "light optics interface traffic latency errors seeing from no after before both ends check test tested replaced "
    "vendor power maintenance flapping slow route peer session prefix loopback cable patch rack card vlan ethernet"
)
SITES = ("AMS", "FRA", "LHR", "SIN", "HKG", "NRT", "SYD", "JFK", "ORD", "LAX", "GRU", "JNB", "DXB", "BOM", "CDG", "MAD")
COLUMNS = (
    "company_id, number, title, description, issue_type, service_type, service_id, service_label, severity, impact, "
    "priority, status, contact_name, contact_phone, contact_email, channel, created_at, updated_at, status_changed_at, "
    "occurred_at, is_chronic, sub_status, fields, reminder, reminder_at"
)
TIERS = ("gold", "silver", "bronze", "silver")
STEPS, COPIED, ON_DUTY, CIRCUITS, SITES_MAX, LATENCY_MAX = 5, 20_000, 2_000, 40, 500, 2_000
FIELDS = {
    key: Field(
        UUID(int=place), RecordKind.TICKET, key, key.title(), kind, visible_to=FieldAudience.CUSTOMER, place=place
    )
    for place, (key, kind) in enumerate(
        {"site": FieldType.TEXT, "latency": FieldType.INTEGER, "promised": FieldType.DATETIME}.items(), 1
    )
}
"""The own fields, which customers see."""
FIELD_ROW = """
    insert into field (id, record, key, label, type, required, visible_to, edited_by, place, is_active, created_at)
    values ($1, 'ticket', $2, $2, $3, 'never', 'customer', 'staff', $4, true, now())"""
PARTS = f"""
    insert into ticket_contact (company_id, ticket_number, kind, email, name, phone, roles, created_at)
    select company_id, number, kind, email, '', '', roles::text[], created_at
      from (select *, number + number / {COMPANIES} as serial from ticket) t, lateral (values
        ('contact', 'noc' || serial / 10 % {ON_DUTY} || '@bench.example.com', '{{on_duty}}'),
        ('cc', 'cc' || serial / 10 % {COPIED} || '@bench.example.com', '{{}}')) person (kind, email, roles)
     where serial % 10 = 0;
    insert into ticket_case (company_id, ticket_number, id, party, number, kind, state, opened_at, contact_name,
                             contact_phone, contact_email, notes, created_at, created_by, updated_at, updated_by)
    select company_id, number, md5('case' || number)::uuid, 'Fernhill', 'FH-' || serial / 100, 'carrier', 'open',
           created_at, '', '', '', '', created_at, 'Mara', created_at, 'Mara'
      from (select *, number + number / {COMPANIES} as serial from ticket) t where serial % 20 = 0"""  # noqa: S608
"""The people and the cases, as ``_people`` and ``_cases`` have them."""
NOTE_COLUMNS = "company_id, ticket_number, number, text, visibility, source, channel, author, created_at"


def _words(how_many: int) -> list[str]:
    """Words that nobody says, after those that everybody does."""
    chosen = random.Random(1)
    sounds = [a + b for a in "bdfgklmnprstv" for b in "aeiou"]
    made = dict.fromkeys(PLAIN.split())
    while len(made) < how_many:
        made["".join(chosen.choices(sounds, k=chosen.randint(2, 4)))] = None
    return list(made)


WORDS = _words(20_000)
_WEIGHTS = list(accumulate(1 / rank for rank in range(1, len(WORDS) + 1)))


class Made(NamedTuple):
    """Rows in the text format of COPY."""

    tickets: bytes
    notes: bytes
    vectors: bytes


def service_of(index: int, number: int) -> str:
    return f"NET-{SITES[number * 7 % len(SITES)]}-{circuit_of(index, number)}"


def circuit_of(index: int, number: int) -> str:
    """Return what the customer's label, the device and the carrier's number of a service end with."""
    return f"{index:03d}{number // COMPANIES % CIRCUITS:02d}"


def serial_of(number: int) -> int:
    """Return what a provider's facts of a ticket follow from: each company has all of them."""
    return number + number // COMPANIES


def site_of(serial: int) -> str:
    return f"{SITES[serial % len(SITES)]} rack {serial // 2 % SITES_MAX}"


def copied_of(serial: int) -> str:
    return f"cc{serial // 10 % COPIED}@bench.example.com"


def on_duty_of(serial: int) -> str:
    return f"noc{serial // 10 % ON_DUTY}@bench.example.com"


def case_of(serial: int) -> str:
    return f"FH-{serial // 100}"


def address_of(number: int) -> str:
    return f"{(198, 203)[number % 2]}.{number // 2 % 256}.{number // 512 % 256}.{number // 131_072 % 256}"


def make(start: int, end: int, tickets: int, ids: list[UUID]) -> Made:
    """Make the tickets of these numbers, with their notes and search documents."""
    rows: tuple[list[str], list[str], list[str]] = ([], [], [])
    for number in range(start, end):
        index = (number - 1) % COMPANIES
        document = _document(number, tickets, Company(ids[index], f"Bench {index:03d}", f"BEN{index:03d}"))
        ticket = document.view.ticket
        rows[0].append(_row(
            ticket.company_id, number, ticket.title, ticket.description, ticket.issue_type, ticket.service_type,
            ticket.service_id, ticket.service_label, ticket.severity, ticket.impact, ticket.priority, ticket.status,
            ticket.contact.name, ticket.contact.phone, ticket.contact.email, ticket.channel, ticket.created_at,
            ticket.updated_at, ticket.status_changed_at, ticket.occurred_at, ticket.is_chronic, ticket.sub_status,
            json.encode(ticket.fields).decode() if ticket.fields else None,
            None if ticket.reminder is None else json.encode(ticket.reminder).decode(), ticket.reminder_at,
        ))  # fmt: skip
        for visibility, texts in (("public", document.public_notes), ("internal", document.internal_notes)):
            for at, text in enumerate(texts):
                key = number * 3 + at + (visibility == "internal") * 2
                side = (visibility, "seller", "Console", "The NOC", ticket.created_at)
                rows[1].append(_row(ticket.company_id, number, key, text, *side))
        rows[2].append(_row(ticket.company_id, number, vector(document, FIELDS)))
    return Made(*("".join(part).encode() for part in rows))


def _row(*values: object) -> str:
    return "\t".join("\\N" if value is None else str(value).replace("\\", "\\\\") for value in values) + "\n"


def _document(number: int, tickets: int, company: Company) -> Document:
    chosen = random.Random(number)

    def text(least: int, most: int) -> str:
        return " ".join(chosen.choices(WORDS, cum_weights=_WEIGHTS, k=chosen.randint(least, most)))

    index, serial = (number - 1) % COMPANIES, serial_of(number)
    service, circuit = service_of(index, number), circuit_of(index, number)
    at = EPOCH + timedelta(days=700) * (number / tickets)
    is_old = number < tickets * 0.95 and chosen.random() < 0.99
    issue = chosen.choice(list(IssueType))
    description = f"{text(15, 60)}. {service} {address_of(number)} xe-{number % 8}/0/{number % 48}. {text(5, 20)}"
    name = f"{chosen.choice(WORDS).title()} {chosen.choice(WORDS).title()}"
    ticket = Ticket(
        company.id, number, f"{issue}: {text(3, 7)}", description, issue, ServiceType.NON_CONSOLE, service,
        f"{service} label", chosen.choice(list(Severity)), chosen.choice(list(Impact)), chosen.choice(list(Priority)),
        Status.CLOSED if is_old else chosen.choice((Status.ACKNOWLEDGED, Status.IN_PROGRESS, Status.HELD)),
        Contact(name, f"+1-555-{number % 10_000:04d}", f"{name.lower().replace(' ', '.')}@example.com"),
        Channel.API, at, at, at, None, 1, occurred_at=at - timedelta(minutes=10) if serial % 3 else None,
        is_chronic=serial % 30 == 7, sub_status=None if is_old else f"step_{serial % STEPS}",
        fields=_values(serial, at) if serial % 2 == 0 else {},
        reminder=_reminder(serial) if serial % 10 == 3 and not is_old else None,
    )  # fmt: skip
    public = [text(8, 40) for _ in range(chosen.choice((0, 1, 1, 2)))]
    internal = [text(8, 40)] if number % 3 == 0 else []
    return Document(
        TicketView(ticket, company), public, internal, [], [], [], at, [f"CL-{circuit}", f"pe1.{circuit}", "xe-0/0/1"],
        [SITES[number * 7 % len(SITES)]], ["Fernhill", f"FHC-{circuit}"], TIERS[index % len(TIERS)], {},
        _people(serial), _cases(serial, at),
    )  # fmt: skip


def _values(serial: int, at: datetime) -> dict[str, object]:
    """Return values of own fields."""
    promised = (at + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    latency = serial * 7919 // 2 % LATENCY_MAX
    return {"site": site_of(serial), "latency": latency, "promised": f"{promised:%Y-%m-%dT%H:%M:%SZ}"}


def _reminder(serial: int) -> Reminder:
    """Return a reminder within the next forty days."""
    at = _FILLED_AT + timedelta(minutes=serial * 7 % 57_600)
    return Reminder(at, "Call", False, "Mara", _FILLED_AT)


def _people(serial: int) -> People:
    if serial % 10:
        return NOBODY
    roles = (ContactRole.ON_DUTY,)
    on_duty = Person(PersonKind.CONTACT, on_duty_of(serial), roles=roles)
    return People((on_duty,), (Person(PersonKind.CC, copied_of(serial)),))


def _cases(serial: int, at: datetime) -> tuple[Case, ...]:
    if serial % 20:
        return ()
    side = (CaseKind.CARRIER, CaseState.OPEN, at, None, "", "", "", "", at, "Mara", at, "Mara")
    return (Case(UUID(int=serial), "Fernhill", case_of(serial), *side),)


async def fill(url: str, tickets: int) -> tuple[list[Tenant], str]:
    """Make an empty database hold so many tickets that can be found; the companies, and the key of an agent."""
    tenants = await companies(url)
    agent = await _agent(url)
    connection = await asyncpg.connect(url)
    await connection.execute("set synchronous_commit = off; drop index ticket_search_vector")
    for field in FIELDS.values():
        await connection.execute(FIELD_ROW, field.id, field.key, field.type, field.place)
    for tenant in tenants:
        tier = TIERS[(tenant.first - 1) % len(TIERS)]
        await connection.execute("update company set tier = $2 where id = $1", tenant.company_id, tier)
    ids = [tenant.company_id for tenant in tenants]
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(os.cpu_count()) as pool, Progress() as progress:
        task = progress.add_task("Making tickets", total=tickets)
        starts = iter(range(1, tickets + 1, BATCH))

        def ordered() -> Iterator[asyncio.Future[Made]]:
            for start in starts:
                yield loop.run_in_executor(pool, make, start, min(tickets + 1, start + BATCH), tickets, ids)

        waiting = ordered()
        running = list(islice(waiting, 4))
        while running:
            made = await running.pop(0)
            running += islice(waiting, 1)
            await _copy(connection, made)
            progress.advance(task, BATCH)
    await _finish(connection, tickets)
    await connection.close()
    return tenants, agent


async def _copy(connection: asyncpg.Connection, made: Made) -> None:
    for table, columns, rows in (
        ("ticket", COLUMNS, made.tickets),
        ("note", NOTE_COLUMNS, made.notes),
        ("ticket_search", "company_id, number, vector", made.vectors),
    ):
        await connection.copy_to_table(table, source=_Source(rows), columns=columns.split(", "))


class _Source:
    """Bytes that asyncpg takes for a file."""

    def __init__(self, rows: bytes) -> None:
        self._rows = rows

    def read(self, _size: int) -> bytes:
        rows, self._rows = self._rows, b""
        return rows


async def _finish(connection: asyncpg.Connection, tickets: int) -> None:
    started = time.monotonic()
    await connection.execute(PARTS, timeout=3600)
    await connection.execute("set maintenance_work_mem = '1GB'")
    await connection.execute(
        "create index ticket_search_vector on ticket_search using gin (vector) with (fastupdate = off)", timeout=3600
    )
    built = time.monotonic() - started
    await connection.execute(
        """insert into ticket_count select company_id, 0, count(*) filter (where is_open),
                  count(*) filter (where not is_open) from ticket group by company_id"""
    )
    await connection.execute("select setval('ticket_number', $1), setval('worklog_number', $1 * 4)", tickets)
    await connection.execute("vacuum analyze", timeout=3600)
    sizes = await connection.fetchrow(
        """select pg_table_size('ticket_search') / 1e6, pg_relation_size('ticket_search_vector') / 1e6,
                  pg_total_relation_size('ticket') / 1e6"""
    )
    print(
        f"ticket_search {sizes[0]:.0f} MB, its index {sizes[1]:.0f} MB made in {built:.0f} s, ticket {sizes[2]:.0f} MB"
    )


async def _agent(url: str) -> str:
    database = await Database.open(url)
    async with database.transaction() as tx:
        user = await accounts.add_user(
            tx, OPERATOR, "PROVIDER", name="Mara", email="mara@example.net", phone="", role=Role.AGENT, now=now()
        )
        _key, secret = await keys.create_key(tx, OPERATOR, PROVIDER_ID, user_id=user.id, name="bench", now=now())
    await database.close()
    return secret
