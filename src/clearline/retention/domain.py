"""The kinds of data that are deleted after some time, and the runs that delete them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from clearline.settings.settings import PREFIX, Settings


class Kind(StrEnum):
    """A kind of data with a setting of its own, in the order of pages and lists."""

    IDEMPOTENCY_KEYS = "idempotency_keys"
    DRAFTS = "drafts"
    JOBS = "jobs"
    DELIVERIES = "deliveries"
    OUTBOUND_MAIL = "outbound_mail"
    INBOUND_MAIL = "inbound_mail"
    NOTIFICATIONS = "notifications"
    ORPHANED_ATTACHMENTS = "orphaned_attachments"
    AUDIT = "audit"

    @property
    def field(self) -> str:
        """The name of its setting in ``Settings``."""
        return f"keep_{self.value}_days"

    @property
    def variable(self) -> str:
        """The name of its setting in the environment."""
        return PREFIX + self.field.upper()

    @property
    def is_deleted_by_runs(self) -> bool:
        """Whether the worker of retention deletes it; notifications are deleted when their mail would be written."""
        return self is not Kind.NOTIFICATIONS

    @property
    def every(self) -> timedelta:
        """The time between the starts of two runs."""
        return _SELDOM if self is Kind.ORPHANED_ATTACHMENTS else _OFTEN


_OFTEN, _SELDOM = timedelta(hours=1), timedelta(hours=6)

_MISSED = 3

CLAIM_LASTS = timedelta(minutes=5)
"""A run without a batch for so long was left by a process that ended: another one goes on with it."""


class Run(NamedTuple):
    """The last run of a kind, and how many rows or files all runs removed.

    ``finished_at`` is None while it lasts, and after a process ended in the middle until another one goes on.
    """

    kind: Kind
    started_at: datetime
    batch_at: datetime
    finished_at: datetime | None
    removed: int
    removed_total: int

    def is_claimed(self, now: datetime) -> bool:
        """Return whether a process works on it; one that was silent for ``CLAIM_LASTS`` ended in the middle."""
        return self.finished_at is None and self.batch_at <= now < self.batch_at + CLAIM_LASTS

    def is_due(self, now: datetime) -> bool:
        """Return whether the next run may start, or this one has to go on. A clock that was ahead delays nothing."""
        if self.finished_at is None:
            return not self.is_claimed(now)
        return not self.started_at <= now < self.started_at + self.kind.every


class Kept(NamedTuple):
    """What is kept of a kind.

    ``days`` is 0 for data that is kept for good. ``rows`` and ``size`` (bytes, with indexes) are estimates from the
    statistics of PostgreSQL; they are None for files, which are not in the database. ``per_ticket`` is ``size`` by the
    number of tickets. ``oldest`` is the time by which the age of the oldest is counted.
    """

    kind: Kind
    days: int
    rows: int | None
    size: int | None
    per_ticket: int | None
    oldest: datetime | None
    last_run: Run | None

    @property
    def is_deleted_by_runs(self) -> bool:
        """Whether runs delete it."""
        return bool(self.days) and self.kind.is_deleted_by_runs

    def is_late(self, now: datetime) -> bool:
        """Return whether runs should have deleted something of it for long: three were missed, or one is not over."""
        run = self.last_run
        if not self.is_deleted_by_runs or run is None:
            return False
        return run.is_due(now) and now - run.batch_at > _MISSED * self.kind.every


class Claim(NamedTuple):
    """What a process needs to work on a kind: no other process does."""

    kind: Kind
    by: UUID


def days_kept(settings: Settings, kind: Kind) -> int:
    """Return for how many days a kind is kept; 0 for good."""
    days: int = getattr(settings, kind.field)
    return days


def deleted_before(settings: Settings, kind: Kind, now: datetime) -> datetime | None:
    """Return the time before which what is kept of a kind is deleted; None if it is kept for good."""
    days = days_kept(settings, kind)
    return now - timedelta(days=days) if days else None
