"""System health: checks of the installation, the work that is due, and the mailboxes."""

from datetime import datetime

from msgspec import Struct

from clearline.health import usecases as health
from clearline.health.domain import Backlog, Check
from clearline.identity import Scope
from clearline.mail.inbound import mailbox_usecases as mailboxes
from clearline.version import version
from clearline.web.console.admin.section import ADMIN
from clearline.web.console.admin.sidebar import admin_sidebar
from clearline.web.templating import ago
from clearline.web.visit import Page, Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

PATH = f"{ADMIN}/health"
_MAILBOXES_MAX = 100


class Row(Struct, frozen=True):
    """Work that is due, in words."""

    name: str
    count: str
    oldest: str
    is_late: bool


async def show_health(visit: Visit) -> Answer:
    """Show what the command doctor checks that takes a moment only."""
    services = visit.services
    checks = await health.check_server(services.database, services.settings, services.blobs, visit.actor)
    rows = [_row(backlog, visit.now) for backlog in await health.backlogs(services.database, visit.actor)]
    async with services.database.transaction() as tx:
        side = await admin_sidebar(tx, visit.actor)
        boxes = await mailboxes.list_mailboxes(tx, visit.actor, after=None, limit=_MAILBOXES_MAX)
    return visit.page(
        "console/admin/health.html", side=side, here=PATH, checks=sorted(checks, key=_rank), rows=rows,
        wrong=sum(not check.ok for check in checks) + sum(row.is_late for row in rows),
        warnings=sum(check.ok and check.warning for check in checks),
        boxes=[mailbox for mailbox in boxes if mailbox.imap_host is not None], version=version(),
    )  # fmt: skip


def _rank(check: Check) -> int:
    """Return the place of a check: what is wrong first, then what needs attention."""
    return 2 if check.ok and not check.warning else int(check.ok)


def _row(backlog: Backlog, now: datetime) -> Row:
    count = f"{backlog.count}+" if backlog.count >= backlog.limit else str(backlog.count)
    oldest = "" if backlog.oldest is None else ago(backlog.oldest, now)
    return Row(_names().get(backlog.name, backlog.name), count, oldest, backlog.is_late(now))


def _names() -> dict[str, str]:
    return {
        "events: routing": gettext("Events to route"),
        "events: chronic": gettext("Events to find chronic services in"),
        "events: search": gettext("Events to index for the search"),
        "events: webhooks": gettext("Events to pass to webhooks"),
        "events: notifications": gettext("Events to notify of"),
        "webhook deliveries": gettext("Webhook deliveries"),
        "outbound mail": gettext("Mail to send"),
        "inbound mail": gettext("Mail to classify"),
        "timers": gettext("Timers to act on"),
        "jobs": gettext("Jobs over many tickets"),
    }


HEALTH_PAGE = Page("adminHealth", "GET", PATH, show_health, Scope.DESK_WRITE)
