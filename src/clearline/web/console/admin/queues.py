"""The queues where tickets wait: their teams, and how their tickets are assigned."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.queues.domain import Assignment
from clearline.queues.store import QueueDetails
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.fields import id_in, member_in
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext

_TEAMS_MAX = 1000


class Queues(AdminSection[QueueDetails]):
    """The section of queues."""

    noun = "queue"
    path = f"{ADMIN}/queues"
    scope = Scope.DESK_WRITE

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Queues"),
            "new": gettext("New queue"),
            "about": gettext("Queues are where tickets wait for a team."),
            "about delete": gettext("A queue with tickets, open or finished, or that a routing rule chooses, stays."),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted."),
        }

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the queues by name."""
        listed = await queues.list_queues(tx, visit.actor, after=after[0] if after else None, limit=limit)
        return [
            Line(
                str(details.queue.id), details.queue.name, [details.queue.name],
                gettext("%(team)s · %(open)s open, %(unassigned)s unassigned")
                % {
                    "team": details.team_name or gettext("No team"),
                    "open": details.open,
                    "unassigned": details.unassigned,
                },
            )
            for details in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: QueueDetails | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a queue."""
        desk = visit.services.settings.mail_from
        listed = await teams.list_teams(tx, visit.actor, after=None, limit=_TEAMS_MAX)
        modes = {
            Assignment.MANUAL: gettext("By people"),
            Assignment.ROUND_ROBIN: gettext("To the available agents of the team in turn"),
            Assignment.LEAST_LOADED: gettext("To the available agent with the fewest open tickets"),
        }
        return [
            Field("name", gettext("Name"), is_required=True),
            Field("description", gettext("Description"), Kind.AREA),
            Field(
                "team_id", gettext("Team"), Kind.SELECT,
                [Choice("", gettext("None")), *(Choice(str(team.team.id), team.team.name) for team in listed)],
            ),
            Field(
                "assignment", gettext("Tickets are assigned"), Kind.SELECT,
                [Choice(mode, label) for mode, label in modes.items()],
                gettext("Tickets that are assigned already keep their assignees."),
            ),
            Field(
                "sender_name", gettext("Sender name of mail"),
                hint=gettext("In From of mail about its tickets. The desk's sender: %(sender)s") % {"sender": desk},
            ),
            Field(
                "sender_address", gettext("Sender address of mail"), Kind.EMAIL,
                hint=gettext(
                    "Replies come to the desk in any case; new mail to the address does if it is a mailbox here. "
                    "Your mail server must be allowed to send for its domain (SPF, DKIM)."
                ),
            ),
        ]  # fmt: skip

    def values(self, record: QueueDetails) -> Values:
        """Return what the fields of a queue have."""
        queue = record.queue
        return {
            "name": [queue.name],
            "description": [queue.description],
            "team_id": [str(queue.team_id or "")],
            "assignment": [queue.assignment],
            "sender_name": [queue.sender_name],
            "sender_address": [queue.sender_address],
        }

    def title(self, record: QueueDetails) -> str:
        """Return the name of a queue."""
        return record.queue.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> QueueDetails:
        """Return a queue."""
        return await queues.get_queue(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> QueueDetails:
        """Lock a queue."""
        return await queues.lock_queue(tx, visit.actor, record_id)

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a queue."""
        details = await queues.add_queue(tx, visit.actor, **_values(visit.form), now=visit.now)
        return details.queue.id

    async def change(self, visit: Visit, tx: Tx, record: QueueDetails) -> None:
        """Change a queue."""
        await queues.change_queue(tx, visit.actor, record.queue.id, _values(visit.form), now=visit.now)

    async def delete(self, visit: Visit, tx: Tx, record: QueueDetails) -> None:
        """Delete a queue."""
        await queues.delete_queue(tx, visit.actor, record.queue.id, now=visit.now)


def _values(form: Form) -> dict[str, Any]:
    return {
        "name": form.get("name").strip(),
        "description": form.get("description").strip(),
        "team_id": id_in(form, "team_id"),
        "assignment": member_in(Assignment, form, "assignment"),
        "sender_name": form.get("sender_name").strip(),
        "sender_address": form.get("sender_address").strip(),
    }


QUEUES = Queues()
