"""The command that checks the installation."""

import asyncio
from contextlib import suppress

import click

from clearline.cli.context import current_settings, database_url
from clearline.cli.exit_status import FAULT_FOUND
from clearline.cli.output import json_option, print_json, print_table
from clearline.errors import OperationalError
from clearline.health import mail_checks
from clearline.health import usecases as health
from clearline.health.domain import Check
from clearline.platform.database.transactions import Database
from clearline.settings.settings import InvalidSetting, Settings
from clearline.tickets.attachments.blob_backend import BlobsUnavailable
from clearline.tickets.attachments.blobs import open_blobs


@click.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Check the installation.

    Settings, disk, attachments and their store, mail both ways, database, clock, open transactions, migrations, counts,
    secrets, search index and consumers. The exit status is 3 when a check fails.
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
    checks = [Check("settings", ok=True, detail="all are known and valid"), health.check_disk(settings)]
    checks.append(asyncio.run(_attachments(settings)))
    if settings.smtp is not None:
        checks.append(asyncio.run(health.check_smtp(settings.smtp)))
    if settings.mail_listen is not None:
        checks.append(asyncio.run(mail_checks.listener(settings.mail_listen)))
    try:
        with database_url(settings) as (url, _ours):
            checks += asyncio.run(_database(settings, url))
    except OperationalError as error:
        checks.append(Check("database", ok=False, detail=str(error)))
    return checks


async def _attachments(settings: Settings) -> Check:
    try:
        return await health.check_attachments(open_blobs(settings))
    except BlobsUnavailable as error:
        return Check("attachments", ok=False, detail=str(error))


async def _database(settings: Settings, url: str) -> list[Check]:
    database = await Database.open(url, size=settings.pool_size)
    try:
        checks = await health.check_database(database, settings, is_thorough=True)
        with suppress(BlobsUnavailable):  # the settings of S3 are invalid: reported already
            checks += await health.check_store(database, open_blobs(settings), is_thorough=True)
        return checks
    finally:
        await database.close()
