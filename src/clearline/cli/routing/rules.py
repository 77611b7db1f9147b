"""Routing rules: by which a new ticket finds its queue."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from clearline.accounts import permissions
from clearline.cli.context import as_json, emit, limit_option, table, within
from clearline.cli.routing.preview import CALLED, ISSUE, PRIORITY, SERVICE
from clearline.clock import now
from clearline.errors import NotFound
from clearline.identity import OPERATOR
from clearline.inventory.domain import ServiceType
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.routing import rule_usecases as routing_rules
from clearline.routing.domain import CONDITIONS, RoutingRule
from clearline.routing.rule_store import RuleDetails
from clearline.tickets.domain import IssueType, Priority

_POSITION = click.IntRange(min=1)
_CONDITIONS = (
    click.option("--issue", multiple=True, type=ISSUE, help="One of these issue types; repeat for several."),
    click.option("--service", multiple=True, type=SERVICE, help="One of these service types; repeat for several."),
    click.option("--company", multiple=True, metavar="NAME", help="One of these companies; repeat for several."),
    click.option("--priority", multiple=True, type=PRIORITY, help="One of these priorities; repeat for several."),
    click.option("--keyword", multiple=True, help="One of these words in title or description; repeat for several."),
)


def conditions(command: Callable[..., None]) -> Callable[..., None]:
    """The options that name a rule's conditions."""
    for option in reversed(_CONDITIONS):
        command = option(command)
    return command


@click.group()
def route() -> None:
    """Routing rules: the first active one whose every condition holds chooses a new ticket's queue.

    RULE is a rule's position in the list, or its id.
    """


@route.command("add")
@click.argument("name")
@click.option("--queue", required=True, metavar="NAME", help="Where the tickets go.")
@conditions
@click.option("--position", type=_POSITION, help="Where it stands; by default at the end.")
@click.option("--inactive", is_flag=True, help="It is not used yet.")
@as_json
def route_add(
    name: str, queue: str, position: int | None, *, inactive: bool, as_json: bool, **given: tuple[str, ...]
) -> None:
    """Make a rule. Without conditions it takes every ticket."""

    async def work(tx: Tx) -> RuleDetails:
        target = await queues.queue_named(tx, OPERATOR, queue)
        values = {"name": name, "queue_id": target.id, "is_active": not inactive, **await _values(tx, given)}
        return await routing_rules.add_rule(tx, OPERATOR, values, position=position, now=now())

    added = within(work)
    emit(_described(added)) if as_json else click.echo(f"Rule {added.rule.name} added at {added.rule.position}.")


@route.command("list")
@click.option("--after", type=_POSITION, help="Go on behind this position.")
@limit_option
@as_json
def route_list(after: int | None, limit: int, *, as_json: bool) -> None:
    """Rules in order."""
    found = within(lambda tx: routing_rules.list_rules(tx, OPERATOR, after=after, limit=limit))
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("POSITION", "NAME", "QUEUE", "ACTIVE", "CONDITIONS"),
        [
            (one.rule.position, one.rule.name, one.queue_name, one.rule.is_active, _conditions(one.rule))
            for one in found
        ],
    )


@route.command("change")
@click.argument("rule")
@click.option("--name", help="Another name.")
@click.option("--queue", metavar="NAME", help="Where the tickets go.")
@conditions
@click.option(
    "--any",
    "dropped",
    multiple=True,
    type=click.Choice([CALLED[name] for name in CONDITIONS]),
    help="Drop this condition; repeat for several.",
)
@click.option("--active/--inactive", default=None, help="Whether it is used.")
@as_json
def route_change(
    rule: str,
    name: str | None,
    queue: str | None,
    dropped: tuple[str, ...],
    *,
    active: bool | None,
    as_json: bool,
    **given: tuple[str, ...],
) -> None:
    """Change a rule; what is not named stays as it is, and a condition that is named is replaced whole."""

    async def work(tx: Tx) -> RuleDetails:
        found = await _named(tx, rule)
        target = None if queue is None else (await queues.queue_named(tx, OPERATOR, queue)).id
        said = {"name": name, "queue_id": target, "is_active": active}
        values: dict[str, Any] = {field: value for field, value in said.items() if value is not None}
        values |= {field: () for field in CONDITIONS if CALLED[field] in dropped}
        values |= {field: value for field, value in (await _values(tx, given)).items() if value}
        return await routing_rules.change_rule(tx, OPERATOR, found.id, values, now=now())

    changed = within(work)
    emit(_described(changed)) if as_json else click.echo(f"Rule {changed.rule.name} is as it should be.")


@route.command("move")
@click.argument("rule")
@click.argument("position", type=_POSITION)
@as_json
def route_move(rule: str, position: int, *, as_json: bool) -> None:
    """Put a rule at another position; those between close up."""

    async def work(tx: Tx) -> RuleDetails:
        found = await _named(tx, rule)
        return await routing_rules.change_rule(tx, OPERATOR, found.id, {"position": position}, now=now())

    moved = within(work)
    emit(_described(moved)) if as_json else click.echo(f"Rule {moved.rule.name} stands at {moved.rule.position}.")


@route.command("delete")
@click.argument("rule")
@as_json
def route_delete(rule: str, *, as_json: bool) -> None:
    """Delete a rule. Tickets that it routed stay where they are."""

    async def work(tx: Tx) -> RuleDetails:
        found = await routing_rules.get_rule(tx, OPERATOR, (await _named(tx, rule)).id)
        await routing_rules.delete_rule(tx, OPERATOR, found.rule.id, now=now())
        return found

    gone = within(work)
    emit(_described(gone)) if as_json else click.echo(f"Rule {gone.rule.name} deleted.")


async def _values(tx: Tx, given: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """Conditions as the domain names and keeps them."""
    return {
        "issue_types": tuple(map(IssueType, given["issue"])),
        "service_types": tuple(map(ServiceType, given["service"])),
        "company_ids": tuple([(await permissions.company_named(tx, OPERATOR, one)).id for one in given["company"]]),
        "priorities": tuple(map(Priority, given["priority"])),
        "keywords": given["keyword"],
    }


async def _named(tx: Tx, text: str) -> RoutingRule:
    """The rule at this position, or of this id."""
    if text.isascii() and text.isdigit():
        found = await routing_rules.list_rules(tx, OPERATOR, after=int(text[:9]) - 1, limit=1)
        if not found or str(found[0].rule.position) != text:
            raise NotFound("routing rule", text)
        return found[0].rule
    try:
        return (await routing_rules.get_rule(tx, OPERATOR, UUID(text))).rule
    except ValueError:
        raise NotFound("routing rule", text) from None


def _conditions(rule: RoutingRule) -> str:
    """The conditions, for people; companies are only counted."""
    shown = [
        f"{CALLED[name]}: {', '.join(getattr(rule, name))}"
        for name in ("issue_types", "service_types", "priorities", "keywords")
        if getattr(rule, name)
    ]
    if rule.company_ids:
        shown.append(f"company: {len(rule.company_ids)} named")
    return "; ".join(shown) or "every ticket"


def _described(found: RuleDetails) -> dict[str, object]:
    rule = found.rule
    return {
        "id": rule.id,
        "position": rule.position,
        "name": rule.name,
        "queue": found.queue_name,
        "issueTypes": rule.issue_types,
        "serviceTypes": rule.service_types,
        "companies": rule.company_ids,
        "priorities": rule.priorities,
        "keywords": rule.keywords,
        "isActive": rule.is_active,
        "createdAt": rule.created_at,
    }
