"""Check that everything is as it should be."""

import asyncio
import shutil
from datetime import timedelta

import click
from msgspec import Struct

from clearline.cli.context import FAULT_FOUND, as_json, database_url, emit, settings, table
from clearline.clock import now
from clearline.events import offset_store
from clearline.mail.outbound import smtp
from clearline.platform.database import migrate
from clearline.platform.database.server import version_and_time
from clearline.platform.database.transactions import Database, DatabaseMisconfigured, DatabaseUnavailable
from clearline.platform.postgres.embedded import LEAST_FREE
from clearline.platform.postgres.programs import EmbeddedPostgresError
from clearline.schedule import CONSUMERS
from clearline.settings import InvalidSetting, Settings
from clearline.tickets import store as ticket_store
from clearline.tickets.attachments.blobs import BlobsUnavailable, open_blobs

_CLOCK_TOLERANCE = timedelta(seconds=5)
_LATE = timedelta(minutes=5)
_MOST_COUNTED = 10_000
_PROBLEMS = (DatabaseMisconfigured, DatabaseUnavailable, EmbeddedPostgresError, migrate.SchemaTooNew)


class Check(Struct, frozen=True):
    """One thing looked at."""

    name: str
    ok: bool
    found: str


@click.command()
@as_json
def doctor(*, as_json: bool) -> None:
    """Check settings, disk, attachments, mail, database, clock, migrations, counts and followers.

    Exit status 3 when something is wrong.
    """
    checks = examine()
    if as_json:
        emit({"ok": all(check.ok for check in checks), "checks": checks})
    else:
        table(("CHECK", "", "FOUND"), [(check.name, "ok" if check.ok else "WRONG", check.found) for check in checks])
    if not all(check.ok for check in checks):
        click.get_current_context().exit(FAULT_FOUND)


def examine() -> list[Check]:
    """Every check that can be made."""
    try:
        found = settings()
    except InvalidSetting as error:
        return [Check("settings", ok=False, found=str(error))]
    checks = [Check("settings", ok=True, found="all are known and valid"), _disk(found)]
    checks.append(asyncio.run(_attachments(found)))
    if found.smtp is not None:
        checks.append(asyncio.run(_mail(found.smtp)))
    try:
        with database_url(found) as (url, _ours):
            checks += asyncio.run(_database(found, url))
    except _PROBLEMS as error:
        checks.append(Check("database", ok=False, found=str(error)))
    return checks


def _disk(found: Settings) -> Check:
    where = next(folder for folder in (found.data_dir, *found.data_dir.parents) if folder.exists())
    free = shutil.disk_usage(where).free
    return Check("disk", ok=free >= LEAST_FREE, found=f"{free // 1024 // 1024} MiB free in {where}")


async def _attachments(found: Settings) -> Check:
    try:
        return Check("attachments", ok=True, found=await open_blobs(found).check())
    except BlobsUnavailable as error:
        return Check("attachments", ok=False, found=str(error))


async def _mail(url: str) -> Check:
    try:
        return Check("mail", ok=True, found=await smtp.check(smtp.SmtpServer.parse(url)))
    except (smtp.SmtpUnavailable, InvalidSetting) as error:
        return Check("mail", ok=False, found=str(error))


async def _consumer_lag(database: Database, name: str) -> Check:
    async with database.statement() as tx:
        count, oldest = await offset_store.lag(tx, name, limit=_MOST_COUNTED)
    late = oldest is not None and now() - oldest > _LATE
    more = " or more" if count == _MOST_COUNTED else ""
    advice = "; is clearline serve or clearline work running?" if late else ""
    return Check(name, ok=not late, found=f"{count}{more} events to follow{advice}")


async def _database(found: Settings, url: str) -> list[Check]:
    database = await Database.open(url, size=found.pool_size)
    try:
        async with database.statement() as tx:
            version, at = await version_and_time(tx)
        drift = abs(now() - at)
        checks = [
            Check("database", ok=True, found=f"PostgreSQL {version}"),
            Check(
                "clock",
                ok=drift <= _CLOCK_TOLERANCE,
                found=f"{drift.total_seconds():.1f} s between this machine and the database",
            ),
        ]
        missing = await migrate.pending(database)
        checks.append(
            Check(
                "migrations",
                ok=not missing,
                found=f"{len(missing)} missing: run clearline migrate" if missing else "all are applied",
            )
        )
        if not missing:
            async with database.transaction() as tx:
                wrong = await ticket_store.miscounted(tx)
            counts = f"differ for {', '.join(wrong)}" if wrong else "agree with tickets"
            checks += [
                Check("counts", ok=not wrong, found=counts),
                *[await _consumer_lag(database, name) for name in CONSUMERS],
            ]
    finally:
        await database.close()
    return checks
