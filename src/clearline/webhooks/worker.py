"""The jobs of webhooks: from an event to what came of its delivery.

A consumer makes a delivery of each event for each subscription that wants it. The sender claims the deliveries that are
due, makes an attempt for each, and stores what came of it: the delivery is delivered, or ``attempt_usecases`` decides
on a retry, a pause of the receiver, a dead letter, or the end of the subscription.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from time import perf_counter

import structlog
from msgspec.structs import replace

from clearline.events.consumer import consumer
from clearline.events.store import Event
from clearline.platform.database.errors import StatementFailed
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.network.connections import Unreachable
from clearline.platform.work.claims import LEASE_SECONDS, ClaimWorker
from clearline.platform.work.runner import PeriodicJob
from clearline.settings.settings import Settings
from clearline.webhooks import attempt_store, order_store
from clearline.webhooks import attempt_usecases as attempts
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.attempt_domain import Attempt, Outcome, outcome_of, parse_retry_after
from clearline.webhooks.attempt_store import LOOKED_AT, Claim
from clearline.webhooks.delivery_actions.worker import action_job
from clearline.webhooks.delivery_usecases import Render
from clearline.webhooks.http.client import Response, WebhookClient
from clearline.webhooks.signature import request_headers, sign, signing_keys
from clearline.webhooks.subscription_domain import Subscription

NAME = "webhooks"
"""The name of the consumer that makes deliveries."""

SLOTS = 200
"""Concurrent attempts in one process."""

SLOTS_PER_SUBSCRIPTION = 4
"""Concurrent attempts to one subscription, in all processes together; one while its receiver fails."""

_ORDERED = 2_000
"""Due deliveries of a subscription, and tickets, that are looked at in one transaction for their order."""

_LEAST_ORDERED = LOOKED_AT // 10
"""Deliveries that wait for others of their tickets, and are not in the way of claims yet."""

_FIND_SECONDS = 10
_STORE_TRIES = 3
_LEASE = timedelta(seconds=LEASE_SECONDS)
_DEADLOCK = "40P01"
_log = structlog.get_logger("clearline.worker")

OnDisabled = Callable[[Tx, Subscription], Awaitable[None]]
"""Called with a subscription that was disabled for its failures, in the same transaction."""


async def _ignore(_tx: Tx, _subscription: Subscription) -> None:
    """Do nothing about a disabled subscription."""


def jobs(
    database: Database,
    settings: Settings,
    now: Callable[[], datetime],
    render: Render,
    on_disabled: OnDisabled = _ignore,
    client: WebhookClient | None = None,
) -> list[PeriodicJob]:
    """Return the jobs of webhooks, which any process can run. ``client`` sends; by default one of the settings."""

    async def handle(tx: Tx, events: list[Event]) -> None:
        await deliveries.create_deliveries(tx, events, render, now=now())

    client = client or WebhookClient(seconds=settings.webhook_seconds, networks=settings.webhook_networks)
    sending = Sender(database, client, now, on_disabled).worker()
    consuming = consumer(database, NAME, handle)

    async def consume_and_wake() -> int:
        count = await consuming.run()
        if count:
            sending.wake()
        return count

    return [
        replace(consuming, run=consume_and_wake),
        sending.job(),
        *order_jobs(database, now),
        action_job(database, now),
    ]


def order_jobs(database: Database, now: Callable[[], datetime]) -> list[PeriodicJob]:
    """Return the jobs that keep deliveries of one ticket, which wait for each other, out of the way of claims."""
    position = order_store.START

    async def put_behind() -> int:
        async with database.transaction() as tx:
            return await order_store.put_behind(tx, now=now(), limit=_ORDERED, least=_LEAST_ORDERED)

    async def make_first_due() -> int:
        nonlocal position
        async with database.transaction() as tx:
            position = await order_store.make_first_due(tx, position, limit=_ORDERED, now=now())
        return 0

    return [
        PeriodicJob("order deliveries of a ticket", 1, put_behind, _LEAST_ORDERED),
        PeriodicJob("find deliveries that wait for none", _FIND_SECONDS, make_first_due),
    ]


class Sender:
    """Claims due deliveries, makes an attempt for each, and stores what came of it."""

    def __init__(
        self,
        database: Database,
        client: WebhookClient,
        now: Callable[[], datetime],
        on_disabled: OnDisabled = _ignore,
    ) -> None:
        self._database, self._client, self._now, self._on_disabled = database, client, now, on_disabled
        self._server_secret = b""
        self._successes = _SuccessWriter(database, now)

    def worker(self) -> ClaimWorker[Claim]:
        """Return the worker that runs the sender."""
        return ClaimWorker(
            "webhook deliveries",
            slots=SLOTS,
            claim=self._claim,
            do=self._attempt,
            renew=self._renew,
            release=self._release,
            close=self._close,
        )

    async def _close(self) -> None:
        await self._successes.close()
        await self._client.close()

    async def _claim(self, free: int) -> list[Claim]:
        async with self._database.transaction() as tx:
            if not self._server_secret:
                self._server_secret = await subscriptions.server_secret(tx)
            if not await attempt_store.try_claim_lock(tx):
                return []
            now = self._now()
            return await attempt_store.claim(tx, now=now, until=now + _LEASE, each=SLOTS_PER_SUBSCRIPTION, limit=free)

    async def _renew(self, claims: Sequence[Claim]) -> None:
        async with self._database.transaction() as tx:
            await attempt_store.renew(tx, claims, until=self._now() + _LEASE)

    async def _release(self, claims: Sequence[Claim]) -> None:
        async with self._database.transaction() as tx:
            await attempt_store.release(tx, claims, now=self._now())

    async def _attempt(self, claim: Claim) -> None:
        at, began = self._now(), perf_counter()
        headers = request_headers(claim.id, at)
        keys = signing_keys(self._server_secret, claim.subscription_id, claim.generation, claim.previous_until, at)
        headers["webhook-signature"] = sign(keys, claim.id, at, claim.body)
        response: Response | None = None
        error = None
        try:
            response = await self._client.post(claim.url, headers, claim.body)
        except Unreachable as unreachable:
            error = str(unreachable)[:255]
        except Exception:  # noqa: BLE001 - a failure like any other: it must not be tried without end
            _log.exception("webhook attempt failed", subscription=str(claim.subscription_id), delivery=str(claim.id))
            error = "a fault of the desk"
        milliseconds = int((perf_counter() - began) * 1000)
        if response is None:
            attempt = Attempt(at, milliseconds, error=error)
        else:
            attempt = Attempt(at, milliseconds, response.status, answer=response.body)
        if outcome_of(attempt.status) is Outcome.DELIVERED:
            await self._successes.store(claim, attempt)
        else:
            await self._record_failure(claim, attempt, None if response is None else response.retry_after)

    async def _record_failure(self, claim: Claim, attempt: Attempt, retry_after: str | None) -> None:
        now = self._now()
        async with self._database.transaction() as tx:
            disabled = await attempts.record_failure(
                tx,
                claim,
                attempt,
                retry_after=parse_retry_after(retry_after, now),
                chance=random.random(),  # noqa: S311 - only spreads retries
                now=now,
            )
            if disabled is not None:
                await self._on_disabled(tx, disabled)
                _log.warning(
                    "webhook subscription disabled", subscription=str(disabled.id), reason=disabled.disabled_reason
                )


class _SuccessWriter:
    """Stores successful attempts in batches: those that arrive while one statement runs are stored by the next."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database, self._now = database, now
        self._pending: list[tuple[Claim, Attempt, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def store(self, claim: Claim, attempt: Attempt) -> None:
        """Store a successful attempt; return when it is stored.

        Raises:
            DatabaseUnavailable, StatementFailed: it is not stored. The delivery will be sent again.
        """
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((claim, attempt, stored))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="webhooks delivered")
        await stored

    async def close(self) -> None:
        """Wait for the attempts that are being stored."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._pending:
            batch, self._pending = self._pending, []
            error = await self._insert([(claim, attempt) for claim, attempt, _ in batch])
            for _, _, stored in batch:
                if stored.cancelled():
                    continue
                if error is None:
                    stored.set_result(None)
                else:
                    stored.set_exception(error)
        self._writing = None

    async def _insert(self, batch: list[tuple[Claim, Attempt]]) -> Exception | None:
        """Store a batch, again after a deadlock; return the error when it is not stored."""
        for tries_left in reversed(range(_STORE_TRIES)):
            try:
                now = self._now()
                async with self._database.transaction() as tx:
                    await attempt_store.store_successes(tx, batch, now=now)
                    await order_store.make_next_due(tx, [claim for claim, _ in batch], now=now)
            except StatementFailed as failure:
                if failure.sqlstate == _DEADLOCK and tries_left:
                    continue
                return failure
            except Exception as error:  # noqa: BLE001 - raised in the task that waits for the batch
                return error
            return None
        return None
