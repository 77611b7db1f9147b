"""Companies, users and API keys."""

from datetime import timedelta
from uuid import UUID

import click

from clearline.cli.context import as_json, emit, table, within
from clearline.clock import now
from clearline.domain.party import ALL_SCOPES, OPERATOR, ApiKey, Company, User
from clearline.store.db import Tx
from clearline.usecases import accounts

company_option = click.option("--company", required=True, metavar="NAME", help="The company's name or customer code.")


@click.group()
def company() -> None:
    """Customers of the provider."""


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
    """Every company, by name."""
    found = within(lambda tx: accounts.list_companies(tx, OPERATOR))
    emit(found) if as_json else table(("NAME", "CODE", "ID"), [(one.name, one.code, one.id) for one in found])


@click.group()
def user() -> None:
    """People of a company; API keys speak for them."""


@user.command("add")
@company_option
@click.option("--name", required=True, help="What they are called.")
@click.option("--email", required=True, help="Unique within the company.")
@click.option("--phone", default="", help="As people write it.")
@as_json
def user_add(company: str, name: str, email: str, phone: str, *, as_json: bool) -> None:
    """Add a person to a company."""

    async def work(tx: Tx) -> User:
        return await accounts.add_user(tx, OPERATOR, company, name=name, email=email, phone=phone, now=now())

    added = within(work)
    emit(added) if as_json else click.echo(f"User {added.name} <{added.email}> added.")


@user.command("list")
@company_option
@as_json
def user_list(company: str, *, as_json: bool) -> None:
    """The users of a company."""
    found = within(lambda tx: accounts.list_users(tx, OPERATOR, company))
    emit(found) if as_json else table(("NAME", "EMAIL", "PHONE"), [(one.name, one.email, one.phone) for one in found])


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
    help="What the key may do; repeat for several. By default everything.",
)
@click.option("--days", type=click.IntRange(1, 36_500), help="How long the key lasts; by default until it is revoked.")
@as_json
def key_create(
    company: str, user: str | None, name: str, scopes: tuple[str, ...], days: int | None, *, as_json: bool
) -> None:
    """Issue a key and show its secret, this once."""

    async def work(tx: Tx) -> tuple[ApiKey, str]:
        return await accounts.create_key(
            tx,
            OPERATOR,
            company,
            user_email=user,
            name=name,
            scopes=frozenset(scopes) or ALL_SCOPES,
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
    found = within(lambda tx: accounts.list_keys(tx, OPERATOR, company))
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
        return await accounts.revoke_key(tx, OPERATOR, company, key_id, now=now())

    revoked = within(work)
    emit(_described(revoked)) if as_json else click.echo(f"Key {revoked.prefix}... revoked.")


def _described(one: ApiKey) -> dict[str, object]:
    return {
        "id": one.id,
        "prefix": one.prefix,
        "name": one.name,
        "scopes": sorted(one.scopes),
        "createdAt": one.created_at,
        "expiresAt": one.expires_at,
        "revokedAt": one.revoked_at,
        "lastUsedAt": one.last_used_at,
    }
