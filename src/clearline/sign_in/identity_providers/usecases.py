"""Manage identity providers, and who people are at them."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import company_store, permissions
from clearline.accounts import usecases as accounts
from clearline.errors import Conflict, InvalidInput, RuleCode, Violation, require_found, require_free, require_valid
from clearline.events.domain import Change
from clearline.events.record_changes import append_record_event
from clearline.identity import PROVIDER_ID, STAFF_ROLES, Actor, Role, Scope, User
from clearline.mail.inbound.secret_box import SecretBox
from clearline.platform.database.server import shared_secret
from clearline.platform.database.transactions import Tx
from clearline.sign_in import password_store
from clearline.sign_in.domain import SessionActor
from clearline.sign_in.identity_providers import store as provider_store
from clearline.sign_in.identity_providers.domain import (
    PROVIDERS_MAX,
    SECRET_MAX,
    IdentityProvider,
    Proofs,
    TooManyProviders,
    check_provider,
)
from clearline.sign_in.identity_providers.store import Identity

KIND = "identity_provider"
SECRET = "secret"  # noqa: S105 - the name of a value
_ROLES = ", ".join(STAFF_ROLES)
_NOT_IN_EVENTS = {"id", "created_at", "client_secret"}


async def secret_box(tx: Tx, secret_key: str | None) -> SecretBox:
    """Return what encrypts the client secrets: with the key of the settings, or else a shared one of the database."""
    if secret_key is not None:
        return SecretBox(secret_key.encode())
    return SecretBox(await shared_secret(tx, "identity providers", secrets.token_bytes(32)))


async def list_providers(
    tx: Tx, actor: Actor, *, after: str | None = None, limit: int | None = None
) -> list[IdentityProvider]:
    """Return the identity providers by name, after a name. Served by ``identity_provider_name``."""
    require_admin(actor)
    return await provider_store.page(tx, after=after or "", limit=limit)


async def get_provider(tx: Tx, actor: Actor, provider_id: UUID) -> IdentityProvider:
    """Return an identity provider."""
    require_admin(actor)
    return require_found(await provider_store.get(tx, provider_id), "identity provider", provider_id)


async def provider_named(tx: Tx, actor: Actor, name: str) -> IdentityProvider:
    """Return the identity provider of a name, in any case."""
    require_admin(actor)
    return require_found(await provider_store.find(tx, name), "identity provider", name)


async def lock_provider(tx: Tx, actor: Actor, provider_id: UUID) -> IdentityProvider:
    """Return an identity provider that the actor is about to change; nobody else changes one until then."""
    require_admin(actor)
    await company_store.lock(tx, PROVIDER_ID)
    return await get_provider(tx, actor, provider_id)


async def active_providers(tx: Tx) -> list[tuple[UUID, str]]:
    """Return the ids and names of the providers that the page of the sign-in offers to everybody."""
    return await provider_store.active_names(tx)


async def add_provider(
    tx: Tx, actor: Actor, values: Mapping[str, Any], *, secret_key: str | None, now: datetime
) -> IdentityProvider:
    """Add an identity provider. ``values`` are fields of ``IdentityProvider``, and ``secret``, that of the client.

    Raises:
        AlreadyExists: another one has the name.
        TooManyProviders: there are ``PROVIDERS_MAX``.
    """
    require_admin(actor)
    await company_store.lock(tx, PROVIDER_ID)
    if await provider_store.count(tx) >= PROVIDERS_MAX:
        raise TooManyProviders(PROVIDERS_MAX)
    empty = IdentityProvider(uuid4(), "", now)
    provider = await _with_values(tx, empty, values, secret_key)
    require_free(await provider_store.insert(tx, provider), "identity provider", provider.name)
    changes = [Change(name, None, value) for name, value in _shown(provider).items()]
    await append_record_event(tx, actor, KIND, "created", provider, changes, now=now)
    return provider


async def change_provider(
    tx: Tx, actor: Actor, provider_id: UUID, values: Mapping[str, Any], *, secret_key: str | None, now: datetime
) -> IdentityProvider:
    """Change some fields of an identity provider. The secret is kept when it is not among them; None removes it.

    Raises:
        AlreadyExists: another one has the name.
        InvalidInput: a rule is broken, or the issuer is another one and the secret is not among the fields.
    """
    before = await lock_provider(tx, actor, provider_id)
    after = await _with_values(tx, before, values, secret_key)
    changes = _changes(before, after)
    if changes:
        require_free(await provider_store.save(tx, after), "identity provider", after.name)
        await append_record_event(tx, actor, KIND, "changed", after, changes, now=now)
    return after


async def delete_provider(tx: Tx, actor: Actor, provider_id: UUID, *, now: datetime) -> None:
    """Delete an identity provider. People stay, with their identities, and may use passwords again."""
    provider = await lock_provider(tx, actor, provider_id)
    await provider_store.delete(tx, provider_id)
    await append_record_event(tx, actor, KIND, "deleted", provider, now=now)


async def identities_of(tx: Tx, actor: Actor, user_ref: UUID | str) -> list[Identity]:
    """Return who one of the provider's people is at identity providers."""
    require_admin(actor)
    user = await accounts.get_user(tx, actor, PROVIDER_ID, user_ref)
    return await provider_store.identities_of(tx, PROVIDER_ID, user.id)


async def proofs_of(tx: Tx, current: SessionActor) -> Proofs:
    """Return how the person who is signed in can prove again who it is."""
    session = current.session
    credential = await password_store.get(tx, session.company_id, session.user_id)
    uses_password = credential is not None and credential.hash is not None and credential.replaced_by is None
    return Proofs(uses_password, await provider_store.providers_of(tx, session.company_id, session.user_id))


async def unlink(tx: Tx, actor: Actor, user_ref: UUID | str, *, now: datetime) -> User:
    """Forget who one of the provider's people is at identity providers: a password works again.

    Its next sign-in by one links it again, by its address.

    Raises:
        Conflict: it is not linked.
        ScopeMissing: the actor may not do all that the person may.
    """
    user = await accounts.lock_user(tx, actor, PROVIDER_ID, user_ref)
    permissions.require_rights_of_role(actor, user.role)
    if not await provider_store.unlink(tx, PROVIDER_ID, user.id):
        raise Conflict(f"user {user.email} has not signed in with an identity provider")
    await append_record_event(tx, actor, "identity", "unlinked", user, company_id=PROVIDER_ID, now=now)
    return user


async def _with_values(
    tx: Tx, provider: IdentityProvider, values: Mapping[str, Any], secret_key: str | None
) -> IdentityProvider:
    fields = {name: value for name, value in values.items() if name != SECRET}
    if "email_domains" in fields:
        fields["email_domains"] = tuple(dict.fromkeys(domain.lower() for domain in fields["email_domains"]))
    changed = replace(provider, **fields)
    require_valid(check_provider(changed))
    if SECRET in values:
        secret = values[SECRET]
        if secret is not None and not 0 < len(secret) <= SECRET_MAX:
            rule = f"must have 1 to {SECRET_MAX} characters"
            raise InvalidInput([Violation(SECRET, rule, RuleCode.LENGTH)])
        encrypted = None if secret is None else (await secret_box(tx, secret_key)).encrypt(secret)
        changed = replace(changed, client_secret=encrypted)
    # A secret is sent only to the issuer that it was set for, and not to one that is set later.
    elif changed.client_secret is not None and changed.issuer != provider.issuer:
        raise InvalidInput([Violation(SECRET, "is required with another issuer", RuleCode.REQUIRED)])
    return changed


def _changes(before: IdentityProvider, after: IdentityProvider) -> list[Change]:
    was = _shown(before)
    changes = [Change(name, was[name], value) for name, value in _shown(after).items() if was[name] != value]
    if before.client_secret != after.client_secret:
        changes.append(Change(SECRET, None, "changed" if after.client_secret else "removed"))
    return changes


def _shown(provider: IdentityProvider) -> dict[str, Any]:
    """Return the fields of a provider as events have them."""
    shown = {name: getattr(provider, name) for name in provider.__struct_fields__ if name not in _NOT_IN_EVENTS}
    return {**shown, "group_roles": group_lines(provider.group_roles)}


def group_lines(roles: Mapping[str, Role]) -> Sequence[str]:
    """Return groups with their roles as people write them, ``group = role``: the highest role first, then by group."""
    by_role = sorted(roles.items(), key=lambda pair: (STAFF_ROLES.index(pair[1]), pair[0]))
    return [f"{group} = {role}" for group, role in by_role]


def roles_in_lines(lines: Iterable[str]) -> dict[str, Role]:
    """Return the groups with their roles in lines like ``group = role``; a group can have an equals sign in its name.

    Raises:
        InvalidInput: a line has no role, or a group is there twice.
    """
    roles: dict[str, Role] = {}
    for line in lines:
        group, equals, role = (text.strip() for text in line.rpartition("="))
        if not equals or role not in set(STAFF_ROLES) or group in roles:
            rule = f"must be lines like noc-agents = agent, each group once, with one of the roles {_ROLES}"
            raise InvalidInput([Violation("group_roles", rule, RuleCode.FORMAT)])
        roles[group] = Role(role)
    return roles


def require_admin(actor: Actor) -> None:
    """Refuse unless the actor may change who can sign in: it could become anybody."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.ACCOUNTS_WRITE)
