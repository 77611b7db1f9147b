"""Look for the TXT records of mail domains, outside of any transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from clearline.accounts import mail_domain_store
from clearline.accounts.mail_domain import MailDomain
from clearline.accounts.mail_domain_usecases import record_check
from clearline.logs import Logger
from clearline.platform.database.transactions import Database
from clearline.platform.dns import LookupFailed, txt_records
from clearline.platform.work.runner import PeriodicJob

EVERY = 2
"""Seconds between two looks for domains that are due."""
_AT_ONCE = 20
_LEASE = timedelta(minutes=1)
"""How long the domains of a check are nobody else's; those of a process that died are checked after that."""

_log = Logger("clearline.accounts")

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""Returns the texts of the TXT records of a domain, or raises ``LookupFailed``."""


def domain_job(database: Database, now: Callable[[], datetime], look_up: Lookup = txt_records) -> PeriodicJob:
    """Return the job that checks the domains that are due."""

    async def check() -> int:
        at = now()
        async with database.transaction() as tx:
            domains = await mail_domain_store.claim_due(tx, limit=_AT_ONCE, until=at + _LEASE, now=at)
        await asyncio.gather(*(_check(database, domain, look_up, now) for domain in domains))
        return len(domains)

    return PeriodicJob("check mail domains", EVERY, check, batch=_AT_ONCE, runs_at_stop=False)


async def _check(database: Database, domain: MailDomain, look_up: Lookup, now: Callable[[], datetime]) -> None:
    texts: Sequence[str] | None = None
    try:
        texts = await look_up(domain.name)
    except LookupFailed as error:
        _log.info("a mail domain was not checked", domain=domain.name, detail=str(error))
    async with database.transaction() as tx:
        await record_check(tx, domain, texts, now=now())
