"""API keys of the people of a company: issue one, whose secret is shown once, see its last use, and revoke it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import ApiKey, account_limits
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web.fields import id_in, whole_number
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.records.section import Section, require_identity
from clearline.web.visit import Form, Visit
from clearline.web.words import full_time, gettext
from clearline.wires.http.call import Answer

_DAYS_MAX = 3650


class Keys(Section[ApiKey]):
    """The API keys of the people of a company."""

    scope = Scope.ACCOUNTS_WRITE
    template = "records/keys.html"
    can_change = False
    can_delete = False
    company_id: UUID
    """The company of the people whose keys these are."""
    people: str
    """The page that lists them."""
    scopes: Iterable[Scope] = Scope
    """What a key can be given."""

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("API keys"),
            "new": gettext("New key"),
            "about": gettext("Keys let programs do what a person of the desk may, as far as their scopes go."),
            "save new": gettext("Issue the key"),
            "done revoke": gettext("Revoked. Programs with this key are refused from now on."),
        }

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the keys, oldest first."""
        position = (datetime.fromisoformat(after[0]), UUID(after[1])) if after else None
        listed = await self.listed(visit, tx, position, limit)
        return [
            Line(
                str(key.id), key.name, [key.created_at.isoformat(), str(key.id)],
                f"{key.prefix}… · {_last_use(key)}", _state(key, visit.now),
            )
            for key in listed
        ]  # fmt: skip

    async def listed(self, visit: Visit, tx: Tx, after: tuple[datetime, UUID] | None, limit: int) -> list[ApiKey]:
        """Return the keys after a time and id."""
        return await keys.list_keys(tx, visit.actor, self.company_id, after=after, limit=limit)

    async def fields(self, visit: Visit, tx: Tx, record: ApiKey | None) -> list[Field]:
        """Return the fields of a new key; one that is there has none, since it cannot be changed."""
        if record is not None:
            return []
        people = [user for user in await accounts.list_users(tx, visit.actor, self.company_id) if user.is_active]
        return [
            name_field(),
            Field(
                "user_id", gettext("Acts as"), Kind.SELECT,
                [Choice(str(user.id), f"{user.name} ({user.email}, {user.role})") for user in people],
                hint="" if people else gettext("There is nobody yet: add a person first."),
            ),
            scopes_field([*self.scopes]),
            lifetime_field(),
        ]  # fmt: skip

    def values(self, record: ApiKey) -> Values:  # noqa: ARG002
        """Return nothing: the form of a key has no fields."""
        return {}

    def title(self, record: ApiKey) -> str:
        """Return the name of a key."""
        return record.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> ApiKey:
        """Return a key."""
        return await keys.get_key(tx, visit.actor, self.company_id, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> ApiKey:
        """Lock a key."""
        return await keys.lock_key(tx, visit.actor, self.company_id, record_id)

    async def more(self, visit: Visit, tx: Tx, record: ApiKey) -> dict[str, object]:
        """Return the person of a key, and what the page says about its times."""
        return {
            "owner": await accounts.get_user(tx, visit.actor, self.company_id, record.user_id),
            **self.times(visit, record),
        }

    def times(self, visit: Visit, record: ApiKey) -> dict[str, object]:
        """Return the last use of a key and its state, in words, and an address that it can be tried with."""
        what = "tickets?limit=5" if Scope.TICKETS_READ in record.scopes else "me"
        return {
            "last_use": _last_use(record),
            "state_word": _state(record, visit.now),
            "try_address": f'"{visit.services.settings.page_url(f"/api/v1/{what}")}"',
        }

    async def handle_create(self, visit: Visit) -> Answer:
        """Issue a key, once, and show its secret. A form that is sent again opens the key without it."""

        async def issue(tx: Tx) -> tuple[UUID, str]:
            key, secret = await self.issue(visit, tx)
            return key.id, secret

        async def work() -> Answer:
            require_identity(visit)
            return await self.show_secret_once(visit, issue)

        return await self.perform(visit, work, None, is_new=True)

    async def issue(self, visit: Visit, tx: Tx) -> tuple[ApiKey, str]:
        """Issue the key of a form; return it with its secret."""
        form = visit.form
        user_id = id_in(form, "user_id")
        if user_id is None:
            raise InvalidInput([Violation("user_id", "must be chosen", RuleCode.REQUIRED)])
        return await keys.create_key(
            tx, visit.actor, self.company_id, user_id=user_id, name=form.get("name").strip(),
            scopes=frozenset(form.all("scopes")), lifetime=lifetime_in(form),
            limits=account_limits(visit.services.settings), now=visit.now,
        )  # fmt: skip

    async def handle_revoke(self, visit: Visit) -> Answer:
        """Revoke the key in the address."""
        return await self.handle_action(visit, "revoke", self.revoke)

    async def revoke(self, visit: Visit, tx: Tx, key: ApiKey) -> None:
        """Revoke a key, which is locked."""
        require_identity(visit)
        await keys.revoke_key(tx, visit.actor, self.company_id, key.id, now=visit.now)


def name_field() -> Field:
    """Return the field of the name of a key."""
    return Field("name", gettext("Name"), is_required=True, hint=gettext("The program that uses it."))


def scopes_field(scopes: list[Scope]) -> Field:
    """Return the field of the scopes of a key, which may be some of these."""
    hint = gettext("A key can have no scope that the role of its person does not have.")
    return Field("scopes", gettext("Scopes"), Kind.CHECKS, [Choice(scope, scope) for scope in scopes], hint)


def lifetime_field() -> Field:
    """Return the field of the lifetime of a key."""
    hint = gettext("Without a number it does not expire.")
    return Field("lifetime", gettext("Expires after days"), Kind.NUMBER, hint=hint)


def lifetime_in(form: Form) -> timedelta | None:
    """Return the lifetime in the form of a key; None for one that does not expire.

    Raises:
        InvalidInput: it is no number of days, or too many.
    """
    text = form.get("lifetime").strip()
    if not text:
        return None
    days = whole_number(text, digits=4)
    if days is None or not 1 <= days <= _DAYS_MAX:
        raise InvalidInput([Violation("lifetime", f"must be 1 to {_DAYS_MAX} days", RuleCode.RANGE)])
    return timedelta(days=days)


def _last_use(key: ApiKey) -> str:
    if key.last_used_at is None:
        return gettext("never used")
    return gettext("last used %(time)s") % {"time": full_time(key.last_used_at)}


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return gettext("revoked")
    return gettext("expired") if key.expires_at is not None and key.expires_at <= now else ""
