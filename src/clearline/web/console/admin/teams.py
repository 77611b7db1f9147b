"""The teams that work queues, and their members."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.accounts import usecases as accounts
from clearline.identity import PROVIDER_ID, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import team_usecases as teams
from clearline.queues.team_store import TeamDetails
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.console.people import by_name
from clearline.web.fields import ids_in
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.visit import Visit
from clearline.web.words import gettext


class Teams(AdminSection[TeamDetails]):
    """The section of teams."""

    noun = "team"
    path = f"{ADMIN}/teams"
    scope = Scope.DESK_WRITE

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Teams"),
            "new": gettext("New team"),
            "about": gettext("Teams are people who work the same queues."),
            "about delete": gettext("A team that has a queue stays. The members of a deleted team stay users."),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted."),
        }

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the teams by name."""
        listed = await teams.list_teams(tx, visit.actor, after=after[0] if after else None, limit=limit)
        return [
            Line(
                str(details.team.id), details.team.name, [details.team.name],
                gettext("Members: %(count)s · Queues: %(queues)s")
                % {"count": len(details.members), "queues": ", ".join(details.queues) or gettext("none")},
            )
            for details in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: TeamDetails | None) -> list[Field]:
        """Return the fields of a team. Members who cannot work tickets any more can be removed."""
        people = by_name(await accounts.list_users(tx, visit.actor, PROVIDER_ID))
        choices = [Choice(str(user.id), user.name, user.email) for user in people]
        known = {choice.value for choice in choices}
        if record is not None:
            choices += [
                Choice(str(member.id), member.name, f"{member.email}, {gettext('works no tickets')}")
                for member in record.members
                if str(member.id) not in known
            ]
        return [
            Field("name", gettext("Name"), is_required=True),
            Field(
                "members", gettext("Members"), Kind.CHECKS, choices,
                gettext("Queues assign tickets automatically to those who are available. Viewers work no tickets."),
            ),
        ]  # fmt: skip

    def values(self, record: TeamDetails) -> Values:
        """Return what the fields of a team have."""
        return {"name": [record.team.name], "members": sorted(str(member.id) for member in record.members)}

    def title(self, record: TeamDetails) -> str:
        """Return the name of a team."""
        return record.team.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> TeamDetails:
        """Return a team."""
        return await teams.get_team(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> TeamDetails:
        """Lock a team."""
        return await teams.lock_team(tx, visit.actor, record_id)

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a team with its members."""
        details = await teams.add_team(tx, visit.actor, visit.form.get("name").strip(), now=visit.now)
        await self._set_members(visit, tx, details)
        return details.team.id

    async def change(self, visit: Visit, tx: Tx, record: TeamDetails) -> None:
        """Rename a team, and set its members."""
        values = {"name": visit.form.get("name").strip()}
        await teams.change_team(tx, visit.actor, record.team.id, values, now=visit.now)
        await self._set_members(visit, tx, record)

    async def _set_members(self, visit: Visit, tx: Tx, record: TeamDetails) -> None:
        before, after = {member.id for member in record.members}, set(ids_in(visit.form, "members"))
        for user_id in sorted(before - after):
            await teams.leave_team(tx, visit.actor, record.team.id, user_id, now=visit.now)
        for user_id in sorted(after - before):
            await teams.join_team(tx, visit.actor, record.team.id, user_id, now=visit.now)

    async def delete(self, visit: Visit, tx: Tx, record: TeamDetails) -> None:
        """Delete a team."""
        await teams.delete_team(tx, visit.actor, record.team.id, now=visit.now)


TEAMS = Teams()
