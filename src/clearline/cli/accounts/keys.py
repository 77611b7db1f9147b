"""Commands for API keys."""

from datetime import timedelta
from uuid import UUID

import click

from clearline.accounts import key_usecases as keys
from clearline.accounts.domain import ApiKey
from clearline.cli.accounts.options import company_option
from clearline.cli.context import transact
from clearline.cli.output import cell, json_option, show_done, show_list, show_secret
from clearline.cli.parameters.ids import ID, resolve_among
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.clock import now
from clearline.identity import ALL_SCOPES, OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.wires.house.accounts.mapping import key_made_out, key_out


@click.group()
def key() -> None:
    """Manage API keys."""


@key.command("create")
@company_option
@click.option("--user", metavar="EMAIL", help="User that acts with the key; by default the company's first user.")
@click.option("--name", default="API key", show_default=True, help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(sorted(scope.value for scope in ALL_SCOPES)),
    help="What the key may do; repeat for several. By default, and at most, what the user's role may do.",
)
@click.option("--days", type=click.IntRange(1, 36_500), help="Days until the key expires; by default it does not.")
@json_option
def key_create(
    company: str, user: str | None, name: str, scopes: tuple[str, ...], days: int | None, *, as_json: bool
) -> None:
    """Create a key and print its secret, which is not shown again.

    Only the secret is on standard output: KEY=$(clearline key create --company AAA111).
    """

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

    created, secret = transact(work)
    ends = "does not expire" if created.expires_at is None else f"expires at {cell(created.expires_at)}"
    show_secret(
        key_made_out(created, secret),
        secret,
        f"Key {created.prefix}... created with id {created.id}. It {ends}. It is not shown again. "
        f"Send it as: Authorization: Bearer {created.prefix}...",
        as_json=as_json,
    )


@key.command("list")
@company_option
@json_option
def key_list(company: str, *, as_json: bool) -> None:
    """List the keys of a company, without their secrets."""
    show_list(
        transact(lambda tx: keys.list_keys(tx, OPERATOR, company)),
        key_out,
        ("ID", "PREFIX", "NAME", "SCOPES", "EXPIRES", "REVOKED", "LAST USED"),
        lambda key: (key.id, key.prefix, key.name, key.scopes, key.expires_at, key.revoked_at, key.last_used_at),
        noun="keys",
        as_json=as_json,
    )


@key.command("revoke")
@company_option
@click.argument("key_id", type=ID)
@yes_option
@json_option
def key_revoke(company: str, key_id: str, *, yes: bool, as_json: bool) -> None:
    """Revoke a key at once, in every running server."""
    confirm(f"Revoke key {key_id} of {company} permanently?", yes=yes)

    async def work(tx: Tx) -> ApiKey:
        async def ids() -> list[UUID]:
            return [key.id for key in await keys.list_keys(tx, OPERATOR, company)]

        known = await resolve_among(key_id, "key", ids)
        return await keys.revoke_key(tx, OPERATOR, company, known, now=now())

    revoked = transact(work)
    show_done(f"Key {revoked.prefix}... revoked.", as_json=as_json)
