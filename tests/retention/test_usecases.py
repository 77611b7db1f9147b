"""What admins see of retention."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from clearline.clock import now
from clearline.errors import Forbidden
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.retention import usecases as retentions
from clearline.retention.domain import Kept, Kind
from clearline.retention.worker import Retention
from clearline.settings.settings import Settings, read_settings
from clearline.tickets.attachments.blobs import open_blobs
from tests.builders.databases import MANY_ROWS, new_database
from tests.builders.people import Tenant, new_tenant


@pytest.fixture
async def desk(postgres: str) -> AsyncIterator[Database]:
    async with new_database(postgres) as url:
        database = await Database.open(url)
        async with database.transaction() as tx:
            for statement in MANY_ROWS.split(";"):
                await tx.write(statement)
            await tx.write(
                """insert into idempotency_key (company_id, api_key_id, route, key, fingerprint, status, body,
                                                created_at)
                   select id, $1, 'POST /tickets', n::text, '', 201, convert_to(repeat('x', 500), 'UTF8'),
                          $2::timestamptz - n * interval '1 minute'
                     from company, generate_series(1, 100) n where code like 'C%'""",
                uuid4(), now(),
            )  # fmt: skip
            await tx.write("analyze")
        yield database
        await database.close()


async def _overview(database: Database, settings: Settings) -> dict[Kind, Kept]:
    async with database.statement() as tx:
        return {kept.kind: kept for kept in await retentions.overview(tx, OPERATOR, settings)}


async def test_the_overview_has_every_kind_with_its_estimates_and_its_last_run(desk: Database, tmp_path: Path) -> None:
    settings = read_settings({"CLEARLINE_DATA_DIR": str(tmp_path)})
    overview = await _overview(desk, settings)
    assert list(overview) == list(Kind)
    answers = overview[Kind.IDEMPOTENCY_KEYS]
    assert (answers.days, answers.rows, answers.last_run) == (1, 2000, None)
    assert answers.size is not None
    assert 2000 * 500 < answers.size < 2000 * 2000
    assert answers.per_ticket == answers.size // 10_500
    assert answers.oldest is not None
    assert timedelta(minutes=100) <= now() - answers.oldest < timedelta(minutes=110)
    assert (overview[Kind.AUDIT].days, overview[Kind.ORPHANED_ATTACHMENTS].size) == (0, None)

    later = now() + timedelta(days=1) - timedelta(minutes=50)
    async with desk.statement() as tx:
        assert await retentions.count_due(tx, OPERATOR, Kind.IDEMPOTENCY_KEYS, settings, now=later) == 51 * 20
        assert await retentions.count_due(tx, OPERATOR, Kind.AUDIT, settings, now=later) == 0
        assert await retentions.count_due(tx, OPERATOR, Kind.ORPHANED_ATTACHMENTS, settings, now=later) is None
    await Retention(desk, open_blobs(settings), settings, lambda: later).run(Kind.IDEMPOTENCY_KEYS)
    last = (await _overview(desk, settings))[Kind.IDEMPOTENCY_KEYS].last_run
    assert last is not None
    assert (last.started_at, last.finished_at, last.removed) == (later, later, 51 * 20)


async def test_only_admins_of_the_provider_see_it(desk: Database) -> None:
    tenant: Tenant = await new_tenant(desk)
    async with desk.statement() as tx:
        with pytest.raises(Forbidden):
            await retentions.overview(tx, tenant.actor, Settings())
        with pytest.raises(Forbidden):
            await retentions.count_due(tx, tenant.actor, Kind.DRAFTS, Settings(), now=now())
