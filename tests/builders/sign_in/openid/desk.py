"""A desk with an identity provider."""

from typing import Any

from clearline.accounts import user_store
from clearline.audit import usecases as audit
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, Role, User
from clearline.platform.database.transactions import Database
from clearline.sign_in.identity_providers import usecases as providers
from clearline.sign_in.identity_providers.domain import CALLBACK_PATH, IdentityProvider

DESK = "http://desk.example.com"
GROUPS = {"desk-admins": Role.ADMIN, "noc": Role.AGENT, "readers": Role.VIEWER}


async def add_provider(database: Database, issuer: str, client_id: str = "the-desk", **values: Any) -> IdentityProvider:
    """Add an identity provider with the groups ``GROUPS``."""
    fields = {
        "issuer": issuer, "client_id": client_id, "secret": "the secret of the client", "group_roles": GROUPS,
        "email_domains": ("example.net",), "scopes": ("groups",), **values,
    }  # fmt: skip
    async with database.transaction() as tx:
        return await providers.add_provider(tx, OPERATOR, {"name": "Example ID", **fields}, secret_key=None, now=now())


async def change_provider(database: Database, provider: IdentityProvider, **values: Any) -> None:
    """Change an identity provider."""
    async with database.transaction() as tx:
        await providers.change_provider(tx, OPERATOR, provider.id, values, secret_key=None, now=now())


async def delete_provider(database: Database, provider: IdentityProvider) -> None:
    """Delete an identity provider."""
    async with database.transaction() as tx:
        await providers.delete_provider(tx, OPERATOR, provider.id, now=now())


def callback(provider: IdentityProvider) -> str:
    """Return the address that the browser comes back to."""
    return f"{DESK}{CALLBACK_PATH}{provider.id}"


async def refusals(database: Database, subject: str) -> list[str]:
    """Return why a subject was refused, as the audit says, newest first."""
    async with database.transaction() as tx:
        events = await audit.list_events(tx, OPERATOR, kind="identity.refused", limit=50)
    changes = [{change["field"]: change["after"] for change in event.data["changes"]} for event in events]
    return [values["reason"] for values in changes if values["subject"] == subject]


async def user_with(database: Database, email: str) -> User | None:
    """Return the person of the provider with an address, or None."""
    async with database.statement() as tx:
        return await user_store.find(tx, PROVIDER_ID, email)
