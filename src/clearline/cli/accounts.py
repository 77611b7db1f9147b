"""Companies, users and API keys."""

from datetime import timedelta
from uuid import UUID

import click

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import ApiKey
from clearline.cli.context import as_json, emit, table, within
from clearline.clock import now
from clearline.identity import ALL_SCOPES, CUSTOMER_ROLES, OPERATOR, PROVIDER_ID, STAFF_ROLES, Company, Role, User
from clearline.platform.database.transactions import Tx

company_option = click.option("--company", required=True, metavar="NAME", help="The company's name or customer code.")
_PEOPLE = ("NAME", "EMAIL", "PHONE", "ROLE", "ACTIVE", "AVAILABLE", "ID")
_ROLES = click.Choice([role.value for role in (*CUSTOMER_ROLES, *STAFF_ROLES)])
_phone = click.option("--phone", default="", help="As people write it.")
_email = click.option("--email", required=True, help="Unique within the company.")


@click.group()
def company() -> None:
    """Customers of the provider, and the provider itself."""


@company.command("add")
@click.argument("name")
@click.option("--code", required=True, help="The customer number that tickets show, such as AAA111.")
@as_json
def company_add(name: str, code: str, *, as_json: bool) -> None:
    """Take on a customer."""

    async def work(tx: Tx) -> Company:
        return await accounts.add_company(tx, OPERATOR, name, code, now=now())

    added = within(work)
    emit(added) if as_json else click.echo(f"Company {added.name} ({added.code}) added.")


@company.command("list")
@as_json
def company_list(*, as_json: bool) -> None:
    """Every customer, by name."""
    found = within(lambda tx: accounts.list_companies(tx, OPERATOR))
    emit(found) if as_json else table(("NAME", "CODE", "ID"), [(one.name, one.code, one.id) for one in found])


@company.command("change")
@click.argument("company")
@click.option("--name", help="What it is called from now on.")
@click.option("--code", help="Its customer number from now on.")
@as_json
def company_change(company: str, name: str | None, code: str | None, *, as_json: bool) -> None:
    """Rename a company, which is found by its name or code, or give it another code. PROVIDER is the provider."""

    async def work(tx: Tx) -> Company:
        return await accounts.change_company(tx, OPERATOR, company, _set(name=name, code=code), now=now())

    changed = within(work)
    emit(changed) if as_json else click.echo(f"Company {changed.name} ({changed.code}) changed.")


def _set(**values: object) -> dict[str, object]:
    """The options that were given; none at all is wrong usage."""
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        raise click.UsageError("Say what to change: " + ", ".join(f"--{name.replace('_', '-')}" for name in values))
    return given


@click.group()
def user() -> None:
    """People of a company; API keys speak for them."""


@user.command("add")
@company_option
@click.option("--name", required=True, help="What they are called.")
@_email
@_phone
@click.option("--role", type=_ROLES, help="What they may do; by default the least that the company's people may.")
@as_json
def user_add(company: str, name: str, email: str, phone: str, role: str | None, *, as_json: bool) -> None:
    """Add a person to a company."""

    async def work(tx: Tx) -> User:
        kind = None if role is None else Role(role)
        return await accounts.add_user(tx, OPERATOR, company, name=name, email=email, phone=phone, role=kind, now=now())

    _added(within(work), as_json=as_json)


def _added(one: User, *, as_json: bool) -> None:
    emit(one) if as_json else click.echo(f"User {one.name} <{one.email}> added as {one.role}.")


@user.command("list")
@company_option
@as_json
def user_list(company: str, *, as_json: bool) -> None:
    """The users of a company, by address."""
    _people(within(lambda tx: accounts.list_users(tx, OPERATOR, company)), as_json=as_json)


def _people(found: list[User], *, as_json: bool) -> None:
    if as_json:
        emit(found)
        return
    table(
        _PEOPLE,
        [(one.name, one.email, one.phone, one.role, one.is_active, one.is_available, one.id) for one in found],
    )


@user.command("change")
@company_option
@click.argument("email")
@click.option("--name", help="What they are called from now on.")
@click.option("--email", "address", help="Their address from now on.")
@click.option("--phone", help="Their number from now on.")
@click.option("--role", type=_ROLES, help="What they may do from now on.")
@click.option(
    "--active/--inactive", default=None, help="Whether they may do anything; keys of the inactive end at once."
)
@click.option("--available/--away", default=None, help="Whether queues may give them tickets.")
@as_json
def user_change(
    company: str,
    email: str,
    *,
    name: str | None,
    address: str | None,
    phone: str | None,
    role: str | None,
    active: bool | None,
    available: bool | None,
    as_json: bool,
) -> None:
    """Change a person, who is found by EMAIL."""
    values = _set(
        name=name,
        email=address,
        phone=phone,
        role=None if role is None else Role(role),
        is_active=active,
        is_available=available,
    )
    _changed(company, email, values, as_json=as_json)


@user.command("deactivate")
@company_option
@click.argument("email")
@as_json
def user_deactivate(company: str, email: str, *, as_json: bool) -> None:
    """End all that a person may do, and all its keys, at once. The history keeps the name."""
    _changed(company, email, {"is_active": False}, as_json=as_json)


def _changed(company: str, email: str, values: dict[str, object], *, as_json: bool) -> None:
    async def work(tx: Tx) -> User:
        return await accounts.change_user(tx, OPERATOR, company, email, values, now=now())

    one = within(work)
    state = one.role if one.is_active else "not active"
    emit(one) if as_json else click.echo(f"User {one.name} <{one.email}> is now {state}.")


@click.group()
def agent() -> None:
    """The provider's own people."""


@agent.command("add")
@click.argument("name")
@_email
@_phone
@click.option(
    "--role",
    type=click.Choice([role.value for role in STAFF_ROLES]),
    default=Role.AGENT.value,
    show_default=True,
    help="A viewer reads, an agent works tickets, an admin also runs the desk.",
)
@as_json
def agent_add(name: str, email: str, phone: str, role: str, *, as_json: bool) -> None:
    """Add a person of the provider; give them a key with: clearline key create --company PROVIDER."""

    async def work(tx: Tx) -> User:
        return await accounts.add_user(
            tx, OPERATOR, PROVIDER_ID, name=name, email=email, phone=phone, role=Role(role), now=now()
        )

    _added(within(work), as_json=as_json)


@agent.command("list")
@as_json
def agent_list(*, as_json: bool) -> None:
    """The provider's people, by address."""
    _people(within(lambda tx: accounts.list_users(tx, OPERATOR, PROVIDER_ID)), as_json=as_json)


@click.group()
def key() -> None:
    """API keys: shown once, stored as a hash."""


@key.command("create")
@company_option
@click.option("--user", metavar="EMAIL", help="Whom the key speaks for; by default the company's first user.")
@click.option("--name", default="API key", show_default=True, help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(sorted(scope.value for scope in ALL_SCOPES)),
    help="What the key may do; repeat for several. By default whatever the user's role may, which is also the most.",
)
@click.option("--days", type=click.IntRange(1, 36_500), help="How long the key lasts; by default until it is revoked.")
@as_json
def key_create(
    company: str, user: str | None, name: str, scopes: tuple[str, ...], days: int | None, *, as_json: bool
) -> None:
    """Issue a key and show its secret, this once."""

    async def work(tx: Tx) -> tuple[ApiKey, str]:
        return await keys.create_key(
            tx,
            OPERATOR,
            company,
            user_email=user,
            name=name,
            scopes=frozenset(scopes) or None,
            lifetime=None if days is None else timedelta(days=days),
            now=now(),
        )

    created, secret = within(work)
    if as_json:
        emit({"key": secret, **_described(created)})
    else:
        click.echo(f"{secret}\nThis is shown only now. Send it as: Authorization: Bearer {secret[:8]}...")


@key.command("list")
@company_option
@as_json
def key_list(company: str, *, as_json: bool) -> None:
    """The keys of a company, without their secrets."""
    found = within(lambda tx: keys.list_keys(tx, OPERATOR, company))
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("ID", "BEGINS", "NAME", "SCOPES", "EXPIRES", "REVOKED", "LAST USED"),
        [(one.id, one.prefix, one.name, one.scopes, one.expires_at, one.revoked_at, one.last_used_at) for one in found],
    )


@key.command("revoke")
@company_option
@click.argument("key_id", type=click.UUID)
@as_json
def key_revoke(company: str, key_id: UUID, *, as_json: bool) -> None:
    """End a key at once, in every running server."""

    async def work(tx: Tx) -> ApiKey:
        return await keys.revoke_key(tx, OPERATOR, company, key_id, now=now())

    revoked = within(work)
    emit(_described(revoked)) if as_json else click.echo(f"Key {revoked.prefix}... revoked.")


def _described(one: ApiKey) -> dict[str, object]:
    return {
        "id": one.id,
        "userId": one.user_id,
        "prefix": one.prefix,
        "name": one.name,
        "scopes": sorted(one.scopes),
        "createdAt": one.created_at,
        "expiresAt": one.expires_at,
        "revokedAt": one.revoked_at,
        "lastUsedAt": one.last_used_at,
    }
