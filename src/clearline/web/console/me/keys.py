"""The API keys of the person who is signed in."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from clearline.accounts import key_usecases as keys
from clearline.accounts.domain import ApiKey
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web.area import CONSOLE
from clearline.web.console.admin.section import AdminSection
from clearline.web.console.views import Sidebar, sidebar
from clearline.web.records.form import Field
from clearline.web.records.keys import Keys, lifetime_field, lifetime_in, name_field, scopes_field
from clearline.web.records.section import require_identity
from clearline.web.visit import Page, Visit
from clearline.web.words import gettext


class OwnKeys(AdminSection[ApiKey], Keys):
    """The keys of the person who is signed in. They have no scope that the person does not have."""

    noun = "ownKey"
    path = f"{CONSOLE.account}/keys"
    back = CONSOLE.account
    scope = Scope.TICKETS_READ
    here = CONSOLE.account

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            **super().words,
            "title": gettext("My API keys"),
            "back": gettext("Back to my account"),
            "about": gettext("Keys let your programs do what you may, as far as their scopes go."),
        }

    def pages(self) -> list[Page]:
        """Return the pages of the section."""
        return [
            Page("ownKeys", "GET", self.path, self.show_list, self.scope),
            Page("newOwnKey", "GET", f"{self.path}/new", self.show_new, self.scope),
            Page("createOwnKey", "POST", self.path, self.handle_create, self.scope),
            Page("ownKey", "GET", f"{self.path}/{{id}}", self.show, self.scope),
            Page("revokeOwnKey", "POST", f"{self.path}/{{id}}/revoke", self.handle_revoke, self.scope),
        ]

    async def side(self, visit: Visit, tx: Tx) -> Sidebar:
        """Return the side bar that everybody has."""
        return await sidebar(tx, visit.actor)

    async def listed(self, visit: Visit, tx: Tx, after: tuple[datetime, UUID] | None, limit: int) -> list[ApiKey]:
        """Return the person's keys after a time and id."""
        return await keys.list_own_keys(tx, visit.actor, after=after, limit=limit)

    async def fields(self, visit: Visit, tx: Tx, record: ApiKey | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a new key."""
        if record is not None:
            return []
        return [name_field(), scopes_field([scope for scope in Scope if scope in visit.actor.scopes]), lifetime_field()]

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> ApiKey:
        """Return a key of the person."""
        return await keys.get_own_key(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> ApiKey:
        """Lock a key of the person."""
        return await keys.lock_own_key(tx, visit.actor, record_id)

    async def more(self, visit: Visit, tx: Tx, record: ApiKey) -> dict[str, object]:  # noqa: ARG002
        """Return what the page says about the times of a key."""
        return {"owner": None, **self.times(visit, record)}

    async def issue(self, visit: Visit, tx: Tx) -> tuple[ApiKey, str]:
        """Issue a key to the person."""
        form = visit.form
        return await keys.create_own_key(
            tx, visit.actor, name=form.get("name").strip(), scopes=frozenset(form.all("scopes")),
            lifetime=lifetime_in(form), now=visit.now,
        )  # fmt: skip

    async def revoke(self, visit: Visit, tx: Tx, key: ApiKey) -> None:
        """Revoke a key of the person, which is locked."""
        require_identity(visit)
        await keys.revoke_own_key(tx, visit.actor, key.id, now=visit.now)


OWN_KEYS = OwnKeys()
