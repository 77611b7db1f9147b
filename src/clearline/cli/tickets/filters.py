"""The options of filters of tickets: for lists, exports and bulk changes."""

from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Any, TypeVar

import click

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.accounts.tiers import usecases as tiers
from clearline.catalogue import usecases as catalogue
from clearline.catalogue.assessment import Priority, Severity
from clearline.cli.parameters.times import TIME, span_of, span_options
from clearline.fields import value_usecases as own_values
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.platform.database.transactions import Tx
from clearline.queues import team_usecases as teams
from clearline.queues import usecases as queues
from clearline.tickets.domain import Status
from clearline.tickets.label_domain import normalize_tags
from clearline.tickets.list_store import Filter
from clearline.tickets.status_domain import State, state_of

Command = TypeVar("Command", bound=Callable[..., object])
_NONE = "none"
_RENAMED = ("--queue", "--priority", "--severity")


def _several(name: str, kind: type[StrEnum], about: str, field: str) -> Callable[[Command], Command]:
    choice = click.Choice([member.value for member in kind])
    return click.option(name, field, type=choice, multiple=True, help=f"Only tickets with this {about}; repeatable.")


def _types(name: str, about: str, field: str) -> Callable[[Command], Command]:
    help_text = f"Only tickets with this {about}, by key or name; repeatable."
    return click.option(name, field, multiple=True, metavar="TYPE", help=help_text)


def _terms(name: str, field: str, about: str) -> Callable[[Command], Command]:
    return click.option(name, field, multiple=True, metavar="KEY", help=f"Only tickets with {about}; repeatable.")


_LISTED = (
    _terms("--tier", "tiers", "this tier of the company"),
    _terms("--sub-status", "sub_statuses", "this sub-status"),
    _terms("--waiting", "waiting_reasons", "this reason to wait"),
)
"""The options of keys that are data."""


def _external_id(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, str] | None:
    if value is None:
        return None
    system, colon, number = value.partition(":")
    if not (system and colon and number):
        raise click.BadParameter("must be the name of a system and its number, such as jira:OPS-17")
    return system, number


def _own_field(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, str] | None:
    if value is None:
        return None
    key, colon, text = value.partition(":")
    if not (key and colon and text):
        raise click.BadParameter("must be the key of a field and a value, such as circuit_ref:BIR-104")
    return key, text


_EXTERNAL_ID = click.option(
    "--external-id", callback=_external_id, metavar="SYSTEM:NUMBER", help="Only tickets with this external id."
)
_WITH_FIELD = click.option(
    "--with-field",
    callback=_own_field,
    metavar="KEY:VALUE",
    help="Only tickets with this value of an own field, or a span such as size:10..20.",
)


_REMINDER_OPTIONS = (
    click.option(
        "--reminder/--no-reminder",
        "has_reminder",
        default=None,
        help="Only tickets with a reminder, or without.",
    ),
    click.option(
        "--reminder-since", type=TIME, metavar="TIME", help="Only with a reminder due at this time or later (UTC)."
    ),
    click.option(
        "--reminder-until", type=TIME, metavar="TIME", help="Only with a reminder due before this time (UTC)."
    ),
)


def filter_options(*, current: Collection[str] = ()) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of filters to a command.

    ``current`` are the filters whose names the command has for the new values of tickets: ``--queue`` is
    ``--current-queue`` then. The parameters of the command are named after the filters all the same.
    """
    names = {name: name.replace("--", "--current-", 1) if name in current else name for name in _RENAMED}
    options = (
        click.option("--company", metavar="NAME", help="Only tickets of this company."),
        click.option(names["--queue"], "queue", metavar="NAME", help="Only tickets in this queue."),
        click.option("--team", metavar="NAME", help="Only tickets in queues of this team."),
        click.option(
            "--assignee", metavar="EMAIL", help="Only tickets assigned to this agent; none for unassigned tickets."
        ),
        click.option("--watcher", metavar="EMAIL", help="Only tickets that this agent watches."),
        _several("--status", Status, "status", "statuses"),
        _several(names["--priority"], Priority, "priority", "priorities"),
        _several(names["--severity"], Severity, "severity", "severities"),
        _types("--issue", "type of issue", "issue_types"),
        _types("--service-type", "type of service", "service_types"),
        click.option("--service", "service_id", metavar="ID", help="Only tickets about this service; with --company."),
        click.option(
            "--tag", "tags", multiple=True, metavar="TAG", help="Only tickets with this tag; repeat for several."
        ),
        *_LISTED,
        click.option("--contact", metavar="EMAIL", help="Only tickets of this contact."),
        click.option("--cc", metavar="EMAIL", help="Only tickets of whose mail this address gets copies."),
        _EXTERNAL_ID,
        click.option("--case", "case_number", metavar="NUMBER", help="Only tickets with this case at a third party."),
        _WITH_FIELD,
        click.option("--has-file/--no-file", default=None, help="Only tickets with an attachment, or without any."),
        *_REMINDER_OPTIONS,
        span_options("tickets created"),
        click.option(
            "--updated-since", type=TIME, metavar="TIME", help="Only tickets last changed at this time or later (UTC)."
        ),
        click.option(
            "--updated-until", type=TIME, metavar="TIME", help="Only tickets last changed before this time (UTC)."
        ),
        click.option(
            "--occurred-since", type=TIME, metavar="TIME", help="Only faults that began at this time or later (UTC)."
        ),
        click.option(
            "--occurred-until", type=TIME, metavar="TIME", help="Only faults that began before this time (UTC)."
        ),
        click.option(
            "--chronic/--not-chronic",
            "is_chronic",
            default=None,
            help="Only tickets of services with many tickets in a short time, or only others.",
        ),
    )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def has_filter(options: dict[str, Any]) -> bool:
    """Return whether any of the options of filters is given."""
    return any(value is not None and value != () for value in options.values())


async def filter_of(tx: Tx, state: State | None, options: dict[str, Any]) -> Filter:
    """Return the filter that options give, and look names up. Without a state it is that of the statuses, or open.

    Raises:
        NotFound: there is no company, queue, team or person of a name.
        click.UsageError: a span of time ends before it begins.
    """
    company, queue, team = options["company"], options["queue"], options["team"]

    async def person(name: str) -> Any:
        email = options[name]
        return None if email in {None, _NONE} else (await accounts.get_user(tx, OPERATOR, PROVIDER_ID, email)).id

    statuses = tuple(map(Status, options["statuses"]))
    return Filter(
        state=state or state_of(statuses),
        company_id=None if company is None else (await permissions.company_named(tx, OPERATOR, company)).id,
        queue_id=None if queue is None else (await queues.queue_named(tx, OPERATOR, queue)).id,
        team_id=None if team is None else (await teams.team_named(tx, OPERATOR, team)).team.id,
        assignee_id=await person("assignee"),
        unassigned=options["assignee"] == _NONE,
        watcher_id=await person("watcher"),
        status=statuses[0] if len(statuses) == 1 else None,
        statuses=statuses if len(statuses) > 1 else (),
        priorities=tuple(map(Priority, options["priorities"])),
        severities=tuple(map(Severity, options["severities"])),
        issue_types=await catalogue.issue_keys(tx, options["issue_types"], "--issue"),
        service_types=await catalogue.service_keys(tx, options["service_types"], "--service-type"),
        service_id=options["service_id"],
        tags=normalize_tags(options["tags"]),
        sub_statuses=tuple(options["sub_statuses"]),
        tiers=await tiers.tier_keys(tx, OPERATOR, options["tiers"], "--tier"),
        waiting_reasons=tuple(options["waiting_reasons"]),
        contact=options["contact"],
        cc=options["cc"],
        external_id=options["external_id"],
        case_number=options["case_number"],
        has_file=options["has_file"],
        has_reminder=options["has_reminder"],
        reminder=span_of(options["reminder_since"], options["reminder_until"], "--reminder-until"),
        created=span_of(options["since"], options["until"]),
        updated=span_of(options["updated_since"], options["updated_until"], "--updated-until"),
        occurred=span_of(options["occurred_since"], options["occurred_until"], "--occurred-until"),
        is_chronic=options["is_chronic"],
        **await _value_filter(tx, options["with_field"]),
    )


async def _value_filter(tx: Tx, given: tuple[str, str] | None) -> dict[str, Any]:
    return {} if given is None else await own_values.list_filter(tx, OPERATOR, *given)
