"""The figures of the reports: which day and which age a ticket counts for, and where counting stops."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from clearline.catalogue.assessment import Priority
from clearline.errors import Forbidden, ScopeMissing
from clearline.identity import OPERATOR, Role, Scope
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets.domain import Status
from clearline.tickets.reports import usecases as reports
from clearline.tickets.reports.domain import COUNT_MAX, Tally, last_days, tally
from tests.builders.databases import new_database
from tests.builders.people import NOW, Tenant, new_person, new_tenant
from tests.builders.tickets import raised

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.fixture
async def empty(postgres: str) -> AsyncIterator[Database]:
    async with new_database(postgres) as url:
        database = await Database.open(url)
        yield database
        await database.close()


async def at(tx: Tx, number: int, created: datetime, closed: datetime | None = None) -> None:
    await tx.write(
        "update ticket set created_at = $2, status_changed_at = $3 where number = $1",
        number,
        created,
        closed or created,
    )


async def days_of(database: Database, zone: ZoneInfo, now: datetime, days: int = 3) -> dict[date, tuple[int, int]]:
    async with database.transaction() as tx:
        counts = await reports.count_by_day(tx, OPERATOR, zone=zone, days=days, now=now)
    return {day.day: (day.created.count, day.closed.count) for day in counts}


async def test_a_ticket_counts_for_the_day_in_the_zone_in_which_it_was_created_and_finished(empty: Database) -> None:
    tenant = await new_tenant(empty)
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)  # the 2nd in Amsterdam
    async with empty.transaction() as tx:
        await at(tx, await raised(tx, tenant), late)
        for status in (Status.CLOSED, Status.CANCELLED, Status.REJECTED):
            await at(tx, await raised(tx, tenant, status=status), late, datetime(2026, 3, 3, 1, tzinfo=UTC))
        await at(tx, await raised(tx, tenant, status=Status.RESOLVED), datetime(2026, 3, 3, tzinfo=UTC))
        await at(tx, await raised(tx, tenant), datetime(2026, 2, 1, tzinfo=UTC))
    now = datetime(2026, 3, 3, 12, tzinfo=UTC)
    assert await days_of(empty, ZoneInfo("UTC"), now) == {
        date(2026, 3, 1): (4, 0), date(2026, 3, 2): (0, 0), date(2026, 3, 3): (1, 3)
    }  # fmt: skip
    assert await days_of(empty, AMSTERDAM, now) == {
        date(2026, 3, 1): (0, 0), date(2026, 3, 2): (4, 0), date(2026, 3, 3): (1, 3)
    }  # fmt: skip


def test_days_end_at_midnight_also_when_the_clocks_change() -> None:
    spans = last_days(datetime(2026, 3, 30, 12, tzinfo=UTC), AMSTERDAM, 3)
    assert [day for day, _span in spans] == [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)]
    utc = [span.until.astimezone(UTC) - span.since.astimezone(UTC) for _day, span in spans]
    assert utc == [timedelta(hours=24), timedelta(hours=23), timedelta(hours=24)]


async def test_open_tickets_are_grouped_by_age_and_priority(empty: Database) -> None:
    tenant = await new_tenant(empty)
    day = timedelta(days=1)
    ages = [0 * day, day - day / 100, day, 3 * day, 6.9 * day, 7 * day, 30 * day, 30.1 * day, 400 * day]
    async with empty.transaction() as tx:
        for age in ages:
            await at(tx, await raised(tx, tenant), NOW - age)
        await at(tx, await raised(tx, tenant, status=Status.CLOSED), NOW - day)
        await tx.write("update ticket set priority = 'critical' where created_at = $1", NOW - 400 * day)
        groups = await reports.count_by_age(tx, OPERATOR, now=NOW)
    assert [(group.least, group.below, group.total.count) for group in groups] == [
        (0, 1, 3), (1, 3, 1), (3, 7, 2), (7, 30, 1), (30, None, 2)
    ]  # fmt: skip
    assert groups[-1].priorities[Priority.CRITICAL] == 1


async def test_counting_stops_at_the_bound(empty: Database) -> None:
    tenant = await new_tenant(empty)
    async with empty.transaction() as tx:
        await at(tx, await raised(tx, tenant), NOW)
        await at(tx, await raised(tx, tenant, status=Status.CLOSED), NOW)
        columns = await tx.fetchval(
            """select string_agg(quote_ident(column_name), ', ') from information_schema.columns
                where table_name = 'ticket' and is_generated = 'NEVER' and column_name <> 'number'"""
        )
        row = f"""insert into ticket (number, {columns})
                  select number * 10000 + n, {columns} from ticket, generate_series(1, 1200) n"""  # noqa: S608
        await tx.write(row)
        [today] = await reports.count_by_day(tx, OPERATOR, zone=ZoneInfo("UTC"), days=1, now=NOW)
        young = (await reports.count_by_age(tx, OPERATOR, now=NOW))[0]
    assert (today.created, today.closed, young.total) == (Tally(COUNT_MAX, False),) * 3
    assert (tally(COUNT_MAX), tally(COUNT_MAX + 1)) == (Tally(COUNT_MAX), Tally(COUNT_MAX, False))


async def test_customers_and_keys_without_the_scope_get_no_figures(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        without = await new_person(tx, role=Role.AGENT, scopes=frozenset({Scope.DESK_READ}))
        for actor, refusal in ((tenant.actor, Forbidden), (without, ScopeMissing)):
            with pytest.raises(refusal):
                await reports.count_by_day(tx, actor, zone=AMSTERDAM, days=1, now=NOW)
            with pytest.raises(refusal):
                await reports.count_by_age(tx, actor, now=NOW)
