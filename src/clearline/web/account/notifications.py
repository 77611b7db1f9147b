"""How the person who is signed in is notified: of what, how, and when mail waits."""

from collections.abc import Sequence
from datetime import time
from typing import Any

from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.events.event_types import NotificationKind
from clearline.identity import Scope
from clearline.mail.format.public_mark import MARK
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import DeliveryMode, DigestFrequency, effective_rules
from clearline.notifications.preference_usecases import UserPreferences
from clearline.platform.database.transactions import Tx
from clearline.web.account.frame import Frame
from clearline.web.area import Area
from clearline.web.done import done_in, with_done
from clearline.web.fields import member_in, whole_number
from clearline.web.language.refusals import rule_text
from clearline.web.records.form import (
    ChangedMeanwhile,
    Choice,
    Field,
    Kind,
    Outcome,
    Values,
    check_version,
    typed_values,
    version_of,
)
from clearline.web.visit import Form, Page, Visit, redirect
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

_RULE = "rules."


class Notifications:
    """The page of what the person who is signed in is notified of."""

    def __init__(self, area: Area, frame: Frame) -> None:
        self._area, self._frame = area, frame
        self.here = area.account

    def path(self, visit: Visit) -> str:  # noqa: ARG002 - for those of colleagues
        """Return the address of the page."""
        return self._area.notifications

    def back(self, visit: Visit) -> str:  # noqa: ARG002 - for those of colleagues
        """Return the page that it leads back to."""
        return self._area.account

    async def read(self, visit: Visit, tx: Tx) -> UserPreferences:
        """Return the preferences."""
        return await preferences.get_own(tx, visit.actor)

    async def lock(self, visit: Visit, tx: Tx) -> UserPreferences:
        """Lock and return the preferences."""
        return await preferences.lock_own(tx, visit.actor)

    async def store(self, visit: Visit, tx: Tx, values: dict[str, Any]) -> None:
        """Change the preferences."""
        await preferences.change_own(tx, visit.actor, values, now=visit.now)

    def pages(self) -> list[Page]:
        """Return the page and its form for the table."""
        return [
            Page("notifications", "GET", self._area.notifications, self.show, Scope.TICKETS_READ),
            Page("changeNotifications", "POST", self._area.notifications, self.change, Scope.TICKETS_WRITE),
        ]

    async def show(self, visit: Visit) -> Answer:
        """Show the form."""
        done = gettext("Saved. What is pending already keeps its time.") if done_in(visit) == "change" else ""
        return await self._page(visit, Outcome(done=done))

    async def change(self, visit: Visit) -> Answer:
        """Change the preferences, unless they were changed meanwhile."""
        try:
            async with visit.database.transaction() as tx:
                stored = await self.lock(visit, tx)
                check_version(visit.form, _values(stored))
                await self.store(visit, tx, _changes(visit.form, stored))
        except ChangedMeanwhile:
            return await self._page(visit, Outcome(409, typed=visit.form, is_stale=True))
        except InvalidInput as error:
            problems = {_field_of(violation.field): rule_text(violation) for violation in error.violations}
            return await self._page(visit, Outcome(422, problems=problems, typed=visit.form))
        return redirect(visit.browser, with_done(visit, self.path(visit), "change"), visit.headers)

    async def _page(self, visit: Visit, outcome: Outcome) -> Answer:
        async with visit.database.transaction() as tx:
            own = await self.read(visit, tx)
        frame = await self._frame(visit)
        if outcome.status != 200:
            visit.headers.append((b"hx-push-url", self.path(visit).encode()))
        stored = _values(own)
        return visit.page(
            "account/notifications.html", outcome.status, here=self.here, outcome=outcome,
            action=self.path(visit), back=self.back(visit), person=own.user,
            rules=_rule_fields(own), fields=_fields(), by_mail=_by_mail(visit, own),
            stored=stored, version=version_of(stored),
            values=stored if outcome.typed is None else typed_values(outcome.typed),
            may_change=Scope.TICKETS_WRITE in visit.actor.scopes, **frame,
        )  # fmt: skip


def _field_of(name: str) -> str:
    """Return the field of the form for a value: ``quiet_days`` for ``quiet_days.2``."""
    return name if name.startswith(_RULE) else name.partition(".")[0]


def _rule_fields(own: UserPreferences) -> list[Field]:
    labels = {
        NotificationKind.COMPANY_TICKET: gettext("Any ticket of my company is raised, answered or changes its status"),
        NotificationKind.ASSIGNED_TO_ME: gettext("A ticket is assigned to me"),
        NotificationKind.ROUTED_TO_MY_TEAM: gettext("A ticket comes into a queue of my team"),
        NotificationKind.TICKET_RAISED: gettext("A ticket is raised"),
        NotificationKind.CUSTOMER_NOTE: gettext("The customer writes"),
        NotificationKind.PROVIDER_NOTE: gettext("A colleague replies to the customer"),
        NotificationKind.INTERNAL_NOTE: gettext("A colleague writes an internal note"),
        NotificationKind.STATUS_CHANGED: gettext("The status changes"),
        NotificationKind.RESOLVED: gettext("A ticket is resolved"),
        NotificationKind.REOPENED: gettext("A ticket is reopened"),
        NotificationKind.REMINDER: gettext("The reminder of a ticket is due"),
        NotificationKind.PRIORITY_CHANGED: gettext(
            "The priority changes of a ticket that I am the escalation contact of"
        ),
        NotificationKind.WATCHED_CHANGE: gettext("Something else of a ticket that I watch changes"),
    }
    if not own.user.role.is_staff:
        labels |= {
            NotificationKind.TICKET_RAISED: gettext("A ticket is raised with me as its contact"),
            NotificationKind.CUSTOMER_NOTE: gettext("A colleague writes"),
            NotificationKind.PROVIDER_NOTE: gettext("The support team replies"),
        }
    modes = [
        Choice(DeliveryMode.EMAIL, gettext("By mail at once")),
        Choice(DeliveryMode.DIGEST, gettext("In the digest")),
        Choice(DeliveryMode.OFF, gettext("Not at all")),
    ]
    rules = effective_rules(own.preferences, own.user.role)
    return [Field(f"{_RULE}{kind}", labels.get(kind, kind), Kind.SELECT, modes) for kind in rules]


def _fields() -> list[Field]:
    days = [
        gettext("Monday"), gettext("Tuesday"), gettext("Wednesday"), gettext("Thursday"), gettext("Friday"),
        gettext("Saturday"), gettext("Sunday"),
    ]  # fmt: skip
    return [
        Field(
            "digest", gettext("Digest"), Kind.SELECT,
            [
                Choice(DigestFrequency.HOURLY, gettext("Every hour, when there is anything in it")),
                Choice(DigestFrequency.DAILY, gettext("Every day, when there is anything in it")),
            ],
        ),
        Field("digest_at", gettext("Time of the daily digest"), Kind.TIME, is_required=True),
        Field(
            "time_zone", gettext("Time zone"), is_required=True,
            hint=gettext("Its name in the IANA database, such as Europe/Amsterdam."),
        ),
        Field("quiet_from", gettext("Quiet from"), Kind.TIME, hint=gettext("Mail waits until the quiet hours end.")),
        Field("quiet_to", gettext("Quiet to"), Kind.TIME),
        Field(
            "quiet_days", gettext("Quiet days"), Kind.CHECKS,
            [Choice(str(number), day) for number, day in enumerate(days, 1)],
        ),
        Field("critical_breaks_quiet", gettext("Mail about critical tickets does not wait"), Kind.CHECK),
    ]  # fmt: skip


def _by_mail(visit: Visit, own: UserPreferences) -> list[Field]:
    """Return the field for replies to customers by mail, for those who work tickets."""
    if not own.user.role.works_tickets:
        return []
    hint = (
        gettext("Only a mail that begins with %(mark)s on a line of its own goes to the customer.") % {"mark": MARK}
        if visit.services.settings.staff_replies_by_mail
        else gettext("It has no effect now: this desk does not let agents reply to customers by mail.")
    )
    return [Field("replies_by_mail", gettext("I reply to customers by mail"), Kind.CHECK, hint=hint)]


def _values(own: UserPreferences) -> Values:
    """Return what the fields have."""
    stored = own.preferences
    values: dict[str, Sequence[str]] = {
        "digest": [stored.digest],
        "digest_at": [_clock(stored.digest_at)],
        "time_zone": [stored.time_zone],
        "quiet_from": [_clock(stored.quiet_from)],
        "quiet_to": [_clock(stored.quiet_to)],
        "quiet_days": [str(day) for day in sorted(stored.quiet_days)],
        "critical_breaks_quiet": ["on"] if stored.critical_breaks_quiet else [],
        "replies_by_mail": ["on"] if stored.replies_by_mail else [],
    }
    return values | {f"{_RULE}{kind}": [mode] for kind, mode in effective_rules(stored, own.user.role).items()}


def _clock(value: time | None) -> str:
    return "" if value is None else f"{value:%H:%M}"


def _changes(form: Form, own: UserPreferences) -> dict[str, Any]:
    """Return the values that a form changes: a rule that it leaves as it is goes on following the default."""
    before = effective_rules(own.preferences, own.user.role)
    rules = {kind: member_in(DeliveryMode, form, f"{_RULE}{kind}") for kind in before}
    digest_at = _time_in(form, "digest_at")
    if digest_at is None:
        raise InvalidInput([Violation("digest_at", "must be a time, such as 08:00", RuleCode.FORMAT)])
    values: dict[str, Any] = {
        "digest": member_in(DigestFrequency, form, "digest"),
        "digest_at": digest_at,
        "time_zone": form.get("time_zone").strip(),
        "quiet_from": _time_in(form, "quiet_from"),
        "quiet_to": _time_in(form, "quiet_to"),
        "quiet_days": tuple(_day(text) for text in form.all("quiet_days")),
        "critical_breaks_quiet": form.has("critical_breaks_quiet"),
        "replies_by_mail": form.has("replies_by_mail"),
    }
    changed = {name: value for name, value in values.items() if value != getattr(own.preferences, name)}
    changed_rules = {kind: mode for kind, mode in rules.items() if mode is not before[kind]}
    return {**changed, "rules": changed_rules} if changed_rules else changed


def _time_in(form: Form, field: str) -> time | None:
    text = form.get(field).strip()
    if not text:
        return None
    hours, _colon, minutes = text[:5].partition(":")
    hour, minute = whole_number(hours, digits=2), whole_number(minutes, digits=2)
    if hour is None or minute is None or hour > 23 or minute > 59 or text[5:] not in {"", ":00"}:
        raise InvalidInput([Violation(field, "must be a time, such as 08:00", RuleCode.FORMAT)])
    return time(hour, minute)


def _day(text: str) -> int:
    day = whole_number(text, digits=1)
    if day is None:
        raise InvalidInput([Violation("quiet_days", "must be days of the week", RuleCode.CHOICE)])
    return day
