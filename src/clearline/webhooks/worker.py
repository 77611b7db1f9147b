"""Webhooks: a delivery for each event and subscription that wants it, and the sending of what is due."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from time import perf_counter

import structlog
from msgspec.structs import replace

from clearline.events.consumer import consumer
from clearline.events.store import Event
from clearline.platform.database.transactions import Database, StatementFailed, Tx
from clearline.platform.work.claims import LEASE_SECONDS, ClaimWorker
from clearline.platform.work.runner import PeriodicJob
from clearline.settings import Settings
from clearline.webhooks import delivery_store
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks import usecases as subscriptions
from clearline.webhooks.delivery_store import Claimed
from clearline.webhooks.delivery_usecases import Render
from clearline.webhooks.domain import Subscription
from clearline.webhooks.http_client import Answer, HttpOut, Unreachable
from clearline.webhooks.protocol import Attempt, Verdict, asked_pause, headers_of, keys_of, signature, verdict

NAME = "webhooks"
"""Of the follower, and of its place in the log of events."""

SLOTS = 200
"""Deliveries under way in one process."""

EACH = 4
"""Deliveries under way to one subscription, in all processes together; one while its receiver fails."""

_TRIES = 3
_LEASE = timedelta(seconds=LEASE_SECONDS)
_DEADLOCK = "40P01"
_log = structlog.get_logger("clearline.worker")

OnDisabled = Callable[[Tx, Subscription], Awaitable[None]]
"""What else is to be done when a subscription is given up, in the transaction that gives it up."""


async def _nothing(_tx: Tx, _one: Subscription) -> None:
    """Tell nobody."""


def jobs(
    database: Database,
    settings: Settings,
    now: Callable[[], datetime],
    render: Render,
    on_disabled: OnDisabled = _nothing,
    http: HttpOut | None = None,
) -> list[PeriodicJob]:
    """The jobs of webhooks, the same whichever process does them; ``http`` is how they are sent."""

    async def handle(tx: Tx, found: list[Event]) -> None:
        await deliveries.fan_out(tx, found, render, now=now())

    out = http or HttpOut(seconds=settings.webhook_seconds, networks=settings.webhook_networks)
    sender = Sender(database, out, now, on_disabled).worker()
    follow = consumer(database, NAME, handle)

    async def follow_and_wake() -> int:
        done = await follow.run()
        if done:
            sender.wake()
        return done

    return [replace(follow, run=follow_and_wake), sender.job()]


class Sender:
    """Sends what is due."""

    def __init__(
        self, database: Database, http: HttpOut, now: Callable[[], datetime], on_disabled: OnDisabled = _nothing
    ) -> None:
        self._database, self._http, self._now, self._on_disabled = database, http, now, on_disabled
        self._server_secret = b""
        self._book = _Book(database, now)

    def worker(self) -> ClaimWorker[Claimed]:
        """What runs this."""
        return ClaimWorker(
            "webhook deliveries",
            slots=SLOTS,
            claim=self._claim,
            do=self._send,
            renew=self._renew,
            release=self._release,
            close=self._close,
        )

    async def _close(self) -> None:
        await self._book.close()
        await self._http.close()

    async def _claim(self, free: int) -> list[Claimed]:
        async with self._database.transaction() as tx:
            if not self._server_secret:
                self._server_secret = await subscriptions.server_secret(tx)
            if not await delivery_store.alone(tx):
                return []
            now = self._now()
            return await delivery_store.claim(tx, now=now, until=now + _LEASE, each=EACH, limit=free)

    async def _renew(self, pieces: Sequence[Claimed]) -> None:
        async with self._database.transaction() as tx:
            await delivery_store.renew(tx, pieces, until=self._now() + _LEASE)

    async def _release(self, pieces: Sequence[Claimed]) -> None:
        async with self._database.transaction() as tx:
            await delivery_store.release(tx, pieces, now=self._now())

    async def _send(self, one: Claimed) -> None:
        at, began = self._now(), perf_counter()
        sent = headers_of(one.id, at)
        keys = keys_of(self._server_secret, one.subscription_id, one.generation, one.previous_until, at)
        sent["webhook-signature"] = signature(keys, one.id, at, one.body)
        answer: Answer | None = None
        error = None
        try:
            answer = await self._http.post(one.url, sent, one.body)
        except Unreachable as failed:
            error = str(failed)[:255]
        except Exception:  # noqa: BLE001 - a failure as any other: what always fails must not be tried for ever
            _log.exception("a webhook could not be sent", subscription=str(one.subscription_id), delivery=str(one.id))
            error = "a fault of the desk"
        took = int((perf_counter() - began) * 1000)
        if answer is None:
            tried = Attempt(at, took, error=error)
        else:
            tried = Attempt(at, took, answer.status, answer=answer.body)
        if verdict(tried.status) is Verdict.DELIVERED:
            await self._book.note(one, tried)
        else:
            await self._failed(one, tried, None if answer is None else answer.retry_after)

    async def _failed(self, one: Claimed, tried: Attempt, retry_after: str | None) -> None:
        now = self._now()
        async with self._database.transaction() as tx:
            disabled = await deliveries.note_failure(
                tx,
                one,
                tried,
                asked=asked_pause(retry_after, now),
                chance=random.random(),  # noqa: S311 - only spreads retries
                now=now,
            )
            if disabled is not None:
                await self._on_disabled(tx, disabled)
                _log.warning("webhooks given up", subscription=str(disabled.id), reason=disabled.disabled_reason)


class _Book:
    """Notes what was delivered: whatever comes in while one statement runs is noted by the next, all at once."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database, self._now = database, now
        self._waiting: list[tuple[Claimed, Attempt, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def note(self, one: Claimed, tried: Attempt) -> None:
        """Note a delivery; it is when this returns.

        Raises:
            DatabaseUnavailable, StatementFailed: it is not; it will be sent again.
        """
        noted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, tried, noted))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="webhooks delivered")
        await noted

    async def close(self) -> None:
        """Wait for what is being noted."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._waiting:
            rows, self._waiting = self._waiting, []
            error = await self._insert([(one, tried) for one, tried, _ in rows])
            for _, _, noted in rows:
                if noted.cancelled():
                    continue
                if error is None:
                    noted.set_result(None)
                else:
                    noted.set_exception(error)
        self._writing = None

    async def _insert(self, rows: list[tuple[Claimed, Attempt]]) -> Exception | None:
        for left in reversed(range(_TRIES)):
            try:
                async with self._database.statement() as tx:
                    await delivery_store.delivered(tx, rows, now=self._now())
            except StatementFailed as failed:
                if failed.sqlstate == _DEADLOCK and left:
                    continue
                return failed
            except Exception as failed:  # noqa: BLE001 - whoever waits for it raises it
                return failed
            return None
        return None
