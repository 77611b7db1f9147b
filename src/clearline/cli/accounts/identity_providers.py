"""Commands for the identity providers that people sign in with. They work when nobody can sign in any more."""

import sys
from collections.abc import Callable
from typing import Any

import click

from clearline.cli.context import current_settings, run, transact
from clearline.cli.exit_status import FAULT_FOUND
from clearline.cli.output import show_list
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import echo
from clearline.clock import now
from clearline.identity import OPERATOR, STAFF_ROLES, Role, User
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in.identity_providers import usecases as identity_providers
from clearline.sign_in.identity_providers.domain import CALLBACK_PATH, IdentityProvider
from clearline.tables import decode_file

_NONE = "none"
_SEVERAL = {"scopes", "email_domains", "second_factor_values"}


def _value_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that set the fields of an identity provider."""
    for option in (
        click.option(
            "--replace-password/--keep-password", "replaces_password", default=None,
            help="Whether people who signed in with it cannot use a password any more; by default so.",
        ),
        click.option(
            "--trust-second-factor/--no-trust-second-factor", "trusts_second_factor", default=None,
            help="Whether each sign-in counts as one with a second factor.",
        ),
        click.option(
            "--second-factor-acr", "second_factor_values", multiple=True, metavar="VALUE",
            help="Value of the claim acr that means a second factor; repeat for several, none for no value.",
        ),
        click.option(
            "--default-role", type=click.Choice([*map(str, STAFF_ROLES), _NONE]),
            help="Role of people whose groups have none; by default none, which refuses them. "
            "Without any --group: the first role of new people.",
        ),
        click.option(
            "--group", "group_roles", multiple=True, metavar="GROUP=ROLE",
            help="Role of a group; repeat for several, none for no group.",
        ),
        click.option("--groups-claim", metavar="NAME", help="Claim with the groups; by default groups."),
        click.option(
            "--domain", "email_domains", multiple=True, metavar="DOMAIN",
            help="Mail domain of the people; repeat for several.",
        ),
        click.option(
            "--scope", "scopes", multiple=True, metavar="SCOPE",
            help="Scope to ask for beside openid, email and profile; repeat for several, none for no other.",
        ),
        click.option("--no-client-secret", is_flag=True, help="The client has no secret."),
        click.option(
            "--client-secret", is_flag=True, help="Prompt for the secret of the client, or read it from standard input."
        ),
        click.option("--client-id", metavar="ID", help="Id of this desk at the provider."),
        click.option("--issuer", metavar="URL", help="Issuer, such as https://id.example.com/realms/staff."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group("identity-provider")
def identity_provider() -> None:
    """Manage the identity providers (OpenID Connect) that the provider's people sign in with."""


@identity_provider.command("add")
@click.argument("name")
@_value_options
def provider_add(name: str, **options: Any) -> None:
    """Add an identity provider. NAME is on its button: Sign in with NAME."""
    values = {"name": name, **_values(options)}
    added = transact(lambda tx: identity_providers.add_provider(
        tx, OPERATOR, values, secret_key=current_settings().secret_key, now=now()
    ))  # fmt: skip
    echo(f"Identity provider {added.name} added. Its redirect URI: {_redirect_uri(added)}")


@identity_provider.command("list")
def provider_list() -> None:
    """List the identity providers by name."""
    show_list(
        transact(lambda tx: identity_providers.list_providers(tx, OPERATOR)),
        lambda provider: provider,
        ("NAME", "ACTIVE", "ISSUER", "CLIENT", "DOMAINS", "GROUPS", "DEFAULT ROLE", "REDIRECT URI"),
        lambda provider: (
            provider.name,
            provider.is_active,
            provider.issuer,
            provider.client_id,
            " ".join(provider.email_domains),
            "; ".join(identity_providers.group_lines(provider.group_roles)) or None,
            provider.default_role,
            _redirect_uri(provider),
        ),
        noun="identity providers",
        as_json=False,
    )


@identity_provider.command("change")
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="New name.")
@click.option("--active/--inactive", "is_active", default=None, help="Whether people can sign in with it.")
@_value_options
def provider_change(name: str, new_name: str | None, **options: Any) -> None:
    """Change an identity provider. Options that are not given change nothing.

    While it is inactive, people can sign in with passwords again.
    """
    values = _values(options) | ({} if new_name is None else {"name": new_name})

    async def work(tx: Tx) -> IdentityProvider:
        provider = await identity_providers.provider_named(tx, OPERATOR, name)
        secret_key = current_settings().secret_key
        return await identity_providers.change_provider(
            tx, OPERATOR, provider.id, values, secret_key=secret_key, now=now()
        )

    after = transact(work)
    state = "active" if after.is_active else "not active: people sign in with passwords"
    echo(f"Identity provider {after.name} changed. It is {state}.")


@identity_provider.command("check")
@click.argument("name")
def provider_check(name: str) -> None:
    """Fetch what an identity provider publishes about itself. The exit status is 3 when something is wrong."""
    from clearline.sign_in.identity_providers import flow_usecases as flows  # noqa: PLC0415 - slow to import
    from clearline.sign_in.identity_providers.openid_client import OpenIdClient  # noqa: PLC0415

    async def work(database: Database) -> str | None:
        async with database.transaction() as tx:
            provider = await identity_providers.provider_named(tx, OPERATOR, name)
        client = OpenIdClient(current_settings().sign_in_networks)
        return await flows.check_connection(client, OPERATOR, provider)

    problem = run(work)
    echo(problem or f"Identity provider {name} works, as far as it publishes. Sign in to see the rest.")
    if problem is not None:
        click.get_current_context().exit(FAULT_FOUND)


@identity_provider.command("delete")
@click.argument("name")
@yes_option
def provider_delete(name: str, *, yes: bool) -> None:
    """Delete an identity provider. People stay, and can sign in with passwords again."""
    confirm(f"Delete identity provider {name}?", yes=yes)

    async def work(tx: Tx) -> None:
        provider = await identity_providers.provider_named(tx, OPERATOR, name)
        await identity_providers.delete_provider(tx, OPERATOR, provider.id, now=now())

    transact(work)
    echo(f"Identity provider {name} deleted.")


@identity_provider.command("unlink")
@click.argument("email")
@yes_option
def provider_unlink(email: str, *, yes: bool) -> None:
    """Forget who one of the provider's people is at identity providers.

    Its password works again. Its next sign-in by one links it again, by its address.
    """
    confirm(f"Unlink {email}? Be sure that it is the same person there.", yes=yes)

    async def work(tx: Tx) -> User:
        return await identity_providers.unlink(tx, OPERATOR, email, now=now())

    user = transact(work)
    echo(f"User {user.name} <{user.email}> is not linked any more.")


def _redirect_uri(provider: IdentityProvider) -> str:
    return current_settings().page_url(f"{CALLBACK_PATH}{provider.id}")


def _values(options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an identity provider that the options set."""
    wants_secret, has_no_secret = options.pop("client_secret"), options.pop("no_client_secret")
    values = {name: value for name, value in options.items() if value is not None and value != ()}
    for name in _SEVERAL & values.keys():
        values[name] = () if values[name] == (_NONE,) else values[name]
    if values.get("default_role") is not None:
        values["default_role"] = None if values["default_role"] == _NONE else Role(values["default_role"])
    if "group_roles" in values:
        lines = () if values["group_roles"] == (_NONE,) else values["group_roles"]
        values["group_roles"] = identity_providers.roles_in_lines(lines)
    if wants_secret and has_no_secret:
        raise click.UsageError("Give --client-secret or --no-client-secret, not both.")
    if wants_secret:
        values[identity_providers.SECRET] = _secret()
    elif has_no_secret:
        values[identity_providers.SECRET] = None
    return values


def _secret() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Secret of the client", hide_input=True))
    return decode_file(sys.stdin.buffer.readline()).rstrip("\r\n")
