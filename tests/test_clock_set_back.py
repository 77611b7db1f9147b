"""A clock was an hour ahead, or years, and is set back: nothing waits for the time that it showed."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from clearline import schedule
from clearline.platform.database.transactions import Database
from tests.builders.people import NOW, Tenant

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
YEAR = timedelta(days=365)
LEASE = MINUTE
EMPTY = bytes(32)


async def set_back(database: Database) -> int:
    """Run the job at ``NOW``; return how many rows it changed."""
    return await schedule.clock_job(database, lambda: NOW).run()


async def stored(database: Database, statement: str, *values: object) -> tuple[Any, ...]:
    async with database.statement() as tx:
        row = await tx.fetchrow(statement, *values)
    assert row is not None
    return tuple(row)


async def subscription(database: Database, tenant: Tenant, **values: object) -> UUID:
    subscription_id = uuid4()
    state = {"failures": 0, "failing_since": None, "resume_at": None, "paused_at": None, **values}
    async with database.statement() as tx:
        await tx.write(
            """insert into subscription (company_id, id, url, description, types, is_active, disabled_reason,
                                         generation, failures, failing_since, resume_at, paused_at, created_at,
                                         updated_at)
               values ($1, $2, 'https://hooks.example.com/', '', '{ticket.}', true, null, 1, $3, $4, $5, $6, $7, $7)""",
            tenant.company.id, subscription_id, *state.values(), NOW,
        )  # fmt: skip
    return subscription_id


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((0, HOUR, None), (timedelta(0), None)),  # stored a moment before the clock was set back
        ((0, HOUR + LEASE, HOUR + LEASE), (LEASE, LEASE)),  # claimed by a process that died
        ((1, HOUR + 5 * SECOND, None), (5.5 * SECOND, None)),  # refused, to be tried again in 5 s
        ((9, YEAR, None), (26.4 * HOUR, None)),
        ((0, LEASE, LEASE), (LEASE, LEASE)),
        ((0, MINUTE, None), (MINUTE, None)),  # clocks of two machines differ
        ((3, 32 * MINUTE, None), (32 * MINUTE, None)),
        ((0, -HOUR, None), (-HOUR, None)),
    ],
)
async def test_a_delivery_waits_no_longer_than_the_schedule_has_it(
    database: Database,
    tenant: Tenant,
    before: tuple[int, timedelta, timedelta | None],
    after: tuple[timedelta, timedelta | None],
) -> None:
    subscription_id = await subscription(database, tenant)
    refusals, due, claimed = before
    async with database.statement() as tx:
        await tx.write(
            """insert into delivery (company_id, subscription_id, id, type, body, state, refusals, due_at,
                                     claimed_until, created_at)
               values ($1, $2, $3, 'ping', '', 'waiting', $4, $5, $6, $7)""",
            tenant.company.id, subscription_id, uuid4(), refusals, NOW + due, claimed and NOW + claimed, NOW,
        )  # fmt: skip
    assert await set_back(database) == (after != (due, claimed))
    times = await stored(
        database,
        "select due_at - $2, claimed_until - $2 from delivery where subscription_id = $1",
        subscription_id,
        NOW,
    )
    assert times == after
    assert await set_back(database) == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1, HOUR, HOUR + 5 * SECOND), (timedelta(0), timedelta(0))),  # began to fail while the clock was ahead
        ((5, -HOUR, YEAR), (-HOUR, 26.4 * HOUR)),
        ((5, -HOUR, 5 * HOUR), (-HOUR, 5 * HOUR)),
        ((1, -HOUR, 24 * HOUR), (-HOUR, 24 * HOUR)),  # the receiver asked for a day
    ],
)
async def test_a_receiver_is_paused_no_longer_than_is_possible(
    database: Database,
    tenant: Tenant,
    before: tuple[int, timedelta, timedelta],
    after: tuple[timedelta, timedelta],
) -> None:
    failures, since, resume = before
    subscription_id = await subscription(
        database, tenant, failures=failures, failing_since=NOW + since, resume_at=NOW + resume
    )
    assert await set_back(database) == (after != (since, resume))
    times = "select failing_since - $2, resume_at - $2 from subscription where id = $1"
    assert await stored(database, times, subscription_id, NOW) == after
    assert await set_back(database) == 0


@pytest.mark.parametrize(
    ("paused", "resume", "after"),
    [
        (HOUR, HOUR + 5 * SECOND, timedelta(0)),  # it failed before the clock was ahead, too
        (HOUR, 6 * HOUR, timedelta(0)),
        (23 * HOUR, 25 * HOUR, timedelta(0)),
        (-HOUR, 6 * HOUR, 6 * HOUR),
        (MINUTE, HOUR, HOUR),  # clocks of two machines differ
    ],
)
async def test_a_pause_that_began_while_the_clock_was_ahead_ends(
    database: Database, tenant: Tenant, paused: timedelta, resume: timedelta, after: timedelta
) -> None:
    values = {"failing_since": NOW - 2 * HOUR, "paused_at": NOW + paused, "resume_at": NOW + resume}
    subscription_id = await subscription(database, tenant, failures=5, **values)
    assert await set_back(database) == (after != resume)
    times = "select failing_since - $2, resume_at - $2 from subscription where id = $1"
    assert await stored(database, times, subscription_id, NOW) == (-2 * HOUR, after)
    assert await set_back(database) == 0


@pytest.mark.parametrize(
    ("state", "due", "after"),
    [
        ("pending", HOUR, HOUR),
        ("pending", HOUR + 2 * MINUTE, timedelta(0)),
        ("verified", 24 * HOUR, 24 * HOUR),
        ("verified", YEAR, timedelta(0)),
    ],
)
async def test_a_mail_domain_waits_no_longer_than_its_schedule_has_it(
    database: Database, tenant: Tenant, state: str, due: timedelta, after: timedelta
) -> None:
    domain_id = uuid4()
    async with database.statement() as tx:
        await tx.write(
            """insert into mail_domain (company_id, id, name, includes_subdomains, state, verified_by, token,
                                        created_at, verified_at, due_at)
               values ($1, $2, $3, false, $4, $5, '', $6, $7, $8)""",
            tenant.company.id, domain_id, f"{domain_id.hex}.example.com", state,
            "dns" if state == "verified" else None, NOW, NOW if state == "verified" else None, NOW + due,
        )  # fmt: skip
    assert await set_back(database) == (due != after)
    assert await stored(database, "select due_at - $2 from mail_domain where id = $1", domain_id, NOW) == (after,)
    assert await set_back(database) == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((0, HOUR, HOUR, None), (timedelta(0), None)),
        ((0, HOUR, HOUR, HOUR + LEASE), (timedelta(0), LEASE)),
        ((0, -HOUR, -HOUR, LEASE), (-HOUR, LEASE)),
        ((1, -HOUR, HOUR + MINUTE, None), (66 * SECOND, None)),
        ((7, -HOUR, YEAR, None), (26.4 * HOUR, None)),
        ((0, -HOUR, 8 * HOUR, None), (8 * HOUR, None)),  # waits for an earlier mail to the same address
        ((0, -HOUR, YEAR, None), (timedelta(0), None)),
        ((4, -HOUR, HOUR, None), (HOUR, None)),
    ],
)
async def test_a_mail_waits_no_longer_than_its_retries_have_it(
    database: Database,
    tenant: Tenant,
    before: tuple[int, timedelta, timedelta, timedelta | None],
    after: tuple[timedelta, timedelta | None],
) -> None:
    attempts, created, due, claimed = before
    mail_id = uuid4()
    async with database.statement() as tx:
        await tx.write(
            """insert into outbound_mail (company_id, id, state, attempts, due_at, claimed_until, created_at, recipient,
                                          subject, kind, message_id, message)
               values ($1, $2, 'waiting', $3, $4, $5, $6, 'ada@example.com', '', 'notification', '<1@example>', '')""",
            tenant.company.id, mail_id, attempts, NOW + due, claimed and NOW + claimed, NOW + created,
        )  # fmt: skip
    assert await set_back(database) == (after != (due, claimed))
    times = "select due_at - $2, claimed_until - $2 from outbound_mail where id = $1"
    assert await stored(database, times, mail_id, NOW) == after
    assert await set_back(database) == 0


@pytest.mark.parametrize(("claimed", "after"), [(HOUR + 2 * MINUTE, 2 * MINUTE), (2 * MINUTE, 2 * MINUTE)])
async def test_a_claim_of_a_received_mail_ends_soon(database: Database, claimed: timedelta, after: timedelta) -> None:
    mail_id = uuid4()
    async with database.statement() as tx:
        await tx.write(
            """insert into inbound_mail (id, received_at, fingerprint, body_hash, claimed_until, envelope_from,
                                         envelope_to, size, state)
               values ($1, $2, $3, $4, $5, '', '', 0, 'waiting')""",
            mail_id, NOW, mail_id.bytes * 2, EMPTY, NOW + claimed,
        )  # fmt: skip
    assert await set_back(database) == (claimed != after)
    assert await stored(database, "select claimed_until - $2 from inbound_mail where id = $1", mail_id, NOW) == (after,)
    assert await set_back(database) == 0


@pytest.mark.parametrize(
    ("channel", "at", "due", "after"),
    [
        ("email", HOUR, HOUR + 30 * SECOND, timedelta(0)),
        ("email", HOUR, 9 * HOUR, 9 * HOUR),  # the end of quiet hours
        ("digest", HOUR, HOUR + 30 * SECOND, HOUR + 30 * SECOND),
        ("email", timedelta(0), 30 * SECOND, 30 * SECOND),
        ("digest", HOUR, 8 * 24 * HOUR, 8 * 24 * HOUR),  # the first day that is not quiet
        ("digest", YEAR, YEAR + HOUR, timedelta(0)),
        ("email", YEAR, YEAR + 9 * HOUR, timedelta(0)),
    ],
)
async def test_a_notification_that_only_waits_for_more_of_its_ticket_is_due(
    database: Database, tenant: Tenant, channel: str, at: timedelta, due: timedelta, after: timedelta
) -> None:
    event_id = uuid4().int % 2**62
    async with database.statement() as tx:
        await tx.write(
            """insert into notification (company_id, recipient, ticket_number, event_id, type, data, actor_name, at,
                                         channel, due_at)
               values ($1, 'ada@example.com', 1, $2, 'note.added', '{}', '', $3, $4, $5)""",
            tenant.company.id, event_id, NOW + at, channel, NOW + due,
        )  # fmt: skip
    assert await set_back(database) == (due != after)
    assert await stored(database, "select due_at - $2 from notification where event_id = $1", event_id, NOW) == (after,)


async def test_that_the_clock_was_set_back_is_logged_once(database: Database, tenant: Tenant) -> None:
    await subscription(database, tenant, failures=1, failing_since=NOW + HOUR, resume_at=NOW + HOUR)
    later: datetime = NOW
    with capture_logs() as logs:
        for _ in range(2):
            await schedule.clock_job(database, lambda: later).run()
    assert [(line["log_level"], line["count"]) for line in logs] == [("warning", 1)]
