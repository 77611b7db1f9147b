"""What people hear of, and what waits to be told."""

from datetime import datetime, time
from typing import Any

import click

from clearline.cli.accounts import company_option
from clearline.cli.context import as_json, emit, limit_option, table, within
from clearline.clock import now
from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR, Company
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import WEEK, DeliveryMode, DigestFrequency, effective_rules
from clearline.notifications.preference_usecases import UserPreferences
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import ticket_number

_of_company = click.option("--company", default="PROVIDER", metavar="NAME", help="Whose; else one of the provider's.")
_user_option = click.option("--user", "email", required=True, metavar="EMAIL", help="The person's address.")
_CLOCK = click.DateTime(["%H:%M"])
_DEFAULT = "default"
_NONE = "none"


@click.group("notifications")
def notifications_group() -> None:
    """What people hear of by mail, and what waits to be told."""


@notifications_group.command("show")
@_of_company
@_user_option
@as_json
def show(company: str, email: str, *, as_json: bool) -> None:
    """What a person hears of, how, and when."""
    _print(within(lambda tx: preferences.get_preferences(tx, OPERATOR, company, email)), as_json=as_json)


class _Rule(click.ParamType[tuple[NotificationKind, DeliveryMode | None]]):
    """A rule as people type it: ``resolved=digest``."""

    name = "KIND=WAY"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[NotificationKind, DeliveryMode | None]:
        """Read ``kind=way``."""
        kind, _equals, way = str(value).partition("=")
        if kind not in list(NotificationKind):
            self.fail(f"{kind} is none of {', '.join(NotificationKind)}", param, ctx)
        if way not in [*DeliveryMode, _DEFAULT]:
            self.fail(f"{way or 'nothing'} is none of {', '.join(DeliveryMode)}, {_DEFAULT}", param, ctx)
        return NotificationKind(kind), None if way == _DEFAULT else DeliveryMode(way)


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
            self.fail("write them such as 22:00-07:00, or none", param, ctx)


@notifications_group.command("set")
@_of_company
@_user_option
@click.option(
    "--rule", "rules", type=_Rule(), multiple=True, help="Such as resolved=digest; email, digest, off, default."
)
@click.option("--zone", "time_zone", metavar="NAME", help="Such as Europe/Amsterdam.")
@click.option("--quiet", "quiet", type=_Hours(), help="Such as 22:00-07:00; none for no quiet hours.")
@click.option("--quiet-day", "days", type=click.Choice([*WEEK, _NONE]), multiple=True, help="May be given again.")
@click.option("--critical-breaks-quiet/--quiet-is-quiet", "critical_breaks_quiet", default=None,
              help="Whether mail about critical tickets waits too.")  # fmt: skip
@click.option("--digest", type=click.Choice([one.value for one in DigestFrequency]), help="How often.")
@click.option("--digest-at", type=_CLOCK, metavar="HH:MM", help="When a daily digest comes.")
@as_json
def set_rules(company: str, email: str, *, as_json: bool, **options: Any) -> None:
    """Say what a person hears of; what is not named stays."""
    values = _given(options)
    if not values:
        raise click.UsageError("Say what to change; see clearline notifications set --help")

    async def work(tx: Tx) -> UserPreferences:
        return await preferences.change_preferences(tx, OPERATOR, company, email, values, now=now())

    _print(within(work), as_json=as_json)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    values = {name: options[name] for name in ("time_zone", "critical_breaks_quiet") if options[name] is not None}
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


@notifications_group.command("contacts")
@company_option
@click.option("--on/--off", "mails", default=None, help="Whether they are written to from now on.")
@as_json
def contacts(company: str, *, mails: bool | None, as_json: bool) -> None:
    """Whether those whom a company's tickets name as contact are written to; without an option, only say so."""

    async def work(tx: Tx) -> tuple[Company, bool]:
        if mails is None:
            return await preferences.get_contact_mail(tx, OPERATOR, company)
        return await preferences.change_contact_mail(tx, OPERATOR, company, mails=mails, now=now())

    found, writes = within(work)
    if as_json:
        emit({"company": found.name, "mailsContacts": writes})
    else:
        click.echo(f"Contacts of {found.name} {'are' if writes else 'are not'} written to.")


@notifications_group.command("pending")
@limit_option
@as_json
def pending(limit: int, *, as_json: bool) -> None:
    """What waits to be told, what is due first standing first."""
    found = within(lambda tx: preferences.list_pending(tx, OPERATOR, limit=limit))
    if as_json:
        emit([
            {"dueAt": one.due_at, "recipient": one.recipient, "ticket": ticket_number(one.ticket_number),
             "type": one.type, "channel": one.channel, "at": one.at}
            for one in found
        ])  # fmt: skip
        return
    table(
        ("DUE", "TO", "TICKET", "WHAT", "HOW", "HAPPENED"),
        [(one.due_at, one.recipient, ticket_number(one.ticket_number), one.type, one.channel, one.at) for one in found],
    )


def _print(found: UserPreferences, *, as_json: bool) -> None:
    user, kept = found
    rules = effective_rules(kept, user.role)
    days = [WEEK[day - 1] for day in sorted(kept.quiet_days)]
    hours = None if kept.quiet_from is None else f"{kept.quiet_from:%H:%M}-{kept.quiet_to:%H:%M}"
    if as_json:
        emit({
            "user": user.email, "timeZone": kept.time_zone, "quiet": hours, "quietDays": days,
            "criticalBreaksQuiet": kept.critical_breaks_quiet, "digest": kept.digest,
            "digestAt": f"{kept.digest_at:%H:%M}", "rules": rules,
        })  # fmt: skip
        return
    table(("KIND", "WAY"), list(rules.items()))
    daily = f" at {kept.digest_at:%H:%M}" if kept.digest is DigestFrequency.DAILY else ""
    quiet = ", ".join(filter(None, [hours, *days])) or "none"
    critical = "; critical tickets do not wait" if kept.critical_breaks_quiet else ""
    click.echo(f"\nDigest {kept.digest}{daily}. Quiet: {quiet}{critical}. Time zone {kept.time_zone}.")
