"""Who somebody is whom an identity provider knows: found, linked or added, with the role of its groups."""

from datetime import datetime

from msgspec.structs import replace

from clearline.accounts import company_store, user_store
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import NAME_MAX
from clearline.errors import require_found
from clearline.events.domain import Change
from clearline.events.record_changes import append_record_event
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, Role, User
from clearline.platform.database.transactions import Tx
from clearline.sign_in import password_store, session_usecases
from clearline.sign_in.domain import Device, SecondFactorNeeded, SessionActor, SessionLimits, SignedIn
from clearline.sign_in.identity_providers import store as provider_store
from clearline.sign_in.identity_providers.domain import Claims, IdentityProvider, PersonRefused, is_within, role_of
from clearline.sign_in.usecases import first_factor_passed, new_session, origin
from clearline.text import check_text
from clearline.tickets import hand_over_usecases as hand_over

_SELF = Actor(Role.OPERATOR, "Clearline", scopes=ALL_SCOPES)
"""The actor of what follows from the claims of an identity provider."""
_WITH_ADDRESS_MAX = 10


async def admit(
    tx: Tx,
    provider: IdentityProvider,
    claims: Claims,
    where: Device,
    limits: SessionLimits,
    session: SessionActor | None,
    *,
    now: datetime,
) -> SignedIn | SecondFactorNeeded:
    """Begin a session of the person of checked claims, in the place of the session that the browser had.

    Raises:
        PersonRefused: it may not sign in here. Nothing is changed then.
    """
    user = await _person(tx, provider, claims, now=now)
    locked = require_found(await password_store.lock(tx, PROVIDER_ID, user.id), "user", user.id)
    if session is not None:
        await session_usecases.sign_out(tx, session, now=now)
    authenticated_at = claims.authenticated_at
    if claims.has_second_factor:
        return await new_session(
            tx, locked, where, limits, second_factor=True, authenticated_at=authenticated_at, by=provider.name, now=now
        )
    return await first_factor_passed(
        tx, locked, where, limits, authenticated_at=authenticated_at, by=provider.name, now=now
    )


async def _person(tx: Tx, provider: IdentityProvider, claims: Claims, *, now: datetime) -> User:
    if not claims.email:
        raise PersonRefused("the e-mail address is missing, or not verified")
    if not is_within(claims.email, provider.email_domains):
        raise PersonRefused(f"the e-mail address {claims.email} is not in a domain of the provider")
    role = role_of(provider, claims.groups)
    if role is None:
        raise PersonRefused("none of the groups has a role here")
    await company_store.lock(tx, PROVIDER_ID)
    user = await _known_person(tx, claims)
    if user is not None and not user.is_active:
        raise PersonRefused(f"user {user.email} is not active")
    if user is None:
        user = await _new_person(tx, claims, role, now=now)
    elif provider.group_roles and user.role != role:
        user = await hand_over.change_user(tx, _SELF, PROVIDER_ID, user.id, {"role": role}, now=now)
    if await provider_store.link(tx, PROVIDER_ID, user.id, claims.issuer, claims.subject, now=now):
        changes = [Change("issuer", None, claims.issuer), Change("subject", None, claims.subject)]
        await append_record_event(tx, _SELF, "identity", "linked", user, changes, company_id=PROVIDER_ID, now=now)
    return user


async def _known_person(tx: Tx, claims: Claims) -> User | None:
    """Return the person with the identity, or else that with the address, unless it is somebody else at the issuer."""
    user_id = await provider_store.user_of_identity(tx, PROVIDER_ID, claims.issuer, claims.subject)
    if user_id is not None:
        return require_found(await user_store.get(tx, PROVIDER_ID, user_id), "user", user_id)
    user = await user_store.find(tx, PROVIDER_ID, claims.email)
    if user is not None:
        identities = await provider_store.identities_of(tx, PROVIDER_ID, user.id)
        if any(identity.issuer == claims.issuer for identity in identities):
            raise PersonRefused(f"user {user.email} is another subject at this provider: unlink it if it is the same")
    return user


async def _new_person(tx: Tx, claims: Claims, role: Role, *, now: datetime) -> User:
    """Add a person, unless a customer has a user with its address."""
    others = await user_store.with_address(tx, claims.email, limit=_WITH_ADDRESS_MAX)
    if others:
        raise PersonRefused(f"a user of a customer has the address {claims.email}")
    name = claims.name[:NAME_MAX].strip()
    if check_text("name", name, most=NAME_MAX):
        name = claims.email.partition("@")[0]
    return await accounts.add_user(tx, _SELF, PROVIDER_ID, name=name, email=claims.email, phone="", role=role, now=now)


async def record_refusal(
    tx: Tx, provider: IdentityProvider, claims: Claims, where: Device, reason: str, *, now: datetime
) -> None:
    """Store that a person was refused, and end its sessions: the provider does not vouch for it any more."""
    user_id = await provider_store.user_of_identity(tx, PROVIDER_ID, claims.issuer, claims.subject)
    user = None if user_id is None else await user_store.lock(tx, PROVIDER_ID, user_id)
    if user is not None:
        await session_usecases.end_sessions(tx, _SELF, user, now=now)
    changes = [Change("reason", None, reason), Change("subject", None, claims.subject), *origin(where)]
    if claims.email:
        changes.append(Change("email", None, claims.email))
    shown = replace(provider, client_secret=None)
    await append_record_event(tx, _SELF, "identity", "refused", shown, changes, now=now)
