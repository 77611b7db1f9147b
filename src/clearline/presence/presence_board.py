"""Who is on the page of which ticket, as far as this process has heard."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from uuid import UUID

from clearline.clock import monotonic
from clearline.event_stream.event_signal import Listener
from clearline.presence.domain import GONE_AFTER_SECONDS, Activity, Present, Report, by_person
from clearline.presence.store import report_in

TABS_MAX = 100
"""The most tabs of a ticket that are kept: the ones that reported first."""
PERSON_TABS_MAX = 10
"""The most of them that are those of one person, who leaves room for others."""

_Tab = tuple[UUID, str]


class Subscription:
    """Collects the tickets on whose pages a person is, and where somebody came, left, or began or stopped to write."""

    def __init__(self, user_id: UUID) -> None:
        self.user_id = user_id
        self._tickets: set[int] = set()
        self._listener: Listener | None = None

    def attach(self, listener: Listener) -> None:
        """Set this listener whenever there is a ticket."""
        self._listener = listener

    def add(self, number: int) -> None:
        """Collect a ticket."""
        self._tickets.add(number)
        if self._listener is not None:
            self._listener.set()

    def take(self) -> list[int]:
        """Return the tickets that were collected, and forget them."""
        taken = sorted(self._tickets)
        self._tickets.clear()
        return taken


class PresenceBoard:
    """Keeps what tabs report until they are gone. Like ``EventSignal`` it lives as long as the process.

    A process that starts has heard of everybody after 20 seconds. Nothing is lost when it has not: presence is a hint.
    """

    def __init__(self) -> None:
        self._tickets: dict[int, dict[_Tab, tuple[Report, float]]] = {}
        self._subscriptions: dict[UUID, set[Subscription]] = {}
        self._swept_at = 0.0

    def receive(self, payload: str) -> None:
        """Take a notification of this or another process."""
        report = report_in(payload)
        if report is not None:
            self.take(report, monotonic())

    def take(self, report: Report, at: float) -> None:
        """Take a report, and tell the others on that ticket if it changes what they see."""
        self._sweep(at)
        before = self.present(report.number, at)
        tabs = self._tickets.setdefault(report.number, {})
        tab = (report.user_id, report.tab)
        if report.activity is Activity.GONE:
            tabs.pop(tab, None)
        elif tab in tabs or _has_room(tabs, report.user_id):
            tabs[tab] = (report, at)
        if not tabs:
            del self._tickets[report.number]
        after = self.present(report.number, at)
        if before != after:
            for person in after:
                if person.user_id != report.user_id:
                    for subscription in self._subscriptions.get(person.user_id, ()):
                        subscription.add(report.number)

    def present(self, number: int, at: float) -> list[Present]:
        """Return who is on the page of a ticket."""
        tabs = self._tickets.get(number, {}).values()
        return by_person([report for report, heard_at in tabs if at - heard_at < GONE_AFTER_SECONDS])

    @contextmanager
    def subscribe(self, subscription: Subscription, listener: Listener) -> Iterator[None]:
        """Tell a subscription of changes, and wake its listener, for as long as the block runs."""
        subscription.attach(listener)
        subscriptions = self._subscriptions.setdefault(subscription.user_id, set())
        subscriptions.add(subscription)
        try:
            yield
        finally:
            subscriptions.discard(subscription)
            if not subscriptions:
                self._subscriptions.pop(subscription.user_id, None)

    def _sweep(self, at: float) -> None:
        """Forget who is gone, now and then: nobody reads the tickets that everybody has left."""
        if at - self._swept_at < GONE_AFTER_SECONDS:
            return
        self._swept_at = at
        for number, tabs in [*self._tickets.items()]:
            for tab, (_report, heard_at) in [*tabs.items()]:
                if at - heard_at >= GONE_AFTER_SECONDS:
                    del tabs[tab]
            if not tabs:
                del self._tickets[number]


def _has_room(tabs: Collection[_Tab], user_id: UUID) -> bool:
    """Return whether one more tab of a person is kept."""
    return len(tabs) < TABS_MAX and sum(owner == user_id for owner, _tab in tabs) < PERSON_TABS_MAX
