"""Which roles need a second factor."""

from collections.abc import Mapping
from typing import Any

from clearline.errors import NotFound
from clearline.identity import STAFF_ROLES, Role, Scope
from clearline.platform.database.transactions import Tx
from clearline.sign_in.second_factors import usecases as second_factors
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.records.form import Field, Kind, Line, Values
from clearline.web.records.section import require_identity
from clearline.web.visit import Visit
from clearline.web.words import gettext


class RolePolicy:
    """A role, and whether its people need a second factor."""

    def __init__(self, role: Role, *, needs: bool) -> None:
        self.role, self.needs = role, needs


class SecondFactors(AdminSection[RolePolicy]):
    """The section of the roles of the provider's people. The id of a record is the role."""

    noun = "secondFactorRole"
    path = f"{ADMIN}/second-factors"
    scope = Scope.DESK_WRITE
    can_create = False
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Second factors"),
            "about": gettext("Choose a role to say whether its people need a code besides their password."),
            "done change": gettext("Saved."),
        }

    def record_id(self, visit: Visit) -> Role:
        """Return the role in the address."""
        role = next((role for role in STAFF_ROLES if role == visit.path["id"]), None)
        if role is None:
            raise NotFound("role", visit.path["id"])
        return role

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:  # noqa: ARG002
        """Return the roles, that of the most rights first."""
        needing = await second_factors.required_roles(tx, visit.actor)
        return [
            Line(role, _names()[role], [role], "", gettext("second factor") if role in needing else "")
            for role in STAFF_ROLES
        ]

    async def fields(self, visit: Visit, tx: Tx, record: RolePolicy | None) -> list[Field]:  # noqa: ARG002
        """Return the field of a role."""
        hint = gettext(
            "Who has none yet is asked to set one up, and can do nothing else until then. Set up your own first."
        )
        return [Field("needs", gettext("People with this role need a second factor"), Kind.CHECK, hint=hint)]

    def values(self, record: RolePolicy) -> Values:
        """Return what the field has."""
        return {"needs": ["on"] if record.needs else []}

    def title(self, record: RolePolicy) -> str:
        """Return the name of a role."""
        return _names()[record.role]

    async def get(self, visit: Visit, tx: Tx, record_id: Role) -> RolePolicy:
        """Return whether the people of a role need a second factor."""
        return RolePolicy(record_id, needs=record_id in await second_factors.required_roles(tx, visit.actor))

    async def lock(self, visit: Visit, tx: Tx, record_id: Role) -> RolePolicy:
        """Return the same: the last change of two at the same time counts."""
        return await self.get(visit, tx, record_id)

    async def change(self, visit: Visit, tx: Tx, record: RolePolicy) -> None:
        """Set whether the people of a role need a second factor."""
        require_identity(visit)
        others = [role for role in await second_factors.required_roles(tx, visit.actor) if role is not record.role]
        needing = [*others, record.role] if visit.form.has("needs") else others
        await second_factors.set_required_roles(tx, visit.actor, needing, now=visit.now)


def _names() -> dict[Role, str]:
    return {Role.ADMIN: gettext("Admins"), Role.AGENT: gettext("Agents"), Role.VIEWER: gettext("Viewers")}


SECOND_FACTORS = SecondFactors()
