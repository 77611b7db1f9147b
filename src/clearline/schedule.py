"""The background jobs: consumers of events, claim workers, and what runs periodically."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from clearline.accounts import mail_domain_usecases as mail_domains
from clearline.accounts import worker as domain_worker
from clearline.accounts.key_ring import KeyRing
from clearline.bulk import undo_usecases as undo
from clearline.bulk import worker as job_worker
from clearline.clock import CLOCK_SECONDS, monotonic
from clearline.drafts import pending_usecases as pending
from clearline.drafts import worker as message_worker
from clearline.fields import usecases as fields
from clearline.logs import Logger
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound import worker as outbound_mail_worker
from clearline.mail.templates.rendering import Render as RenderMail
from clearline.notifications import store as notification_store
from clearline.notifications import worker as notification_worker
from clearline.notifications.domain import LONGEST_WAIT
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.database.horizon import CHECK_SECONDS, HorizonMonitor
from clearline.platform.database.server import version_and_time
from clearline.platform.database.transactions import Database, Listener, Tx
from clearline.platform.postgres.releases import age_warning
from clearline.platform.work import timers
from clearline.platform.work.runner import PeriodicJob
from clearline.platform.work.timers import Timers
from clearline.presence import store as presence_store
from clearline.presence.presence_board import PresenceBoard
from clearline.privacy import erasure_usecases as erasures
from clearline.privacy import worker as erasure_worker
from clearline.redaction import usecases as redactions
from clearline.redaction import worker as redaction_worker
from clearline.reminders import domain as reminders
from clearline.retention.worker import Retention
from clearline.routing import worker as routing_worker
from clearline.search import worker as search_worker
from clearline.settings.settings import Settings
from clearline.sign_in import attempt_usecases as attempts_to_sign_in
from clearline.sign_in import link_usecases as sign_in_links
from clearline.sign_in import session_usecases as sessions
from clearline.sign_in.identity_providers import flow_usecases as sign_in_flows
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.chronic import worker as chronic_worker
from clearline.tickets.chronic.domain import ChronicRule
from clearline.tickets.reminders import usecases as due_reminders
from clearline.webhooks import attempt_usecases as attempts
from clearline.webhooks import subscription_mail
from clearline.webhooks import worker as webhook_worker
from clearline.webhooks.delivery_usecases import Render as RenderEvent
from clearline.webhooks.subscription_domain import Subscription

PURGE_EVERY = 3600
_DAY = 24 * 3600
_ACTORS_CHANNEL, _BRANDING_CHANNEL, _CATALOGUE_CHANNEL = "clearline_actors", "clearline_branding", "clearline_catalogue"
_CLOSED_AT_ONCE = 100
_UNDO_KEPT = timedelta(hours=1)

_log = Logger("clearline.schedule")

TIMER_KINDS = {reminders.KIND: due_reminders.fire}
"""What is done when a timer is due, by its kind."""

Clock = Callable[[], datetime]
Purge = Callable[..., Awaitable[int]]
"""Deletes some rows that are older than ``before``, in a transaction; returns how many, and 0 when none are left."""


def database_jobs(database: Database, horizon: HorizonMonitor) -> list[PeriodicJob]:
    """Return the jobs of every process that has connections to the database."""
    return [
        PeriodicJob("leave a silent database", 1, database.leave_silent_server, runs_at_stop=False),
        PeriodicJob("find forgotten transactions", CHECK_SECONDS, horizon.check, runs_at_stop=False),
    ]


def server_jobs(keys: KeyRing, listener: "ServerListener") -> list[PeriodicJob]:
    """Return the jobs of a process that serves requests. They are about what it keeps in memory."""
    return [
        PeriodicJob("listen for changes of keys, branding, the catalogue and presence", 1, listener.connect),
        PeriodicJob("store the last uses of keys", 30, keys.save_last_uses),
    ]


def shared_jobs(
    database: Database,
    blobs: Blobs,
    settings: Settings,
    render_event: RenderEvent,
    render_mail: RenderMail,
    now: Clock,
) -> list[PeriodicJob]:
    """Return the jobs that any process can run. Several processes may run them at the same time.

    ``render_event`` makes the body of a webhook, ``render_mail`` fills in the templates of mails.
    """

    async def send_disabled_mail(tx: Tx, subscription: Subscription) -> None:
        mail_settings = await outbound_mail.mail_settings(tx, settings)
        await subscription_mail.send_disabled_mail(
            tx, subscription, render_mail, settings=mail_settings, kept_days=settings.keep_deliveries_days, now=now()
        )

    return [
        routing_worker.routing_job(database, now),
        chronic_worker.chronic_job(database, ChronicRule(settings.chronic_tickets, settings.chronic_days), now),
        *search_worker.jobs(database),
        message_worker.send_job(database, now, notes_max=settings.ticket_notes_max),
        job_worker.worker(
            database,
            now,
            reopens=settings.reopen_on_answer,
            customer_closes=settings.customers_close,
            notes_max=settings.ticket_notes_max,
        ),
        *webhook_worker.jobs(database, settings, now, render_event, send_disabled_mail),
        *notification_worker.jobs(database, settings, render_mail, now),
        *outbound_mail_worker.jobs(database, settings, now),
        Timers(database, TIMER_KINDS, now).job(),
        domain_worker.domain_job(database, now),
        redaction_worker.redaction_job(database, blobs, now, secret_key=settings.secret_key),
        erasure_worker.erasure_job(database, blobs, now, secret_key=settings.secret_key),
        *_close_jobs(database, settings, now),
        Retention(database, blobs, settings, now).job(),
        *_sign_in_jobs(database, now),
        _undo_job(database, now),
        _field_job(database, now),
        clock_job(database, now),
        age_job(database, now),
    ]


def _sign_in_jobs(database: Database, now: Clock) -> list[PeriodicJob]:
    """Return the jobs that delete what is over: sessions, links, counters of attempts, unfinished sign-ins."""

    def job(name: str, purge: Purge) -> PeriodicJob:
        return PeriodicJob(name, PURGE_EVERY, _until_done(database, lambda tx: purge(tx, before=now())))

    return [
        job("purge sessions", sessions.purge),
        job("purge links to sign in", sign_in_links.purge),
        job("purge attempts to sign in", attempts_to_sign_in.purge),
        job("purge unfinished sign-ins", sign_in_flows.purge),
    ]


def _undo_job(database: Database, now: Clock) -> PeriodicJob:
    """Return the job that deletes what cannot be undone any more."""
    purge = _until_done(database, lambda tx: undo.purge(tx, before=now() - _UNDO_KEPT))
    return PeriodicJob("purge changes that could be undone", PURGE_EVERY, purge)


def _field_job(database: Database, now: Clock) -> PeriodicJob:
    """Return the job that purges own fields whose deletion cannot be undone any more, with their values."""
    purge = _until_done(database, lambda tx: fields.purge(tx, now=now()))
    return PeriodicJob("purge deleted fields", PURGE_EVERY, purge)


def clock_job(database: Database, now: Clock) -> PeriodicJob:
    """Return the job that lets nothing wait for as long as a clock was ahead that is set back.

    Due times and the ends of claims are times of day, since several machines read them.
    """
    grouped = GROUPING_WINDOW + timedelta(seconds=CLOCK_SECONDS)

    async def shorten_waits() -> int:
        count = 0
        for shorten in (
            attempts.shorten_waits,
            outbound_mail.shorten_waits,
            inbound_mail.shorten_claims,
            mail_domains.shorten_waits,
            pending.shorten_waits,
            timers.shorten_waits,
            redactions.shorten_waits,
            erasures.shorten_waits,
        ):
            async with database.transaction() as tx:
                count += await shorten(tx, now=now())
        async with database.transaction() as tx:
            count += await notification_store.shorten_waits(tx, grouped=grouped, longest=LONGEST_WAIT, now=now())
        if count:
            _log.warning("the clock was set back: what would wait for it is due earlier", count=count)
        return count

    name = "shorten waits of a wrong clock"
    return PeriodicJob(name, CLOCK_SECONDS, shorten_waits, batch=attempts.SHORTENED, runs_at_stop=False)


def age_job(database: Database, now: Clock) -> PeriodicJob:
    """Return the job that logs a warning when PostgreSQL's minor version is old: after the start, and once a day."""
    due = monotonic()

    async def warn() -> int:
        nonlocal due
        if monotonic() < due:
            return 0
        async with database.statement() as tx:
            version, _at = await version_and_time(tx)
        due = monotonic() + _DAY
        warning = age_warning(version, now().date())
        if warning is not None:
            _log.warning("PostgreSQL is old", detail=warning)
        return 0

    return PeriodicJob("check the age of PostgreSQL", 5, warn, runs_at_stop=False)


def _close_jobs(database: Database, settings: Settings, now: Clock) -> list[PeriodicJob]:
    if not settings.close_resolved_hours:
        return []
    after = timedelta(hours=settings.close_resolved_hours)

    async def close(tx: Tx) -> int:
        return await ticket_changes.close_resolved(tx, after=after, limit=_CLOSED_AT_ONCE, now=now())

    return [PeriodicJob("close resolved tickets", 60, _until_done(database, close))]


def _until_done(database: Database, work: Callable[[Tx], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
    """Return a run that repeats work, each time in a transaction of its own, until it finds nothing to do."""

    async def run() -> int:
        total = 0
        while True:
            async with database.transaction() as tx:
                count = await work(tx)
            total += count
            if not count:
                return total

    return run


class ServerListener:
    """Keeps a connection open on which the database reports presence and changes of what the process has in memory.

    ``forget_desk`` is called when what pages show of the desk may have changed: its company, or its branding.
    """

    def __init__(
        self, database: Database, keys: KeyRing, presence: PresenceBoard, forget_desk: Callable[[], None]
    ) -> None:
        self._database = database
        self._keys = keys
        self._forget_desk = forget_desk
        self._channels: dict[str, Callable[[str], None]] = {
            _ACTORS_CHANNEL: self._forget_actors,
            _BRANDING_CHANNEL: lambda _payload: forget_desk(),
            _CATALOGUE_CHANNEL: lambda _payload: database.memory.forget(),
            presence_store.CHANNEL: presence.receive,
        }
        self._listener: Listener | None = None

    async def connect(self) -> int:
        """Connect unless connected; return 1 when it was necessary."""
        if self._keys.is_line_up:
            return 0
        self._listener = await self._database.listen(self._channels, self._line_down)
        self._keys.line_up()
        self._database.memory.line_up()
        self._forget_desk()
        return 1

    def _line_down(self) -> None:
        self._keys.line_down()
        self._database.memory.line_down()

    def _forget_actors(self, _payload: str) -> None:
        self._keys.forget()
        self._forget_desk()

    async def close(self) -> None:
        """Disconnect."""
        if self._listener is not None:
            await self._listener.close()
