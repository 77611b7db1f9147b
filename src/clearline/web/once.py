"""Forms that create something carry a key: however often one is sent, it takes effect once."""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta

from clearline.errors import IdempotencyKeyBusy, InvalidInput, RuleCode, Violation
from clearline.platform.database.transactions import Tx
from clearline.platform.idempotency import usecases as idempotency
from clearline.platform.idempotency.store import KeptAnswer
from clearline.web import csrf
from clearline.web.visit import Form, Visit

FIELD = "once"
_BYTES, _MOST = 16, 64
_TRIES, _WAIT_SECONDS = 50, 0.1


class SentBefore(Exception):
    """The form took effect before, with other values; ``address`` is the page that it led to."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


def new_key() -> str:
    """Return the key for a new form."""
    return secrets.token_urlsafe(_BYTES)


def is_key(text: str) -> bool:
    """Return whether a text can be the key of a form."""
    return 0 < len(text) <= _MOST and text.isascii() and text.isprintable()


async def perform_once(visit: Visit, route: str, action: Callable[[Tx], Awaitable[str]]) -> str:
    """Do what a form asks for, unless it was done before; return the address of the page to open then.

    The key is kept in the transaction of the action. A second click waits for the first.

    Raises:
        SentBefore: the form took effect with other values.
        IdempotencyKeyBusy: the first sending takes longer than 5 seconds.
        InvalidInput: the form has no key.
    """
    key = visit.form.get(FIELD)
    if not is_key(key):
        raise InvalidInput([Violation(FIELD, "is missing: open the form again", RuleCode.REQUIRED)])
    for _try in range(_TRIES - 1):
        try:
            return await _attempt(visit, route, key, action)
        except IdempotencyKeyBusy:
            await asyncio.sleep(_WAIT_SECONDS)
    return await _attempt(visit, route, key, action)


async def lead_once(visit: Visit, route: str, action: Callable[[Tx], Awaitable[str]]) -> str:
    """Do as ``perform_once``, and return the same page for a form that took effect before with other values."""
    try:
        return await perform_once(visit, route, action)
    except SentBefore as before:
        return before.address


async def _attempt(visit: Visit, route: str, key: str, action: Callable[[Tx], Awaitable[str]]) -> str:
    since = visit.now - timedelta(days=visit.services.settings.keep_idempotency_keys_days)
    # The fingerprint stands in the body: the idempotency refuses another one without saying what the first led to.
    sent, same = _digest(visit.form), b""
    async with visit.database.transaction() as tx:
        kept = await idempotency.replay(tx, visit.actor, route, key, same, since=since)
        if kept is not None:
            if kept.body != sent:
                raise SentBefore(kept.location or "")
            return kept.location or ""
        address = await action(tx)
        await idempotency.keep(tx, visit.actor, route, key, KeptAnswer(same, 303, sent, address), now=visit.now)
    return address


def _digest(form: Form) -> bytes:
    """Return a digest of what a form says, without the token: that is masked anew in each page."""
    text = repr(([pair for pair in form.pairs if pair[0] not in {csrf.FIELD, FIELD}], *form.files))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
