"""Limit how often somebody can guess a password or a code, in all server processes together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from math import ceil

from clearline.clock import monotonic
from clearline.platform.database.transactions import Database, Tx
from clearline.sign_in import attempt_store
from clearline.sign_in.attempt_domain import ACCOUNT_MAX, WINDOW, Counter, counters
from clearline.sign_in.domain import SignInRefused, TooManyAttempts
from clearline.text import normalized_address

REFUSAL_SECONDS = 0.4
"""How long a refusal takes at least, whatever the reason: its time must not say whether a user exists."""
_PURGED_AT_ONCE = 1000


@asynccontextmanager
async def limited_attempt(
    database: Database, account: str, address: str, *, most: int = ACCOUNT_MAX, now: datetime
) -> AsyncIterator[None]:
    """Count an attempt to prove that one owns an account, before the block tries it; forgive it when it succeeds.

    It is counted first, so that many at a time are no more than one after another. The refusal of an attempt that is
    one too many does not depend on whether the account exists, or the password is right. ``most`` is the limit of the
    account from all networks.

    Raises:
        TooManyAttempts: for this account or from this network too many failed.
    """
    began = monotonic()
    counted = counters(normalized_address(account), address, most)
    try:
        await _count(database, counted, now=now)
        yield
    except (SignInRefused, TooManyAttempts):
        await asyncio.sleep(REFUSAL_SECONDS - (monotonic() - began))
        raise
    async with database.statement() as tx:
        await attempt_store.forgive(tx, counted)


async def count_attempt(database: Database, account: str, address: str, *, now: datetime) -> None:
    """Count an attempt that nothing forgives.

    Raises:
        TooManyAttempts: it is one too many.
    """
    await _count(database, counters(normalized_address(account), address), now=now)


async def _count(database: Database, counted: list[Counter], *, now: datetime) -> None:
    async with database.statement() as tx:
        until = await attempt_store.count(tx, counted, until=now + WINDOW, now=now)
    if until is not None:
        raise TooManyAttempts(ceil((until - now).total_seconds()))


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete counters whose time was over before a time; return how many, and 0 when none are left."""
    return await attempt_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)
