"""Identity providers, the identities of people at them, and sign-ins that wait for a browser to come back."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, replace

from clearline.identity import Role
from clearline.platform.database.transactions import Record, Tx
from clearline.sign_in.identity_providers.domain import Flow, IdentityProvider

_COLUMNS = """p.id, p.name, p.created_at, p.is_active, p.issuer, p.client_id, p.client_secret, p.scopes,
    p.email_domains, p.groups_claim, p.group_roles, p.default_role, p.second_factor_values, p.trusts_second_factor,
    p.replaces_password"""


class Identity(Struct, frozen=True):
    """A person of a company at an issuer."""

    issuer: str
    subject: str
    created_at: datetime


def _provider(row: Record) -> IdentityProvider:
    provider = IdentityProvider(*row)
    return replace(
        provider,
        scopes=tuple(provider.scopes),
        email_domains=tuple(provider.email_domains),
        group_roles=msgspec.json.decode(str(provider.group_roles), type=dict[str, Role]),
        default_role=None if provider.default_role is None else Role(provider.default_role),
        second_factor_values=tuple(provider.second_factor_values),
    )


def _values(provider: IdentityProvider) -> tuple[object, ...]:
    roles = msgspec.json.encode(provider.group_roles).decode()
    return tuple(
        roles if name == "group_roles" else list(value) if isinstance(value, tuple) else value
        for name, value in zip(provider.__struct_fields__, astuple(provider), strict=True)
    )


async def page(tx: Tx, *, after: str = "", limit: int | None = None) -> list[IdentityProvider]:
    """Return the providers by name, in any case, after a name. Served by ``identity_provider_name``."""
    rows = await tx.fetch(
        f"""select {_COLUMNS} from identity_provider p where lower(p.name) > lower($1)
             order by lower(p.name) limit $2""",
        after,
        limit,
    )
    return [_provider(row) for row in rows]


async def active_names(tx: Tx) -> list[tuple[UUID, str]]:
    """Return the ids and names of the active providers, by name. Reads the whole table, which is small."""
    rows = await tx.fetch("select id, name from identity_provider where is_active order by lower(name)")
    return [(row[0], row[1]) for row in rows]


async def get(tx: Tx, provider_id: UUID) -> IdentityProvider | None:
    """Return a provider, or None."""
    row = await tx.fetchrow(f"select {_COLUMNS} from identity_provider p where p.id = $1", provider_id)
    return None if row is None else _provider(row)


async def find(tx: Tx, name: str) -> IdentityProvider | None:
    """Return the provider with a name, in any case, or None."""
    row = await tx.fetchrow(f"select {_COLUMNS} from identity_provider p where lower(p.name) = lower($1)", name)
    return None if row is None else _provider(row)


async def count(tx: Tx) -> int:
    """Return how many providers there are."""
    count: int = await tx.fetchval("select count(*) from identity_provider")
    return count


async def insert(tx: Tx, provider: IdentityProvider) -> bool:
    """Store a new provider; False when another has its name."""
    row = await tx.write(
        """insert into identity_provider (id, name, created_at, is_active, issuer, client_id, client_secret, scopes,
               email_domains, groups_claim, group_roles, default_role, second_factor_values, trusts_second_factor,
               replaces_password)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict do nothing
           returning id""",
        *_values(provider),
    )
    return row is not None


async def save(tx: Tx, provider: IdentityProvider) -> bool:
    """Store the values of a locked provider; False when another has its name."""
    row = await tx.write(
        """update identity_provider set name = $2, created_at = $3, is_active = $4, issuer = $5, client_id = $6,
               client_secret = $7, scopes = $8, email_domains = $9, groups_claim = $10, group_roles = $11,
               default_role = $12, second_factor_values = $13, trusts_second_factor = $14, replaces_password = $15
            where id = $1 and not exists (select from identity_provider o
                                           where lower(o.name) = lower($2) and o.id <> $1)
           returning id""",
        *_values(provider),
    )
    return row is not None


async def delete(tx: Tx, provider_id: UUID) -> None:
    """Delete a provider, and the sign-ins that wait for it. The identities of people stay."""
    await tx.write("delete from identity_provider where id = $1", provider_id)


async def add_flow(tx: Tx, flow: Flow, state_hash: bytes, browser_hash: bytes, *, expires_at: datetime) -> None:
    """Store a sign-in that begins, with the hashes of its state and of the secret of its browser."""
    await tx.write(
        """insert into sign_in_flow (provider_id, nonce, verifier, return_to, is_again, created_at, state_hash,
                                     browser_hash, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        *astuple(flow),
        state_hash,
        browser_hash,
        expires_at,
    )


async def take_flow(tx: Tx, provider_id: UUID, state_hash: bytes, browser_hash: bytes, *, now: datetime) -> Flow | None:
    """Delete and return the sign-in of a state, if this browser began it with this provider; None otherwise."""
    row = await tx.write(
        """delete from sign_in_flow where state_hash = $1 and browser_hash = $2 and provider_id = $3 and expires_at > $4
           returning provider_id, nonce, verifier, return_to, is_again, created_at""",
        state_hash,
        browser_hash,
        provider_id,
        now,
    )
    return None if row is None else Flow(*row)


async def purge_flows(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` sign-ins that expired before a time; return how many.

    Served by ``sign_in_flow_expired``.
    """
    row = await tx.write(
        """with deleted as (delete from sign_in_flow where state_hash in (
                     select state_hash from sign_in_flow where expires_at < $1 order by expires_at limit $2
                        for update skip locked) returning state_hash)
           select count(*) from deleted""",
        before,
        limit,
    )
    return 0 if row is None else int(row[0])


async def user_of_identity(tx: Tx, company_id: UUID, issuer: str, subject: str) -> UUID | None:
    """Return the id of the user of a company who is a subject at an issuer, or None. Served by the primary key."""
    user_id: UUID | None = await tx.fetchval(
        "select user_id from user_identity where company_id = $1 and issuer = $2 and subject = $3",
        company_id,
        issuer,
        subject,
    )
    return user_id


async def identities_of(tx: Tx, company_id: UUID, user_id: UUID) -> list[Identity]:
    """Return the identities of a user, by issuer."""
    rows = await tx.fetch(
        """select issuer, subject, created_at from user_identity where company_id = $1 and user_id = $2
            order by issuer""",
        company_id,
        user_id,
    )
    return [Identity(*row) for row in rows]


async def providers_of(tx: Tx, company_id: UUID, user_id: UUID) -> list[tuple[UUID, str]]:
    """Return the ids and names of the active providers that a user has signed in with, by name."""
    rows = await tx.fetch(
        """select p.id, p.name from identity_provider p join user_identity i on i.issuer = p.issuer
            where i.company_id = $1 and i.user_id = $2 and p.is_active order by lower(p.name)""",
        company_id,
        user_id,
    )
    return [(row[0], row[1]) for row in rows]


async def link(tx: Tx, company_id: UUID, user_id: UUID, issuer: str, subject: str, *, now: datetime) -> bool:
    """Store who a user is at an issuer; False when it, or the subject, has another identity there."""
    row = await tx.write(
        """insert into user_identity (company_id, issuer, subject, user_id, created_at) values ($1, $2, $3, $4, $5)
           on conflict do nothing returning user_id""",
        company_id,
        issuer,
        subject,
        user_id,
        now,
    )
    return row is not None


async def unlink(tx: Tx, company_id: UUID, user_id: UUID) -> bool:
    """Delete the identities of a user; return whether there was one."""
    row = await tx.write(
        "delete from user_identity where company_id = $1 and user_id = $2 returning user_id", company_id, user_id
    )
    return row is not None
