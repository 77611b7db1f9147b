"""Check an installation: its disk, attachments, database, workers and queues.

Each check says what it saw, and what to do when it is not fulfilled. No text has a secret.
"""

import asyncio
import os
import shutil

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.bulk import store as job_store
from clearline.clock import monotonic, now
from clearline.events import offset_store
from clearline.events.consumer import CONSUMERS
from clearline.health import mail_checks
from clearline.health.domain import LATE, Backlog, Check, check_age, check_clock, check_planner
from clearline.identity import Actor, Scope
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.outbound import store as outbound_mail_store
from clearline.platform.database import migrate
from clearline.platform.database.horizon import PATIENCE_SECONDS, OldestTransaction, oldest_transaction
from clearline.platform.database.server import planner_settings, version_and_time
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.postgres.embedded import LEAST_FREE, url_of
from clearline.platform.work import timer_store
from clearline.search import index_usecases
from clearline.search import store as search_store
from clearline.search.document import FORMAT
from clearline.settings.settings import InvalidSetting, Settings
from clearline.tickets.attachments.blob_backend import BlobsUnavailable
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.marks import store as mark_store
from clearline.tickets.attachments.marks import usecases as marks
from clearline.tickets.attachments.marks.domain import StoreState, problem_of
from clearline.tickets.domain import ticket_number
from clearline.tickets.reports import store as report_store
from clearline.webhooks import delivery_store

COUNT_MAX = 10_000
"""Up to how many is counted what waits."""
_NEWEST_FILES = 100


async def check_server(database: Database, settings: Settings, blobs: Blobs, actor: Actor) -> list[Check]:
    """Return the checks that take a moment in a running server: all but the counts, and mail servers.

    For admins of the provider.
    """
    require_admin(actor)
    checks = [check_disk(settings), await check_attachments(blobs)]
    checks += await check_database(database, settings, is_thorough=False)
    return checks + await check_store(database, blobs, is_thorough=False)


async def backlogs(database: Database, actor: Actor) -> list[Backlog]:
    """Return the work that is due, of each kind: events of consumers, webhooks, mail both ways, timers, and jobs.

    For admins of the provider.
    """
    require_admin(actor)
    async with database.statement() as tx:
        lags, work = await consumer_backlogs(tx), await work_backlogs(tx)
    return [*(replace(lag, name=f"events: {lag.name}") for lag in lags), *work]


async def consumer_backlogs(tx: Tx) -> list[Backlog]:
    """Return the events that each consumer has not handled. Served by ``event_cursor``."""
    lags = {name: await offset_store.lag(tx, name, limit=COUNT_MAX) for name in CONSUMERS}
    return [Backlog(name, *lag, COUNT_MAX) for name, lag in lags.items()]


async def work_backlogs(tx: Tx) -> list[Backlog]:
    """Return the work that is due beside events.

    Served by ``delivery_due``, ``outbound_mail_waiting``, ``inbound_mail_waiting``, ``timer_due`` and
    ``job_unfinished``.
    """
    deliveries = await delivery_store.due(tx, now=now(), limit=COUNT_MAX)
    outbound = await outbound_mail_store.due(tx, now=now(), limit=COUNT_MAX)
    inbound = await inbound_mail_store.waiting(tx, limit=COUNT_MAX)
    timers = await timer_store.overdue(tx, now=now(), limit=COUNT_MAX)
    jobs = await job_store.waiting(tx, limit=COUNT_MAX)
    return [
        Backlog("webhook deliveries", *deliveries, COUNT_MAX),
        Backlog("outbound mail", *outbound, COUNT_MAX),
        Backlog("inbound mail", *inbound, COUNT_MAX),
        Backlog("timers", *timers, COUNT_MAX),
        Backlog("jobs", *jobs, COUNT_MAX, may_last=True),
    ]


def require_admin(actor: Actor) -> None:
    """Refuse everybody but admins of the provider."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.DESK_WRITE)


def check_disk(settings: Settings) -> Check:
    """Check that the disk of the data directory has room."""
    folders = (settings.data_dir, *settings.data_dir.parents)
    where = next(folder for folder in folders if os.path.exists(folder))  # noqa: PTH110 - raises nothing where it is closed
    free = shutil.disk_usage(where).free
    return Check("disk", ok=free >= LEAST_FREE, detail=f"{free // 1024 // 1024} MiB free in {where}")


async def check_attachments(blobs: Blobs) -> Check:
    """Check that the store of attachments works."""
    try:
        return Check("attachments", ok=True, detail=await blobs.check())
    except BlobsUnavailable as error:
        return Check("attachments", ok=False, detail=str(error))


async def check_store(database: Database, blobs: Blobs, *, is_thorough: bool) -> list[Check]:
    """Check that the store of attachments is that of the desk; ``is_thorough`` also looks for its newest attachments.

    Without a check when the database lacks migrations or is of a newer version, or the store cannot be asked: other
    checks say so.
    """
    try:
        if await migrate.pending(database):
            return []
        state = await marks.recognize(database, blobs)
        problem = problem_of(state, blobs.location)
        detail = "a server marks it when it starts" if state is StoreState.NEW else "has the mark of this desk"
        checks = [Check("attachment store", ok=problem is None, detail=problem or detail)]
        return checks + ([await _check_files(database, blobs)] if is_thorough else [])
    except (BlobsUnavailable, migrate.SchemaTooNew):
        return []


async def _check_files(database: Database, blobs: Blobs) -> Check:
    async with database.statement() as tx:
        newest = await mark_store.newest_attachments(tx, limit=_NEWEST_FILES)
    gone = await marks.missing(blobs, newest)
    if not gone:
        return Check("attached files", ok=True, detail=f"the newest {len(newest)} are there" if newest else "none")
    first = gone[0]
    detail = (
        f"{len(gone)} of the newest {len(newest)} are missing or incomplete in {blobs.location}, first {first.key.id} "
        f"of {ticket_number(first.ticket_number)}: copy them from a backup, or from another server's directory"
    )
    return Check("attached files", ok=False, detail=detail)


async def check_smtp(url: str) -> Check:
    """Check that the mail server answers, and accepts the user."""
    from clearline.mail.outbound import smtp  # noqa: PLC0415 - slow to import, and many desks send no mail

    try:
        return Check("mail", ok=True, detail=await smtp.check(smtp.SmtpServer.parse(url)))
    except (smtp.SmtpUnavailable, InvalidSetting) as error:
        return Check("mail", ok=False, detail=str(error))


async def check_database(database: Database, settings: Settings, *, is_thorough: bool) -> list[Check]:
    """Check the database and what workers do with it. ``is_thorough`` waits for seconds, and counts every ticket."""
    is_embedded = _runs_embedded(settings)
    async with database.statement() as tx:
        version, at = await version_and_time(tx)
        planner = await planner_settings(tx)
    checks = [
        Check("database", ok=True, detail=f"PostgreSQL {version}"),
        check_age(version, now().date(), is_embedded=is_embedded),
        check_planner(planner, is_embedded=is_embedded),
        check_clock(now() - at, is_embedded=is_embedded),
    ]
    checks.append(await _transactions(database, waits=is_thorough))
    migrations = await _migrations(database)
    checks.append(migrations)
    if migrations.ok:
        checks += [
            *([await _counts(database)] if is_thorough else []),
            await _secrets(database, settings),
            *await mail_checks.inbound_mail(database, now()),
            await mail_checks.mail_templates(database),
            await mail_checks.recipient_limit(database, settings.recipient_mails, now()),
            await _search_index(database),
            *[await _consumer(database, name) for name in CONSUMERS],
        ]
    return checks


async def _migrations(database: Database) -> Check:
    """Check that this version works with the migrations of the database."""
    try:
        missing = await migrate.pending(database)
    except migrate.SchemaTooNew as error:
        return Check("migrations", ok=False, detail=str(error))
    if missing:
        return Check("migrations", ok=False, detail=f"{len(missing)} missing: run clearline migrate")
    newer = (await migrate.schema(database)).newer
    note = f", and of a newer version, compatible with this one: {', '.join(newer)}" if newer else ""
    return Check("migrations", ok=True, detail=f"all are applied{note}")


def _runs_embedded(settings: Settings) -> bool:
    """Return whether Clearline runs PostgreSQL itself: a server that does has the address of its own."""
    return settings.database_url in {None, url_of(settings.data_dir)}


async def _consumer(database: Database, name: str) -> Check:
    async with database.statement() as tx:
        count, oldest = await offset_store.lag(tx, name, limit=COUNT_MAX)
    late = oldest is not None and now() - oldest > LATE
    more = " or more" if count == COUNT_MAX else ""
    advice = "; is clearline serve or clearline work running?" if late else ""
    return Check(name, ok=not late, detail=f"{count}{more} events behind{advice}")


async def _transactions(database: Database, *, waits: bool) -> Check:
    """Check that readers of events wait for no transaction: the oldest ends within seconds.

    Without ``waits`` one look has to do: then a transaction whose age PostgreSQL does not say counts as new.
    """
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
        if not waits:
            return Check("transactions", ok=True, detail="none is open for long")
        await asyncio.sleep(PATIENCE_SECONDS / 5)


async def _counts(database: Database) -> Check:
    """Check that the stored numbers of tickets are right. A look at every ticket."""
    async with database.transaction() as tx:
        wrong = await report_store.miscounted(tx)
    detail = f"differ for {', '.join(wrong)}" if wrong else "agree with tickets"
    return Check("counts", ok=not wrong, detail=detail)


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
        if await index_usecases.is_newer(tx):
            return Check("search index", ok=True, detail="of a newer version, whose workers keep it up to date")
    async with database.statement() as tx:
        old = await index_usecases.outdated_format(tx)
    async with database.statement() as tx:
        has_entries = await search_store.newest(tx) > 0
    if old is None or not has_entries:
        return Check("search index", ok=True, detail=f"format {FORMAT}")
    detail = (
        f"format {old} is older than {FORMAT} of this version, so that not every ticket is found: clearline serve and "
        "clearline work rebuild it in the background; clearline search rebuild does it at once"
    )
    return Check("search index", ok=True, detail=detail, warning=True)
