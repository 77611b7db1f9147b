"""Retention: how long data is kept, what it takes now, and what the last run deleted."""

from datetime import datetime

from msgspec import Struct

from clearline.identity import Scope
from clearline.retention import usecases as retentions
from clearline.retention.domain import Kept, Kind
from clearline.web.console.admin.section import ADMIN
from clearline.web.console.admin.sidebar import admin_sidebar
from clearline.web.templating import ago, file_size
from clearline.web.visit import Page, Visit
from clearline.web.words import gettext, ngettext, number
from clearline.wires.http.call import Answer

PATH = f"{ADMIN}/retention"


class Row(Struct, frozen=True):
    """A kind of data, in words. What is empty is not shown."""

    name: str
    kept: str
    about: str
    variable: str
    amount: str
    per_ticket: str
    oldest: datetime | None
    last_run: str
    is_late: bool


async def show_retention(visit: Visit) -> Answer:
    """Show each kind of data that is deleted after some time."""
    async with visit.services.database.transaction() as tx:
        kept = await retentions.overview(tx, visit.actor, visit.services.settings)
        side = await admin_sidebar(tx, visit.actor)
    rows = [_row(one, visit.now) for one in kept]
    return visit.page(
        "console/admin/retention.html", side=side, here=PATH, rows=rows, late=sum(row.is_late for row in rows)
    )


def _row(kept: Kept, now: datetime) -> Row:
    name, about = _words(kept.kind)
    days = ngettext("kept for %(num)s day", "kept for %(num)s days", kept.days) % {"num": number(kept.days)}
    amount = per_ticket = ""
    if kept.rows is not None and kept.size is not None and kept.per_ticket is not None:
        rows = ngettext("about %(num)s row", "about %(num)s rows", kept.rows) % {"num": number(kept.rows)}
        amount, per_ticket = f"{rows}, {file_size(kept.size)}", file_size(kept.per_ticket)
    return Row(
        name, days if kept.days else gettext("kept for good"), about, kept.kind.variable, amount, per_ticket,
        kept.oldest, _last_run(kept, now), kept.is_late(now),
    )  # fmt: skip


def _last_run(kept: Kept, now: datetime) -> str:
    run = kept.last_run
    if run is None:
        return gettext("none yet") if kept.is_deleted_by_runs else ""
    values = {"time": ago(run.started_at, now), "count": number(run.removed), "all": number(run.removed_total)}
    if run.finished_at is None:
        return gettext("%(time)s, %(count)s deleted so far") % values
    return gettext("%(time)s, %(count)s deleted; %(all)s by all runs") % values


def _words(kind: Kind) -> tuple[str, str]:
    """Return the name of a kind, and what its setting does."""
    return {
        Kind.IDEMPOTENCY_KEYS: (
            gettext("Answers to retries"),
            gettext("An answer for each request with an Idempotency-Key. Only requests of these days take room."),
        ),
        Kind.DRAFTS: (gettext("Drafts"), gettext("Messages that agents began and never sent, with their files.")),
        Kind.JOBS: (gettext("Jobs"), gettext("Bulk changes and imports, with the result of each of their items.")),
        Kind.DELIVERIES: (
            gettext("Webhook deliveries"),
            gettext("The body of each event for each webhook. You can replay as far back as they are kept."),
        ),
        Kind.OUTBOUND_MAIL: (
            gettext("Sent mail"),
            gettext("Sent mails as they were. Replies find their ticket after it, too."),
        ),
        Kind.INBOUND_MAIL: (
            gettext("Received mail"),
            gettext("The raw content of received mails. The note and the files that were made of it stay."),
        ),
        Kind.NOTIFICATIONS: (
            gettext("Waiting notifications"),
            gettext("What waits for its mail or digest. It is gone once the mail is written."),
        ),
        Kind.ORPHANED_ATTACHMENTS: (
            gettext("Orphaned files"),
            gettext("Files of interrupted uploads and of removed attachments."),
        ),
        Kind.AUDIT: (
            gettext("Audit"),
            gettext("Events about people, keys, companies and settings. Those of tickets stay with their tickets."),
        ),
    }[kind]  # fmt: skip


RETENTION_PAGE = Page("adminRetention", "GET", PATH, show_retention, Scope.DESK_WRITE)
