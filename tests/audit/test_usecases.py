import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from clearline.audit import store as audit_store
from clearline.audit import usecases as audit
from clearline.audit.store import AFTER_ALL, LISTS, AuditFilter, AuditPosition, Scan
from clearline.errors import Forbidden, InvalidInput, NotFound, ScopeMissing
from clearline.events import store as event_store
from clearline.events.domain import (
    AttachmentAdded,
    AttachmentRemoved,
    Change,
    Fact,
    NoteAdded,
    RecordChanged,
    StatusChanged,
    TicketAssigned,
    TicketChanged,
    TicketCreated,
    TicketLinked,
    TicketMerged,
    TicketRouted,
    TicketUnlinked,
    TicketUnmerged,
    WatcherChanged,
)
from clearline.events.event_types import Audience
from clearline.events.store import Event
from clearline.events.type_table import visible_data
from clearline.identity import OPERATOR, PROVIDER_ID, ROLE_SCOPES, STAFF_ROLES, Actor, Company, Role
from clearline.platform.database.transactions import Database, Tx
from tests.builders.databases import generic_plan_of, new_database, plan_of, session
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import raised

HOUR = timedelta(hours=1)
FACTS: list[Fact] = [
    TicketCreated("acknowledged", "low", "API"),
    NoteAdded("public", "buyer"),
    NoteAdded("internal", "seller"),
    StatusChanged("acknowledged", "in_progress", ""),
    TicketChanged([Change("title", "a", "b"), Change("tags", [], ["x"])]),
    TicketChanged([Change("tags", [], ["x"])]),
    TicketAssigned(None, "somebody", "manual"),
    TicketRouted(None, "somewhere", None),
    WatcherChanged("somebody", watches=True),
    TicketLinked("related", "INC000000000001"),
    TicketUnlinked("related", "INC000000000001"),
    TicketMerged("INC000000000001"),
    TicketUnmerged("INC000000000001"),
    AttachmentAdded("a", 1, "public"),
    AttachmentAdded("a", 1, "internal"),
    AttachmentRemoved("a", "public"),
    AttachmentRemoved("a", "internal"),
]


def admin_of(tenant: Tenant) -> Actor:
    role = Role.CUSTOMER_ADMIN
    return Actor(role, tenant.user.name, company=tenant.company, user=tenant.user, scopes=ROLE_SCOPES[role])


async def read(database: Database, actor: Actor = OPERATOR, **filters: Any) -> list[Event]:
    async with database.transaction() as tx:
        return await audit.list_events(tx, actor, **{"limit": 1000, **filters})


async def paged(database: Database, actor: Actor = OPERATOR, **filters: Any) -> list[Event]:
    """Return a whole list, read in pages of two."""
    events: list[Event] = []
    while True:
        after = (events[-1].at, events[-1].offset.id, events[-1].offset.xid) if events else None
        page = await read(database, actor, **filters, after=after, limit=2)
        if not page:
            return events
        events += page


async def append(tx: Tx, company_id: UUID, fact: Fact, number: int | None = None, *, now: datetime = NOW) -> None:
    await event_store.append(tx, OPERATOR, company_id, fact, ticket_number=number, now=now)


@pytest.fixture
async def number(database: Database, fresh: Tenant) -> int:
    """Return a ticket of the fresh company with an event of every type."""
    async with database.transaction() as tx:
        number = await raised(tx, fresh)
        for fact in FACTS:
            await append(tx, fresh.company.id, fact, number)
    return number


async def test_a_customer_reads_only_the_visible_events_of_its_tickets(
    database: Database, fresh: Tenant, number: int
) -> None:
    all_events = await read(database, ticket=number)
    assert len(all_events) == len(FACTS) + 1
    seen_by_customers = (
        (event.offset, visible_data(event.type, event.data, Audience.CUSTOMER)) for event in all_events
    )
    shown = [(cursor, data) for cursor, data in seen_by_customers if data is not None]
    assert 0 < len(shown) < len(all_events)
    for filters in ({"ticket": number}, {"kind": "ticket."}, {"kind": "note."}, {"kind": "attachment."}):
        beginning = str(filters.get("kind", ""))
        known = {event.offset for event in all_events if event.type.startswith(beginning)}
        events = await paged(database, admin_of(fresh), **filters)
        assert [(event.offset, event.data) for event in events] == [(at, data) for at, data in shown if at in known]
    assert "internal" not in str(await read(database, admin_of(fresh)))
    assert "tags" not in str(await read(database, admin_of(fresh)))


async def test_a_customer_reads_only_events_of_its_own_people_keys_and_services(
    database: Database, fresh: Tenant, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        for kind in ("company", "user", "api_key", "service", "queue", "team", "macro"):
            action = "revoked" if kind == "api_key" else "changed"
            await append(tx, fresh.company.id, RecordChanged(kind, action, "1", "One"))
        await tx.write(
            """insert into event (company_id, at, type, actor_name, data)
               values ($1, $2, 'later_invention.changed', 'operator', '{}')""",
            fresh.company.id,
            NOW,
        )
    events = await paged(database, admin_of(fresh))
    assert {event.company_id for event in events} == {fresh.company.id}
    types = [event.type for event in events]
    assert types[:4] == ["service.changed", "api_key.revoked", "user.changed", "company.changed"]
    assert not {"queue.changed", "team.changed", "macro.changed", "later_invention.changed"} & set(types)
    assert await paged(database, admin_of(fresh), company=fresh.company.id) == events
    for foreign in (tenant.company.id, tenant.company.code, PROVIDER_ID, uuid4()):
        with pytest.raises(NotFound, match="company"):
            await read(database, admin_of(fresh), company=foreign)


async def test_the_ticket_of_another_company_does_not_exist(database: Database, tenant: Tenant, number: int) -> None:
    with pytest.raises(NotFound, match="ticket"):
        await read(database, admin_of(tenant), ticket=number)
    with pytest.raises(NotFound, match="ticket"):
        await read(database, ticket=999_999_999)
    assert await read(database, ticket=number, company=tenant.company.id) == []


async def test_a_customer_that_names_a_foreign_user_reads_nothing(
    database: Database, fresh: Tenant, tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        await raised(tx, tenant)
    assert len(await read(database, user_id=tenant.user.id)) > 0
    assert await read(database, admin_of(fresh), user_id=tenant.user.id) == []


@pytest.mark.parametrize("kind", [None, "note.", "user.", "user.created"])
@pytest.mark.parametrize("of", ["everything", "company", "actor", "ticket"])
async def test_every_list_is_newest_first_complete_and_without_repeats(
    database: Database, fresh: Tenant, number: int, of: str, kind: str | None
) -> None:
    filters: dict[str, dict[str, Any]] = {
        "everything": {"since": NOW - HOUR},
        "company": {"company": fresh.company.code},
        "actor": {"user_id": fresh.user.id},
        "ticket": {"ticket": number},
    }
    events = await read(database, **filters[of], kind=kind)
    assert await paged(database, **filters[of], kind=kind) == events
    by_time = of in {"everything", "actor"}
    assert events == sorted(
        events, key=lambda event: (event.at, event.offset.id) if by_time else event.offset.id, reverse=True
    )
    everything = await read(database, since=NOW - HOUR)
    expected = [
        event
        for event in everything
        if (kind is None or (event.type == kind) or (kind.endswith(".") and event.type.startswith(kind)))
        and (of != "company" or event.company_id == fresh.company.id)
        and (of != "actor" or event.actor_id == fresh.user.id)
        and (of != "ticket" or event.ticket_number == number)
    ]
    assert sorted(event.offset for event in events) == sorted(event.offset for event in expected)


async def test_since_is_inclusive_and_until_exclusive(database: Database, fresh: Tenant) -> None:
    async with database.transaction() as tx:
        for hours in (1, 2, 3):
            await append(tx, fresh.company.id, RecordChanged("user", "changed", str(hours), ""), now=NOW + hours * HOUR)
    for company in (fresh.company.id, None):
        events = await read(database, company=company, kind="user.changed", since=NOW + 1 * HOUR, until=NOW + 3 * HOUR)
        ids = [event.data["id"] for event in events if event.company_id == fresh.company.id]
        assert ids == ["2", "1"]
    for until in (NOW, NOW - HOUR):
        with pytest.raises(InvalidInput, match="until must be after since"):
            await read(database, since=NOW, until=until)


async def test_a_type_without_a_dot_at_its_end_is_exact(database: Database, fresh: Tenant) -> None:
    company = fresh.company.id
    for kind in ("user", "user.creat", "%."):
        with pytest.raises(InvalidInput, match=f"{kind} does not exist"):
            await read(database, company=company, kind=kind)
    assert [event.type for event in await read(database, company=company, kind="user.")] == ["user.created"]


@pytest.mark.parametrize("role", Role)
async def test_only_admins_read_the_audit(database: Database, fresh: Tenant, role: Role) -> None:
    provider = Company(PROVIDER_ID, "Provider", "PROVIDER")
    company = provider if role in STAFF_ROLES else None if role is Role.OPERATOR else fresh.company
    actor = Actor(role, "Kim", company=company, scopes=ROLE_SCOPES[role])
    if role in {Role.ADMIN, Role.OPERATOR, Role.CUSTOMER_ADMIN}:
        assert await read(database, actor, limit=1)
    else:
        with pytest.raises(ScopeMissing):
            await read(database, actor)
        with pytest.raises(Forbidden, match="admin"):
            await read(database, Actor(role, "Kim", company=company, scopes=ROLE_SCOPES[Role.ADMIN]))


FILL = """
    insert into company select md5('company' || c)::uuid, 'Company ' || c, 'C' || c, now()
      from generate_series(1, 5) c;
    insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data)
    select md5('company' || e % 5 + 1)::uuid, timestamptz '2026-01-01' + e * interval '1 minute',
           case when e % 7 = 0 then 'user.changed' else 'ticket.changed' end,
           case when e % 7 = 0 then null else e / 100 end, md5('user' || e % 100)::uuid, 'User', '{"changes": []}'
      from generate_series(1, 20000) e;
    analyze
"""


@pytest.fixture(scope="module")
async def filled(postgres: str) -> AsyncIterator[Any]:
    async with new_database(postgres) as url, session(url) as connection:
        await connection.execute(FILL)
        yield connection


SOMETIME = (datetime.fromisoformat("2026-01-05T00:00:00Z"), 5000, 10_000)


INDEXES: dict[Scan, str] = {
    "everything": "event_by_time",
    "records": "event_of_records",
    "of_company": "event_pkey",
    "records_of_company": "event_of_company_records",
    "of_ticket": "event_by_ticket",
}
COMPANY = "select md5('company1')::uuid"


def filters_of(scan: Scan, company_id: UUID) -> Iterator[AuditFilter]:
    """Yield every set of filters of the lists that use one index."""
    filters = AuditFilter(
        company_id=company_id if "of_" in scan else None,
        ticket_number=77 if scan == "of_ticket" else None,
        only_records="records" in scan,
    )
    times = ((None, None), (SOMETIME[0] - HOUR, None), (None, SOMETIME[0] + HOUR))
    for kind, user_id, for_customers, (since, until) in product(
        (None, "user.changed", "ticket."), (None, company_id), (False, True), times
    ):
        yield filters._replace(type=kind, actor_id=user_id, for_customers=for_customers, since=since, until=until)


@pytest.mark.parametrize("after", [None, SOMETIME])
@pytest.mark.parametrize("scan", INDEXES)
async def test_a_page_uses_its_index_and_sorts_nothing(filled: Any, scan: Scan, after: AuditPosition | None) -> None:
    keys = set()
    for filters in filters_of(scan, await filled.fetchval(COMPANY)):
        key, values = audit_store.query(filters, after, 11)
        keys.add(key)
        used, scanned = await plan_of(filled, LISTS[key], *values)
        assert (used, scanned) == ({INDEXES[scan]}, set()), filters
        assert "Sort" not in await filled.fetchval(f"explain (format json) {LISTS[key]}", *values), filters
    assert keys == {key for key in LISTS if key[0] == scan}


@pytest.mark.parametrize(("scan", "index"), INDEXES.items())
async def test_the_generic_plan_uses_the_same_index(filled: Any, scan: Scan, index: str) -> None:
    statements = [statement for key, statement in LISTS.items() if key[0] == scan]
    assert len(statements) == 12
    for statement in statements:
        plan = await generic_plan_of(filled, statement)
        assert f"using {index} on event" in plan
        assert "Sort" not in plan


async def test_a_time_is_a_range_of_the_index(filled: Any) -> None:
    since = datetime.fromisoformat("2026-01-03T00:00:00Z")
    key, values = audit_store.query(AuditFilter(since=since, until=since + HOUR), None, 1000)
    [top] = json.loads(await filled.fetchval(f"explain (analyze, format json) {LISTS[key]}", *values))
    walk = top["Plan"]["Plans"][0]
    assert (walk["Index Name"], walk["Actual Rows"]) == ("event_by_time", 60)
    assert walk.get("Rows Removed by Filter", 0) == 0
    assert AFTER_ALL[0] > since
