"""The first admin of a fresh installation, by a link that the terminal shows."""

from datetime import datetime
from uuid import uuid4

from clearline.accounts import company_store, user_store
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import NAME_MAX, check_user
from clearline.companies import usecases as companies
from clearline.errors import Conflict, require_found, require_valid
from clearline.identity import OPERATOR, PROVIDER_ID, Role, User
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in import link_store, password_store
from clearline.sign_in.domain import (
    DEFAULT_SESSION_LIMITS,
    Device,
    SessionLimits,
    SignedIn,
    hash_token,
    is_token,
    new_token,
)
from clearline.sign_in.link_domain import LIFETIMES, Link, LinkKind, LinkRefused
from clearline.sign_in.password_usecases import checked_hash, store_password
from clearline.sign_in.usecases import new_session
from clearline.text import check_text


async def is_open(tx: Tx) -> bool:
    """Return whether the installation waits for its first admin: the provider has no people yet."""
    return await user_store.count(tx, PROVIDER_ID) == 0


async def create_set_up_link(tx: Tx, *, now: datetime) -> str:
    """Return the token of a new link for the set-up, which is shown only now; an earlier one ends.

    Raises:
        Conflict: the provider has people.
    """
    await company_store.lock(tx, PROVIDER_ID)
    if not await is_open(tx):
        raise Conflict("the set-up is done: invite people with clearline user invite, or in the web console")
    token, kind = new_token(), LinkKind.SET_UP
    link = Link(PROVIDER_ID, uuid4(), None, kind, now, now + LIFETIMES[kind])
    await link_store.replace(tx, link, hash_token(token))
    return token


async def require_set_up_link(tx: Tx, token: str, *, now: datetime) -> None:
    """Refuse unless a token is that of the set-up, and the set-up is open.

    Raises:
        LinkRefused: it is not.
    """
    link = await link_store.find(tx, hash_token(token), now=now) if is_token(token) else None
    if link is None or link.kind is not LinkKind.SET_UP or not await is_open(tx):
        raise LinkRefused


async def set_up(
    database: Database,
    token: str,
    provider_name: str,
    name: str,
    email: str,
    password: str,
    where: Device,
    *,
    limits: SessionLimits = DEFAULT_SESSION_LIMITS,
    now: datetime,
) -> SignedIn:
    """Name the provider, add its first admin with a password, and sign it in. The link is used up then.

    Raises:
        LinkRefused: the link is not valid any more, or the provider has people.
        AlreadyExists: a customer has the name of the provider.
    """
    async with database.statement() as tx:
        await require_set_up_link(tx, token, now=now)
    admin = User(PROVIDER_ID, uuid4(), name, email, "", Role.ADMIN)
    require_valid([*check_text("provider_name", provider_name, most=NAME_MAX), *check_user(admin)])
    hashed = await checked_hash(admin, password)
    async with database.transaction() as tx:
        await company_store.lock(tx, PROVIDER_ID)
        await require_set_up_link(tx, token, now=now)
        await link_store.use(tx, hash_token(token), now=now)
        await companies.change_company(tx, OPERATOR, PROVIDER_ID, {"name": provider_name}, now=now)
        user = await accounts.add_user(
            tx, OPERATOR, PROVIDER_ID, name=name, email=email, phone="", role=Role.ADMIN, now=now
        )
        await store_password(tx, OPERATOR, user, hashed, now=now)
        locked = require_found(await password_store.lock(tx, PROVIDER_ID, user.id), "user", user.id)
        return await new_session(tx, locked, where.storable(), limits, second_factor=False, now=now)
