"""Checks of inbound mail: the listener answers, mail is processed, and mailboxes are polled."""

import asyncio
from datetime import datetime, timedelta

from clearline.clock import counted_until
from clearline.health.domain import LATE, Check
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound.mailbox_store import PollState
from clearline.mail.outbound import store as outbound_mail_store
from clearline.mail.templates import usecases as templates
from clearline.platform.database.transactions import Database
from clearline.settings.values import Bind

GREETING_SECONDS = 5
"""How long the listener may take to answer. The port stays open while the process for mail is away."""

_COUNT_MAX = 10_000
_NAMED_MAX = 5
_ADVICE = "is clearline serve or clearline work running? If it is, its log says why the process for mail does not work"
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - addresses that are replaced


async def listener(address: str, *, seconds: float = GREETING_SECONDS) -> Check:
    """Check that the process for mail answers at the address of the listener, on this machine."""
    bind = Bind(address.partition("://")[2])
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(_WILDCARDS.get(bind.host, bind.host), bind.port)
            try:
                greeting = await reader.readline()
            finally:
                writer.close()
    except TimeoutError:
        reason = f"no answer for {seconds:g} s: the process for mail is not running, or keeps restarting"
    except OSError as error:
        reason = error.strerror or str(error)
    else:
        if greeting:
            return Check("mail listener", ok=True, detail=f"{address} answers")
        reason = "the connection was closed without an answer"
    return Check("mail listener", ok=False, detail=f"{address}: {reason}; {_ADVICE}")


async def inbound_mail(database: Database, now: datetime) -> list[Check]:
    """Check that no mail waits for long to be processed, and that each mailbox is polled."""
    async with database.transaction() as tx:
        count, oldest = await inbound_mail_store.waiting(tx, limit=_COUNT_MAX)
        states = await mailbox_store.poll_states(tx)
    return [_waiting(count, oldest, now), *([check_polls(states, now)] if states else [])]


async def mail_templates(database: Database) -> Check:
    """Warn of texts of mail that are not sent, since this version refuses them; the shipped ones are."""
    async with database.statement() as tx:
        broken = await templates.broken_templates(tx)
    if not broken:
        return Check("mail templates", ok=True, detail="every text can be sent")
    named = _named([f"{template.id} ({'; '.join(template.problems)})" for template in broken])
    detail = f"the shipped text is sent instead of {named}; change them under Mail templates in the admin pages"
    return Check("mail templates", ok=True, detail=detail, warning=True)


def _waiting(count: int, oldest: datetime | None, now: datetime) -> Check:
    shown = f"{count}{' or more' if count == _COUNT_MAX else ''} mails wait"
    if oldest is None or now - oldest <= LATE:
        return Check("inbound mail", ok=True, detail=shown)
    return Check("inbound mail", ok=False, detail=f"{shown}, the oldest for {_minutes(now - oldest)}; {_ADVICE}")


async def recipient_limit(database: Database, most: int, now: datetime) -> Check:
    """Warn of addresses that got as many notifications in the last hour as one may get; their others are postponed."""
    async with database.statement() as tx:
        count = await outbound_mail_store.addresses_at_limit(
            tx, most=most, since=now - timedelta(hours=1), until=counted_until(now)
        )
    if not count:
        return Check("mail limit", ok=True, detail=f"no address got {most} notifications in the last hour")
    detail = (
        f"{count} addresses got {most} notifications in the last hour: what else they would get waits for a digest, "
        "and nothing is lost; if this is no loop of automatic mail, raise CLEARLINE_RECIPIENT_MAILS"
    )
    return Check("mail limit", ok=True, detail=detail, warning=True)


def check_polls(states: list[PollState], now: datetime) -> Check:
    """Return whether the mailboxes are polled. A mailbox whose polls have not failed for long is a warning."""
    late = [state for state in states if now - state.polled_at > LATE]
    failing = [state for state in states if state.failing_since is not None and state not in late]
    broken = [state for state in failing if state.failing_since is not None and now - state.failing_since > LATE]
    if late:
        named = _named([f"{state.address} for {_minutes(now - state.polled_at)}" for state in late])
        return Check("mailboxes", ok=False, detail=f"not polled: {named}; {_ADVICE}")
    if broken or failing:
        named = _named([f"{state.address}: {state.last_error}" for state in broken or failing])
        detail = f"polls fail: {named}; test them under Mailboxes in the admin pages, or with clearline mailbox check"
        return Check("mailboxes", ok=not broken, detail=detail, warning=not broken)
    return Check("mailboxes", ok=True, detail=f"{len(states)} polled")


def _named(texts: list[str]) -> str:
    more = f" and {len(texts) - _NAMED_MAX} more" if len(texts) > _NAMED_MAX else ""
    return ", ".join(texts[:_NAMED_MAX]) + more


def _minutes(time: timedelta) -> str:
    return f"{int(time.total_seconds() // 60)} minutes"
