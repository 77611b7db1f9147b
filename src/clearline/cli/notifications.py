"""Commands for what people get mail about."""

from datetime import datetime, time
from typing import Any

import click
from msgspec import Struct

from clearline.cli.accounts.options import company_option
from clearline.cli.context import transact
from clearline.cli.output import json_option, limit_option, print_json, print_table, show_list
from clearline.cli.terminal.text import echo
from clearline.clock import now
from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.contact_rules import InboundCc, Notice, RuleRole, listed
from clearline.notifications.domain import WEEK, DeliveryMode, DigestFrequency, effective_rules
from clearline.notifications.preference_usecases import ContactMail, UserPreferences
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import ticket_number
from clearline.wires.house.notifications.mapping import company_notifications_out, notifications_out

_company_option = click.option(
    "--company", default="PROVIDER", show_default=True, metavar="NAME", help="Name or code of the user's company."
)
_user_option = click.option("--user", "email", required=True, metavar="EMAIL", help="E-mail address of the user.")
_CLOCK = click.DateTime(["%H:%M"])
_DEFAULT = "default"
_NONE = "none"


class PendingNotification(Struct, frozen=True):
    """A notification that is not sent yet."""

    due_at: datetime
    recipient: str
    ticket: str
    type: str
    channel: str
    at: datetime


@click.group("notifications")
def notifications_group() -> None:
    """Manage what people get mail about."""


@notifications_group.command("show")
@_company_option
@_user_option
@json_option
def notifications_show(company: str, email: str, *, as_json: bool) -> None:
    """Show what a user gets mail about, how and when."""
    _show(transact(lambda tx: preferences.get_preferences(tx, OPERATOR, company, email)), as_json=as_json)


class _Rule(click.ParamType[tuple[NotificationKind, DeliveryMode | None]]):
    """A rule as people type it: ``resolved=digest``."""

    name = "KIND=CHANNEL"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[NotificationKind, DeliveryMode | None]:
        """Read ``kind=channel``."""
        kind, _equals, channel = str(value).partition("=")
        if kind not in list(NotificationKind):
            self.fail(f"{kind} is none of {', '.join(NotificationKind)}", param, ctx)
        if channel not in [*DeliveryMode, _DEFAULT]:
            self.fail(f"{channel or 'nothing'} is none of {', '.join(DeliveryMode)}, {_DEFAULT}", param, ctx)
        return NotificationKind(kind), None if channel == _DEFAULT else DeliveryMode(channel)


class _Hours(click.ParamType[tuple[time | None, time | None]]):
    """Quiet hours as people type them: ``22:00-07:00``, or none."""

    name = "FROM-TO"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[time | None, time | None]:
        """Read ``from-to``."""
        if value == _NONE:
            return None, None
        begin, _dash, end = str(value).partition("-")
        try:
            return time.fromisoformat(begin), time.fromisoformat(end)
        except ValueError:
            self.fail("must be a time span such as 22:00-07:00, or none", param, ctx)


@notifications_group.command("set")
@_company_option
@_user_option
@click.option(
    "--rule", "rules", type=_Rule(), multiple=True,
    help="Such as resolved=digest; the channel is email, digest, off or default. Repeat for several.",
)  # fmt: skip
@click.option("--zone", "time_zone", metavar="NAME", help="Time zone, such as Europe/Amsterdam.")
@click.option("--quiet", "quiet", type=_Hours(), help="Quiet hours, such as 22:00-07:00; none for no quiet hours.")
@click.option("--quiet-day", "days", type=click.Choice([*WEEK, _NONE]), multiple=True,
              help="Quiet day; repeat for several.")  # fmt: skip
@click.option("--critical-breaks-quiet/--no-critical-breaks-quiet", "critical_breaks_quiet", default=None,
              help="Whether mail about critical tickets is sent in quiet hours.")  # fmt: skip
@click.option(
    "--digest", type=click.Choice([every.value for every in DigestFrequency]), help="How often a digest is sent."
)
@click.option("--digest-at", type=_CLOCK, metavar="HH:MM", help="Time of a daily digest.")
@click.option("--no-replies-by-mail", is_flag=True,
              help="Marked mail of the agent stays internal. Only the agent can turn it on.")  # fmt: skip
@json_option
def notifications_set(company: str, email: str, *, as_json: bool, **options: Any) -> None:
    """Change what a user gets mail about. Options that are not given change nothing."""
    values = _values(options)
    if not values:
        raise click.UsageError("Nothing to change: see clearline notifications set --help.")

    async def work(tx: Tx) -> UserPreferences:
        return await preferences.change_preferences(tx, OPERATOR, company, email, values, now=now())

    _show(transact(work), as_json=as_json)


def _values(options: dict[str, Any]) -> dict[str, Any]:
    values = {name: options[name] for name in ("time_zone", "critical_breaks_quiet") if options[name] is not None}
    if options["no_replies_by_mail"]:
        values["replies_by_mail"] = False
    if options["rules"]:
        values["rules"] = dict(options["rules"])
    if options["quiet"] is not None:
        values["quiet_from"], values["quiet_to"] = options["quiet"]
    if options["days"]:
        values["quiet_days"] = tuple(WEEK.index(day) + 1 for day in options["days"] if day != _NONE)
    if options["digest"] is not None:
        values["digest"] = DigestFrequency(options["digest"])
    if options["digest_at"] is not None:
        at: datetime = options["digest_at"]
        values["digest_at"] = at.time()
    return values


class _ContactRule(click.ParamType[tuple[RuleRole, list[Notice] | None]]):
    """A rule as people type it: ``technical=answers,resolved``."""

    name = "ROLE=NOTICES"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[RuleRole, list[Notice] | None]:
        """Read ``role=notice,notice``, ``role=none`` or ``role=default``."""
        role, _equals, text = str(value).partition("=")
        if role not in list(RuleRole):
            self.fail(f"{role} is none of {', '.join(RuleRole)}", param, ctx)
        if text in {_DEFAULT, _NONE}:
            return RuleRole(role), None if text == _DEFAULT else []
        for name in text.split(","):
            if name not in list(Notice):
                self.fail(f"{name or 'nothing'} is none of {', '.join(Notice)}, {_NONE}, {_DEFAULT}", param, ctx)
        return RuleRole(role), [Notice(name) for name in text.split(",")]


@notifications_group.command("contacts")
@company_option
@click.option("--on/--off", "mails", default=None, help="Whether contacts get mail from now on.")
@click.option("--rule", "rules", type=_ContactRule(), multiple=True,
              help="Such as technical=answers,resolved; also none or default. Repeat for several roles.")  # fmt: skip
@click.option("--inbound-cc", type=click.Choice([every.value for every in InboundCc]),
              help="What becomes of the addresses in Cc of inbound mail.")  # fmt: skip
@json_option
def notifications_contacts(
    company: str,
    *,
    mails: bool | None,
    rules: tuple[tuple[RuleRole, list[Notice] | None], ...],
    inbound_cc: str | None,
    as_json: bool,
) -> None:
    """Show or set what mail the contacts of a company's tickets get, by their roles."""

    async def work(tx: Tx) -> ContactMail:
        if mails is None and not rules and inbound_cc is None:
            return await preferences.get_contact_mail(tx, OPERATOR, company)
        setting = None if inbound_cc is None else InboundCc(inbound_cc)
        return await preferences.change_contact_mail(
            tx, OPERATOR, company, mails=mails, rules=dict(rules), inbound_cc=setting, now=now()
        )

    contacts = transact(work)
    owner, settings = contacts
    if as_json:
        print_json(company_notifications_out(contacts))
        return
    print_table(("ROLE", "MAIL"), [(role, ", ".join(listed(settings.rules[role])) or None) for role in RuleRole])
    get_mail = "get" if settings.mails_contacts else "do not get"
    echo(f"\nContacts of {owner.name} {get_mail} mail. Cc of inbound mail: {settings.inbound_cc}.")


@notifications_group.command("pending")
@limit_option
@json_option
def notifications_pending(limit: int, *, as_json: bool) -> None:
    """List notifications that are not sent yet, the next first."""
    pending = [
        PendingNotification(
            notification.due_at,
            notification.recipient,
            ticket_number(notification.ticket_number),
            notification.type,
            notification.channel,
            notification.at,
        )
        for notification in transact(lambda tx: preferences.list_pending(tx, OPERATOR, limit=limit + 1))
    ]
    show_list(
        pending,
        lambda entry: entry,
        ("DUE", "TO", "TICKET", "EVENT", "CHANNEL", "AT"),
        lambda entry: (entry.due_at, entry.recipient, entry.ticket, entry.type, entry.channel, entry.at),
        noun="pending notifications",
        as_json=as_json,
        limit=limit,
    )


def _show(current: UserPreferences, *, as_json: bool) -> None:
    if as_json:
        print_json(notifications_out(current))
        return
    user, chosen = current
    days = [WEEK[day - 1] for day in sorted(chosen.quiet_days)]
    hours = None if chosen.quiet_from is None else f"{chosen.quiet_from:%H:%M}-{chosen.quiet_to:%H:%M}"
    print_table(("KIND", "CHANNEL"), list(effective_rules(chosen, user.role).items()))
    daily = f" at {chosen.digest_at:%H:%M}" if chosen.digest is DigestFrequency.DAILY else ""
    quiet = ", ".join(filter(None, [hours, *days])) or "none"
    critical = "; critical tickets do not wait" if chosen.critical_breaks_quiet else ""
    by_mail = " Replies to customers by mail: on." if chosen.replies_by_mail else ""
    echo(f"\nDigest {chosen.digest}{daily}. Quiet: {quiet}{critical}. Time zone {chosen.time_zone}.{by_mail}")
