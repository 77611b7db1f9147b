"""The command that checks the installation."""

import asyncio
import os
import shutil
from datetime import date, timedelta

import click

from clearline.cli.context import current_settings, database_url
from clearline.cli.exit_status import FAULT_FOUND
from clearline.cli.output import json_option, print_json, print_table
from clearline.cli.server import mail_checks
from clearline.cli.server.check import Check
from clearline.clock import monotonic, now
from clearline.errors import OperationalError
from clearline.events import offset_store
from clearline.events.consumer import CONSUMERS
from clearline.mail.inbound import mailbox_store
from clearline.platform.database import migrate
from clearline.platform.database.horizon import PATIENCE_SECONDS, OldestTransaction, oldest_transaction
from clearline.platform.database.server import planner_settings, version_and_time
from clearline.platform.database.session import PLANNER_SETTINGS
from clearline.platform.database.transactions import Database
from clearline.platform.postgres.embedded import LEAST_FREE
from clearline.platform.postgres.releases import age_warning, release_date
from clearline.search import store as search_store
from clearline.search import usecases as search
from clearline.search.document import FORMAT
from clearline.settings import InvalidSetting, Settings
from clearline.tickets import store as ticket_store
from clearline.tickets.attachments.blob_backend import BlobsUnavailable
from clearline.tickets.attachments.blobs import open_blobs

_CLOCK_TOLERANCE = timedelta(seconds=5)
_LATE = timedelta(minutes=5)
_COUNT_MAX = 10_000


@click.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Check the installation.

    Settings, disk, attachments, mail both ways, database, clock, open transactions, migrations, counts, secrets,
    search index and consumers. The exit status is 3 when a check fails.
    """
    checks = examine()
    if as_json:
        print_json({"ok": all(check.ok for check in checks), "checks": checks})
    else:
        print_table(("CHECK", "", "DETAIL"), [(check.name, check.word, check.detail) for check in checks])
    if not all(check.ok for check in checks):
        click.get_current_context().exit(FAULT_FOUND)


def examine() -> list[Check]:
    """Run every check that is possible."""
    try:
        settings = current_settings()
    except InvalidSetting as error:
        return [Check("settings", ok=False, detail=str(error))]
    checks = [Check("settings", ok=True, detail="all are known and valid"), _disk(settings)]
    checks.append(asyncio.run(_attachments(settings)))
    if settings.smtp is not None:
        checks.append(asyncio.run(_mail(settings.smtp)))
    if settings.mail_listen is not None:
        checks.append(asyncio.run(mail_checks.listener(settings.mail_listen)))
    try:
        with database_url(settings) as (url, _ours):
            checks += asyncio.run(_database(settings, url))
    except OperationalError as error:
        checks.append(Check("database", ok=False, detail=str(error)))
    return checks


def _disk(settings: Settings) -> Check:
    folders = (settings.data_dir, *settings.data_dir.parents)
    where = next(folder for folder in folders if os.path.exists(folder))  # noqa: PTH110 - raises nothing where it is closed
    free = shutil.disk_usage(where).free
    return Check("disk", ok=free >= LEAST_FREE, detail=f"{free // 1024 // 1024} MiB free in {where}")


async def _attachments(settings: Settings) -> Check:
    try:
        return Check("attachments", ok=True, detail=await open_blobs(settings).check())
    except BlobsUnavailable as error:
        return Check("attachments", ok=False, detail=str(error))


async def _mail(url: str) -> Check:
    from clearline.mail.outbound import smtp  # noqa: PLC0415 - slow to import, and many desks send no mail

    try:
        return Check("mail", ok=True, detail=await smtp.check(smtp.SmtpServer.parse(url)))
    except (smtp.SmtpUnavailable, InvalidSetting) as error:
        return Check("mail", ok=False, detail=str(error))


async def _consumer(database: Database, name: str) -> Check:
    async with database.statement() as tx:
        count, oldest = await offset_store.lag(tx, name, limit=_COUNT_MAX)
    late = oldest is not None and now() - oldest > _LATE
    more = " or more" if count == _COUNT_MAX else ""
    advice = "; is clearline serve or clearline work running?" if late else ""
    return Check(name, ok=not late, detail=f"{count}{more} events behind{advice}")


def check_planner(actual: dict[str, str]) -> Check:
    """Return whether the planner's settings are those that each connection asks for. A pooler may drop them."""
    wrong = [
        f"{name} is {actual.get(name)}, not {value}"
        for name, value in PLANNER_SETTINGS.items()
        if actual.get(name) != value
    ]
    advice = "; a pooler drops them: set them for the role, see the guide to production"
    shown = ", ".join(f"{name} {value}" for name, value in PLANNER_SETTINGS.items())
    return Check("planner", ok=not wrong, detail=", ".join(wrong) + advice if wrong else shown)


async def _events(database: Database) -> Check:
    """Check that readers of events wait for no transaction: the oldest ends within seconds."""
    seen: OldestTransaction | None = None
    began = monotonic()
    while True:
        async with database.statement() as tx:
            oldest = await oldest_transaction(tx)
        if oldest is None or (seen is not None and oldest.xid != seen.xid):
            return Check("transactions", ok=True, detail="none is open for long")
        seen = oldest
        seconds = max(oldest.seconds or 0.0, monotonic() - began)
        if seconds >= PATIENCE_SECONDS:
            return Check("transactions", ok=False, detail=oldest.text(seconds))
        await asyncio.sleep(PATIENCE_SECONDS / 5)


def check_age(version: str, today: date, *, is_embedded: bool) -> Check:
    """Return whether the minor release of PostgreSQL is recent. An old one is a warning: Clearline works with it."""
    warning = age_warning(version, today)
    if warning is None:
        day = release_date(version)
        return Check("minor release", ok=True, detail=f"of {day}" if day else f"{version} is newer than this Clearline")
    advice = "update Clearline, or set CLEARLINE_POSTGRES_BIN to newer programs" if is_embedded else "update the server"
    return Check("minor release", ok=True, detail=f"{warning}; {advice}", warning=True)


async def _secrets(database: Database, settings: Settings) -> Check:
    """Warn when a copy of the database is enough to read the passwords of mailboxes."""
    async with database.statement() as tx:
        passwords = await mailbox_store.count_passwords(tx)
    if passwords and settings.secret_key is None:
        detail = (
            f"the key of {passwords} mailbox passwords is in the database too, so that whoever has a copy of "
            "it can read them: set CLEARLINE_SECRET_KEY, then set the passwords again"
        )
        return Check("secrets", ok=True, detail=detail, warning=True)
    return Check(
        "secrets", ok=True, detail="the passwords of mailboxes have a key of their own" if passwords else "none"
    )


async def _search_index(database: Database) -> Check:
    """Warn when the search index is of an older version. The workers rebuild it, which takes a while."""
    async with database.statement() as tx:
        old = await search.outdated_format(tx)
    async with database.statement() as tx:
        has_entries = await search_store.newest(tx) > 0
    if old is None or not has_entries:
        return Check("search index", ok=True, detail=f"format {FORMAT}")
    detail = (
        f"format {old} is older than {FORMAT} of this version, so that not every ticket is found: clearline serve and "
        "clearline work rebuild it in the background; clearline search rebuild does it at once"
    )
    return Check("search index", ok=True, detail=detail, warning=True)


async def _database(settings: Settings, url: str) -> list[Check]:
    database = await Database.open(url, size=settings.pool_size)
    try:
        async with database.statement() as tx:
            version, at = await version_and_time(tx)
            planner = await planner_settings(tx)
        drift = abs(now() - at)
        checks = [
            Check("database", ok=True, detail=f"PostgreSQL {version}"),
            check_age(version, now().date(), is_embedded=settings.database_url is None),
            check_planner(planner),
            Check(
                "clock",
                ok=drift <= _CLOCK_TOLERANCE,
                detail=f"{drift.total_seconds():.1f} s between this machine and the database",
            ),
        ]
        checks.append(await _events(database))
        missing = await migrate.pending(database)
        checks.append(
            Check(
                "migrations",
                ok=not missing,
                detail=f"{len(missing)} missing: run clearline migrate" if missing else "all are applied",
            )
        )
        if not missing:
            async with database.transaction() as tx:
                wrong = await ticket_store.miscounted(tx)
            counts = f"differ for {', '.join(wrong)}" if wrong else "agree with tickets"
            checks += [
                Check("counts", ok=not wrong, detail=counts),
                await _secrets(database, settings),
                *await mail_checks.inbound_mail(database, now()),
                await _search_index(database),
                *[await _consumer(database, name) for name in CONSUMERS],
            ]
    finally:
        await database.close()
    return checks
