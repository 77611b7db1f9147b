"""Commands for routing rules, and for what they do to a ticket."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from clearline.accounts import permissions
from clearline.catalogue import usecases as catalogue
from clearline.catalogue.assessment import Priority
from clearline.cli.context import transact
from clearline.cli.fields.values import field_option, given_fields
from clearline.cli.output import json_option, limit_option, print_json, print_table, show, show_done, show_list
from clearline.cli.parameters.ids import resolve_among
from clearline.cli.parameters.numbers import TICKET
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.questions import can_ask, confirm, yes_option
from clearline.cli.terminal.text import echo
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.routing import rule_usecases as routing_rules
from clearline.routing import usecases as routing
from clearline.routing.domain import CONDITIONS, RoutingRule, RuleResult
from clearline.routing.rule_store import RuleDetails
from clearline.routing.usecases import RoutingPreview
from clearline.tickets import access
from clearline.tickets.domain import TicketView
from clearline.wires.house.routing.mapping import preview_out, rule_out
from clearline.wires.house.tickets.mapping import ticket_out

_POSITION = click.IntRange(min=1)
_PRIORITY = click.Choice([priority.value for priority in Priority])
_MOST = 100_000
"""More rules than a desk has."""
_OPTIONS = {
    "issue_types": "issue",
    "service_types": "service",
    "company_ids": "company",
    "priorities": "priority",
    "keywords": "keyword",
    "fields": "field",
    "is_active": "active",
}
"""The option that sets each condition of a rule."""


def _condition_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that set a rule's conditions."""
    for option in (
        click.option(
            "--field",
            multiple=True,
            metavar="KEY:VALUE",
            help="Own field, such as region:emea,apac or latency:>20; repeat for several, all of which must hold.",
        ),
        click.option("--keyword", multiple=True, help="Word in the title or description; repeat for several."),
        click.option("--priority", multiple=True, type=_PRIORITY, help="Priority; repeat for several."),
        click.option("--company", multiple=True, metavar="NAME", help="Company; repeat for several."),
        click.option(
            "--service", multiple=True, metavar="TYPE", help="Service type, by key or name; repeat for several."
        ),
        click.option("--issue", multiple=True, metavar="TYPE", help="Issue type, by key or name; repeat for several."),
    ):
        command = option(command)
    return command


@click.group()
def route() -> None:
    """Manage routing rules, and route tickets.

    The first active rule that matches a new ticket chooses its queue. RULE is the position or the id of a rule.
    """


@route.command("add")
@click.argument("name")
@click.option("--queue", required=True, metavar="NAME", help="Queue that matching tickets go to.")
@_condition_options
@click.option("--position", type=_POSITION, help="Position in the list; by default the end.")
@click.option("--inactive", is_flag=True, help="Do not use the rule yet.")
@json_option
def route_add(
    name: str, queue: str, position: int | None, *, inactive: bool, as_json: bool, **conditions: tuple[str, ...]
) -> None:
    """Add a rule. Without conditions it matches every ticket."""

    async def work(tx: Tx) -> tuple[RuleDetails, list[str]]:
        target = await queues.queue_named(tx, OPERATOR, queue)
        values = {"name": name, "queue_id": target.id, "is_active": not inactive, **await _values(tx, conditions)}
        before = await _shadowed(tx)
        created = await routing_rules.add_rule(tx, OPERATOR, values, position=position, now=now())
        return created, await _warnings(tx, before)

    added, warnings = transact(work)
    show(rule_out(added), f"Rule {added.rule.name} added at position {added.rule.position}.", as_json=as_json)
    _print_warnings(warnings)


async def _shadowed(tx: Tx) -> dict[UUID, RuleDetails]:
    """Return the rules that no ticket reaches, in order."""
    rules = await routing_rules.list_rules(tx, OPERATOR, after=None, limit=_MOST)
    return {details.rule.id: details for details in rules if details.shadowed_by is not None}


async def _warnings(tx: Tx, before: dict[UUID, RuleDetails]) -> list[str]:
    """Return a sentence for each rule that no ticket reaches any more; ``before`` were those before a change."""
    return [
        f"Rule {details.rule.name} at position {details.rule.position} {_taken(details)}."
        for rule_id, details in (await _shadowed(tx)).items()
        if rule_id not in before
    ]


def _taken(details: RuleDetails) -> str:
    """Return what becomes of the tickets of a rule that no ticket reaches."""
    taker = details.shadowed_by
    return "" if taker is None else f"gets no ticket: rule {taker.name} at position {taker.position} takes them all"


def _print_warnings(warnings: list[str]) -> None:
    for warning in warnings:
        echo(warning, err=True)


@route.command("list")
@click.option("--after", type=_POSITION, help="Start after this position.")
@limit_option
@json_option
def route_list(after: int | None, limit: int, *, as_json: bool) -> None:
    """List rules by position."""
    rules = transact(lambda tx: routing_rules.list_rules(tx, OPERATOR, after=after, limit=limit + 1))
    show_list(
        rules,
        rule_out,
        ("POSITION", "NAME", "QUEUE", "ACTIVE", "CONDITIONS"),
        lambda details: (
            details.rule.position,
            details.rule.name,
            details.queue_name,
            details.rule.is_active,
            _conditions(details.rule) + (f" ({taken})" if (taken := _taken(details)) else ""),
        ),
        noun="rules",
        as_json=as_json,
        limit=limit,
    )


def _conditions(rule: RoutingRule) -> str:
    """Return the conditions as people read them; companies are only counted."""
    conditions = [
        f"{_OPTIONS[name]}: {', '.join(getattr(rule, name))}"
        for name in ("issue_types", "service_types", "priorities", "keywords", "fields")
        if getattr(rule, name)
    ]
    if rule.company_ids:
        conditions.append(f"company: one of {len(rule.company_ids)}")
    return "; ".join(conditions) or "every ticket"


@route.command("change")
@click.argument("rule")
@click.option("--name", help="New name.")
@click.option("--queue", metavar="NAME", help="Queue that matching tickets go to.")
@_condition_options
@click.option(
    "--any",
    "dropped",
    multiple=True,
    type=click.Choice([_OPTIONS[name] for name in CONDITIONS]),
    help="Remove this condition; repeat for several.",
)
@click.option("--active/--inactive", default=None, help="Whether the rule is used.")
@json_option
def route_change(
    rule: str,
    name: str | None,
    queue: str | None,
    dropped: tuple[str, ...],
    *,
    active: bool | None,
    as_json: bool,
    **conditions: tuple[str, ...],
) -> None:
    """Change a rule. A condition that is given replaces the one before; the others stay."""

    async def work(tx: Tx) -> tuple[RuleDetails, RuleDetails, list[str]]:
        shadowed = await _shadowed(tx)
        current = await _rule(tx, rule)
        target = None if queue is None else (await queues.queue_named(tx, OPERATOR, queue)).id
        changes = {"name": name, "queue_id": target, "is_active": active}
        values: dict[str, Any] = {field: value for field, value in changes.items() if value is not None}
        values |= {field: () for field in CONDITIONS if _OPTIONS[field] in dropped}
        values |= {field: value for field, value in (await _values(tx, conditions)).items() if value}
        before = await routing_rules.get_rule(tx, OPERATOR, current.id)
        changed = await routing_rules.change_rule(tx, OPERATOR, current.id, values, now=now())
        return before, changed, await _warnings(tx, shadowed)

    *details, warnings = transact(work)
    before, after = map(rule_out, details)
    show(after, change_text(f"Rule {after.name}", before, after), as_json=as_json)
    _print_warnings(warnings)


@route.command("move")
@click.argument("rule")
@click.argument("position", type=_POSITION)
@json_option
def route_move(rule: str, position: int, *, as_json: bool) -> None:
    """Move a rule to another position."""

    async def work(tx: Tx) -> tuple[RuleDetails, list[str]]:
        before = await _shadowed(tx)
        current = await _rule(tx, rule)
        changed = await routing_rules.change_rule(tx, OPERATOR, current.id, {"position": position}, now=now())
        return changed, await _warnings(tx, before)

    moved, warnings = transact(work)
    show(rule_out(moved), f"Rule {moved.rule.name} moved to position {moved.rule.position}.", as_json=as_json)
    _print_warnings(warnings)


@route.command("delete")
@click.argument("rule")
@yes_option
@json_option
def route_delete(rule: str, *, yes: bool, as_json: bool) -> None:
    """Delete a rule. Tickets that it routed stay in their queues."""
    if not yes and can_ask():  # a position is easily mistaken: the name is shown
        named = transact(lambda tx: _rule(tx, rule))
        confirm(f"Delete rule {named.name} at position {named.position}?", yes=yes)
        rule = str(named.id)

    async def work(tx: Tx) -> RoutingRule:
        current = await _rule(tx, rule)
        await routing_rules.delete_rule(tx, OPERATOR, current.id, now=now())
        return current

    deleted = transact(work)
    show_done(f"Rule {deleted.name} deleted.", as_json=as_json)


async def _values(tx: Tx, conditions: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return conditions by the names of the domain."""
    companies = [(await permissions.company_named(tx, OPERATOR, name)).id for name in conditions["company"]]
    return {
        "issue_types": await catalogue.issue_keys(tx, conditions["issue"], "--issue"),
        "service_types": await catalogue.service_keys(tx, conditions["service"], "--service"),
        "company_ids": tuple(companies),
        "priorities": tuple(map(Priority, conditions["priority"])),
        "keywords": conditions["keyword"],
        "fields": conditions["field"],
    }


async def _rule(tx: Tx, text: str) -> RoutingRule:
    """Return the rule at this position, or with this id or beginning of an id."""
    rules = [details.rule for details in await routing_rules.list_rules(tx, OPERATOR, after=None, limit=_MOST)]
    at_position = next((rule for rule in rules if str(rule.position) == text), None)
    if at_position is not None:
        return at_position

    async def ids() -> list[UUID]:
        return [rule.id for rule in rules]

    return (await routing_rules.get_rule(tx, OPERATOR, await resolve_among(text, "routing rule", ids))).rule


@route.command("test")
@click.option("--ticket", type=TICKET, metavar="NUMBER", help="Ticket to test with; other options replace its values.")
@click.option("--issue", metavar="TYPE", help="Issue type, by key or name; required without --ticket.")
@click.option("--service", metavar="TYPE", help="Service type, by key or name; required without --ticket.")
@click.option("--company", metavar="NAME", help="Company of the ticket; by default any.")
@click.option("--priority", type=_PRIORITY, help="Priority; by default that of the issue type.")
@click.option("--title", help="Title of the ticket.")
@click.option("--description", help="Description of the ticket.")
@field_option
@json_option
def route_test(ticket: str | None, *, fields: tuple[str, ...], as_json: bool, **values: str | None) -> None:
    """Show how a ticket would be routed now, and why. Nothing is changed."""
    if ticket is None and (values["issue"] is None or values["service"] is None):
        raise click.UsageError("Give --ticket, or --issue and --service.")

    async def work(tx: Tx) -> RoutingPreview:
        number = None if ticket is None else access.parse_number(ticket)
        given = await _facts(tx, values) | given_fields(fields)
        facts = await routing.facts_of(tx, OPERATOR, number, given)
        return await routing.preview(tx, OPERATOR, facts)

    preview = transact(work)
    if as_json:
        print_json(preview_out(preview))
    else:
        _print_preview(preview)


async def _facts(tx: Tx, options: dict[str, str | None]) -> dict[str, Any]:
    values: dict[str, Any] = {name: options[name] for name in ("title", "description") if options[name] is not None}
    if (issue := options["issue"]) is not None:
        [values["issue_type"]] = await catalogue.issue_keys(tx, [issue], "--issue")
    if (service := options["service"]) is not None:
        [values["service_type"]] = await catalogue.service_keys(tx, [service], "--service")
    if (priority := options["priority"]) is not None:
        values["priority"] = Priority(priority)
    if (company := options["company"]) is not None:
        values["company_id"] = (await permissions.company_named(tx, OPERATOR, company)).id
    return values


def _print_preview(preview: RoutingPreview) -> None:
    decides = next((result.rule for result in preview.results if not result.failed), None)
    rows = [(result.rule.position, result.rule.name, _result(result, decides)) for result in preview.results]
    print_table(("POSITION", "RULE", "RESULT"), rows)
    queue, agent = preview.queue, preview.choice.agent
    echo(f"\nQueue: {queue.name if queue else 'none'}")
    echo(f"Agent: {agent.name if agent else 'none'} ({preview.choice.why})")


def _result(result: RuleResult, decides: RoutingRule | None) -> str:
    if result.failed:
        return "does not match: " + ", ".join(_OPTIONS[name] for name in result.failed)
    if decides is None or result.rule.id == decides.id:
        return "matches, and decides"
    return f"matches, but rule {decides.position} decides"


@route.command("ticket")
@click.argument("number", type=TICKET)
@json_option
def route_ticket(number: str, *, as_json: bool) -> None:
    """Route a ticket again by the rules as they are now."""

    async def work(tx: Tx) -> TicketView:
        return await routing.route_ticket(tx, OPERATOR, access.parse_number(number), now=now())

    ticket = transact(work)
    text = f"{number} is in {ticket.queue_name or 'no queue'}, assigned to {ticket.assignee_name or 'nobody'}."
    show(ticket_out(ticket, OPERATOR), text, as_json=as_json)
