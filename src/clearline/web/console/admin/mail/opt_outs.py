"""Mail that recipients stopped with the link in it: see it, and send it again when they ask for it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from clearline.identity import Scope
from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.mail.outbound.opt_out_domain import DIGEST, TICKETS, WEBHOOKS, StoredOptOut
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import ticket_number
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.records.form import Field, Line, Values
from clearline.web.visit import Visit
from clearline.web.words import full_time, gettext


class OptOuts(AdminSection[StoredOptOut]):
    """The section of stopped mail."""

    noun = "optOut"
    path = f"{ADMIN}/opt-outs"
    scope = Scope.DESK_WRITE
    template = "console/admin/mail/opt_outs.html"
    can_create = False
    can_change = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Stopped mail"),
            "about": gettext("Mail that its recipients stopped with the link in it."),
            "delete": gettext("Send the mail again"),
            "about delete": gettext("Do this only when the recipient asks for it. They can stop it again."),
            "done delete": gettext("The recipient gets this mail again."),
        }

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return what was stopped, newest first."""
        before = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
        listed = await opt_outs.list_opt_outs(tx, visit.actor, before=before, limit=limit)
        return [
            Line(
                str(stored.id), stored.recipient, [stored.created_at.isoformat(), str(stored.id)],
                f"{_topic(stored)} · {full_time(stored.created_at)}",
            )
            for stored in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: StoredOptOut | None) -> list[Field]:  # noqa: ARG002
        """Return nothing: an opt-out cannot be changed."""
        return []

    def values(self, record: StoredOptOut) -> Values:  # noqa: ARG002
        """Return nothing: an opt-out cannot be changed."""
        return {}

    def title(self, record: StoredOptOut) -> str:
        """Return the recipient."""
        return record.recipient

    async def more(self, visit: Visit, tx: Tx, record: StoredOptOut) -> dict[str, object]:  # noqa: ARG002
        """Return what was stopped, in words."""
        return {"topic": _topic(record)}

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> StoredOptOut:
        """Return an opt-out."""
        return await opt_outs.get_opt_out(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> StoredOptOut:
        """Return an opt-out that is about to be deleted."""
        return await opt_outs.lock_opt_out(tx, visit.actor, record_id)

    async def delete(self, visit: Visit, tx: Tx, record: StoredOptOut) -> None:
        """Send the mail again from now on."""
        await opt_outs.delete_opt_out(tx, visit.actor, record.id, now=visit.now)


def _topic(stored: StoredOptOut) -> str:
    number = stored.opt_out.ticket_number
    if number is not None:
        return gettext("Mail about %(ticket)s") % {"ticket": ticket_number(number)}
    topics = {
        DIGEST: gettext("Digests"),
        TICKETS: gettext("Mail about all tickets of the company"),
        WEBHOOKS: gettext("Mail about webhooks that were disabled"),
    }
    return topics.get(stored.topic, stored.topic)


OPT_OUTS = OptOuts()
